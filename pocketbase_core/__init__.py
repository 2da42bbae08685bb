"""PocketBase for async Python, on the HTTP library that the application already uses.

The public modules are:

- `pocketbase_core`: the client, stores, errors and messages;
- `pocketbase_core.errors`: the tree of errors;
- `pocketbase_core.messages`: requests, responses, headers and events;
- `pocketbase_core.middleware`: the ready-made middleware;
- `pocketbase_core.ports`: the protocols that a transport implements;
- `pocketbase_core.testing`: a local server, fixtures, and the contract tests for transports;
- `pocketbase_core.transport`: the kit for the authors of transports.

Everything else is internal and may change in any release.
"""

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
        PocketBaseInputError,
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
    "PocketBaseInputError",
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

_NAMES_BY_MODULE = {
    "auth": ("AsyncAuthStore", "AuthStore", "FileAuthStore"),
    "client": ("PocketBase",),
    "endpoints.pages": ("Page",),
    "messages": ("Headers", "Request", "Response", "ServerSentEvent"),
    "messages.uploads": ("FileUpload",),
    "models.decoders": ("RecordEvent",),
    "realtime": ("Gap", "RealtimeSettings"),
}
_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}
_PUBLIC_MODULES = ("errors", "messages", "middleware", "ports", "testing", "transport")

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import a public name or module on first use, so that a program that needs only errors loads only errors."""
    if name in _PUBLIC_MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_BY_NAME.get(name, 'errors')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
