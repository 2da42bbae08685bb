"""The ports on httpx and on httpx2, which has the same shape; the annotations here name the latter."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import parse_qsl

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, Exchange, PoolWait, StreamingResponse

from .._connection_limit import TOO_MANY_OPENING, describe_full_pool
from .._sessions import SessionPerLoop
from . import injected_client, sessions, sse
from .early_responses import WatchedBody, is_large
from .exceptions import POOL_WAIT, error_map
from .isolation import open_response, run_isolated
from .reading import raw_chunks
from .sockets import take_transports
from .trailing_data import close_on_trailing_data

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
        self._library = injected_client.installed_library() if client is None else injected_client.library_of(client)
        self._error_map = error_map(self._library)
        self._handed = None
        if client is None:
            injected_client.check_options(self._library, client_options)
        else:
            self._handed = sessions.ExternalClient(injected_client.check_client(client, client_options))
        options = cache(lambda: sessions.with_certificates(self._library, client_options))
        self._for_requests = SessionPerLoop(
            lambda: sessions.pool_for_requests(self._library, options()), _close, _take_transports
        )
        self._limits = client_options.get("limits", self._library.Limits(max_connections=100))
        self._streams = 0
        self._pool_wait = self._stream_pool_wait = PoolWait(POOL_WAIT, self._describe_full_pool)
        if self._handed or sessions.has_transport(client_options):
            self._for_streams = self._for_requests
        else:
            # A stream holds its connection for as long as it is listened to, which must not keep requests waiting.
            self._for_streams = SessionPerLoop(
                lambda: sessions.pool_for_streams(self._library, options()), _close, _take_transports
            )
            self._stream_pool_wait = PoolWait(POOL_WAIT, lambda: TOO_MANY_OPENING)

    def _describe_full_pool(self) -> str:
        if self._for_streams is self._for_requests:
            return describe_full_pool(None, self._streams, "give the client higher limits: Limits(max_connections=…)")
        return describe_full_pool(
            self._limits.max_connections, 0, "give the transport higher limits: Limits(max_connections=…)"
        )

    async def _get_pool(
        self, own: SessionPerLoop[sessions.ClientPool]
    ) -> sessions.ExternalClient | sessions.ClientPool:
        return self._handed or own.get() or await own.open()

    async def _request(self, client: "httpx2.AsyncClient", exchange: Exchange, read: float | None) -> "httpx2.Response":
        url = exchange.request.full_url
        # Parameters of the client's own would take the place of a query in the URL.
        query = tuple(parse_qsl(url.partition("?")[2], keep_blank_values=True)) if client.params else None
        timeout = self._library.Timeout(read, connect=client.timeout.connect, pool=client.timeout.pool)
        body = WatchedBody(exchange) if exchange.has_body and is_large(exchange) else exchange
        answer = await client.send(
            client.build_request(
                exchange.request.method,
                url,
                params=query,
                headers=exchange.headers,
                content=body if exchange.has_body else None,
                timeout=timeout,
            ),
            stream=True,
            auth=self._library.Auth(),
            follow_redirects=False,
        )
        exchange.response_started()
        close_on_trailing_data(answer.stream)
        return answer

    async def send(self, request: Request) -> Response:
        async with Exchange(request, self._error_map, self._pool_wait) as exchange:
            answer, content = await run_isolated(self._receive(exchange))
        return Response(answer.status_code, answer.headers.multi_items(), content, request.url)

    async def _receive(self, exchange: Exchange) -> "tuple[httpx2.Response, bytes]":
        pool = await self._get_pool(self._for_requests)
        async with pool.limit:
            with pool.lend() as client:
                async with (
                    aclosing(await self._request(client, exchange, None)) as answer,
                    aclosing(raw_chunks(answer)) as chunks,
                ):
                    return answer, await exchange.read_body(answer.status_code, answer.headers, chunks)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, self._error_map, self._pool_wait) as exchange:
                pool = await self._get_pool(self._for_requests)
                await stack.enter_async_context(pool.limit)
                client = stack.enter_context(pool.lend())
                asked = self._request(client, exchange, request.timeout)
                answer = await stack.enter_async_context(open_response(asked))
            received = await stack.enter_async_context(aclosing(raw_chunks(answer)))
            headers = Headers(answer.headers.multi_items())
            chunks = BodyStream(exchange, lambda: run_isolated(anext(received, b"")))
            yield StreamingResponse(
                answer.status_code, headers, exchange.decompress(answer.status_code, headers, chunks)
            )

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, self._error_map, self._stream_pool_wait) as exchange:
                pool = await self._get_pool(self._for_streams)
                client = stack.enter_context(pool.lend())
                async with pool.limit:
                    answer = await stack.enter_async_context(open_response(self._request(client, exchange, None)))
                await sse.ensure_event_stream(answer, exchange)
            self._streams += 1
            try:
                yield await stack.enter_async_context(aclosing(sse.events(self._library, answer, exchange)))
            finally:
                self._streams -= 1

    async def aclose(self) -> None:
        try:
            await self._for_requests.aclose()
        finally:
            await self._for_streams.aclose()


async def _close(own: sessions.ClientPool) -> None:
    await own.aclose()


def _take_transports(own: sessions.ClientPool) -> Iterator[object]:
    for client in own:
        yield from take_transports(client)
