"""The errors for pyreqwest's exceptions."""

from pyreqwest import exceptions

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

ERROR_MAP: ErrorMap = {
    # There was no connection, so nothing was sent.
    exceptions.ConnectError: ErrorMapping(ConnectionFailed, never_sent=True),
    exceptions.ConnectTimeoutError: ErrorMapping(TimedOut, never_sent=True),
    exceptions.PoolTimeoutError: ErrorMapping(TimedOut, never_sent=True),
    exceptions.BuilderError: ErrorMapping(ConnectionFailed, never_sent=True),
    # The connection broke, before or after the request was sent.
    exceptions.RequestTimeoutError: ErrorMapping(TimedOut),
    TimeoutError: ErrorMapping(TimedOut),
    exceptions.RequestError: ErrorMapping(ConnectionFailed),
    OSError: ErrorMapping(ConnectionFailed),
}
