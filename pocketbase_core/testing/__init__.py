"""Helpers for tests, examples and experiments."""

from .mock import PocketBaseMock
from .server import LocalServer

__all__ = ["LocalServer", "PocketBaseMock"]
