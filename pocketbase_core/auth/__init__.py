"""The token and the record of the signed-in user, and the stores that hold them."""

from .async_store import AsyncAuthStore
from .file_store import FileAuthStore
from .store import AuthStore

__all__ = ["AsyncAuthStore", "AuthStore", "FileAuthStore"]
