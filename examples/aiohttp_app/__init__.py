"""A live guestbook: an aiohttp application with PocketBase as its backend."""

from .app import create_app

__all__ = ["create_app"]
