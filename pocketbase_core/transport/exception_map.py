"""Turn the exceptions of an HTTP library into the errors of this package.

An adapter has one table for its library: exception class → `ErrorMapping`. The first class of the exception's MRO that
is in the table decides. Three facts can change what the table says, and all of them need a request that no connection
has taken yet:

1. The exception was raised while the request waited for a connection of a full pool. The traceback shows that, as the
   functions that wait are in it.
2. The process has too many open files.
3. The table says that this exception is raised only before a request is sent (`never_sent`).

In these cases `request_sent` of the error is False, so that `Retry` may repeat even a create.

The message says why there was no connection, or why it broke, in the system's words if there are any. The new error
does not refer to the library's exception, which may carry the request and with it a token; see `causes.py`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import PocketBaseConnectionError, PocketBaseTransportError
from .causes import describe, is_out_of_files, public_cause, system_reason, was_raised_in

_OUT_OF_FILES = "too many open files, so no connection can be opened; raise the limit (`ulimit -n`)"


class ErrorMapping(NamedTuple):
    """The meaning of an HTTP library's exception."""

    error: type[PocketBaseTransportError]
    never_sent: bool = False
    """True if the library raises the exception only before the request is sent."""


ErrorMap = Mapping[type[Exception], ErrorMapping]
"""The error of this library for each exception class of an HTTP library. The first class that matches counts."""


class PoolWait(NamedTuple):
    """How to recognize and describe the wait for a connection of a full pool."""

    functions: Collection[str]
    """The names of the functions in which the library waits for a connection."""
    explain: Callable[[], str]
    """Returns the text that follows "no connection was free: "."""


class ExceptionMapper(NamedTuple):
    """The mapping of exceptions for one exchange."""

    error_map: ErrorMap
    pool_wait: PoolWait | None
    outer: BaseException | None
    """The exception that the caller was handling when the exchange began."""

    def map(
        self, error: Exception, url: str, request_sent: bool | None, *, may_have_left: bool
    ) -> PocketBaseTransportError | None:
        """Return the error for a library's exception, with its cause. None if the table does not list the exception.

        Args:
            error: The library's exception.
            url: The URL for the error.
            request_sent: What the exchange knows: see `Exchange.request_sent`.
            may_have_left: True if a connection may have taken the request.
        """
        mapping = next((self.error_map[base] for base in type(error).__mro__ if base in self.error_map), None)
        if mapping is None:
            return None
        is_waiting = self.pool_wait is not None and was_raised_in(self.pool_wait.functions, error, self.outer)
        out_of_files = is_out_of_files(error, self.outer)
        exc_type, message, cause = mapping.error, describe(error), public_cause(error, self.outer)
        reason = system_reason(cause)
        if self.pool_wait is not None and is_waiting and not may_have_left:
            request_sent, message = False, f"no connection was free: {self.pool_wait.explain()}"
        elif out_of_files and not may_have_left:
            exc_type, request_sent, message = PocketBaseConnectionError, False, _OUT_OF_FILES
        elif mapping.never_sent:
            request_sent = request_sent if may_have_left else False
            message = f"cannot connect to {urlsplit(url).netloc}: {reason or message}"
        elif reason not in message:
            message = f"{message}: {reason}"
        mapped = exc_type(url, message=message, request_sent=request_sent)
        mapped.__cause__ = cause
        return mapped
