"""PocketBase's realtime endpoints, as a script for the wire, which can refuse and break, and notes what it is sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pocketbase_core.testing.contract.scripted_server import Connection, ScriptedServer, scripted_server


@dataclass
class RealtimeServer:
    """`streams` are the open connections by client id; `posts` the submissions, `(client id, topics)`."""

    wire: ScriptedServer = field(default_factory=ScriptedServer)
    streams: dict[str, Connection] = field(default_factory=dict[str, Connection])
    posts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    connects: int = 0
    refusals: list[int] = field(default_factory=list[int])
    """Statuses for the next submissions, in place of 204."""
    refused: set[str] = field(default_factory=set[str])
    """Topics that are answered by 400."""
    refreshed: str = ""
    """The token that a refresh returns."""
    tokens: list[str] = field(default_factory=list[str])
    """Tokens of the submissions."""
    checks: list[str] = field(default_factory=list[str])
    """Tokens that the server was asked about."""
    verdicts: list[int] = field(default_factory=list[int])
    """Statuses for the next questions, in place of 200."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while submissions are answered."""
    forgotten: set[str] = field(default_factory=set[str])
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return self.wire.url

    async def script(self, connection: Connection) -> None:
        while True:
            request = await connection.request()
            if request.target == "/api/files/token":
                self.checks.append(request.headers["authorization"])
                self._tell()
                status = self.verdicts.pop(0) if self.verdicts else 200
                await connection.respond_json('{"token": "of a file"}' if status == 200 else "{}", status)
            elif request.target.endswith("/auth-refresh"):
                await connection.respond_json(json.dumps({"token": self.refreshed, "record": {"id": "u1"}}))
            elif request.method == "POST":
                self.tokens.append(request.headers.get("authorization", ""))
                body = json.loads(request.body)
                self.posts.append((body["clientId"], tuple(body["subscriptions"])))
                self._tell()
                await self.answers.wait()
                if self.refusals:
                    status = self.refusals.pop(0)
                    await connection.respond_json(json.dumps({"status": status, "message": "No.", "data": {}}), status)
                elif self.refused.intersection(body["subscriptions"]):
                    await connection.respond_json('{"status": 400, "message": "No such topic.", "data": {}}', 400)
                elif body["clientId"] not in self.streams or body["clientId"] in self.forgotten:
                    await connection.respond_json('{"status": 404, "message": "Unknown.", "data": {}}', 404)
                else:
                    await connection.respond(204)
            else:
                await self.stream(connection)

    async def stream(self, connection: Connection) -> None:
        self.connects += 1
        client_id = f"client{self.connects}"
        await connection.start_stream()
        self.streams[client_id] = connection
        self._tell()
        try:
            await self.send(connection, "PB_CONNECT", json.dumps({"clientId": client_id}))
            while client_id in self.streams:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await connection.closed_by_client()
                        raise EOFError
            await connection.send(b"0\r\n\r\n")
        finally:
            self.streams.pop(client_id, None)
            self._tell()

    async def send(self, connection: Connection, event: str, data: str) -> None:
        await connection.chunk(f"event:{event}\ndata:{data}\n\n".encode())

    async def emit(self, topic: str, data: object) -> None:
        """Send a message to every stream that wants it."""
        wanted = dict(self.posts)
        for client_id, connection in [*self.streams.items()]:
            if topic in wanted.get(client_id, ()):
                with contextlib.suppress(ConnectionError):  # the client has just hung up
                    await self.send(connection, topic, json.dumps(data))

    def end_streams(self) -> None:
        """End the bodies and keep the connections, as PocketBase does at its limits."""
        self.streams.clear()

    def reset_streams(self) -> None:
        for client_id, connection in [*self.streams.items()]:
            del self.streams[client_id]
            connection.reset()

    async def until_told(self, *topics: str, client_id: str | None = None) -> None:
        """Wait until a stream, or this one, was told exactly these topics, in whatever order."""
        async with asyncio.timeout(10):
            while not any(
                sorted(told) == sorted(topics) and (client_id or client) == client for client, told in self.posts
            ):
                await self.changed.wait()

    async def until_streams(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.streams) != count:
                await self.changed.wait()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


@asynccontextmanager
async def realtime_server() -> AsyncGenerator[RealtimeServer, None]:
    server = RealtimeServer()
    server.answers.set()
    async with scripted_server(server.script) as running:
        server.wire = running
        yield server
