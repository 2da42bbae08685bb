"""The transport on httpx and httpx2."""

from .http import HttpxTransport

__all__ = ["HttpxTransport"]
