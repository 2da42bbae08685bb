"""The kit for adapters: one attempt to have a request answered, from its encoded body to the decompressed response."""

from ..concurrency.event_loops import OwnerLoop as OwnerLoop
from ..concurrency.event_loops import running_loop as running_loop
from .exchange import EVENT_STREAM as EVENT_STREAM
from .exchange import Exchange as Exchange
from .exchange import Fault as Fault
from .exchange import Faults as Faults
from .exchange import Waiting as Waiting
from .streaming import Chunks as Chunks
from .streaming import Streamed as Streamed
from .streaming import read_error as read_error
