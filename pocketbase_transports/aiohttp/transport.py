"""The ports on aiohttp."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache, partial
from math import inf
from typing import Any

import aiohttp
from yarl import URL

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, Exchange, PoolWait, StreamingResponse

from .._connection_limit import TOO_MANY_OPENING
from . import sse
from .exceptions import ERROR_MAP, POOL_WAIT
from .reading import read_body
from .sessions import Sessions
from .unsolicited_data import MAX_ATTEMPTS, UnsolicitedDataError


class AiohttpTransport:
    """A transport on aiohttp.

    Several users may share a transport: it neither sends nor keeps cookies, whatever the session's jar does.

    Args:
        session: An open `aiohttp.ClientSession`, which the transport does not close. None: the transport opens one.
        session_options: Options of `aiohttp.ClientSession` and of its connector, for a session of the transport's own
            (`ssl`, `limit`, …; `path` is a Unix socket). `connector` may be a function that makes a connector: each
            event loop needs one for requests, and one for streams of events.

    Raises:
        TypeError: If `session` is not a session, or an option is unknown or would mix up the users.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None, **session_options: Any) -> None:
        self._sessions = Sessions(session, session_options)
        self._pool_wait = PoolWait(POOL_WAIT, self._sessions.describe_full_pool)
        self._stream_pool_wait = (
            self._pool_wait if self._sessions.streams_are_limited else PoolWait(POOL_WAIT, lambda: TOO_MANY_OPENING)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def send(self, request: Request) -> Response:
        """Return the response to a request. See `HttpPort.send`."""
        async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
            session = self._sessions.ready()  # a shorter way than `_request`
            response = await (_send_request(exchange, None, session) if session else self._request(exchange))
            is_plain = "Content-Encoding" not in response.headers
            if is_plain and response.content.is_eof() and not self._sessions.are_traced:  # it came with the headers
                content = response.content.read_nowait()
                exchange.check_body_size(response.status, len(content))
            else:
                content = await read_body(response, exchange)
        return Response(response.status, Headers.deferred(response.headers.items), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        """Open the response to a request as a stream. See `HttpPort.stream`."""
        async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
            response = await self._request(exchange, request.timeout)
        async with response:
            headers = Headers(response.headers.items())
            received = BodyStream(exchange.raise_mapped, response.content.readany)
            chunks = exchange.decompress(response.status, headers, received)
            yield StreamingResponse(response.status, headers, chunks)

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Open a stream of server-sent events. See `SsePort.events`."""
        async with Exchange(request, ERROR_MAP, self._stream_pool_wait) as exchange:
            response = await self._request(exchange, for_stream=True)
            await sse.ensure_event_stream(response, exchange)
        with self._sessions.count_stream():
            async with response, aclosing(sse.events(response, exchange)) as events:
                yield events

    async def aclose(self) -> None:
        """Close the transport's own sessions. May be called twice."""
        await self._sessions.aclose()

    def _request(
        self, exchange: Exchange, read_timeout: float | None = None, *, for_stream: bool = False
    ) -> Awaitable[aiohttp.ClientResponse]:
        return self._sessions.send_through(partial(_send_request, exchange, read_timeout), for_stream)


async def _send_request(
    exchange: Exchange, read_timeout: float | None, session: aiohttp.ClientSession
) -> aiohttp.ClientResponse:
    body = exchange.body
    for _ in range(MAX_ATTEMPTS):
        try:
            response = await session.request(
                exchange.request.method,
                URL(exchange.request.full_url, encoded=True),
                data=body,
                headers=exchange.headers,
                skip_auto_headers=None if body is None else ("Content-Type",),
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=False,
                timeout=_timeout(read_timeout, session.timeout.connect, session.timeout.sock_connect),
            )
        except UnsolicitedDataError:
            continue
        exchange.response_started()
        return response
    raise aiohttp.ClientConnectionError("the server sends data before it has received a request")


@lru_cache(maxsize=16)
def _timeout(read: float | None, connect: float | None, sock_connect: float | None) -> aiohttp.ClientTimeout:
    """Return the timeouts of single waits. The exchange has the timeout of the whole request."""
    return aiohttp.ClientTimeout(None, connect, read, sock_connect, ceil_threshold=inf)
