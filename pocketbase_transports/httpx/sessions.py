"""The clients that requests go through."""

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
"""Connections of one client, for requests and for streams."""


class ExternalClient:
    """The client handed in, with a jar that takes and gives nothing. Its own limits are all that holds for it."""

    limit = ConnectionLimit(None)

    def __init__(self, client: "httpx2.AsyncClient") -> None:
        self._client = client

    @contextmanager
    def lend(self) -> Generator["httpx2.AsyncClient", None, None]:
        """Lend a copy on the same connections, which the application's jar hears nothing of."""
        client = copy(self._client)
        client.cookies = NO_COOKIES
        yield client


class ClientPool:
    """Clients of the transport's own, with a few connections each.

    With each request that begins or ends, httpx's pool looks at all its connections and at all who wait for one, which
    gets slow with many. So who waits does so for one of our `places`, and the connections are in several pools.
    """

    def __init__(
        self, library: ModuleType, options: dict[str, Any], places: ConnectionLimit, size: int, limits: "httpx2.Limits"
    ) -> None:
        self.limit = places
        self._library = library
        defaults = {"cookies": NO_COOKIES, "timeout": library.Timeout(None, connect=30), "trust_env": False}
        self._options = defaults | options
        self._size = size
        self._limits = limits
        self._users: dict[httpx2.AsyncClient, int] = {}

    @contextmanager
    def lend(self) -> Generator["httpx2.AsyncClient", None, None]:
        """Lend the first client that has a connection left, so that open connections are used again."""
        client = next((each for each, users in self._users.items() if users < self._size), None) or self._make_client()
        self._users[client] += 1
        try:
            yield client
        finally:
            self._users[client] -= 1

    def __iter__(self) -> "Iterator[httpx2.AsyncClient]":
        return iter(self._users)

    async def aclose(self) -> None:
        for client in self._users:
            await client.aclose()

    def _make_client(self) -> "httpx2.AsyncClient":
        most_idle = self._limits.max_keepalive_connections
        if most_idle is not None:
            most_idle = max(0, most_idle - self._size * len(self._users))
        expiry = self._limits.keepalive_expiry
        limits = self._library.Limits(max_keepalive_connections=most_idle, keepalive_expiry=expiry)
        client: httpx2.AsyncClient = self._library.AsyncClient(**(self._options | {"limits": limits}))
        self._users[client] = 0
        return client


def with_certificates(library: ModuleType, options: dict[str, Any]) -> dict[str, Any]:
    """Read the certificates that the options name, which takes longer than all else, and put them into the options."""
    verify = library.create_ssl_context(
        options.get("verify", True), options.get("cert"), options.get("trust_env", False)
    )
    return options | {"verify": verify, "cert": None}


def pool_for_requests(library: ModuleType, options: dict[str, Any]) -> ClientPool:
    """Make clients with as many places as there may be connections."""
    # PocketBase drops idle connections after 180 s.
    limits = options.get("limits", library.Limits(max_connections=100, keepalive_expiry=90))
    if has_transport(options):
        return ClientPool(library, options, ConnectionLimit(None), sys.maxsize, limits)
    return ClientPool(library, options, ConnectionLimit(limits.max_connections), CONNECTIONS_PER_CLIENT, limits)


def pool_for_streams(library: ModuleType, options: dict[str, Any]) -> ClientPool:
    """Make clients without a limit of connections, as each stream holds its own; some may be opened at a time."""
    return ClientPool(
        library,
        options,
        ConnectionLimit(MAX_OPENING_STREAMS),
        STREAMS_PER_CLIENT,
        library.Limits(max_keepalive_connections=0),
    )


def has_transport(options: dict[str, Any]) -> bool:
    """Return whether the connections, and their limits, are those of a transport that the options bring."""
    return not options.keys().isdisjoint(("transport", "mounts"))
