"""Keep secrets of an HTTP library's exceptions out of errors and logs.

The exception of a library may refer to its request, and that has a token in its headers. So an error of this package
never has such an exception as its cause or context:

- `public_cause` returns a stand-in with the type's name and the text of the exception. The text is without bytes from
  the connection, queries of URLs, passwords in URLs, and headers that may be secret (`describe`).
- The system's own exceptions (`OSError` and its subclasses in the standard library) hold no secret. They stay in the
  chain of causes, because they describe a broken connection best.
- `raise_without_context` raises an error that does not refer to the exception that is being handled.

The functions that search a chain of causes take `outer`, the exception that the caller was handling before. That
exception is the context of all others, but has nothing to do with this request.
"""

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
    """A stand-in for an HTTP library's exception, with the name of its type and its text."""


def describe(error: Exception) -> str:
    """Return the type and the text of an exception without anything that may be secret."""
    text = _BYTES_LITERAL.sub("b'…'", f"{type(error).__name__}: {error}".rstrip(": "))
    return _SECRET_HEADER.sub(r"\1…", _USER.sub("//", _QUERY.sub("?…", text)))


def public_cause(error: Exception, outer: BaseException | None) -> Exception:
    """Return a stand-in for a library's exception, whose causes are the system's errors.

    Args:
        error: The library's exception. An error of the system is returned itself.
        outer: The exception that was being handled before, which stays unchanged.
    """
    system_errors = [each for each in _chain(error, outer) if _is_system_error(each)]
    for each, cause in zip(system_errors, [*system_errors[1:], None], strict=False):
        each.__cause__, each.__context__ = cause, None
    if error in system_errors:
        return error
    stand_in = LibraryError(describe(error)).with_traceback(error.__traceback__)
    stand_in.__cause__ = system_errors[0] if system_errors else None
    return stand_in


def raise_without_context(error: Exception, cause: Exception | None) -> NoReturn:
    """Raise an error that does not refer to the exception that is being handled, which may hold a request."""
    context = error.__context__
    try:
        raise error from cause
    finally:
        error.__context__ = context


def is_out_of_files(error: Exception, outer: BaseException | None) -> bool:
    """Return whether a connection could not be opened because the process, or the machine, has too many open files."""
    return any(isinstance(each, OSError) and each.errno in _TOO_MANY_FILES for each in _chain(error, outer))


def was_raised_in(names: Collection[str], error: BaseException, outer: BaseException | None) -> bool:
    """Return whether the exception, or one of its causes, passed through a function with one of these names."""
    return any(name in names for each in _chain(error, outer) for name in _functions(each.__traceback__))


def _chain(error: BaseException | None, outer: BaseException | None) -> Generator[BaseException, None, None]:
    seen = {id(outer)}
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        members: tuple[BaseException, ...] = getattr(error, "exceptions", ())  # of an exception group
        error = members[0] if members else error.__cause__ or error.__context__


def _functions(traceback: TracebackType | None) -> Generator[str, None, None]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next


def _is_system_error(error: BaseException) -> bool:
    return isinstance(error, OSError) and type(error).__module__ in ("builtins", "socket", "ssl")
