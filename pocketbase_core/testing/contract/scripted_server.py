"""A loopback server that does to a connection whatever a test says, byte by byte."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import cast


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, seen from the server."""

    def __init__(self, server: "ScriptedServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self.reader = reader
        self.writer = writer

    async def head(self) -> tuple[str, str, dict[str, str]]:
        """Read method, target and headers, their names in lower case. Raise EOFError when the client is gone."""
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return method, target, headers

    async def request(self) -> ReceivedRequest:
        method, target, headers = await self.head()
        received = ReceivedRequest(method, target, headers, await self.body(headers))
        self._server.requests.append(received)
        return received

    async def body(self, headers: dict[str, str]) -> bytes:
        """Read the body that follows the head with these headers."""
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def respond(self, status: int = 200, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *headers]
        if status >= 200 and status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def respond_json(self, text: str, status: int = 200) -> None:
        await self.respond(status, text.encode(), "Content-Type: application/json")

    async def start_stream(self) -> None:
        """Send the head of a stream of events, chunked as PocketBase's is."""
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def reset(self) -> None:
        """End the connection with RST."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def pause_reading(self) -> None:
        """Take no more from the client, so that the buffers on the way fill."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take again what comes from the client."""
        self._transport.resume_reading()

    @property
    def _transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.writer.transport)  # which has more than a WriteTransport

    async def closed_by_client(self) -> None:
        """Return once the client has hung up."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class ScriptedServer:
    """The server: what came in, and where it listens."""

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list[ReceivedRequest])
    connections: int = 0
    open_connections: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def scripted_server(script: Script, *, ssl: SSLContext | None = None) -> AsyncGenerator[ScriptedServer, None]:
    """Run `script` on each connection."""
    server = ScriptedServer()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        server.open_connections.add(task)
        server.connections += 1
        try:
            await script(Connection(server, reader, writer))
        except (EOFError, ConnectionError):
            pass
        except asyncio.CancelledError:
            if not stopping:
                raise
        finally:
            server.open_connections.discard(task)
            writer.close()

    stopping = False
    listener = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**24, ssl=ssl)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        stopping = True
        listener.close()
        for task in [*server.open_connections]:
            task.cancel()
        await asyncio.gather(*server.open_connections, return_exceptions=True)


def answering(*bodies: str) -> Script:
    """Make a script that answers 200 with these JSON texts in turn, the last one for ever, on every connection."""
    left = [*bodies]

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.respond_json(left.pop(0) if len(left) > 1 else left[0])

    return script


def responding(status: int, body: bytes = b"", *headers: str) -> Script:
    """Make a script that gives every request the same response."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.respond(status, body, *headers)

    return script


async def echoing(connection: Connection) -> None:
    """Answer every request with its own body."""
    while True:
        request = await connection.request()
        await connection.respond(200, request.body, "Content-Type: application/json")


def sending(raw: bytes, end: Script | None = None) -> Script:
    """Make a script that answers one request with these bytes, then runs `end`; without an end, it hangs up."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(raw)
        if end is not None:
            await end(connection)

    return script


def streaming(*chunks: bytes) -> Script:
    """Make a script that sends a stream in these chunks, each in a packet of its own, then ends the body."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        for chunk in chunks:
            await connection.chunk(chunk)
            await asyncio.sleep(0.002)  # else the client reads several at once
        await connection.send(b"0\r\n\r\n")

    return script


async def ignoring(connection: Connection) -> None:
    """Read no body, and answer nothing."""
    await connection.head()
    await connection.closed_by_client()


async def resetting(connection: Connection) -> None:
    """End the connection with RST."""
    connection.reset()


def unused_port() -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
