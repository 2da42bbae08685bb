"""A loopback server that runs a script of the test on each connection, byte by byte."""

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
    """A request that the server has received."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """The server's side of one connection."""

    def __init__(self, server: "ScriptedServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self.reader = reader
        self.writer = writer

    async def head(self) -> tuple[str, str, dict[str, str]]:
        """Return the method, the target and the headers of the next request.

        The names of headers are in lower case. The values of a repeated name are joined by a comma.

        Raises:
            EOFError: If the client has closed the connection.
        """
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers: dict[str, str] = {}
        for name, _, value in (line.partition(": ") for line in lines):
            earlier = headers.get(name.lower())
            headers[name.lower()] = value if earlier is None else f"{earlier}, {value}"
        return method, target, headers

    async def request(self) -> ReceivedRequest:
        """Return the next request, with its body. Raise as `head`."""
        method, target, headers = await self.head()
        received = ReceivedRequest(method, target, headers, await self.body(headers))
        self._server.requests.append(received)
        return received

    async def body(self, headers: dict[str, str]) -> bytes:
        """Return the body that follows the head with these headers."""
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def respond(self, status: int = 200, body: bytes = b"", *headers: str) -> None:
        """Send a complete response. Each header is a line, as `"X-A: b"`."""
        lines = [f"HTTP/1.1 {status} Whatever", *headers]
        if status >= 200 and status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def respond_json(self, text: str, status: int = 200) -> None:
        """Send a complete response with this JSON text."""
        await self.respond(status, text.encode(), "Content-Type: application/json")

    async def start_stream(self) -> None:
        """Send the head of a stream of events, which is chunked as that of PocketBase."""
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body."""
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def reset(self) -> None:
        """Reset the connection (RST), unless it is closed already."""
        if self._transport.is_closing():
            return
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop reading from the client, so that the buffers between client and server fill."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the client again."""
        self._transport.resume_reading()

    @property
    def _transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.writer.transport)  # has more methods than a WriteTransport

    async def closed_by_client(self) -> None:
        """Wait until the client has closed the connection."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Connection], Awaitable[None]]
"""Serves one connection, which is closed when the script returns."""


@dataclass
class ScriptedServer:
    """The state of a running server."""

    port: int = 0
    """The port on which the server listens."""
    requests: list[ReceivedRequest] = field(default_factory=list[ReceivedRequest])
    """The requests that `Connection.request` has returned."""
    connections: int = 0
    """The number of connections that the server has accepted."""
    open_connections: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])
    """The tasks of the connections whose script is running."""

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def scripted_server(script: Script, *, ssl: SSLContext | None = None) -> AsyncGenerator[ScriptedServer, None]:
    """Run a server that runs `script` on each connection."""
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
    tcp_server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**24, ssl=ssl)
    server.port = tcp_server.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        stopping = True
        tcp_server.close()
        for task in [*server.open_connections]:
            task.cancel()
        await asyncio.gather(*server.open_connections, return_exceptions=True)


def answering(*bodies: str) -> Script:
    """Return a script that responds 200 with these JSON texts in turn, and then always with the last one."""
    remaining = [*bodies]

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.respond_json(remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return script


def responding(status: int, body: bytes = b"", *headers: str) -> Script:
    """Return a script that sends the same response to every request."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.respond(status, body, *headers)

    return script


async def echoing(connection: Connection) -> None:
    """Respond to every request with its own body."""
    while True:
        request = await connection.request()
        await connection.respond(200, request.body, "Content-Type: application/json")


def sending(raw: bytes, end: Script | None = None) -> Script:
    """Return a script that responds to one request with these bytes, and then runs `end` or closes the connection."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(raw)
        if end is not None:
            await end(connection)

    return script


def streaming(*chunks: bytes) -> Script:
    """Return a script that sends a stream of events in these chunks, each in its own packet."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        for chunk in chunks:
            await connection.chunk(chunk)
            await asyncio.sleep(0.002)  # otherwise the client reads several chunks at once
        await connection.send(b"0\r\n\r\n")

    return script


async def ignoring(connection: Connection) -> None:
    """Read the head of a request, and never respond."""
    await connection.head()
    await connection.closed_by_client()


async def resetting(connection: Connection) -> None:
    """Reset the connection (RST)."""
    connection.reset()


def unused_port() -> int:
    """Return a port on which no server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
