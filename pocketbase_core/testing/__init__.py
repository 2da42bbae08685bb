"""Helpers for tests, examples and experiments."""

from .server import LocalServer

__all__ = ["LocalServer"]
