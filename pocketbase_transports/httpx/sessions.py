"""The clients that requests are sent through."""

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from copy import copy
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._connection_limit import MAX_OPENING_STREAMS, ConnectionLimit

if TYPE_CHECKING:
    import httpx2

NO_COOKIES = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
CONNECTIONS_PER_CLIENT, STREAMS_PER_CLIENT = 5, 50


class ExternalClient:
    """The user's client, with a jar that neither sends nor keeps cookies. The client's own limits apply."""

    limit = ConnectionLimit(None)

    def __init__(self, client: "httpx2.AsyncClient") -> None:
        self._client = client

    @contextmanager
    def lend(self) -> Generator["httpx2.AsyncClient", None, None]:
        """Lend a copy that uses the same connections, but not the jar of the application."""
        client = copy(self._client)
        client.cookies = NO_COOKIES
        yield client


class ClientPool:
    """The transport's own clients, with a few connections each.

    Whenever a request begins or ends, httpx's pool iterates over all its connections and all waiting requests, which is
    slow if there are many. So the connections are spread over several clients, and requests wait for `limit`.

    Args:
        library: httpx or httpx2.
        options: The options of the clients.
        limit: The limit of all clients together.
        size: The number of requests that use one client at the same time.
        limits: The limits of idle connections.
    """

    def __init__(
        self, library: ModuleType, options: dict[str, Any], limit: ConnectionLimit, size: int, limits: "httpx2.Limits"
    ) -> None:
        self.limit = limit
        self._library = library
        defaults = {"cookies": NO_COOKIES, "timeout": library.Timeout(None, connect=30), "trust_env": False}
        self._options = defaults | options
        self._size = size
        self._limits = limits
        self._users: dict[httpx2.AsyncClient, int] = {}
        """The number of requests that use each client."""

    @contextmanager
    def lend(self) -> Generator["httpx2.AsyncClient", None, None]:
        """Lend the first client with a free connection, so that open connections are used again."""
        client = next((each for each, users in self._users.items() if users < self._size), None) or self._make_client()
        self._users[client] += 1
        try:
            yield client
        finally:
            self._users[client] -= 1

    def __iter__(self) -> "Iterator[httpx2.AsyncClient]":
        return iter(self._users)

    async def aclose(self) -> None:
        """Close all clients."""
        for client in self._users:
            await client.aclose()

    def _make_client(self) -> "httpx2.AsyncClient":
        max_idle = self._limits.max_keepalive_connections
        if max_idle is not None:
            max_idle = max(0, max_idle - self._size * len(self._users))
        limits = self._library.Limits(
            max_keepalive_connections=max_idle, keepalive_expiry=self._limits.keepalive_expiry
        )
        client: httpx2.AsyncClient = self._library.AsyncClient(**(self._options | {"limits": limits}))
        self._users[client] = 0
        return client


def with_certificates(library: ModuleType, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with the certificates loaded, which is slow and so is done once for all clients."""
    verify = library.create_ssl_context(
        options.get("verify", True), options.get("cert"), options.get("trust_env", False)
    )
    return options | {"verify": verify, "cert": None}


def pool_for_requests(library: ModuleType, options: dict[str, Any]) -> ClientPool:
    """Make a pool that is limited to the number of connections that the options allow."""
    # PocketBase drops idle connections after 180 s.
    limits = options.get("limits", library.Limits(max_connections=100, keepalive_expiry=90))
    if has_transport(options):
        return ClientPool(library, options, ConnectionLimit(None), sys.maxsize, limits)
    return ClientPool(library, options, ConnectionLimit(limits.max_connections), CONNECTIONS_PER_CLIENT, limits)


def pool_for_streams(library: ModuleType, options: dict[str, Any]) -> ClientPool:
    """Make a pool without a limit of connections, as each stream holds its own. The opening of streams is limited."""
    no_idle = library.Limits(max_keepalive_connections=0)
    return ClientPool(library, options, ConnectionLimit(MAX_OPENING_STREAMS), STREAMS_PER_CLIENT, no_idle)


def has_transport(options: dict[str, Any]) -> bool:
    """Return whether the options contain a transport, which has connections and limits of its own."""
    return not options.keys().isdisjoint(("transport", "mounts"))
