"""The clients that requests go through."""

import inspect
import sys
from copy import copy
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._options import check_names

if TYPE_CHECKING:
    import httpx2

NO_COOKIES = CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def installed() -> ModuleType:
    """httpx2, or else httpx."""
    try:
        return import_module("httpx2")
    except ImportError:
        return import_module("httpx")


def library_of(client: object) -> ModuleType:
    """Whose `AsyncClient` it is.

    Raises:
        TypeError: it is none.
    """
    for kind in type(client).__mro__:
        root = kind.__module__.partition(".")[0]
        if kind.__name__ == "AsyncClient" and root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise TypeError(f"an AsyncClient of httpx or httpx2 is wanted, not {type(client).__name__}")


def check_options(library: ModuleType, options: dict[str, Any]) -> None:
    """Refuse what an `AsyncClient` does not take, or what would mix up a transport's users."""
    check_names(options, inspect.signature(library.AsyncClient).parameters)


def check_given(client: "httpx2.AsyncClient", options: dict[str, Any]) -> None:
    """Refuse a client that would mix up a transport's users, and options beside it."""
    if options:
        raise TypeError("options are for a client of the transport's own; set them on the one handed in")
    if client.auth is not None:
        raise TypeError("a client with auth= cannot be used, as the Authorization header holds the user's token")


def new(library: ModuleType, options: dict[str, Any]) -> "httpx2.AsyncClient":
    """A client of the transport's own."""
    defaults: dict[str, Any] = {
        "cookies": NO_COOKIES,
        # PocketBase drops idle connections after 180 s.
        "limits": library.Limits(max_connections=100, keepalive_expiry=90),
        "timeout": library.Timeout(None, connect=30),
        "trust_env": False,
    }
    client: httpx2.AsyncClient = library.AsyncClient(**(defaults | options))
    return client


def without_cookies(client: "httpx2.AsyncClient") -> "httpx2.AsyncClient":
    """The client handed in, on its own connections, but with a jar that takes nothing and gives nothing."""
    client = copy(client)
    client.cookies = NO_COOKIES
    return client
