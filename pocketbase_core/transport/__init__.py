"""The kit for adapters: `Exchange`, the mapping of a library's exceptions, and bodies that are streamed."""

from ..concurrency.event_loops import OwnerLoop, running_loop
from ..suggestions import closest
from .discovery import wrapper_of
from .exception_map import ErrorMap, ErrorMapping, PoolWait
from .exchange import EVENT_STREAM, Exchange
from .limits import read_error_body
from .request_body import RequestBody
from .streaming import BodyStream, StreamingResponse

__all__ = [
    "EVENT_STREAM",
    "BodyStream",
    "ErrorMap",
    "ErrorMapping",
    "Exchange",
    "OwnerLoop",
    "PoolWait",
    "RequestBody",
    "StreamingResponse",
    "closest",
    "read_error_body",
    "running_loop",
    "wrapper_of",
]
