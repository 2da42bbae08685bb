"""The meaning of aiohttp's exceptions."""

import aiohttp
from aiohttp import http_exceptions

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

ERROR_MAP: ErrorMap = {
    # No connection, so nothing left. The pool's own time limit counts here too.
    aiohttp.ClientConnectorError: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.ConnectionTimeoutError: ErrorMapping(TimedOut, never_sent=True),
    aiohttp.ServerFingerprintMismatch: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.ClientHttpProxyError: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.InvalidURL: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.NonHttpUrlClientError: ErrorMapping(ConnectionFailed, never_sent=True),
    # The connection broke at some point.
    aiohttp.ServerTimeoutError: ErrorMapping(TimedOut),
    TimeoutError: ErrorMapping(TimedOut),
    aiohttp.ClientConnectionError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientPayloadError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientResponseError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientError: ErrorMapping(ConnectionFailed),
    http_exceptions.HttpProcessingError: ErrorMapping(ConnectionFailed),
    OSError: ErrorMapping(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: aiohttp's, and our own. They choose the words
# of an error. aiohttp's own way to tell, a trace, would have to be there when a session is made.
POOL_WAIT = ("_wait_for_available_connection", "wait_for_slot")
