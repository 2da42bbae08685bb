"""Realtime on a real server."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from pocketbase_core import AuthStore, Gap, PocketBase, PocketBaseError, RealtimeSettings
from pocketbase_core.ports import Transport
from pocketbase_core.realtime import attempts, backoff
from pocketbase_core.testing import LocalServer

from ..helpers.blocking_face import make_blocking_client
from ..helpers.shared_collections import CLIENT_OPTIONS, VERSION, client_of, create_shared_collections
from ..helpers.transports import MAKERS
from ..helpers.waiting import until
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces

NEVER = 10**12
LIMITS = """onRealtimeConnectRequest((e) => {
  e.idleTimeout = %d * 1e6
  if (e.next) { e.maxTimeout = %d * 1e6; e.next() }  // PocketBase 0.22 has neither
})"""


@asynccontextmanager
async def prepared_server(hooks: str | None = None) -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION, hooks=hooks) as server:
        async with client_of(server.url) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await create_shared_collections(pb)
        yield server


async def test_subscriptions_get_the_changes_of_their_records(pb: PocketBase) -> None:
    posts, comments = pb.collection("posts"), pb.collection("comments")
    post = await posts.create({"title": "first"})
    one: list[Any] = []
    every: list[Any] = []
    await posts.subscribe(one.append, post["id"])
    await posts.subscribe_all(every.append, fields="id,title")
    ended: list[Any] = []
    unsubscribe = await posts.subscribe_all(ended.append)
    await unsubscribe()
    async with comments.events(expand="post", filter=pb.filter("post = {:id}", id=post["id"])) as events:
        await posts.update(post["id"], {"title": "changed"})
        other = await posts.create({"title": "other"})
        await comments.create({"post": other["id"]})
        await comments.create({"post": post["id"]})
        await posts.delete(other["id"])
        event = await anext(events)
        assert not isinstance(event, Gap)
        assert event["action"] == "create"
        assert event["record"]["expand"]["post"]["title"] == "changed"
    await until(lambda: len(every) == 3)
    # The server sends each event on a goroutine of its own, so that two may change places.
    assert {event["action"]: event["record"] for event in every} == {
        "update": {"id": post["id"], "title": "changed"},
        "create": {"id": other["id"], "title": "other"},
        "delete": {"id": other["id"], "title": "other"},
    }
    assert [(event["action"], event["record"]["title"]) for event in one] == [("update", "changed")]
    assert not ended
    await pb.realtime.close()


@pytest.mark.asynchronous_only(reason="topics are text in a body, whatever face sends it")
@pytest.mark.parametrize("library", ["aiohttp"])  # topics are text in a body, whatever library sends it
async def test_no_option_makes_the_server_send_everything(pb: PocketBase) -> None:
    """The server ignores options that it cannot parse, including the filter."""
    pb.filter_escapes = True
    texts = [*map(chr, range(1, 128)), "é", "😀", "\u2028", "a\\", "%00", "a;b&c#d%20+e"]
    if VERSION and tuple(map(int, VERSION.split("."))) < (0, 39, 9):
        texts = [text for text in texts if text.isprintable() and "\\" not in text and "'" not in text]
        pb.filter_escapes = False
    posts = pb.collection("posts")
    await asyncio.gather(*(posts.delete(post["id"]) for post in await posts.get_full_list()))
    received: list[tuple[str, str]] = []

    async def listen(text: str) -> None:
        expression = pb.filter("title = {:text}", text=text)
        headers = {"X-Text": text.strip()} if text.isprintable() and text.isascii() else {}
        await posts.subscribe_all(
            lambda event: received.append((text, event["record"]["title"])), filter=expression, headers=headers
        )

    await asyncio.gather(*map(listen, texts))
    stored = [(await posts.create({"title": text}))["title"] for text in [*texts, "none of them"]]
    last: list[Any] = []
    await posts.subscribe_all(last.append)
    await posts.create({"title": "the last"})
    await until(lambda: last)
    assert sorted(received) == sorted((text, text) for text in texts if text in stored)
    assert len(received) > 60, "too few texts were sent to prove anything"
    await pb.realtime.close()


async def test_each_user_has_a_connection_and_gets_what_they_may_see(pb: PocketBase, guest: PocketBase) -> None:
    """A server refuses another user on a connection, so each user has a connection of its own."""
    users = pb.collection("users")
    await pb.collections.update("comments", {"viewRule": '@request.auth.id != ""'})
    comment = await pb.collection("comments").create({})
    received: list[Any] = []
    gaps: list[Any] = []
    try:
        await guest.collection("comments").subscribe(received.append, comment["id"], on_gap=gaps.append)
        await pb.collection("comments").update(comment["id"], {})
        other = await users.create({"email": "other@example.com", "password": "password123", "verified": True})
        for email in ("user@example.com", "user@example.com", "other@example.com"):
            before = len(received)
            gaps.clear()
            await guest.collection("users").auth.with_password(email, "password123")
            while len(received) == before:
                await pb.collection("comments").update(comment["id"], {})
                await asyncio.sleep(0.02)
        assert len(gaps) == 1, "at the other user"
        await users.delete(other["id"])
        guest.auth_store.clear()
        await until(lambda: len(gaps) == 2 and guest.realtime.is_connected)
        before = len(received)
        await pb.collection("comments").update(comment["id"], {})
        await asyncio.sleep(0.1)
        assert len(received) == before, "a guest hears nothing"
    finally:
        await guest.realtime.close()
        await pb.collections.update("comments", {"viewRule": ""})
        await pb.collection("comments").delete(comment["id"])


async def test_a_restarted_server_is_a_gap_and_events_go_on(transport: Transport, make_client: MakeClient) -> None:
    async with prepared_server() as server, make_client(server.url, transport=transport) as pb:
        async with pb.collection("posts").events() as events:
            await server.restart()
            gap = await anext(events)
            assert isinstance(gap, Gap)
            await pb.collection("posts").create({"title": "after"})
            event = await anext(events)
            assert not isinstance(event, Gap)
            assert event["record"]["title"] == "after"


def never_wait(*_: float) -> float:
    return 0.0


@pytest.mark.slow
async def test_a_connection_that_is_cut_at_any_byte_is_replaced(
    transport: Transport, make_client: MakeClient, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "reconnect_delay", never_wait)
    reached = asyncio.Event()

    def limits() -> Iterator[int]:
        yield NEVER
        yield from range(1, 401)
        reached.set()
        while True:
            yield NEVER

    async with cutting(server.url, limits()) as (url, cut), make_client(url, transport=transport) as pb:
        received: list[Any] = []
        await pb.realtime.subscribe("another", received.append)
        await pb.collection("posts").subscribe_all(received.append)
        cut()
        async with asyncio.timeout(60):
            await reached.wait()
        await until(lambda: pb.realtime.is_connected)
        await pb.collection("posts").create({"title": "at last"})
        await until(lambda: received)
        assert [event["record"]["title"] for event in received] == ["at last"]
        await pb.realtime.close()


@asynccontextmanager
async def cutting(target: str, limits: Iterator[int]) -> AsyncGenerator[Any, None]:
    """Run a proxy to `target` that resets each event stream after the next number of bytes in `limits`."""
    port = urlsplit(target).port
    streams: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, sink = await asyncio.open_connection("127.0.0.1", port)
        remaining = NEVER

        async def up() -> None:
            nonlocal remaining
            while data := await reader.read(65536):
                if data.startswith(b"GET /api/realtime"):
                    remaining = next(limits)
                    streams.add(writer)
                sink.write(data)
            sink.close()

        task = asyncio.create_task(up())
        try:
            while data := await upstream.read(65536):
                writer.write(data[:remaining])
                remaining -= len(data)
                if remaining <= 0:
                    break
        finally:
            task.cancel()
            streams.discard(writer)
            sink.close()
            writer.close()

    def cut() -> None:
        for writer in streams:
            writer.transport.abort()

    proxy = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", cut
    finally:
        proxy.close()


class Diary:
    """The numbers of the records that a subscription got, and when each gap began and was reported."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.gaps: list[tuple[float, float]] = []

    def on_event(self, event: Any) -> None:
        self.numbers.append(event["record"]["n"])

    def on_gap(self, gap: Gap) -> None:
        self.gaps.append((gap.since.timestamp(), time.time()))


