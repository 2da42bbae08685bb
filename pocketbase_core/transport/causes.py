"""The part of an HTTP library's exceptions that may be shown: they carry requests, and with them tokens."""

import errno
import re
from collections.abc import Collection, Generator
from types import TracebackType
from typing import NoReturn

_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_BYTES_LITERAL = re.compile(r"\bb(['\"])(?:\\.|(?!\1).)*\1?", re.DOTALL)
_QUERY = re.compile(r"\?\S*")
_USER = re.compile(r"//[^/\s@]*@")
_SECRET_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)\b.*", re.IGNORECASE | re.DOTALL)


class LibraryError(Exception):
    """An HTTP library's exception: its type and its text."""


def describe(error: Exception) -> str:
    """Return the library's words without bytes of the response, a query, a password or a header that may be secret."""
    text = _BYTES_LITERAL.sub("b'…'", f"{type(error).__name__}: {error}".rstrip(": "))
    return _SECRET_HEADER.sub(r"\1…", _USER.sub("//", _QUERY.sub("?…", text)))


def public_cause(error: Exception, outer: BaseException | None) -> Exception:
    """Make a stand-in for a library's exception as a cause: its description, and the system's errors below it.

    `outer` is an exception that was there before, and that stays unchanged.
    """
    system = [each for each in _chain(error, outer) if _is_system_error(each)]
    for each, below in zip(system, [*system[1:], None], strict=False):
        each.__cause__, each.__context__ = below, None
    if error in system:
        return error
    stand_in = LibraryError(describe(error)).with_traceback(error.__traceback__)
    stand_in.__cause__ = system[0] if system else None
    return stand_in


def raise_without_context(error: Exception, cause: Exception | None) -> NoReturn:
    """Raise an error that does not refer to the exception that is being handled, as that may carry a request."""
    context = error.__context__
    try:
        raise error from cause
    finally:
        error.__context__ = context


def is_out_of_files(error: Exception, outer: BaseException | None) -> bool:
    """Return whether a connection could not be opened because the process, or the machine, has too many files open.

    `outer` is an exception that was there before, and tells nothing of this connection.
    """
    return any(isinstance(each, OSError) and each.errno in _TOO_MANY_FILES for each in _chain(error, outer))


def was_raised_in(names: Collection[str], error: BaseException, outer: BaseException | None) -> bool:
    """Return whether an exception came out of one of these functions; `outer` is one that was there before."""
    return any(name in names for each in _chain(error, outer) for name in _functions(each.__traceback__))


def _chain(error: BaseException | None, outer: BaseException | None) -> Generator[BaseException, None, None]:
    seen = {id(outer)}
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        of_a_group: tuple[BaseException, ...] = getattr(error, "exceptions", ())
        error = of_a_group[0] if of_a_group else error.__cause__ or error.__context__


def _functions(trace: TracebackType | None) -> Generator[str, None, None]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_name
        trace = trace.tb_next


def _is_system_error(error: BaseException) -> bool:
    return isinstance(error, OSError) and type(error).__module__ in ("builtins", "socket", "ssl")
