"""The meaning of the exceptions of httpx, and of httpx2, where they have the same names."""

from types import ModuleType

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import Fault, Faults

_BY_NAME = {
    # No connection, so nothing left.
    "ConnectError": Fault(ConnectionFailed, never_sent=True),
    "ConnectTimeout": Fault(TimedOut, never_sent=True),
    "PoolTimeout": Fault(TimedOut, never_sent=True),
    "ProxyError": Fault(ConnectionFailed, never_sent=True),
    "UnsupportedProtocol": Fault(ConnectionFailed, never_sent=True),
    "InvalidURL": Fault(ConnectionFailed, never_sent=True),
    # The connection broke at some point.
    "TimeoutException": Fault(TimedOut),
    "NetworkError": Fault(ConnectionFailed),
    "ProtocolError": Fault(ConnectionFailed),
    "DecodingError": Fault(ConnectionFailed),
    "StreamError": Fault(ConnectionFailed),
    "HTTPError": Fault(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: httpcore's, and our own. They choose the words
# of an error. A timeout of the pool's own would race with that of the exchange, which includes the wait.
WAITING = ("wait_for_connection", "take_place")


def faults(library: ModuleType) -> Faults:
    """Make the table for one of the two libraries."""
    table: dict[type[Exception], Fault] = {getattr(library, name): fault for name, fault in _BY_NAME.items()}
    return {**table, TimeoutError: Fault(TimedOut), OSError: Fault(ConnectionFailed)}
