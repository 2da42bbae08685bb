"""The transport on aiohttp."""

from .http import AiohttpTransport

__all__ = ["AiohttpTransport"]
