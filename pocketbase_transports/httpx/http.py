"""The ports on httpx and on httpx2, which has the same shape; the annotations here name the latter."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Union, cast
from urllib.parse import parse_qsl

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.ports import Chunks, Exchange, Streamed

from .._loops import PerLoop
from . import sse
from .bodies import raw
from .errors import faults
from .leftovers import discard_leftovers

if TYPE_CHECKING:
    import httpx
    import httpx2


class HttpxTransport:
    """Requests through an `AsyncClient` of httpx or httpx2: the one handed in, which stays open, or one of its own.

    `client_options` go to the own one, of httpx2 where that is installed. It keeps no cookies: several users may share
    a transport. As with aiohttp, it looks at the environment's proxies only with `trust_env=True`.
    """

    def __init__(
        self, client: Union["httpx.AsyncClient", "httpx2.AsyncClient", None] = None, **client_options: Any
    ) -> None:
        if client is not None and client_options:
            raise TypeError("options are for a client of the transport's own; set them on the one handed in")
        self._library = _installed() if client is None else _library_of(client)
        self._faults = faults(self._library)
        self._given = cast("httpx2.AsyncClient | None", client)
        self._options = client_options
        self._own: PerLoop[httpx2.AsyncClient] = PerLoop(self._new, lambda own: own.aclose())

    def _new(self) -> "httpx2.AsyncClient":
        defaults: dict[str, Any] = {
            "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # PocketBase drops idle connections after 180 s.
            "limits": self._library.Limits(max_connections=100, keepalive_expiry=90),
            "timeout": self._library.Timeout(None, connect=30),
            "trust_env": False,
        }
        client: httpx2.AsyncClient = self._library.AsyncClient(**(defaults | self._options))
        return client

    async def _request(self, exchange: Exchange, read: float | None) -> "httpx2.Response":
        client = self._given or self._own.get() or await self._own.open()
        url = exchange.request.full_url
        # Parameters of the client's own would take the place of a query in the URL.
        query = tuple(parse_qsl(url.partition("?")[2], keep_blank_values=True)) if client.params else None
        timeout = self._library.Timeout(read, connect=client.timeout.connect, pool=client.timeout.pool)
        answer = await client.send(
            client.build_request(
                exchange.request.method,
                url,
                params=query,
                headers=exchange.headers,
                content=exchange if exchange.has_body else None,
                timeout=timeout,
            ),
            stream=True,
            follow_redirects=False,
        )
        exchange.answered()
        discard_leftovers(answer.stream)
        return answer

    async def send(self, request: Request) -> Response:
        async with Exchange(request, self._faults) as exchange:
            async with (
                aclosing(await self._request(exchange, None)) as answer,
                aclosing(raw(answer)) as chunks,
            ):
                content = await exchange.read(answer.status_code, answer.headers, chunks)
        return Response(answer.status_code, answer.headers.multi_items(), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Streamed, None]:
        async with Exchange(request, self._faults) as exchange:
            answer = await self._request(exchange, request.timeout)
        async with aclosing(answer), aclosing(raw(answer)) as received:
            headers = Headers(answer.headers.multi_items())
            chunks = Chunks(exchange, lambda: anext(received, b""))
            yield Streamed(answer.status_code, headers, exchange.decompressed(answer.status_code, headers, chunks))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with Exchange(request, self._faults) as exchange:
            answer = await self._request(exchange, None)
            await sse.check(answer, exchange)
        async with aclosing(answer), aclosing(sse.events(self._library, answer, exchange)) as events:
            yield events

    async def aclose(self) -> None:
        await self._own.aclose()


def _installed() -> ModuleType:
    try:
        return import_module("httpx2")
    except ImportError:
        return import_module("httpx")


def _library_of(client: object) -> ModuleType:
    for kind in type(client).__mro__:
        root = kind.__module__.partition(".")[0]
        if kind.__name__ == "AsyncClient" and root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise TypeError(f"an AsyncClient of httpx or httpx2 is wanted, not {type(client).__name__}")
