"""The endpoints of the API: pure functions that build a `Call` from arguments."""
