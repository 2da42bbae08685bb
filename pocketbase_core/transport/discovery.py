"""Find an installed transport."""

from typing import Any

from ..concurrency.event_loops import start_lock
from ..ports import Transport

GROUP = "pocketbase.transports"
_PREFERRED = ("aiohttp", "httpx")
_WRAPPERS = {
    ("aiohttp", "ClientSession"): "AiohttpTransport(session)",
    ("httpx", "AsyncClient"): "HttpxTransport(client)",
    ("httpx", "Client"): "HttpxTransport(httpx.AsyncClient())",
    ("httpx2", "AsyncClient"): "HttpxTransport(client)",
    ("httpx2", "Client"): "HttpxTransport(httpx2.AsyncClient())",
    ("pyreqwest", "Client"): "PyreqwestTransport(client)",
    ("pyreqwest", "SyncClient"): "PyreqwestTransport(ClientBuilder().build())",
}


def find_transport() -> Transport:
    """Return a transport of the first entry point whose library is installed: aiohttp's, httpx's, then any other.

    Raises:
        RuntimeError: If no library is installed.
    """
    with start_lock:
        from importlib.metadata import entry_points  # takes longer to import than most of this library
    found = {point.name: point for point in entry_points(group=GROUP)}
    reasons: list[str] = []
    for name in sorted(found, key=lambda name: (_PREFERRED.index(name) if name in _PREFERRED else 9, name)):
        try:
            make_transport: Any = found[name].load()
            return check_transport(make_transport())
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    if not found:
        raise RuntimeError("no transport is found, because pocketbase-core is not installed; pass one: transport=…")
    raise RuntimeError(
        "no HTTP library is installed; run: pip install 'pocketbase-core[aiohttp]' (or [httpx2], [httpx], [pyreqwest])"
        f"; or pass a transport: PocketBase(…, transport=…) ({'; '.join(reasons)})"
    )


def check_transport(transport: object) -> Transport:
    """Return a transport unchanged.

    Raises:
        TypeError: If the object lacks a method of the ports.
    """
    if isinstance(transport, type) or not isinstance(transport, Transport):
        if isinstance(transport, type):
            hint = f"; create an instance: {transport.__name__}()"
        else:
            hint = f"; use {wrapper}" if (wrapper := wrapper_of(transport)) else ""
        raise TypeError(
            f"a transport needs send, stream, events and aclose, which {transport!r:.80} does not have{hint}"
        )
    return transport


def wrapper_of(session: object) -> str | None:
    """Return the code that makes a transport of a session or client of an HTTP library; None for other objects."""
    for base in type(session).__mro__:
        found = _WRAPPERS.get((base.__module__.partition(".")[0], base.__name__))
        if found is not None:
            return found
    return None
