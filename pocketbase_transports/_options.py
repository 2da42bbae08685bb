"""The options of the sessions that a transport opens."""

from collections.abc import Collection
from typing import Any

_COOKIES = (
    "a transport keeps no cookies, because several users may share it; "
    "set a cookie that all of them send by headers={'Cookie': …}"
)
_REFUSED = {
    "auth": "the Authorization header holds the user's token",
    "cookie_jar": _COOKIES,
    "cookies": _COOKIES,
    "loop": "a transport has a session for each event loop that uses it",
}


def check_names(options: dict[str, Any], known: Collection[str]) -> None:
    """Check the names of a session's options.

    Raises:
        TypeError: If an option is unknown, or would mix up the users who share the transport.
    """
    for name in options:
        if name in _REFUSED:
            raise TypeError(f"{name}= is not an option of a transport: {_REFUSED[name]}")
        if name not in known:
            names = ", ".join(sorted({*known} - {*_REFUSED}))
            raise TypeError(f"unknown option {name!r}; known here: {names}")
