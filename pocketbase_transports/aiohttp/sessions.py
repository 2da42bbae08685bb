"""The sessions that requests go through."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from copy import copy
from typing import Any, NamedTuple

import aiohttp

from .._connection_limit import MAX_OPENING_STREAMS, ConnectionLimit, describe_full_pool
from .._options import check_names
from .._sessions import SessionPerLoop
from .sockets import take_transports
from .unsolicited_data import with_clean_connections

_FOR_SESSION = frozenset(inspect.signature(aiohttp.ClientSession).parameters)
_FOR_CONNECTOR = frozenset(inspect.signature(aiohttp.TCPConnector).parameters) | {"path"}
_CONNECTOR_OF_ANOTHER_LOOP = (
    "a connector belongs to one event loop; for several, hand over its options, or a function that makes one"
)


SendRequest = Callable[[aiohttp.ClientSession], Awaitable[aiohttp.ClientResponse]]


class _Pool(NamedTuple):
    session: aiohttp.ClientSession
    limit: ConnectionLimit


class Sessions:
    """The session handed in, or for each event loop one for requests, and one for streams of events.

    A stream holds its connection for as long as it is listened to, so that streams have a pool without a limit.
    """

    def __init__(self, given: aiohttp.ClientSession | None, options: dict[str, Any]) -> None:
        if given is not None:
            _check_external(given, options)
        check_names(options, _FOR_SESSION | _FOR_CONNECTOR)
        self._external = given
        self._connector = options.get("connector")
        self._for_session = {name: value for name, value in options.items() if name in _FOR_SESSION}
        self._for_connector = {name: value for name, value in options.items() if name not in _FOR_SESSION}
        # With requests: then its limit is for both.
        self.are_shared = given is not None or isinstance(self._connector, aiohttp.BaseConnector)
        if not (self._connector is None or self.are_shared or callable(self._connector)):
            raise TypeError(f"connector must be one of aiohttp's, or a function that makes one: {self._connector!r}")
        if self._connector is not None and self._for_connector:
            raise TypeError(f"with a connector of its own, a session takes no {', '.join(sorted(self._for_connector))}")
        self._for_requests = SessionPerLoop(self._open, _close, _take_transports)
        self._for_streams = (
            self._for_requests if self.are_shared else SessionPerLoop(self._open_for_streams, _close, _take_transports)
        )
        self._streams = 0
        # That of streams: those of the transport's own connectors have none.
        self.have_limit = self._connector is not None or self.are_shared
        self.are_traced = bool(given.trace_configs if given else options.get("trace_configs"))

    def send_through(self, ask: SendRequest, for_stream: bool) -> Awaitable[aiohttp.ClientResponse]:
        """Have `ask` make one request through the session of the running loop."""
        if self._external is not None:
            return _send_through_copy(self._external, ask)
        own = self._for_streams if for_stream else self._for_requests
        pool = own.get()
        if pool is None or for_stream:
            return _send_within_limit(own, ask)
        return ask(pool.session)  # without a coroutine around it, as most requests come here

    @contextmanager
    def count_stream(self) -> Generator[None, None, None]:
        """A block in which a stream of events is open."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def describe_full_pool(self) -> str:
        """Say why no connection is free."""
        connector = self._external.connector if self._external else self._connector
        if connector is None:
            limits = [self._for_connector.get("limit", 100), self._for_connector.get("limit_per_host", 0)]
        else:
            is_one = isinstance(connector, aiohttp.BaseConnector)
            limits = [connector.limit, connector.limit_per_host] if is_one else []
        advice = f"give the {'transport' if connector is None else 'connector'} a higher `limit`, or 0 for none"
        return describe_full_pool(
            min(filter(None, limits), default=None), self._streams if self.are_shared else 0, advice
        )

    async def aclose(self) -> None:
        try:
            await self._for_requests.aclose()
        finally:
            await self._for_streams.aclose()

    def _open(self) -> _Pool:
        return _Pool(self._make_session(self._for_connector), ConnectionLimit(None))

    def _open_for_streams(self) -> _Pool:
        return _Pool(
            self._make_session(self._for_connector | {"limit": 0, "limit_per_host": 0}),
            ConnectionLimit(MAX_OPENING_STREAMS),
        )

    def _make_session(self, for_connector: dict[str, Any]) -> aiohttp.ClientSession:
        options: dict[str, Any] = {"cookie_jar": aiohttp.DummyCookieJar(), **self._for_session}
        if isinstance(self._connector, aiohttp.BaseConnector):
            try:
                session = aiohttp.ClientSession(loop=asyncio.get_running_loop(), **options)
            except RuntimeError as error:
                raise RuntimeError(_CONNECTOR_OF_ANOTHER_LOOP) from error
        else:
            options["connector"] = self._connector() if self._connector else _make_connector(for_connector)
            session = aiohttp.ClientSession(**options)
        return _isolate_users(session)


async def _send_through_copy(given: aiohttp.ClientSession, ask: SendRequest) -> aiohttp.ClientResponse:
    session = _isolate_users(copy(given))
    try:
        return await ask(session)
    finally:
        session.detach()


async def _send_within_limit(own: SessionPerLoop[_Pool], ask: SendRequest) -> aiohttp.ClientResponse:
    pool = own.get() or await own.open()
    async with pool.limit:
        return await ask(pool.session)


async def _close(pool: _Pool) -> None:
    await pool.session.close()


def _take_transports(pool: _Pool) -> list[asyncio.BaseTransport]:
    return take_transports(pool.session)


def _make_connector(options: dict[str, Any]) -> aiohttp.BaseConnector:
    # PocketBase drops idle connections after 180 s.
    options = options if options.get("force_close") else {"keepalive_timeout": 90, **options}
    return aiohttp.UnixConnector(**options) if "path" in options else aiohttp.TCPConnector(**options)


def _check_external(given: object, options: dict[str, Any]) -> None:
    if options:
        raise TypeError("options are for a session of the transport's own; set them on the one handed in")
    if not isinstance(given, aiohttp.ClientSession):
        raise TypeError(f"an aiohttp.ClientSession is wanted, not {type(given).__name__}")
    if given.auth is not None:
        raise TypeError("a session with auth= cannot be used, as the Authorization header holds the user's token")


def _isolate_users(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Have a session send no cookie and no password from a netrc file, keep no cookie, and use clean connections.

    aiohttp has no public way: a jar belongs to its session, `trust_env` stands for proxies and netrc alike, and
    another session on the same connector would lack the middlewares, the proxies and the class of the one handed in.
    """
    request_class = with_clean_connections(getattr(session, "_request_class"))
    vars(session).update(
        _cookie_jar=aiohttp.DummyCookieJar(), _get_netrc_auth=_no_netrc_auth, _request_class=request_class
    )
    return session


def _no_netrc_auth(host: str) -> None:
    """Stand in for the look into a netrc file, which names nobody."""
