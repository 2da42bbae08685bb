"""PocketBase's realtime endpoints on a scripted server, which can refuse, break and record what it is sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pocketbase_core.testing.contract.scripted_server import Connection, ScriptedServer, scripted_server


@dataclass
class RealtimeServer:
    """A server whose streams and responses a test controls."""

    server: ScriptedServer = field(default_factory=ScriptedServer)
    streams: dict[str, Connection] = field(default_factory=dict[str, Connection])
    """The open connections, by client id."""
    submissions: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    """The submissions of topics: `(client id, topics)`."""
    connects: int = 0
    """How many streams were opened."""
    refusals: list[int] = field(default_factory=list[int])
    """Statuses of the responses to the next submissions, in place of 204."""
    refused: set[str] = field(default_factory=set[str])
    """Topics whose submission is refused with 400."""
    refreshed_token: str = ""
    """The token that the server gives to a client that refreshes."""
    tokens: list[str] = field(default_factory=list[str])
    """The token of each submission."""
    checks: list[str] = field(default_factory=list[str])
    """The token of each request that checks whether the token is still valid."""
    check_statuses: list[int] = field(default_factory=list[int])
    """Statuses of the responses to the next checks, in place of 200."""
    may_respond: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the server responds to submissions; cleared to let them wait."""
    forgotten: set[str] = field(default_factory=set[str])
    """Client ids that the server does not know any more, although their streams are open."""
    records: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    """The records of each list."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, with each stream, submission and check."""

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return self.server.url

    async def script(self, connection: Connection) -> None:
        """Serve one connection."""
        while True:
            request = await connection.request()
            if request.target == "/api/files/token":
                self.checks.append(request.headers["authorization"])
                self._notify()
                status = self.check_statuses.pop(0) if self.check_statuses else 200
                await connection.respond_json('{"token": "of a file"}' if status == 200 else "{}", status)
            elif "/records?" in request.target:
                page = {"page": 1, "perPage": 1000, "totalItems": -1, "totalPages": -1, "items": self.records}
                await connection.respond_json(json.dumps(page))
            elif request.target.endswith("/auth-refresh"):
                await connection.respond_json(json.dumps({"token": self.refreshed_token, "record": {"id": "u1"}}))
            elif request.method == "POST":
                self.tokens.append(request.headers.get("authorization", ""))
                body = json.loads(request.body)
                self.submissions.append((body["clientId"], tuple(body["subscriptions"])))
                self._notify()
                await self.may_respond.wait()
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
        """Send the first event of a stream, and keep the stream open until a test ends it."""
        self.connects += 1
        client_id = f"client{self.connects}"
        await connection.start_stream()
        self.streams[client_id] = connection
        self._notify()
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
            self._notify()

    async def send(self, connection: Connection, event: str, data: str) -> None:
        """Send one event on one stream."""
        await connection.chunk(f"event:{event}\ndata:{data}\n\n".encode())

    async def emit(self, topic: str, data: object) -> None:
        """Send a message to every stream whose last submission contains the topic."""
        wanted = dict(self.submissions)
        for client_id, connection in [*self.streams.items()]:
            if topic in wanted.get(client_id, ()):
                with contextlib.suppress(ConnectionError):  # the client has just hung up
                    await self.send(connection, topic, json.dumps(data))

    def end_streams(self) -> None:
        """End the streams and keep the connections open, as PocketBase does at its limits."""
        self.streams.clear()

    def reset_streams(self) -> None:
        """Reset the connections of all streams."""
        for client_id, connection in [*self.streams.items()]:
            del self.streams[client_id]
            connection.reset()

    async def until_submitted(self, *topics: str, client_id: str | None = None) -> None:
        """Wait until exactly these topics were submitted, in any order, for any client id or for this one."""
        async with asyncio.timeout(10):
            while not any(
                sorted(submitted) == sorted(topics) and (client_id or client) == client
                for client, submitted in self.submissions
            ):
                await self.changed.wait()

    async def until_streams(self, count: int) -> None:
        """Wait until exactly so many streams are open."""
        async with asyncio.timeout(10):
            while len(self.streams) != count:
                await self.changed.wait()

    def _notify(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


@asynccontextmanager
async def realtime_server() -> AsyncGenerator[RealtimeServer, None]:
    """Run a server for the length of the block."""
    server = RealtimeServer()
    server.may_respond.set()
    async with scripted_server(server.script) as running:
        server.server = running
        yield server
