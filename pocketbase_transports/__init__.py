"""The adapters: a transport for each HTTP library, which is imported when the transport's name is first used."""

from typing import TYPE_CHECKING, Any

from .mock import MockTransport

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport
    from .httpx import HttpxTransport

__all__ = ["AiohttpTransport", "HttpxTransport", "MockTransport"]


def __getattr__(name: str) -> Any:
    try:
        if name == "AiohttpTransport":
            from .aiohttp import AiohttpTransport

            return AiohttpTransport
        if name == "HttpxTransport":
            from .httpx import HttpxTransport

            return HttpxTransport
    except ModuleNotFoundError as error:
        extra = "aiohttp" if name == "AiohttpTransport" else "httpx2"
        raise ModuleNotFoundError(f"{error}; run: pip install 'pocketbase-core[{extra}]'", name=error.name) from None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
