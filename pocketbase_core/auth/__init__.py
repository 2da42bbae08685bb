"""Who is signed in."""

from .persistent import AsyncAuthStore, FileAuthStore
from .store import AuthStore

__all__ = ["AsyncAuthStore", "AuthStore", "FileAuthStore"]
