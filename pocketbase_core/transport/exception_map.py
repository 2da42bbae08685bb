"""Turn the exceptions of an HTTP library into the errors of this package.

An adapter has one table for its library: exception class → `ErrorMapping`. The first class of the exception's MRO that
is in the table decides. Three facts can change what the table says, and all of them need a request that no connection
has taken yet:

1. The exception was raised while the request waited for a connection of a full pool. The traceback shows that, as the
   functions that wait are in it.
2. The process has too many open files.
3. The table says that this exception is raised only before a request is sent (`never_sent`).

In these cases `request_sent` of the error is False, so that `Retry` may repeat even a create.

The new error does not refer to the library's exception, which may carry the request and with it a token; see
`causes.py`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ..errors import PocketBaseConnectionError, PocketBaseTransportError
from .causes import describe, is_out_of_files, public_cause, raise_without_context, was_raised_in

_OUT_OF_FILES = "too many open files, so no connection can be opened; raise the limit (`ulimit -n`)"


class ErrorMapping(NamedTuple):
    """The meaning of an HTTP library's exception."""

    error: type[PocketBaseTransportError]
    never_sent: bool = False
    """True if the library raises the exception only before the request is sent."""


ErrorMap = Mapping[type[Exception], ErrorMapping]


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

    def raise_mapped(self, error: Exception, url: str, request_sent: bool | None, *, may_have_left: bool) -> None:
        """Raise the error for a library's exception. Return if the table does not list the exception.

        Args:
            error: The library's exception.
            url: The URL for the error.
            request_sent: What the exchange knows: see `Exchange.request_sent`.
            may_have_left: True if a connection may have taken the request.
        """
        mapping = next((self.error_map[base] for base in type(error).__mro__ if base in self.error_map), None)
        if mapping is None:
            return
        exc_type, message = mapping.error, describe(error)
        if not may_have_left:
            if self.pool_wait is not None and was_raised_in(self.pool_wait.functions, error, self.outer):
                request_sent, message = False, f"no connection was free: {self.pool_wait.explain()}"
            elif is_out_of_files(error, self.outer):
                exc_type, request_sent, message = PocketBaseConnectionError, False, _OUT_OF_FILES
            elif mapping.never_sent:
                request_sent = False
        raise_without_context(
            exc_type(url, message=message, request_sent=request_sent), public_cause(error, self.outer)
        )
