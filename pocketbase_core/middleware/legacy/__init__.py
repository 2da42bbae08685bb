"""PocketBase 0.22 behind the interface of the current version."""
