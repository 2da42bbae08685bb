"""What tests, examples and experiments need."""

from .server import LocalServer

__all__ = ["LocalServer"]
