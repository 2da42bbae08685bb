"""The transport on httpx and httpx2."""

from .transport import HttpxTransport

__all__ = ["HttpxTransport"]
