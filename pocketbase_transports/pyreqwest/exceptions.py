"""The errors for pyreqwest's exceptions.

Some classes of pyreqwest do not say whether a request was sent: `ConnectError` is raised for a connection that could
not be opened, and for one that broke later. The causes in `details` do say so. `explained` reads them, and returns an
exception whose class means one thing, whose text is the innermost cause, and whose `__cause__` is the system's error.
"""

import os
import re
import socket
from typing import Any

from pyreqwest import exceptions

from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.errors import PocketBaseTimeoutError as TimedOut
from pocketbase_core.transport import ErrorMap, ErrorMapping

ERROR_MAP: ErrorMap = {
    # There was no connection, so nothing was sent. `explained` returns these classes only in this case.
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
NEVER_SENT = tuple(each for each, mapping in ERROR_MAP.items() if mapping.never_sent)
WHILE_READING = (exceptions.ReadError, exceptions.ReadTimeoutError, exceptions.BodyDecodeError)
"""The exceptions that are raised after the headers of the response have arrived."""

# The functions in which a request waits for a connection: that of `_connection_limit.py`, and `raise_pool_timeout`.
POOL_WAIT = ("wait_for_slot", "raise_pool_timeout")

_CONNECTING = "client error (Connect)"
_SYSTEM_ERROR = re.compile(r" \(os error (\d+)\)$")
_UNKNOWN_HOST = "failed to lookup address information: "


def explained(error: exceptions.PyreqwestError) -> Exception:
    """Return an exception that says what went wrong, in place of the library's."""
    causes: list[Any] = getattr(error, "details", {}).get("causes") or []  # texts, or dicts that have a message
    texts = [str(each["message"] if hasattr(each, "keys") else each) for each in causes] or [error.message]
    exc_type = type(error)
    if isinstance(error, exceptions.ConnectError | exceptions.ConnectTimeoutError) and _CONNECTING not in texts:
        is_timeout = isinstance(error, TimeoutError)
        exc_type = exceptions.RequestTimeoutError if is_timeout else exceptions.NetworkError
    result = exc_type.__new__(exc_type, _SYSTEM_ERROR.sub("", texts[-1]))
    result.__cause__ = _system_error(texts[-1])
    return result


def raise_pool_timeout(error: Exception) -> None:
    """Raise the error of a client whose own limit of connections was reached. `POOL_WAIT` has this function's name."""
    raise error


def _system_error(text: str) -> OSError | None:
    if text.startswith(_UNKNOWN_HOST):
        return socket.gaierror(socket.EAI_NONAME, text.removeprefix(_UNKNOWN_HOST))
    found = _SYSTEM_ERROR.search(text)
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None
