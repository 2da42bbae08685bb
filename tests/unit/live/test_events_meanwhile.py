"""Events that arrive while the records are being read that show what the events are about."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pocketbase_core import LiveQuery, PocketBase, Request, Response, ServerSentEvent
from pocketbase_transports import MockTransport

from ...helpers.waiting import until


def post(*comments: str) -> dict[str, Any]:
    """Return a post that shows these comments."""
    return {"id": "p", "expand": {"comments_via_post": [{"id": each, "post": "p"} for each in comments]}}


@pytest.fixture(autouse=True)
def nothing_is_read_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketbase_core.live.state.CHECK_AFTER", 1e6)


class Server:
    """A server with one post. It holds its responses back on demand."""

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.requests = 0
        """How many lists were asked for."""
        self.may_respond = asyncio.Event()
        self.may_respond.set()
        self.events: asyncio.Queue[ServerSentEvent] = asyncio.Queue()
        self.topics: list[str] = []

    async def answer(self, request: Request) -> Response:
        if request.url.endswith("/api/realtime"):
            body: Any = request.body
            self.topics = body["subscriptions"]
            return Response(204)
        self.requests += 1
        items = [post(*self.comments)]
        await self.may_respond.wait()
        return Response(200, json={"page": 1, "perPage": 1000, "totalItems": -1, "totalPages": -1, "items": items})

    async def stream(self, _: Request) -> AsyncGenerator[ServerSentEvent, None]:
        yield ServerSentEvent("PB_CONNECT", '{"clientId": "c"}', "c")
        while True:
            yield await self.events.get()

    def note_comment(self, action: str, comment: str, of: str) -> None:
        """Send the event of a comment."""
        (topic,) = (each for each in self.topics if each.startswith("comments/"))
        data = json.dumps({"action": action, "record": {"id": comment, "post": of}})
        self.events.put_nowait(ServerSentEvent(topic, data, ""))


@asynccontextmanager
async def live_posts() -> AsyncGenerator[tuple[Server, LiveQuery[Any]], None]:
    """Yield a server, and a live query of its posts with their comments."""
    server = Server()
    async with PocketBase("http://h", transport=MockTransport(server.answer, server.stream)) as pb:
        async with pb.collection("posts").live(expand="comments_via_post") as live:
            yield server, live


async def test_a_record_is_read_again_if_what_it_shows_changed_while_it_was_being_read() -> None:
    async with live_posts() as (server, live):
        server.may_respond.clear()
        server.comments = ["c"]
        before = server.requests
        server.note_comment("create", "c", "p")
        await until(lambda: server.requests == before + 1)
        server.comments = []
        server.note_comment("update", "c", "another post")  # the list does not know yet that the post shows it
        await until(server.events.empty)
        server.may_respond.set()
        await until(lambda: server.requests == before + 2)
        await until(lambda: live.items == [post()])


async def test_many_events_while_a_record_is_being_read_have_everything_read() -> None:
    async with live_posts() as (server, live):
        server.may_respond.clear()
        before = server.requests
        server.note_comment("create", "c0", "p")
        await until(lambda: server.requests == before + 1)
        for number in range(1000):
            server.note_comment("delete", f"d{number}", "another post")
        await until(server.events.empty)
        server.comments = ["c0"]
        server.may_respond.set()
        await until(lambda: live.items == [post("c0")])
