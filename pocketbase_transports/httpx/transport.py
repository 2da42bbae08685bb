"""The ports on httpx and on httpx2, which has the same API. The annotations name httpx2."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import parse_qsl

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, Exchange, PoolWait, StreamingResponse

from .._connection_limit import TOO_MANY_OPENING, describe_full_pool
from .._sessions import SessionPerLoop
from . import injected_client, sessions, sse
from .early_responses import watch_body
from .exceptions import POOL_WAIT, error_map
from .isolation import open_response, run_isolated
from .reading import BodyReader, raw_chunks
from .sockets import take_transports
from .trailing_data import close_on_trailing_data

if TYPE_CHECKING:
    import httpx
    import httpx2


class HttpxTransport:
    """A transport on httpx or httpx2.

    Several users may share a transport: it neither sends nor keeps cookies, whatever the client's jar does.

    Args:
        client: The client to use, of either library. The transport does not close this client. None: the transport
            opens its own, of httpx2 if that is installed.
        client_options: Options of `AsyncClient`, for the transport's own client. As with aiohttp, that client uses the
            proxies of the environment only with `trust_env=True`.

    Raises:
        TypeError: If `client` is not a client, or an option is unknown or would mix up the users.
    """

    def __init__(
        self, client: Union["httpx.AsyncClient", "httpx2.AsyncClient", None] = None, **client_options: Any
    ) -> None:
        self._library = self._find_library() if client is None else injected_client.library_of(client)
        sse.import_reader(self._library)
        self._error_map = error_map(self._library)
        self._external = None
        if client is None:
            injected_client.check_options(self._library, client_options)
        else:
            self._external = sessions.ExternalClient(injected_client.check_client(client, client_options))
        options = cache(lambda: sessions.with_certificates(self._library, client_options))
        self._for_requests = SessionPerLoop(
            lambda: sessions.pool_for_requests(self._library, options()), _close, _take_transports
        )
        self._limits = client_options.get("limits", self._library.Limits(max_connections=100))
        self._open_streams = 0
        self._pool_wait = self._stream_pool_wait = PoolWait(POOL_WAIT, self._describe_full_pool)
        if self._external or sessions.has_transport(client_options):
            self._for_streams = self._for_requests
        else:
            # A stream holds its connection for as long as it is open, and requests must not wait for that.
            self._for_streams = SessionPerLoop(
                lambda: sessions.pool_for_streams(self._library, options()), _close, _take_transports
            )
            self._stream_pool_wait = PoolWait(POOL_WAIT, lambda: TOO_MANY_OPENING)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def send(self, request: Request) -> Response:
        """Return the response to a request. See `HttpPort.send`."""
        async with Exchange(request, self._error_map, self._pool_wait) as exchange:
            response, content = await run_isolated(self._receive(exchange))
        return Response(response.status_code, response.headers.multi_items(), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        """Open the response to a request as a stream. See `HttpPort.stream`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, self._error_map, self._pool_wait) as exchange:
                pool = await self._get_pool(self._for_requests)
                await stack.enter_async_context(pool.limit)
                client = stack.enter_context(pool.lend())
                sending = self._request(client, exchange, request.timeout)
                response = await stack.enter_async_context(open_response(sending))
            reader = await stack.enter_async_context(BodyReader(response))
            headers = Headers(response.headers.multi_items())
            chunks = BodyStream(exchange.raise_mapped, reader.read)
            yield StreamingResponse(
                response.status_code, headers, exchange.decompress(response.status_code, headers, chunks)
            )

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Open a stream of server-sent events. See `SsePort.events`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, self._error_map, self._stream_pool_wait) as exchange:
                pool = await self._get_pool(self._for_streams)
                client = stack.enter_context(pool.lend())
                async with pool.limit:
                    sending = self._request(client, exchange, None)
                    response = await stack.enter_async_context(open_response(sending))
                await sse.ensure_event_stream(response, exchange)
            self._open_streams += 1
            try:
                yield await stack.enter_async_context(aclosing(sse.events(self._library, response, exchange)))
            finally:
                self._open_streams -= 1

    async def aclose(self) -> None:
        """Close the transport's own clients. May be called twice."""
        try:
            await self._for_requests.aclose()
        finally:
            await self._for_streams.aclose()

    def _find_library(self) -> ModuleType:
        """Return the library for the transport's own clients. A subclass may choose another."""
        return injected_client.installed_library()

    def _describe_full_pool(self) -> str:
        if self._for_streams is self._for_requests:
            advice = "give the client higher limits: Limits(max_connections=…)"
            return describe_full_pool(None, self._open_streams, advice)
        advice = "give the transport higher limits: Limits(max_connections=…)"
        return describe_full_pool(self._limits.max_connections, 0, advice)

    async def _get_pool(
        self, own: SessionPerLoop[sessions.ClientPool]
    ) -> sessions.ExternalClient | sessions.ClientPool:
        return self._external or own.get() or await own.open()

    async def _receive(self, exchange: Exchange) -> "tuple[httpx2.Response, bytes]":
        pool = await self._get_pool(self._for_requests)
        async with pool.limit:
            with pool.lend() as client:
                async with (
                    aclosing(await self._request(client, exchange, None)) as response,
                    aclosing(raw_chunks(response)) as chunks,
                ):
                    return response, await exchange.read_body(response.status_code, response.headers, chunks)

    async def _request(
        self, client: "httpx2.AsyncClient", exchange: Exchange, read_timeout: float | None
    ) -> "httpx2.Response":
        url = exchange.request.full_url
        # The parameters of the client would replace the query of the URL, if the request had no parameters.
        query = tuple(parse_qsl(url.partition("?")[2], keep_blank_values=True)) if client.params else None
        timeout = self._library.Timeout(read_timeout, connect=client.timeout.connect, pool=client.timeout.pool)
        response = await client.send(
            client.build_request(
                exchange.request.method,
                url,
                params=query,
                headers=exchange.headers,
                content=watch_body(exchange),
                timeout=timeout,
            ),
            stream=True,
            auth=self._library.Auth(),
            follow_redirects=False,
        )
        exchange.response_started()
        close_on_trailing_data(response)
        return response


async def _close(pool: sessions.ClientPool) -> None:
    await pool.aclose()


def _take_transports(pool: sessions.ClientPool) -> Iterator[object]:
    for client in pool:
        yield from take_transports(client)
