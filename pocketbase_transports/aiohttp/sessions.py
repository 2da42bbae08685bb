"""The sessions that requests are sent through."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from copy import copy
from typing import Any, NamedTuple

import aiohttp

from .._connection_limit import MAX_OPENING_STREAMS, ConnectionLimit, describe_full_pool
from .._options import check_names, wrong_session
from .._sessions import SessionPerLoop
from .sockets import take_transports
from .unsolicited_data import with_clean_connections

_FOR_SESSION = frozenset(inspect.signature(aiohttp.ClientSession).parameters)
_FOR_CONNECTOR = frozenset(inspect.signature(aiohttp.TCPConnector).parameters) | {"path"}
_CONNECTOR_OF_ANOTHER_LOOP = (
    "a connector belongs to one event loop; to use several loops, pass its options, or a function that makes one"
)


SendRequest = Callable[[aiohttp.ClientSession], Awaitable[aiohttp.ClientResponse]]
"""Sends one request through a session."""


class _Pool(NamedTuple):
    session: aiohttp.ClientSession
    limit: ConnectionLimit


class Sessions:
    """The user's session, or for each event loop one session for requests and one for streams of events.

    A stream holds its connection for as long as it is open, so that streams have a pool without a limit.

    Args:
        external: The user's session.
        options: Options of `ClientSession` and of its connector.

    Raises:
        TypeError: If the session or an option cannot be used.
    """

    def __init__(self, external: aiohttp.ClientSession | None, options: dict[str, Any]) -> None:
        if external is not None:
            _check_external(external, options)
        check_names(options, _FOR_SESSION | _FOR_CONNECTOR)
        self._external = external
        self._connector = options.get("connector")
        self._for_session = {name: value for name, value in options.items() if name in _FOR_SESSION}
        self._for_connector = {name: value for name, value in options.items() if name not in _FOR_SESSION}
        self._streams_share_pool = external is not None or isinstance(self._connector, aiohttp.BaseConnector)
        self._check_connector()
        self._for_requests = SessionPerLoop(self._open, _close, _take_transports)
        self._for_streams = (
            self._for_requests
            if self._streams_share_pool
            else SessionPerLoop(self._open_for_streams, _close, _take_transports)
        )
        self._open_streams = 0
        self.streams_are_limited = self._connector is not None or self._streams_share_pool
        """True if streams of events have a connector that the user made, which may have a limit."""
        self.are_traced = bool(external.trace_configs if external else options.get("trace_configs"))
        """True if a trace of the user wants to see the bodies."""

    def ready(self) -> aiohttp.ClientSession | None:
        """Return the transport's own session of the running loop, if it is open: the one for most requests."""
        if self._external is not None:
            return None
        pool = self._for_requests.get()
        return None if pool is None else pool.session

    def send_through(self, send_request: SendRequest, for_stream: bool) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request through the session of the running loop."""
        if self._external is not None:
            return _send_through_copy(self._external, send_request)
        sessions = self._for_streams if for_stream else self._for_requests
        return _send_within_limit(sessions, send_request)

    @contextmanager
    def count_stream(self) -> Generator[None, None, None]:
        """Count a stream of events as open while the block runs."""
        self._open_streams += 1
        try:
            yield
        finally:
            self._open_streams -= 1

    def describe_full_pool(self) -> str:
        """Return the reason why no connection is free."""
        connector = self._external.connector if self._external else self._connector
        if connector is None:
            limits = [self._for_connector.get("limit", 100), self._for_connector.get("limit_per_host", 0)]
        else:
            has_limits = isinstance(connector, aiohttp.BaseConnector)
            limits = [connector.limit, connector.limit_per_host] if has_limits else []
        advice = f"give the {'transport' if connector is None else 'connector'} a higher `limit`, or 0 for none"
        streams = self._open_streams if self._streams_share_pool else 0
        return describe_full_pool(min(filter(None, limits), default=None), streams, advice)

    async def aclose(self) -> None:
        """Close the transport's own sessions, on all loops."""
        try:
            await self._for_requests.aclose()
        finally:
            await self._for_streams.aclose()

    def _check_connector(self) -> None:
        if not (self._connector is None or self._streams_share_pool or callable(self._connector)):
            raise TypeError(
                f"connector must be a connector of aiohttp, or a function that makes one: {self._connector!r}"
            )
        if self._connector is not None and self._for_connector:
            names = ", ".join(sorted(self._for_connector))
            raise TypeError(f"{names} cannot be combined with connector=; set them on the connector")

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


async def _send_through_copy(external: aiohttp.ClientSession, send_request: SendRequest) -> aiohttp.ClientResponse:
    session = _isolate_users(copy(external))
    try:
        return await send_request(session)
    finally:
        session.detach()


async def _send_within_limit(sessions: SessionPerLoop[_Pool], send_request: SendRequest) -> aiohttp.ClientResponse:
    pool = sessions.get() or await sessions.open()
    async with pool.limit:
        return await send_request(pool.session)


async def _close(pool: _Pool) -> None:
    await pool.session.close()


def _take_transports(pool: _Pool) -> list[asyncio.BaseTransport]:
    return take_transports(pool.session)


def _make_connector(options: dict[str, Any]) -> aiohttp.BaseConnector:
    # PocketBase drops idle connections after 180 s.
    options = options if options.get("force_close") else {"keepalive_timeout": 90, **options}
    return aiohttp.UnixConnector(**options) if "path" in options else aiohttp.TCPConnector(**options)


def _check_external(session: object, options: dict[str, Any]) -> None:
    if options:
        raise TypeError("options cannot be combined with a session; set them on the session")
    if not isinstance(session, aiohttp.ClientSession):
        raise wrong_session("an aiohttp.ClientSession", session)
    if session.auth is not None:
        raise TypeError("a session with auth= cannot be used, because the Authorization header holds the user's token")


def _isolate_users(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Change a session, which then neither sends nor keeps cookies, ignores netrc files and uses clean connections.

    aiohttp has no public way to do so: a jar belongs to its session, `trust_env` enables proxies and netrc alike, and
    another session on the same connector would lack the middlewares, the proxies and the class of the user's session.
    """
    request_class = with_clean_connections(getattr(session, "_request_class"))
    vars(session).update(
        _cookie_jar=aiohttp.DummyCookieJar(), _get_netrc_auth=_no_netrc_auth, _request_class=request_class
    )
    return session


def _no_netrc_auth(host: str) -> None:
    """Replace the lookup in a netrc file: there is no password for any host."""
