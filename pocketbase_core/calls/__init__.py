"""Calls as values: options, paths and filters become requests, and parsers make values of responses."""
