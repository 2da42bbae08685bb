"""The options of the sessions that a transport opens."""

from collections.abc import Collection
from typing import Any

from pocketbase_core.transport import closest, wrapper_of

_COOKIES = (
    "a transport keeps no cookies, because several users may share it; "
    "set a cookie that all of them send by headers={'Cookie': …}"
)
_REFUSED = {
    "auth": "the Authorization header holds the user's token",
    "cookie_jar": _COOKIES,
    "cookie_provider": _COOKIES,
    "cookies": _COOKIES,
    "default_cookie_store": _COOKIES,
    "loop": "a transport has a session for each event loop that uses it",
}


def wrong_session(expected: str, session: object) -> TypeError:
    """Return the error for an object that a transport cannot use in place of a session.

    Args:
        expected: What the transport can use.
        session: The object.
    """
    if isinstance(session, type):
        hint = f"; create an instance: {session.__name__}()"
    elif isinstance(session, str):
        hint = "; the URL is an argument of PocketBase"
    else:
        hint = f"; use {wrapper}" if (wrapper := wrapper_of(session)) else ""
    return TypeError(f"expected {expected}, not {type(session).__name__}{hint}")


def check_names(options: dict[str, Any], known: Collection[str]) -> None:
    """Check the names of a session's options.

    Raises:
        TypeError: If an option is unknown, or would mix up the users who share the transport.
    """
    for name in options:
        if name in _REFUSED:
            raise TypeError(f"{name}= is not an option of a transport: {_REFUSED[name]}")
        if name not in known:
            names = sorted({*known} - {*_REFUSED})
            similar = closest(name, names)
            hint = f"did you mean {similar!r}?" if similar else f"known here: {', '.join(names)}"
            raise TypeError(f"unknown option {name!r}; {hint}")
