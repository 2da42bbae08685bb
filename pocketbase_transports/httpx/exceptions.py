"""The errors for the exceptions of httpx and httpx2, which have the same names in both."""

from types import ModuleType

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

_BY_NAME = {
    # There was no connection, so nothing was sent.
    "ConnectError": ErrorMapping(ConnectionFailed, never_sent=True),
    "ConnectTimeout": ErrorMapping(TimedOut, never_sent=True),
    "PoolTimeout": ErrorMapping(TimedOut, never_sent=True),
    "ProxyError": ErrorMapping(ConnectionFailed, never_sent=True),
    "UnsupportedProtocol": ErrorMapping(ConnectionFailed, never_sent=True),
    "InvalidURL": ErrorMapping(ConnectionFailed, never_sent=True),
    # The connection broke, before or after the request was sent.
    "TimeoutException": ErrorMapping(TimedOut),
    "NetworkError": ErrorMapping(ConnectionFailed),
    "ProtocolError": ErrorMapping(ConnectionFailed),
    "DecodingError": ErrorMapping(ConnectionFailed),
    "StreamError": ErrorMapping(ConnectionFailed),
    "HTTPError": ErrorMapping(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: httpcore's and that of `_connection_limit.py`.
# The pool's own timeout is not used: it would compete with that of the exchange, which includes the wait.
POOL_WAIT = ("wait_for_connection", "wait_for_slot")


def error_map(library: ModuleType) -> ErrorMap:
    """Return the table for httpx or httpx2."""
    table: dict[type[Exception], ErrorMapping] = {getattr(library, name): each for name, each in _BY_NAME.items()}
    return {**table, TimeoutError: ErrorMapping(TimedOut), OSError: ErrorMapping(ConnectionFailed)}
