"""The transport on pyreqwest."""

from .transport import PyreqwestTransport

__all__ = ["PyreqwestTransport"]
