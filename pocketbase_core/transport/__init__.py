"""The kit for adapters: one attempt to have a request answered, from its encoded body to the decompressed response."""

from ..concurrency.event_loops import OwnerLoop as OwnerLoop
from ..concurrency.event_loops import running_loop as running_loop
from .exchange import EVENT_STREAM as EVENT_STREAM
from .exchange import ErrorMap as ErrorMap
from .exchange import ErrorMapping as ErrorMapping
from .exchange import Exchange as Exchange
from .exchange import PoolWait as PoolWait
from .streaming import BodyStream as BodyStream
from .streaming import StreamingResponse as StreamingResponse
from .streaming import read_error_body as read_error_body
