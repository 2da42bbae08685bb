"""The endpoints: pure functions from arguments to a `Call`."""
