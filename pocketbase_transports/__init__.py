"""The adapters: a transport for each HTTP library, which is imported when the transport's name is first used."""

from typing import TYPE_CHECKING, Any

from .mock import MockTransport

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport
    from .httpx import HttpxTransport
    from .pyreqwest import PyreqwestTransport

__all__ = ["AiohttpTransport", "HttpxTransport", "MockTransport", "PyreqwestTransport"]

_EXTRAS = {"AiohttpTransport": "aiohttp", "HttpxTransport": "httpx2", "PyreqwestTransport": "pyreqwest"}


def __getattr__(name: str) -> Any:
    try:
        if name == "AiohttpTransport":
            from .aiohttp import AiohttpTransport

            return AiohttpTransport
        if name == "HttpxTransport":
            from .httpx import HttpxTransport

            return HttpxTransport
        if name == "PyreqwestTransport":
            from .pyreqwest import PyreqwestTransport

            return PyreqwestTransport
    except ModuleNotFoundError as error:
        hint = f"run: pip install 'pocketbase-core[{_EXTRAS[name]}]'"
        raise ModuleNotFoundError(f"{error}; {hint}", name=error.name) from None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
