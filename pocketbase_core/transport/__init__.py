"""The kit for adapters: `Exchange`, the mapping of a library's exceptions, and bodies that are streamed."""

from ..concurrency.event_loops import OwnerLoop as OwnerLoop
from ..concurrency.event_loops import running_loop as running_loop
from ..suggestions import closest as closest
from .discovery import wrapper_of as wrapper_of
from .exception_map import ErrorMap as ErrorMap
from .exception_map import ErrorMapping as ErrorMapping
from .exception_map import PoolWait as PoolWait
from .exchange import EVENT_STREAM as EVENT_STREAM
from .exchange import Exchange as Exchange
from .limits import read_error_body as read_error_body
from .request_body import RequestBody as RequestBody
from .streaming import BodyStream as BodyStream
from .streaming import StreamingResponse as StreamingResponse
