"""The immutable requests, responses and events that pass through the middleware."""

from .client_options import ClientOptions as ClientOptions
from .events import ServerSentEvent as ServerSentEvent
from .headers import Headers as Headers
from .headers import MutableHeaders as MutableHeaders
from .request import Request as Request
from .request import RequestDraft as RequestDraft
from .response import Response as Response
