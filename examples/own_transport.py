"""A custom transport on asyncio's streams, h11 and `Exchange`.

Use it as `PocketBase(url, transport=OwnTransport())`; h11 comes with httpx. A transport has four methods: `send` for a
whole response, `stream` for a body that is read as it arrives, `events` for server-sent events, and `aclose`. Each
request runs inside an `Exchange`, which encodes the body, ends the request at its timeout, limits and decompresses the
response, and maps the exceptions of asyncio and h11 to the errors listed in `ERRORS`.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from urllib.parse import urlsplit

import h11

from pocketbase_core.errors import PocketBaseConnectionError, PocketBaseTimeoutError
from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, ErrorMap, ErrorMapping, Exchange, StreamingResponse

ERRORS: ErrorMap = {
    ConnectionRefusedError: ErrorMapping(PocketBaseConnectionError, never_sent=True),
    socket.gaierror: ErrorMapping(PocketBaseConnectionError, never_sent=True),
    OSError: ErrorMapping(PocketBaseConnectionError),
    h11.ProtocolError: ErrorMapping(PocketBaseConnectionError),
    TimeoutError: ErrorMapping(PocketBaseTimeoutError),
}


class Reader(asyncio.StreamReader):
    """A stream that ends where the connection breaks, because the received bytes may be a complete response."""

    def set_exception(self, exc: BaseException) -> None:
        self.feed_eof()


class Connection:
    """A connection for one request, and the head of its response."""

    status, headers = 0, Headers()

    def __init__(self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.exchange, self._reader, self._writer = exchange, reader, writer
        self._http = h11.Connection(h11.CLIENT)

    async def start(self, request: h11.Request) -> None:
        """Send the request and read the head of the response, which may arrive before the whole body is sent."""
        self._writer.write(self._http.send(request) or b"")
        sending = asyncio.create_task(self._send_body())
        try:
            while not isinstance(response := await self._next_event(), h11.Response):
                pass  # an informational response comes before the real one
        finally:
            sending.cancel()
            await asyncio.wait([sending])
        self.exchange.response_started()
        self.status = response.status_code
        self.headers = Headers([(name.decode(), value.decode("latin-1")) for name, value in response.headers])

    def body(self, timeout: float | None = None) -> AsyncIterator[bytes]:
        """Return the chunks of the body as they arrive on the connection. Each chunk may take `timeout` seconds."""

        async def read() -> bytes:
            async with asyncio.timeout(timeout):
                event = await self._next_event()
            return bytes(event.data) if isinstance(event, h11.Data) else b""

        return BodyStream(self.exchange.raise_mapped, read)

    def decompressed(self, timeout: float | None = None) -> AsyncIterator[bytes]:
        return self.exchange.decompress(self.status, self.headers, self.body(timeout))

    async def content(self) -> bytes:
        return await self.exchange.read_body(self.status, self.headers, self.body())

    async def _send_body(self) -> None:
        try:
            if self.exchange.body is not None:
                async for chunk in self.exchange.body:
                    self._writer.write(self._http.send(h11.Data(chunk)) or b"")
                    await self._writer.drain()
            self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        except Exception:
            self._writer.transport.abort()  # no response will follow; the exchange keeps the exception of its body

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65536))
        return event


@asynccontextmanager
async def connect(exchange: Exchange) -> AsyncGenerator[Connection, None]:
    """Open a connection, send the request of the exchange on it, and receive the head of the response."""
    url, headers = urlsplit(exchange.request.full_url), {**exchange.headers, "Connection": "close"}
    if exchange.body is not None and "Content-Length" not in headers:
        headers["Transfer-Encoding"] = "chunked"
    target = url._replace(scheme="", netloc="", path=url.path or "/").geturl()
    loop, reader = asyncio.get_running_loop(), Reader()
    protocol = asyncio.StreamReaderProtocol(reader)
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    transport, _ = await loop.create_connection(lambda: protocol, url.hostname or "", port, ssl=secure or None)
    try:
        connection = Connection(exchange, reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        fields = [("Host", url.netloc), *headers.items()]
        await connection.start(h11.Request(method=exchange.request.method, target=target, headers=fields))
        yield connection
    finally:
        transport.abort()


async def read_events(connection: Connection) -> AsyncGenerator[ServerSentEvent, None]:
    last_id = ""
    async with aclosing(connection.exchange.event_fields(connection.decompressed())) as events:
        async for fields in events:
            last_id = fields.get("id", last_id)
            if data := fields.get("data"):
                yield ServerSentEvent(fields.get("event") or "message", data, last_id)


class OwnTransport:
    async def send(self, request: Request) -> Response:
        async with Exchange(request, ERRORS) as exchange, connect(exchange) as connection:
            content = await connection.content()
        return Response(connection.status, connection.headers, content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERRORS) as exchange:  # ends, with its timeout, before the body is read
                connection = await stack.enter_async_context(connect(exchange))
            yield StreamingResponse(connection.status, connection.headers, connection.decompressed(request.timeout))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, ERRORS) as exchange:
                connection = await stack.enter_async_context(connect(exchange))
                if not exchange.is_event_stream(connection.status, connection.headers):
                    content = await connection.content()
                    raise exchange.not_event_stream_error(connection.status, connection.headers.items(), content)
            yield await stack.enter_async_context(aclosing(read_events(connection)))

    async def aclose(self) -> None: ...
