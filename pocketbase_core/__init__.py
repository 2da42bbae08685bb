"""PocketBase for Python, with and without `await`, on the HTTP library that the application already uses.

The public modules are:

- `pocketbase_core`: the client, stores, errors and messages;
- `pocketbase_core.blocking`: the client without `await`;
- `pocketbase_core.errors`: the tree of errors;
- `pocketbase_core.fields`: typed filters and sorts;
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
    from .auth.async_store import AsyncAuthStore
    from .auth.file_store import FileAuthStore
    from .auth.store import AuthStore
    from .client import PocketBase
    from .credentials import PasswordCredentials
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
        PocketBaseSessionExpiredError,
        PocketBaseTimeoutError,
        PocketBaseTransportError,
        PocketBaseUnauthorizedError,
    )
    from .fields import Field
    from .live import LiveChange, LiveQuery
    from .messages import Headers, Request, RequestDraft, Response, ServerSentEvent
    from .messages.uploads import FileUpload
    from .middleware import Handler, Middleware
    from .models.decoders import RecordEvent
    from .models.geo_point import GeoPoint
    from .ports import StreamedResponse, Transport
    from .realtime.event_queue import Gap
    from .realtime.service import Realtime
    from .realtime.subscription import EventStream
    from .realtime.timing import RealtimeSettings
    from .services.auth import AuthService
    from .services.batch import Batch
    from .services.bulk.result import BulkResult, FailedRow
    from .services.queued import Queued
    from .services.records import RecordService

__version__ = "0.3.0"

__all__ = [
    "AsyncAuthStore",
    "AuthService",
    "AuthStore",
    "Batch",
    "BulkResult",
    "EventStream",
    "FailedRow",
    "Field",
    "FileAuthStore",
    "FileUpload",
    "Gap",
    "GeoPoint",
    "Handler",
    "Headers",
    "LiveChange",
    "LiveQuery",
    "Middleware",
    "Page",
    "PasswordCredentials",
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
    "PocketBaseSessionExpiredError",
    "PocketBaseTimeoutError",
    "PocketBaseTransportError",
    "PocketBaseUnauthorizedError",
    "Queued",
    "Realtime",
    "RealtimeSettings",
    "RecordEvent",
    "RecordService",
    "Request",
    "RequestDraft",
    "Response",
    "ServerSentEvent",
    "StreamedResponse",
    "Transport",
]

_NAMES_BY_MODULE = {
    "auth.async_store": ("AsyncAuthStore",),
    "auth.file_store": ("FileAuthStore",),
    "auth.store": ("AuthStore",),
    "client": ("PocketBase",),
    "credentials": ("PasswordCredentials",),
    "endpoints.pages": ("Page",),
    "fields": ("Field",),
    "live": ("LiveChange", "LiveQuery"),
    "messages": ("Headers", "Request", "RequestDraft", "Response", "ServerSentEvent"),
    "messages.uploads": ("FileUpload",),
    "middleware": ("Handler", "Middleware"),
    "models.decoders": ("RecordEvent",),
    "models.geo_point": ("GeoPoint",),
    "ports": ("StreamedResponse", "Transport"),
    "realtime.event_queue": ("Gap",),
    "realtime.service": ("Realtime",),
    "realtime.subscription": ("EventStream",),
    "realtime.timing": ("RealtimeSettings",),
    "services.auth": ("AuthService",),
    "services.batch": ("Batch",),
    "services.bulk.result": ("BulkResult", "FailedRow"),
    "services.queued": ("Queued",),
    "services.records": ("RecordService",),
}
_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}
_PUBLIC_MODULES = ("blocking", "errors", "fields", "messages", "middleware", "ports", "testing", "transport")

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import a public name or module on first use, so that a program that needs only errors loads only errors."""
    if name in _PUBLIC_MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        from .peer_names import advice

        if text := None if name.startswith("_") else advice(__name__, name):
            # `from pocketbase_core import …` shows the message of an ImportError, but not that of an AttributeError.
            raise ImportError(f"pocketbase_core has no {name!r}; {text}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_BY_NAME.get(name, 'errors')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({"__version__", *__all__, *_PUBLIC_MODULES})
