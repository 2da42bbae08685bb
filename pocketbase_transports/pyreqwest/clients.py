"""The clients that requests are sent through.

A client of pyreqwest belongs to no event loop: its connections are those of a thread in Rust, which all clients of a
process share. Each event loop still gets its own clients, so that the end of a loop closes what the loop has used.

A fork copies the clients, but not the thread. So the child never frees what it has inherited, which could wait for ever
for a lock that the thread held, and opens its clients on pyreqwest's other runtime, which has several threads. A child
of that child has no runtime left: its first request raises pyreqwest's RuntimeError, which says so.
"""

import atexit
import ctypes
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from weakref import WeakSet

from pyreqwest.client import Client, ClientBuilder

from .._connection_limit import MAX_OPENING_STREAMS, ConnectionLimit, describe_full_pool
from .._options import check_names, wrong_session
from .._sessions import SessionPerLoop
from .awaiting import Uncancelled

_OPTIONS = frozenset(
    {
        "add_crl_pem",
        "add_root_certificate_der",
        "add_root_certificate_pem",
        "connect_timeout",
        "danger_accept_invalid_certs",
        "default_headers",
        "https_only",
        "identity_pem",
        "interface",
        "local_address",
        "max_connections",
        "max_tls_version",
        "min_tls_version",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy",
        "tcp_keepalive",
        "tcp_keepalive_interval",
        "tcp_keepalive_retries",
        "tcp_nodelay",
        "tcp_user_timeout",
        "tls_sni",
        "trust_env",
        "user_agent",
    }
)
_TLS_OPTIONS = "`danger_accept_invalid_certs` and `add_root_certificate_pem`"
_OTHER_NAMES = {
    "cert": "`identity_pem`",
    "limit": "`max_connections`",
    "limits": "`max_connections`",
    "ssl": _TLS_OPTIONS,
    "verify": _TLS_OPTIONS,
}
"""Options of the other transports, and the names that they have here."""
_COMMON_TIMEOUT = 30.0
"""The timeout of the client for requests, in seconds. It is the default of `PocketBase`; others cost time."""
_TIMEOUT_TOLERANCE = 0.1
_EXIT_PAUSE = 0.005
"""Seconds for which a process that ends releases Python's lock. The library's thread may wait for the lock, to free
what it holds. If the interpreter shut down before the thread had the lock, the thread would abort the process."""
_MAX_SILENCE = timedelta(hours=1)
"""PocketBase ends a stream of events that was silent for five minutes."""


atexit.register(time.sleep, _EXIT_PAUSE)


class Pool:
    """A client, and the limit to its connections."""

    def __init__(
        self, client: Client, limit: int | None, *, timeout: float | None = None, is_external: bool = False
    ) -> None:
        self._client: Client | None = client
        self._timeout = timeout
        self.is_external = is_external
        self.limit = ConnectionLimit(limit)
        self.open_calls = WeakSet[Any]()
        """The calls whose responses are read in parts."""
        self.unfinished = set[Uncancelled[Any]]()
        self._process = os.getpid()

    @property
    def is_inherited(self) -> bool:
        """True in a forked child of the process that has opened the client."""
        return self._process != os.getpid()

    def has_timeout(self, seconds: float | None) -> bool:
        """Return whether this is about the timeout that the client has for each request."""
        if seconds is None or self._timeout is None:
            return seconds is self._timeout and not self.is_external
        return abs(self._timeout - seconds) < _TIMEOUT_TOLERANCE

    def open_client(self) -> Client:
        """Return the client.

        Raises:
            RuntimeError: If the pool is closed.
        """
        if self._client is None:
            raise RuntimeError("the transport is closed")
        return self._client

    def close(self, *, loop_is_closed: bool = False) -> None:
        """Close the responses that are open. The idle connections are closed when the client is freed.

        `Client.close` is not called: for a request whose response arrives at the same moment, it would forget the
        response.
        """
        for call in [*self.open_calls]:
            call.close()
        for coroutine in [*self.unfinished]:
            if coroutine.is_late or loop_is_closed:
                coroutine.end()
        self._client = None

    def leak(self) -> None:
        """Keep the client and the open responses for ever."""
        for inherited in (self._client, *self.open_calls, *self.unfinished):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


