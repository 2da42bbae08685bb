"""The meaning of aiohttp's exceptions."""

import aiohttp
from aiohttp import http_exceptions

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import Fault, Faults

FAULTS: Faults = {
    # No connection, so nothing left. The pool's own time limit counts here too.
    aiohttp.ClientConnectorError: Fault(ConnectionFailed, never_sent=True),
    aiohttp.ConnectionTimeoutError: Fault(TimedOut, never_sent=True),
    aiohttp.ServerFingerprintMismatch: Fault(ConnectionFailed, never_sent=True),
    aiohttp.ClientHttpProxyError: Fault(ConnectionFailed, never_sent=True),
    aiohttp.InvalidURL: Fault(ConnectionFailed, never_sent=True),
    aiohttp.NonHttpUrlClientError: Fault(ConnectionFailed, never_sent=True),
    # The connection broke at some point.
    aiohttp.ServerTimeoutError: Fault(TimedOut),
    TimeoutError: Fault(TimedOut),
    aiohttp.ClientConnectionError: Fault(ConnectionFailed),
    aiohttp.ClientPayloadError: Fault(ConnectionFailed),
    aiohttp.ClientResponseError: Fault(ConnectionFailed),
    aiohttp.ClientError: Fault(ConnectionFailed),
    http_exceptions.HttpProcessingError: Fault(ConnectionFailed),
    OSError: Fault(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: aiohttp's, and our own. They choose the words
# of an error. aiohttp's own way to tell, a trace, would have to be there when a session is made.
WAITING = ("_wait_for_available_connection", "take_place")
