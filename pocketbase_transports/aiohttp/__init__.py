"""The transport on aiohttp."""

from .transport import AiohttpTransport

__all__ = ["AiohttpTransport"]
