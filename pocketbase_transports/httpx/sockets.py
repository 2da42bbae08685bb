"""The connections of a client that its event loop cannot close any more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2


def take_transports(client: "httpx2.AsyncClient") -> Iterator[object]:
    """Yield the asyncio transports of all connections of a client.

    Private attributes are used, because neither httpx nor anyio has a public way to them.
    """
    private: Any = client
    for transport in [private._transport, *private._mounts.values()]:
        pool = getattr(transport, "_pool", None)
        for connection in getattr(pool, "connections", ()):
            while inner := getattr(connection, "_connection", None):
                connection = inner
            stream = getattr(getattr(connection, "_network_stream", None), "_stream", None)
            while inner := getattr(stream, "transport_stream", None):  # of a TLS stream
                stream = inner
            yield getattr(stream, "_transport", None)
