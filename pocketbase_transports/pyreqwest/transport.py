"""The ports on pyreqwest."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as LibraryResponse

from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, Exchange, StreamingResponse

from .._sessions import SessionPerLoop
from .exceptions import ERROR_MAP


class PyreqwestTransport:
    """A transport on pyreqwest."""

    def __init__(self, client: Client | None = None, **client_options: Any) -> None:
        self._external = client
        self._options = client_options
        self._clients = SessionPerLoop(self._open, _close, lambda _: ())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def send(self, request: Request) -> Response:
        """Return the response to a request. See `HttpPort.send`."""
        async with Exchange(request, ERROR_MAP) as exchange:
            async with self._request(await self._get_client(), exchange) as response:
                exchange.response_started()
                headers = Headers(response.headers.items())
                if "Content-Encoding" not in headers and exchange.check_content_length(response.status, headers):
                    content = (await response.bytes()).to_bytes()
                else:
                    async with aclosing(_chunks(response)) as chunks:
                        content = await exchange.read_body(response.status, headers, chunks)
        return Response(response.status, headers, content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        """Open the response to a request as a stream. See `HttpPort.stream`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERROR_MAP) as exchange:
                sending = self._request(await self._get_client(), exchange, is_stream=True)
                response = await stack.enter_async_context(sending)
                exchange.response_started()
            headers = Headers(response.headers.items())
            received = await stack.enter_async_context(aclosing(_chunks(response)))
            chunks = BodyStream(exchange.raise_mapped, lambda: anext(received, b""))
            yield StreamingResponse(response.status, headers, exchange.decompress(response.status, headers, chunks))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Open a stream of server-sent events. See `SsePort.events`."""
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERROR_MAP) as exchange:
                sending = self._request(await self._get_client(), exchange, is_stream=True)
                response = await stack.enter_async_context(sending)
                exchange.response_started()
                headers = Headers(response.headers.items())
                received = await stack.enter_async_context(aclosing(_chunks(response)))
                if not exchange.is_event_stream(response.status, headers):
                    content = await exchange.read_body(response.status, headers, received)
                    raise exchange.not_event_stream_error(response.status, headers.items(), content)
            yield await stack.enter_async_context(aclosing(_events(exchange, response.status, headers, received)))

    async def aclose(self) -> None:
        """Close the transport's own clients. May be called twice."""
        await self._clients.aclose()

    async def _get_client(self) -> Client:
        return self._external or self._clients.get() or await self._clients.open()

    def _open(self) -> Client:
        builder = (
            ClientBuilder()
            .follow_redirects(False)
            .referer(False)
            .no_proxy()
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .pool_idle_timeout(timedelta(seconds=90))
        )
        return builder.build()

    def _request(self, client: Client, exchange: Exchange, *, is_stream: bool = False) -> StreamRequest:
        request = exchange.request
        builder = client.request(request.method, request.full_url).headers(exchange.headers)
        if exchange.body is not None:
            builder = builder.body_stream(exchange.body)
        if is_stream:  # the library would collect 64 KiB before it returns the response
            builder = builder.streamed_read_buffer_limit(0)
        return builder.build_streamed()


async def _close(client: Client) -> None:
    await client.close()


async def _chunks(response: LibraryResponse) -> AsyncGenerator[bytes, None]:
    reader = response.body_reader
    while (chunk := await reader.read_chunk()) is not None:
        yield chunk.to_bytes()


async def _events(
    exchange: Exchange, status: int, headers: Headers, received: AsyncIterator[bytes]
) -> AsyncGenerator[ServerSentEvent, None]:
    chunks = exchange.decompress(status, headers, BodyStream(exchange.raise_mapped, lambda: anext(received, b"")))
    last_id = ""
    async with aclosing(exchange.event_fields(chunks)) as parsed:
        async for fields in parsed:
            last_id = fields.get("id", last_id)
            if data := fields.get("data"):
                yield ServerSentEvent(fields.get("event") or "message", data, last_id)
