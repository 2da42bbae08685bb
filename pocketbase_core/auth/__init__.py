"""The token and the record of the signed-in user, and the stores that hold them."""

from .persistent import AsyncAuthStore, FileAuthStore
from .store import AuthStore

__all__ = ["AsyncAuthStore", "AuthStore", "FileAuthStore"]