class Clients:
    """The user's client, or for each event loop one client for requests and one for streams of events.

    Args:
        external: The user's client.
        options: Options of `ClientBuilder`, and `trust_env`.

    Raises:
        TypeError: If the client or an option cannot be used.
        ValueError: If the library refuses the value of an option.
    """

    def __init__(self, external: Client | None, options: dict[str, Any]) -> None:
        self.external = external
        self._external_pool: Pool | None = None
        if external is not None:
            _check_external(external, options)
            self._external_pool = Pool(external, None, is_external=True)
        for name in options.keys() & _OTHER_NAMES.keys():
            raise TypeError(f"unknown option {name!r}; pyreqwest has {_OTHER_NAMES[name]}")
        check_names(options, _OPTIONS)
        self._options = options
        self._limit: int | None = options.get("max_connections", 100)
        _make_builder(options)
        self._for_requests = SessionPerLoop(self._open_for_requests, _close, _take_transports)
        self._for_streams = SessionPerLoop(self._open_for_streams, _close, _take_transports)
        self.open_streams = 0

    def ready(self) -> Pool | None:
        """Return the pool for requests of the transport's own, if it is open."""
        return self._for_requests.get()

    async def open_pool(self, *, for_stream: bool = False) -> Pool:
        """Return the pool for requests, or for streams of events, which is opened if it is not open yet.

        Raises:
            RuntimeError: If the transport is closed, or the client of the user is from before a fork.
        """
        if self._external_pool is not None:
            if self._external_pool.is_inherited:
                raise RuntimeError("a client of pyreqwest cannot be used after a fork; build another one in the child")
            return self._external_pool
        pools = self._for_streams if for_stream else self._for_requests
        return pools.get() or await pools.open()

    def describe_full_pool(self) -> str:
        """Return the reason why no connection is free."""
        if self.external is not None:
            return describe_full_pool(None, self.open_streams, "give the client a higher `max_connections`")
        return describe_full_pool(self._limit, 0, "give the transport a higher `max_connections`, or None for no limit")

    async def aclose(self) -> None:
        """Close the transport's own clients, on all loops."""
        try:
            await self._for_requests.aclose()
        finally:
            await self._for_streams.aclose()

    def _open_for_requests(self) -> Pool:
        timeout = timedelta(seconds=_COMMON_TIMEOUT)
        client = _build(lambda: _make_builder(self._options).timeout(timeout))
        return Pool(client, self._limit, timeout=_COMMON_TIMEOUT)

    def _open_for_streams(self) -> Pool:
        # The library goes on waiting for headers when a call is cancelled. The timeout limits that.
        client = _build(lambda: _make_builder(self._options).read_timeout(_MAX_SILENCE).pool_max_idle_per_host(0))
        return Pool(client, MAX_OPENING_STREAMS)


def _check_external(external: object, options: dict[str, Any]) -> None:
    if options:
        raise TypeError("options cannot be combined with a client; set them on its ClientBuilder")
    if not isinstance(external, Client):
        raise wrong_session("a Client of pyreqwest", external)


def _make_builder(options: dict[str, Any]) -> ClientBuilder:
    builder = (
        ClientBuilder()
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .connect_timeout(timedelta(seconds=30))
        .pool_idle_timeout(timedelta(seconds=90))  # PocketBase drops idle connections after 180 s
    )
    if not options.get("trust_env", False):
        builder = builder.no_proxy()
    for name, value in options.items():
        if name not in ("trust_env", "max_connections"):
            builder = getattr(builder, name)(value)
    return builder


def _build(make_builder: Callable[[], ClientBuilder]) -> Client:
    try:
        return make_builder().build()
    except RuntimeError:  # the process was forked, and its parent has used the runtime
        return make_builder().runtime_multithreaded(True).build()


async def _close(pool: Pool) -> None:
    pool.close()


def _take_transports(pool: Pool) -> tuple[()]:
    """Close the pool without its loop. There are no asyncio transports that are to be closed."""
    if pool.is_inherited:
        pool.leak()
    else:
        pool.close(loop_is_closed=True)
    return ()
