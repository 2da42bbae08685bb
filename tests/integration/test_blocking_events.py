"""Reading events without `await`: what has arrived, and what is waited for."""

import threading
from collections.abc import Generator
from typing import Any

import pytest

from pocketbase_core import Gap, RealtimeSettings, Request, Response
from pocketbase_core.blocking import LocalServer, PocketBase, RecordService
from pocketbase_core.middleware import Handler as AsyncHandler

from ..helpers.shared_collections import VERSION

WAIT = 30.0
FIELDS = [{"name": "title", "type": "text"}]


@pytest.fixture(scope="module")
def server() -> Generator[LocalServer, None, None]:
    with LocalServer(VERSION) as running:
        with PocketBase(running.url) as pb:
            pb.admins.auth.with_password(*running.superuser)
            pb.collections.create({"name": "posts", "type": "base", "listRule": "", "fields": FIELDS})
        yield running


@pytest.fixture
def pb(server: LocalServer) -> Generator[PocketBase, None, None]:
    with PocketBase(server.url) as client:
        client.admins.auth.with_password(*server.superuser)
        yield client


def _title(event: Any) -> object:
    return event["record"]["title"]


def _create(posts: RecordService[dict[str, Any]], titles: str) -> None:
    """Create records, and return when each subscription has their events."""
    arrived = threading.Semaphore(0)
    unsubscribe = posts.subscribe_all(lambda _: arrived.release())  # after the others, so that it gets each event last
    for title in titles:
        posts.create({"title": title})
    for _ in titles:
        assert arrived.acquire(timeout=WAIT)
    unsubscribe()


def test_events_that_have_arrived_are_read_while_the_event_loop_is_busy(server: LocalServer, pb: PocketBase) -> None:
    is_busy, read, waits = threading.Event(), threading.Event(), list[bool]()

    async def occupy_loop(request: Request, call_next: AsyncHandler) -> Response:
        is_busy.set()
        waits.append(read.wait(WAIT))
        return await call_next(request)

    with pb.realtime.events("posts/*") as events, PocketBase(server.url, middleware=[occupy_loop]) as other:
        _create(pb.collection("posts"), "abc")
        caller = threading.Thread(target=other.health.check)
        caller.start()
        assert is_busy.wait(WAIT)
        titles = [_title(next(events)) for _ in range(3)]
        read.set()
        caller.join()
        with pytest.raises(TimeoutError):
            events.next(timeout=0)
    assert titles == ["a", "b", "c"]
    assert waits == [True], "an event was read only when the loop was free"


def test_events_are_decoded_on_the_thread_that_reads_them(pb: PocketBase) -> None:
    def decode(event: Any) -> tuple[object, threading.Thread]:
        return _title(event), threading.current_thread()

    with pb.realtime.events("posts/*", decode=decode) as events:
        _create(pb.collection("posts"), "a")
        assert next(events) == ("a", threading.current_thread())
        writer = threading.Thread(target=pb.collection("posts").create, args=[{"title": "waited for"}])
        writer.start()
        assert events.next(timeout=WAIT) == ("waited for", threading.current_thread())
        writer.join()


def test_after_the_gap_of_a_full_queue_events_are_queued_again(pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(queue_size=2)
    with pb.realtime.events("posts/*") as events:
        _create(pb.collection("posts"), "abcd")
        assert [_title(next(events)), _title(next(events))] == ["a", "b"]
        assert isinstance(next(events), Gap)
        pb.collection("posts").create({"title": "e"})
        assert _title(events.next(timeout=WAIT)) == "e"
