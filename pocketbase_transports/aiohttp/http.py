"""The ports on aiohttp."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache
from math import inf
from typing import Any

import aiohttp
from yarl import URL

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.ports import Chunks, Exchange, Streamed

from .._loops import PerLoop
from . import sse
from .bodies import read
from .errors import FAULTS
from .unasked import middlewares


class AiohttpTransport:
    """Requests through an `aiohttp.ClientSession`: the one handed in, which stays open, or one of its own.

    `session_options` go to the own one, which keeps no cookies: several users may share a transport.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None, **session_options: Any) -> None:
        if session is not None and session_options:
            raise TypeError("options are for a session of the transport's own; set them on the one handed in")
        self._given = session
        self._options = session_options
        self._is_traced = bool(session.trace_configs if session else session_options.get("trace_configs"))
        self._own = PerLoop(self._new, aiohttp.ClientSession.close)

    def _new(self) -> aiohttp.ClientSession:
        # PocketBase drops idle connections after 180 s.
        options: dict[str, Any] = {"cookie_jar": aiohttp.DummyCookieJar(), **self._options}
        if "connector" not in options:
            options["connector"] = aiohttp.TCPConnector(keepalive_timeout=90)
        return aiohttp.ClientSession(**options)

    async def _request(self, exchange: Exchange, read: float | None = None) -> aiohttp.ClientResponse:
        session = self._given or self._own.get() or await self._own.open()
        has_body = exchange.has_body
        answer = await session.request(
            exchange.request.method,
            URL(exchange.request.full_url, encoded=True),
            data=exchange if has_body else None,
            headers=exchange.headers,
            skip_auto_headers=("Content-Type",) if has_body else None,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            middlewares=middlewares(session),
            timeout=_timeout(read, session.timeout.connect, session.timeout.sock_connect),
        )
        exchange.answered()
        return answer

    async def send(self, request: Request) -> Response:
        async with Exchange(request, FAULTS) as exchange:
            answer = await self._request(exchange)
            is_plain = "Content-Encoding" not in answer.headers
            if is_plain and answer.content.is_eof() and not self._is_traced:  # all of it came with the headers
                content = exchange.checked(answer.status, answer.content.read_nowait())
            else:
                content = await read(answer, exchange)
        return Response(answer.status, answer.headers.items(), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Streamed, None]:
        async with Exchange(request, FAULTS) as exchange:
            answer = await self._request(exchange, request.timeout)
        async with answer:
            headers = Headers(answer.headers.items())
            chunks = exchange.decompressed(answer.status, headers, Chunks(exchange, answer.content.readany))
            yield Streamed(answer.status, headers, chunks)

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with Exchange(request, FAULTS) as exchange:
            answer = await self._request(exchange)
            await sse.check(answer, exchange)
        async with answer, aclosing(sse.events(answer, exchange)) as events:
            yield events

    async def aclose(self) -> None:
        await self._own.aclose()


@lru_cache(maxsize=16)
def _timeout(read: float | None, connect: float | None, sock_connect: float | None) -> aiohttp.ClientTimeout:
    """The whole is limited by the exchange."""
    return aiohttp.ClientTimeout(None, connect, read, sock_connect, ceil_threshold=inf)
