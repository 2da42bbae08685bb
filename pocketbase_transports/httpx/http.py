"""The ports on httpx and on httpx2, which has the same shape; the annotations here name the latter."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Union, cast
from urllib.parse import parse_qsl

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.ports import Chunks, Exchange, Streamed

from .._loops import PerLoop
from . import clients, sse
from .errors import faults
from .leftovers import discard_leftovers
from .sockets import take_transports

if TYPE_CHECKING:
    import httpx
    import httpx2


class HttpxTransport:
    """Requests through an `AsyncClient` of httpx or httpx2: the one handed in, which stays open, or one of its own.

    Several users may share a transport: no cookie is sent or kept, whatever the jar of the client handed in does.
    `client_options` go to the own one, of httpx2 where that is installed. As with aiohttp, it looks at the
    environment's proxies only with `trust_env=True`.

    Raises:
        TypeError: an unknown option, or one that would mix up the users; something else than a client.
    """

    def __init__(
        self, client: Union["httpx.AsyncClient", "httpx2.AsyncClient", None] = None, **client_options: Any
    ) -> None:
        self._library = clients.installed() if client is None else clients.library_of(client)
        self._faults = faults(self._library)
        self._given = cast("httpx2.AsyncClient | None", client)
        if self._given is None:
            clients.check_options(self._library, client_options)
        else:
            clients.check_given(self._given, client_options)
        self._options = client_options
        self._for_requests = PerLoop(lambda: clients.new(self._library, self._options), _close, take_transports)
        # A stream holds its connection for as long as it is listened to, so that streams have a pool without a limit.
        is_shared = not client_options.keys().isdisjoint(("transport", "mounts"))
        self._for_streams = self._for_requests if is_shared else PerLoop(self._new_for_streams, _close, take_transports)

    def _new_for_streams(self) -> "httpx2.AsyncClient":
        return clients.new(self._library, self._options | {"limits": self._library.Limits()})

    async def _client(self, *, for_stream: bool) -> "httpx2.AsyncClient":
        if self._given is not None:
            return clients.without_cookies(self._given)
        own = self._for_streams if for_stream else self._for_requests
        return own.get() or await own.open()

    async def _request(self, exchange: Exchange, read: float | None, *, for_stream: bool = False) -> "httpx2.Response":
        client = await self._client(for_stream=for_stream)
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
            auth=self._library.Auth(),
            follow_redirects=False,
        )
        exchange.answered()
        discard_leftovers(answer.stream)
        return answer

    async def send(self, request: Request) -> Response:
        async with Exchange(request, self._faults) as exchange:
            async with (
                aclosing(await self._request(exchange, None)) as answer,
                aclosing(answer.aiter_bytes()) as chunks,
            ):
                content = await exchange.read(answer.status_code, answer.headers, chunks)
        return Response(answer.status_code, answer.headers.multi_items(), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Streamed, None]:
        async with Exchange(request, self._faults) as exchange:
            answer = await self._request(exchange, request.timeout)
        async with aclosing(answer), aclosing(answer.aiter_bytes()) as chunks:
            headers = Headers(answer.headers.multi_items())
            yield Streamed(answer.status_code, headers, Chunks(exchange, lambda: anext(chunks, b"")))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with Exchange(request, self._faults) as exchange:
            answer = await self._request(exchange, None, for_stream=True)
            await sse.check(answer, exchange)
        async with aclosing(answer), aclosing(sse.events(self._library, answer, exchange)) as events:
            yield events

    async def aclose(self) -> None:
        await self._for_requests.aclose()
        await self._for_streams.aclose()


async def _close(client: "httpx2.AsyncClient") -> None:
    await client.aclose()
