"""Calls that take several requests, or that wait."""
