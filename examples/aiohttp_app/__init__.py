"""A live guestbook: an aiohttp application that has PocketBase behind it."""

from .app import create_app

__all__ = ["create_app"]
