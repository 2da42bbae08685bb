"""The arguments of a transport: the client handed in, or the options of its own."""

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._options import check_names

if TYPE_CHECKING:
    import httpx2


def installed_library() -> ModuleType:
    """Import httpx2, or else httpx."""
    try:
        return import_module("httpx2")
    except ImportError:
        return import_module("httpx")


def library_of(client: object) -> ModuleType:
    """Return the library whose `AsyncClient` the client is.

    Raises:
        TypeError: the client is none.
    """
    for kind in type(client).__mro__:
        root = kind.__module__.partition(".")[0]
        if kind.__name__ == "AsyncClient" and root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise TypeError(f"an AsyncClient of httpx or httpx2 is wanted, not {type(client).__name__}")


def check_options(library: ModuleType, options: dict[str, Any]) -> None:
    """Refuse what an `AsyncClient` does not take, or what would mix up a transport's users."""
    check_names(options, inspect.signature(library.AsyncClient).parameters)


def check_client(client: Any, options: dict[str, Any]) -> "httpx2.AsyncClient":
    """Return the client handed in. Refuse one that would mix up a transport's users, or options beside the client."""
    if options:
        raise TypeError("options are for a client of the transport's own; set them on the one handed in")
    if client.auth is not None:
        raise TypeError("a client with auth= cannot be used, as the Authorization header holds the user's token")
    checked: httpx2.AsyncClient = client
    return checked
