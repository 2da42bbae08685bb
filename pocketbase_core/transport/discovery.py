"""Finds an installed transport."""

from typing import Any

from ..ports import Transport

GROUP = "pocketbase.transports"
_PREFERRED = ("aiohttp", "httpx")


def find_transport() -> Transport:
    """A transport by the first entry point whose library is installed: aiohttp's, httpx's, then any other.

    Raises:
        RuntimeError: there is none.
    """
    from importlib.metadata import entry_points  # takes longer to import than most of this library

    found = {point.name: point for point in entry_points(group=GROUP)}
    for name in sorted(found, key=lambda name: (_PREFERRED.index(name) if name in _PREFERRED else 9, name)):
        try:
            kind: Any = found[name].load()
            return check_transport(kind())
        except ImportError:
            continue
    raise RuntimeError(
        "no HTTP library is installed: pip install 'pocketbase-core[aiohttp]', or [httpx2], or [httpx]; "
        "or hand a transport to PocketBase(…, transport=…)"
    )


def check_transport(transport: object) -> Transport:
    """The transport, if it is one.

    Raises:
        TypeError: it lacks a port.
    """
    if isinstance(transport, type) or not isinstance(transport, Transport):
        hint = f"; make one: {transport.__name__}()" if isinstance(transport, type) else ""
        raise TypeError(f"a transport has send, stream, events and aclose, which {transport!r:.80} has not{hint}")
    return transport
