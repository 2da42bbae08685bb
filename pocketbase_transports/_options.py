"""The options of the sessions that a transport opens."""

from collections.abc import Collection
from typing import Any

_COOKIES = "a transport keeps no cookies, as its users may be many; one that is for all goes into headers={'Cookie': …}"
_REFUSED = {
    "auth": "the Authorization header holds the user's token",
    "cookie_jar": _COOKIES,
    "cookies": _COOKIES,
    "loop": "a transport has a session for each event loop that uses it",
}


def check_names(options: dict[str, Any], known: Collection[str]) -> None:
    """Refuse what no session takes, or what would mix up a transport's users.

    Raises:
        TypeError: it names the option, and the reason or the known options.
    """
    for name in options:
        if name in _REFUSED:
            raise TypeError(f"{name}= is no option of a transport: {_REFUSED[name]}")
        if name not in known:
            names = ", ".join(sorted({*known} - {*_REFUSED}))
            raise TypeError(f"unknown option {name!r}; known here: {names}")
