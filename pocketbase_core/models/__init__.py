"""Records as instances of the user's own classes."""
