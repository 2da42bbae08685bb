"""A transport on asyncio's streams alone, one connection a request: `PocketBase(url, transport=OwnTransport())`."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from urllib.parse import urlsplit

from pocketbase_core.errors import PocketBaseConnectionError, PocketBaseTimeoutError
from pocketbase_core.messages import Headers, Request, Response, ServerSentEvent
from pocketbase_core.transport import BodyStream, ErrorMap, ErrorMapping, Exchange

FAULTS: ErrorMap = {
    **dict.fromkeys(
        [ConnectionRefusedError, socket.gaierror], ErrorMapping(PocketBaseConnectionError, never_sent=True)
    ),
    TimeoutError: ErrorMapping(PocketBaseTimeoutError),
    **dict.fromkeys(
        [OSError, EOFError, ValueError, asyncio.LimitOverrunError], ErrorMapping(PocketBaseConnectionError)
    ),
}


class Answer:
    """The head of an answer, and the connection that its body comes from."""

    patience: float | None = None  # seconds for each piece of the body

    def __init__(self, exchange: Exchange, head: bytes, reader: asyncio.StreamReader) -> None:
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:-2]]
        self.status_code, self.headers = int(head[9:12]), Headers([(name, value.strip()) for name, _, value in lines])
        self.exchange, self._reader = exchange, reader
        self._chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        is_empty = self._chunked or self.status_code in (204, 304)
        self._left = 0 if is_empty else int(self.headers.get("Content-Length", -1))  # -1: all until the end

    async def read(self) -> bytes:  # nothing at the end
        async with asyncio.timeout(self.patience):
            if self._chunked and self._left == 0:
                self._left = int((await self._reader.readuntil(b"\n")).partition(b";")[0], 16)
                self._chunked = self._left > 0
            piece = await self._reader.read(min(self._left, 65536) if self._left >= 0 else 65536)
            if self._left > 0:
                self._left -= len(piece)
                if not piece or (self._chunked and self._left == 0 and await self._reader.readexactly(2) != b"\r\n"):
                    raise EOFError("the body breaks off")
        return piece

    @property
    def received(self) -> AsyncIterator[bytes]:
        return BodyStream(self.exchange.raise_mapped, self.read)

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        return self.exchange.decompress(self.status_code, self.headers, self.received)


class Reader(asyncio.StreamReader):
    """Gives what was received before the connection broke, then ends."""

    def set_exception(self, exc: BaseException) -> None:
        self.feed_eof()


async def connect(host: str, port: int, secure: bool) -> tuple[Reader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = Reader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, host, port, ssl=secure or None)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def write_body(exchange: Exchange, writer: asyncio.StreamWriter, chunked: bool) -> None:
    if exchange.body is not None:
        async for chunk in exchange.body:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            await writer.drain()
    writer.write(b"0\r\n\r\n" if chunked else b"")


async def read_head(
    exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunked: bool
) -> bytes:
    """Read the head of the response, which may come before the body has been written."""
    writing = asyncio.create_task(write_body(exchange, writer, chunked))
    reading = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    try:
        await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
        if writing.done() and not isinstance(writing.exception(), ConnectionError):
            writing.result()
        while (head := await reading).startswith(b"HTTP/1.1 1"):
            reading = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        return head
    finally:
        writing.cancel()
        reading.cancel()
        await asyncio.wait([writing, reading])


@asynccontextmanager
async def asked(exchange: Exchange) -> AsyncGenerator[Answer, None]:
    url, headers = urlsplit(exchange.request.full_url), exchange.headers
    secure, chunked = url.scheme == "https", exchange.body is not None and "Content-Length" not in headers
    reader, writer = await connect(url.hostname or "", url.port or (80, 443)[secure], secure)
    try:
        headers |= {"Host": url.netloc, "Connection": "close"} | ({"Transfer-Encoding": "chunked"} if chunked else {})
        target = url._replace(scheme="", netloc="", path=url.path or "/").geturl()
        lines = [f"{exchange.request.method} {target} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = Answer(exchange, await read_head(exchange, reader, writer, chunked), reader)
        exchange.response_started()
        yield answer
    finally:
        writer.transport.abort()


async def read_events(answer: Answer) -> AsyncGenerator[ServerSentEvent, None]:
    last_id = ""
    async with aclosing(answer.exchange.event_fields(answer.aiter_bytes())) as events:
        async for fields in events:
            last_id = fields.get("id", last_id)
            if data := fields.get("data"):
                yield ServerSentEvent(fields.get("event") or "message", data, last_id)


class OwnTransport:
    async def send(self, request: Request) -> Response:
        async with Exchange(request, FAULTS) as exchange, asked(exchange) as answer:
            content = await exchange.read_body(answer.status_code, answer.headers, answer.received)
        return Response(answer.status_code, answer.headers, content, request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Answer, None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, FAULTS) as exchange:
                answer = await stack.enter_async_context(asked(exchange))
            answer.patience = request.timeout
            yield answer

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        async with AsyncExitStack() as stack:
            async with Exchange(request, FAULTS) as exchange:
                answer = await stack.enter_async_context(asked(exchange))
                if not exchange.is_event_stream(answer.status_code, answer.headers):
                    content = await exchange.read_body(answer.status_code, answer.headers, answer.received)
                    raise exchange.not_event_stream_error(answer.status_code, answer.headers.items(), content)
            yield await stack.enter_async_context(aclosing(read_events(answer)))

    async def aclose(self) -> None: ...
