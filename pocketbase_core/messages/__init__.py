"""The immutable requests, responses and events that pass through the middleware."""

from .client_options import ClientOptions
from .events import ServerSentEvent
from .headers import Headers, MutableHeaders
from .request import Request, RequestDraft
from .response import Response

__all__ = [
    "ClientOptions",
    "Headers",
    "MutableHeaders",
    "Request",
    "RequestDraft",
    "Response",
    "ServerSentEvent",
]
