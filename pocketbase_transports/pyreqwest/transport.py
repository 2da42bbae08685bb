"""The ports on pyreqwest."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Any

from pyreqwest.client import Client

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import Exchange, PoolWait, StreamingResponse

from .._connection_limit import TOO_MANY_OPENING
from . import sse
from .calls import Call, body_stream, read_body, read_headers
from .clients import Clients
from .exceptions import ERROR_MAP, POOL_WAIT


class PyreqwestTransport:
    """A transport on pyreqwest.

    Args:
        client: A client that the transport does not close. Build it with `follow_redirects(False)` and without a cookie
            store: several users may share a transport, which cannot see or change what its client does. None: the
            transport opens its own clients.
        client_options: Options of `ClientBuilder` for the transport's own clients, by the names of its methods
            (`add_root_certificate_pem`, `max_connections`, …). As with the other transports, the clients use the
            proxies of the environment only with `trust_env=True`.

    Raises:
        TypeError: If `client` is not a client, or an option is unknown or would mix up the users.
    """

    def __init__(self, client: Client | None = None, **client_options: Any) -> None:
        self._clients = Clients(client, client_options)
        self._pool_wait = PoolWait(POOL_WAIT, self._clients.describe_full_pool)
        self._stream_pool_wait = self._pool_wait if client else PoolWait(POOL_WAIT, lambda: TOO_MANY_OPENING)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def send(self, request: Request) -> Response:
        """Return the response to a request. See `HttpPort.send`."""
        async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
            pool = self._clients.ready() or await self._clients.open_pool()
            call = Call(pool, exchange, reads_ahead=not request.sources)
            async with pool.limit:
                try:
                    response = await call.open()
                    content = await read_body(call, response, exchange)
                finally:
                    call.close()
        return Response(response.status, Headers.deferred(partial(read_headers, response)), content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        """Open the response to a request as a stream. See `HttpPort.stream`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERROR_MAP, self._pool_wait) as exchange:
                pool = await self._clients.open_pool()
                await stack.enter_async_context(pool.limit)
                stack.callback((call := Call(pool, exchange)).close)
                response = await call.open()
            headers = Headers(read_headers(response))
            received = body_stream(call, response, exchange, request.timeout)
            chunks = exchange.decompress(response.status, headers, received)
            yield StreamingResponse(response.status, headers, chunks)

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Open a stream of server-sent events. See `SsePort.events`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERROR_MAP, self._stream_pool_wait) as exchange:
                pool = await self._clients.open_pool(for_stream=True)
                stack.callback((call := Call(pool, exchange)).close)
                async with pool.limit:
                    response = await call.open()
                headers = Headers(read_headers(response))
                await sse.ensure_event_stream(call, response, headers, exchange)
            self._clients.open_streams += 1
            try:
                yield await stack.enter_async_context(aclosing(sse.events(call, response, headers, exchange)))
            finally:
                self._clients.open_streams -= 1

    async def aclose(self) -> None:
        """Close the transport's own clients. May be called twice."""
        await self._clients.aclose()