async def write(pb: PocketBase, times: dict[int, tuple[float, float]], count: int) -> None:
    """Create so many numbered records, however often the server is down."""
    number = 0
    while len(times) < count:
        began = time.time()
        try:
            await pb.collection("posts").create({"n": number})
        except PocketBaseError:
            await asyncio.sleep(0.02)
        else:
            times[number] = began, time.time()
        number += 1


@pytest.mark.slow
async def test_each_record_or_a_gap_arrives_when_the_server_is_killed_ten_times(
    transport: Transport, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "STABLE_AFTER", 0.0)  # no connection lasts long enough here
    async with (
        prepared_server() as server,
        make_client(server.url, transport=transport, middleware=[]) as pb,
    ):
        diary, times = Diary(), dict[int, tuple[float, float]]()
        await pb.collection("posts").subscribe_all(diary.on_event, on_gap=diary.on_gap)
        writer = asyncio.create_task(write(pb, times, 2000))
        for kill in range(1, 11):
            await until(lambda enough=180 * kill: len(times) >= enough)
            server.kill()
            await asyncio.sleep(0.1)
            await server.restart()
            await until(lambda reported=kill: len(diary.gaps) >= reported)
        await writer

        def unexplained() -> list[int]:
            return [
                number
                for number in times.keys() - set(diary.numbers)
                if not any(since <= times[number][1] and times[number][0] <= reported for since, reported in diary.gaps)
            ]

        await until(lambda: not unexplained())
        await pb.realtime.close()
        assert len(diary.gaps) == 10, "each outage is one gap"
        assert max(Counter(diary.numbers).values()) == 1, "an event was delivered twice"
        missing = times.keys() - set(diary.numbers)
        print(f"{len(times)} records, {len(missing)} in gaps, 10 outages told")


