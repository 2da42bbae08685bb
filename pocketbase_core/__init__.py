"""PocketBase for async Python, on the HTTP library that the application already uses."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .auth import AsyncAuthStore, AuthStore, FileAuthStore
    from .client import PocketBase
    from .endpoints.pages import Page
    from .errors import (
        PocketBaseBadRequestError,
        PocketBaseBatchError,
        PocketBaseConnectionError,
        PocketBaseDecodeError,
        PocketBaseError,
        PocketBaseForbiddenError,
        PocketBaseNotFoundError,
        PocketBaseRateLimitError,
        PocketBaseServerError,
        PocketBaseTimeoutError,
        PocketBaseTransportError,
        PocketBaseUnauthorizedError,
    )
    from .messages import Headers, Request, Response, ServerSentEvent
    from .messages.uploads import FileUpload
    from .models.decoders import RecordEvent
    from .realtime import Gap, RealtimeSettings

__version__ = "0.2.0"

__all__ = [
    "AsyncAuthStore",
    "AuthStore",
    "FileAuthStore",
    "FileUpload",
    "Gap",
    "Headers",
    "Page",
    "PocketBase",
    "PocketBaseBadRequestError",
    "PocketBaseBatchError",
    "PocketBaseConnectionError",
    "PocketBaseDecodeError",
    "PocketBaseError",
    "PocketBaseForbiddenError",
    "PocketBaseNotFoundError",
    "PocketBaseRateLimitError",
    "PocketBaseServerError",
    "PocketBaseTimeoutError",
    "PocketBaseTransportError",
    "PocketBaseUnauthorizedError",
    "RealtimeSettings",
    "RecordEvent",
    "Request",
    "Response",
    "ServerSentEvent",
]

_HOMES = {
    "endpoints.pages": ("Page",),
    "auth": ("AsyncAuthStore", "AuthStore", "FileAuthStore"),
    "client": ("PocketBase",),
    "messages": ("Headers", "Request", "Response", "ServerSentEvent"),
    "realtime": ("Gap", "RealtimeSettings"),
    "models.decoders": ("RecordEvent",),
    "messages.uploads": ("FileUpload",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("errors", "messages", "middleware", "ports", "testing")

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """A name is imported when it is first used: whoever needs an error or a file does not wait for all the rest."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME.get(name, 'errors')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
