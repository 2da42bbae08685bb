"""Find an installed transport."""

from typing import Any

from ..ports import Transport

GROUP = "pocketbase.transports"
_PREFERRED = ("aiohttp", "httpx")


def find_transport() -> Transport:
    """Return a transport of the first entry point whose library is installed: aiohttp's, httpx's, then any other.

    Raises:
        RuntimeError: If no library is installed.
    """
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
        "no HTTP library is installed; run: pip install 'pocketbase-core[aiohttp]' (or [httpx2], or [httpx]); "
        f"or pass a transport: PocketBase(…, transport=…) ({'; '.join(reasons)})"
    )


def check_transport(transport: object) -> Transport:
    """Return a transport unchanged.

    Raises:
        TypeError: If the object lacks a method of the ports.
    """
    if isinstance(transport, type) or not isinstance(transport, Transport):
        hint = f"; create an instance: {transport.__name__}()" if isinstance(transport, type) else ""
        raise TypeError(
            f"a transport needs send, stream, events and aclose, which {transport!r:.80} does not have{hint}"
        )
    return transport