@pytest.mark.slow
@pytest.mark.asynchronous_only(reason="it runs all transports and the blocking face at the same time")
async def test_fifty_replaced_connections_lose_and_repeat_nothing() -> None:
    async with prepared_server(LIMITS % (4000, 6000)) as server:
        clients = [client_of(server.url, transport=make()) for make in MAKERS.values()]
        results = await asyncio.gather(*map(rotate, [*clients, make_blocking_client(server.url, **CLIENT_OPTIONS)]))
    for rotations, written, diary in results:
        assert rotations >= 50, "too few connections were replaced"
        assert not diary.gaps, "a replacement caused a gap"
        assert Counter(diary.numbers) == Counter(range(written)), "an event was lost or delivered twice"
        print(f"{rotations} rotations, {written} records, lost 0, doubled 0, gaps 0")


async def rotate(client: PocketBase) -> tuple[int, int, Diary]:
    """Wait for fifty replaced connections while records are created, with a pause before each tenth."""
    async with client as pb:
        pb.realtime.settings = RealtimeSettings(idle_limit=4, lifetime=4)
        diary, clients, mark = Diary(), set[str](), str(id(client))
        await pb.collection("posts").subscribe_all(
            diary.on_event, filter=pb.filter("title = {:mark}", mark=mark), on_gap=diary.on_gap
        )
        written = 0
        while len(clients) <= 50:
            clients.add(pb.realtime.client_id)
            if len(clients) % 10:
                await pb.collection("posts").create({"n": written, "title": mark})
                written += 1
            await asyncio.sleep(0.003)
        await until(lambda: len(diary.numbers) >= written)
        return len(clients) - 1, written, diary


@pytest.mark.slow
async def test_a_replaced_connection_keeps_the_user(transport: Transport, make_client: MakeClient) -> None:
    """A replacement of the connection keeps the user."""
    async with (
        prepared_server(LIMITS % (4000, 6000)) as server,
        client_of(server.url) as admin,
        make_client(server.url, transport=transport, auth_store=AuthStore()) as pb,
    ):
        await admin.admins.auth.with_password(*server.superuser)
        await admin.collections.update("posts", {"listRule": '@request.auth.id != ""'})
        await pb.collection("users").auth.with_password("user@example.com", "password123")
        pb.realtime.settings = RealtimeSettings(idle_limit=4, lifetime=4)
        diary, clients, written = Diary(), set[str](), 0
        await pb.collection("posts").subscribe_all(diary.on_event, on_gap=diary.on_gap)
        while len(clients) <= 3:
            clients.add(pb.realtime.client_id)
            await admin.collection("posts").create({"n": written})
            written += 1
            await asyncio.sleep(0.01)
        await until(lambda: len(diary.numbers) >= written)
        assert (diary.numbers, diary.gaps) == ([*range(written)], [])
        await pb.realtime.close()
