"""Keep secrets of an HTTP library's exceptions out of errors and logs.

The exception of a library may refer to its request, and that has a token in its headers. So an error of this package
never has such an exception as its cause or context. `public_cause` returns the cause of the error instead:

- The system's own exception (`OSError` and its subclasses in the standard library), if the library's exception goes
  back to one. It holds no secret, and describes a broken connection best.
- Otherwise a stand-in with the type's name and the text of the library's exception. The text is without bytes from the
  connection, queries of URLs, passwords in URLs, and headers that may be secret (`describe`).

A cause has no traceback. That of a library is 50 lines long, says no more than the cause itself, and would keep the
local variables of all these functions alive. The error has a traceback of its own, from the call to the adapter.

The functions that search a chain of causes take `outer`, the exception that the caller was handling before. That
exception is the context of all others, but has nothing to do with this request.
"""

import errno
import os
import re
from collections.abc import Collection, Generator
from types import TracebackType
from typing import TypeGuard

_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_BYTES_LITERAL = re.compile(r"\bb(['\"])(?:\\.|(?!\1).)*\1?", re.DOTALL)
_QUERY = re.compile(r"\?\S*")
_USER = re.compile(r"//[^/\s@]*@")
_PARSED_MESSAGE = re.compile(r"<\w+\(.*\)>", re.DOTALL)
"""The repr of a response of which aiohttp has received a part."""
_SECRET_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)\b.*", re.IGNORECASE | re.DOTALL)


class LibraryError(Exception):
    """A stand-in for an HTTP library's exception, with the name of its type and its text."""


def describe(error: Exception) -> str:
    """Return the type and the text of an exception without anything that may be secret."""
    text = str(error)
    if not text or type(error) is not TimeoutError:
        text = f"{type(error).__name__}: {text}"
    text = _PARSED_MESSAGE.sub("", _BYTES_LITERAL.sub("b'…'", text)).rstrip(": ")
    return _SECRET_HEADER.sub(r"\1…", _USER.sub("//", _QUERY.sub("?…", text)))


def public_cause(error: Exception, outer: BaseException | None) -> Exception:
    """Return the system's error that a library's exception goes back to, or a stand-in for the exception.

    Args:
        error: The library's exception. An error of the system is returned itself.
        outer: The exception that was being handled before, which stays unchanged.
    """
    cause = error
    if not _is_system_error(error):
        system_errors = [each for each in _chain(error, outer) if _is_system_error(each) and str(each)]
        cause = system_errors[-1] if system_errors else LibraryError(describe(error))
    cause.__traceback__ = cause.__cause__ = cause.__context__ = None
    return cause


def system_reason(cause: Exception) -> str:
    """Return the reason that an error of the system has, such as "Connection refused"; `""` for any other exception."""
    if not _is_system_error(cause):
        return ""
    if cause.errno is not None and os.name == "posix" and type(cause).__module__ == "builtins":
        return os.strerror(cause.errno)  # asyncio gives its errors texts of its own
    return cause.strerror or str(cause)


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


def _is_system_error(error: BaseException) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and type(error).__module__ in ("builtins", "socket", "ssl")
