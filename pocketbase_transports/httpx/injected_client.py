"""Choose the library of a transport, and check the transport's arguments."""

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._options import check_names, wrong_session

if TYPE_CHECKING:
    import httpx2


def installed_library() -> ModuleType:
    """Import httpx2, or httpx if httpx2 is not installed."""
    try:
        return import_module("httpx2")
    except ImportError:
        pass
    try:
        return import_module("httpx")
    except ModuleNotFoundError as error:
        hint = "run: pip install 'pocketbase-core[httpx2]' (or [httpx])"
        raise ModuleNotFoundError(f"{error}; {hint}", name=error.name) from None


def library_of(client: object) -> ModuleType:
    """Return the library that defines the class of a client.

    Raises:
        TypeError: If the object is not an `AsyncClient`.
    """
    for base in type(client).__mro__:
        root = base.__module__.partition(".")[0]
        if base.__name__ == "AsyncClient" and root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise wrong_session("an AsyncClient of httpx or httpx2", client)


def check_options(library: ModuleType, options: dict[str, Any]) -> None:
    """Check the options of a transport's own client.

    Raises:
        TypeError: If `AsyncClient` has no such option, or an option would mix up the users who share the transport.
    """
    check_names(options, inspect.signature(library.AsyncClient).parameters)


def check_client(client: Any, options: dict[str, Any]) -> "httpx2.AsyncClient":
    """Return the user's client.

    Raises:
        TypeError: If the client would mix up the users who share the transport, or there are options beside the client.
    """
    if options:
        raise TypeError("options cannot be combined with a client; set them on the client")
    if client.auth is not None:
        raise TypeError("a client with auth= cannot be used, because the Authorization header holds the user's token")
    checked: httpx2.AsyncClient = client
    return checked
