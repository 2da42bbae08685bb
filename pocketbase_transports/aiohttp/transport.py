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
    """Requests through an `aiohttp.ClientSession`: the one handed in, which stays open, or one of its own.

    Several users may share a transport: no cookie is sent or kept, whatever the jar of the session handed in does.
    `session_options` are those of `ClientSession` and of its connector (`ssl`, `limit`, …; `path` is a Unix socket).
    `connector` may be a function that makes one, which each event loop and its streams of events need.

    Raises:
        TypeError: an unknown option, or one that would mix up the users; something else than a session.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None, **session_options: Any) -> None:
        self._sessions = Sessions(session, session_options)
        self._pool_wait = PoolWait(POOL_WAIT, self._sessions.describe_full_pool)
        self._stream_pool_wait = (
            self._pool_wait if self._sessions.have_limit else PoolWait(POOL_WAIT, lambda: TOO_MANY_OPENING)
        )

    def _request(
        self, exchange: Exchange, read: float | None = None, *, for_stream: bool = False
    ) -> Awaitable[aiohttp.ClientResponse]:
        return self._sessions.send_through(partial(_send_request, exchange, read), for_stream)

    async def send(self, request: Request) -> Response:
        async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
            answer = await self._request(exchange)
            is_plain = "Content-Encoding" not in answer.headers
            if is_plain and answer.content.is_eof() and not self._sessions.are_traced:  # all came with the headers
                content = exchange.check_body_size(answer.status, answer.content.read_nowait())
            else:
                content = await read_body(answer, exchange)
        return Response(answer.status, answer.headers.items(), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
            answer = await self._request(exchange, request.timeout)
        async with answer:
            headers = Headers(answer.headers.items())
            chunks = exchange.decompress(answer.status, headers, BodyStream(exchange, answer.content.readany))
            yield StreamingResponse(answer.status, headers, chunks)

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with Exchange(request, ERROR_MAP, self._stream_pool_wait) as exchange:
            answer = await self._request(exchange, for_stream=True)
            await sse.ensure_event_stream(answer, exchange)
        with self._sessions.count_stream():
            async with answer, aclosing(sse.events(answer, exchange)) as events:
                yield events

    async def aclose(self) -> None:
        await self._sessions.aclose()


async def _send_request(
    exchange: Exchange, read: float | None, session: aiohttp.ClientSession
) -> aiohttp.ClientResponse:
    has_body = exchange.has_body
    for _ in range(MAX_ATTEMPTS):
        try:
            answer = await session.request(
                exchange.request.method,
                URL(exchange.request.full_url, encoded=True),
                data=exchange if has_body else None,
                headers=exchange.headers,
                skip_auto_headers=("Content-Type",) if has_body else None,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=False,
                timeout=_timeout(read, session.timeout.connect, session.timeout.sock_connect),
            )
        except UnsolicitedDataError:
            continue
        exchange.response_started()
        return answer
    raise aiohttp.ClientConnectionError("the server sends before it is asked")


@lru_cache(maxsize=16)
def _timeout(read: float | None, connect: float | None, sock_connect: float | None) -> aiohttp.ClientTimeout:
    """Limit single waits; the exchange limits the whole."""
    return aiohttp.ClientTimeout(None, connect, read, sock_connect, ceil_threshold=inf)
