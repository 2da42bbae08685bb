"""The meaning of the exceptions of httpx, and of httpx2, where they have the same names."""

from types import ModuleType

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

_BY_NAME = {
    # No connection, so nothing left.
    "ConnectError": ErrorMapping(ConnectionFailed, never_sent=True),
    "ConnectTimeout": ErrorMapping(TimedOut, never_sent=True),
    "PoolTimeout": ErrorMapping(TimedOut, never_sent=True),
    "ProxyError": ErrorMapping(ConnectionFailed, never_sent=True),
    "UnsupportedProtocol": ErrorMapping(ConnectionFailed, never_sent=True),
    "InvalidURL": ErrorMapping(ConnectionFailed, never_sent=True),
    # The connection broke at some point.
    "TimeoutException": ErrorMapping(TimedOut),
    "NetworkError": ErrorMapping(ConnectionFailed),
    "ProtocolError": ErrorMapping(ConnectionFailed),
    "DecodingError": ErrorMapping(ConnectionFailed),
    "StreamError": ErrorMapping(ConnectionFailed),
    "HTTPError": ErrorMapping(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: httpcore's, and our own. They choose the words
# of an error. A timeout of the pool's own would race with that of the exchange, which includes the wait.
POOL_WAIT = ("wait_for_connection", "wait_for_slot")


def error_map(library: ModuleType) -> ErrorMap:
    """Make the table for one of the two libraries."""
    table: dict[type[Exception], ErrorMapping] = {getattr(library, name): fault for name, fault in _BY_NAME.items()}
    return {**table, TimeoutError: ErrorMapping(TimedOut), OSError: ErrorMapping(ConnectionFailed)}
