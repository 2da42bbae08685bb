"""The errors for aiohttp's exceptions."""

import aiohttp
from aiohttp import http_exceptions

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

ERROR_MAP: ErrorMap = {
    # There was no connection, so nothing was sent. The timeout of the pool is one of these.
    aiohttp.ClientConnectorError: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.ConnectionTimeoutError: ErrorMapping(TimedOut, never_sent=True),
    aiohttp.ServerFingerprintMismatch: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.ClientHttpProxyError: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.InvalidURL: ErrorMapping(ConnectionFailed, never_sent=True),
    aiohttp.NonHttpUrlClientError: ErrorMapping(ConnectionFailed, never_sent=True),
    # The connection broke, before or after the request was sent.
    aiohttp.ServerTimeoutError: ErrorMapping(TimedOut),
    TimeoutError: ErrorMapping(TimedOut),
    aiohttp.ClientConnectionError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientPayloadError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientResponseError: ErrorMapping(ConnectionFailed),
    aiohttp.ClientError: ErrorMapping(ConnectionFailed),
    http_exceptions.HttpProcessingError: ErrorMapping(ConnectionFailed),
    OSError: ErrorMapping(ConnectionFailed),
}

# The functions in which a request waits for a connection of a full pool: aiohttp's and that of `_connection_limit.py`.
# aiohttp's public way to learn of such a wait is a trace, which has to be passed when the session is made.
POOL_WAIT = ("_wait_for_available_connection", "wait_for_slot")
