"""Calls as values: the options, paths and filters that they are made of, and the parsers of their responses."""
