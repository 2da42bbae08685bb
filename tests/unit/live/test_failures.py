"""Live queries when requests fail, connections break, sessions end and users change."""

import asyncio
from typing import Any

import pytest

from pocketbase_core import (
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseNotFoundError,
    Response,
)

from ...helpers.live_server import DELAY, LiveServer, WithLiveServer, refusal
from ...helpers.live_server import with_live_server as with_live_server
from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time


def ids(live: Any) -> str:
    """Return the ids of the items in order."""
    return "".join(record["id"] for record in live.items)


def test_after_a_lost_connection_the_list_is_not_current_until_everything_was_read(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.crash()
            await pass_time(0.1)
            assert not live.is_current
            assert ids(live) == "cab", "the last known state"
            del server.records["posts"]["c"]
            await pass_time(5)
            assert isinstance(live.error, PocketBaseConnectionError)
            server.is_up = True
            await pass_time(60)
            assert live.is_current
            assert live.error is None
            assert ids(live) == "ab"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_by_the_server_empties_the_list_and_one_by_a_proxy_does_not(
    with_live_server: WithLiveServer, status: int
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.responses.append(Response(status, content=b"<h1>gone</h1>"))
            with pytest.raises(Exception, match=str(status)):
                await live.refresh()
            assert ids(live) == "cab"
            assert not live.is_current
            server.responses.append(refusal(status))
            with pytest.raises(Exception, match=r"No\."):
                await live.refresh()
            assert not live.items
            await pass_time(10)
            assert ids(live) == "cab"
            assert live.is_current


@pytest.mark.parametrize(
    "response", [refusal(500), refusal(400), PocketBaseConnectionError("http://h"), OSError("odd")]
)
def test_a_request_that_fails_leaves_the_list_as_it_is_and_is_repeated(
    with_live_server: WithLiveServer, response: Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.responses += [response, response]
            server.save("posts", "a", n=7)
            await pass_time(3 * DELAY)
            assert ids(live) == "cab"
            assert live.error is not None
            assert not live.is_current
            await pass_time(10)
            assert live.error is None
            assert live.get("a") == {"id": "a", "n": 7}
        messages = [each.getMessage() for each in caplog.records if each.name == "pocketbase_core"]
        assert len(messages) == 1, "the same error is logged once"
        assert messages[0].startswith("a live query of 'posts' failed: ")


def test_a_list_of_the_former_user_is_emptied_whatever_error_the_next_user_gets(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.pb.auth_store.save(token(10**6, "first"), {"id": "u1"})
        async with server.pb.collection("posts").live() as live:
            server.responses += [refusal(400)] * 3
            server.pb.auth_store.save(token(10**6, "second"), {"id": "u2"})
            await pass_time(3 * DELAY)
            assert not live.items
            assert isinstance(live.error, PocketBaseBadRequestError)
            await pass_time(10)
            assert ids(live) == "cab"


def test_a_refresh_does_not_wait_for_the_end_of_the_delay_after_failures(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.responses += [refusal(500)] * 5
            server.save("posts", "d", n=0)
            await pass_time(20)  # the attempts are made at 0, 1, 3, 7, 15 and 31 seconds
            assert not server.responses
            asked, before = len(server.lists), asyncio.get_running_loop().time()
            await live.refresh()
            assert len(server.lists) == asked + 1
            assert asyncio.get_running_loop().time() < before + 2 * DELAY
            assert live.get("d")


def test_an_expired_session_empties_the_list_until_somebody_signs_in(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.pb.auth_store.save(token(60, refreshable=False), {"id": "u1"})
        server.hides = lambda sent, _: not sent
        async with server.pb.collection("posts").live() as live:
            assert ids(live) == "cab"
            await pass_time(125)
            assert not live.items
            assert not live.is_current
            server.pb.auth_store.save(token(600, "again", refreshable=False), {"id": "u1"})
            await pass_time(5)
            assert ids(live) == "cab"
            assert live.is_current


def test_another_user_gets_a_list_of_their_own_even_if_they_sign_in_while_it_is_read(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        first, second = token(10**6, "first"), token(10**6, "second")
        server.hides = lambda sent, row: (sent == first) == (row["id"] == "a")
        server.pb.auth_store.save(first, {"id": "u1"})
        async with server.pb.collection("posts").live() as live:
            assert ids(live) == "cb"
            server.may_respond.clear()
            refreshing = asyncio.ensure_future(live.refresh())
            await pass_time(0.1)
            server.responses.append(Response(200, json={"page": 1, "perPage": 9, "items": [{"id": "secret"}]}))
            server.pb.auth_store.save(second, {"id": "u2"})
            server.may_respond.set()
            await pass_time(DELAY)
            seen = ids(live)
            await refreshing
            assert seen == "cb", "what was read as the first user is not shown to the second one"
            assert ids(live) == "a"
            await pass_time(1)
            assert live.is_current
            assert ids(live) == "a"


def test_a_user_who_signs_in_while_the_block_begins_gets_a_list_of_their_own(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:

        def hides(sent: str, row: dict[str, Any]) -> bool:
            if len(server.lists) == 2 and not server.pb.auth_store.token:
                server.pb.auth_store.save(token(10**6), {"id": "u1"})
            return not sent and row["id"] == "a"

        server.hides = hides
        live = server.pb.collection("posts").live()
        await live.__aenter__()
        assert ids(live) == "cab"
        await live.__aexit__(None, None, None)


def test_refresh_returns_with_the_list_of_a_reading_that_began_after_the_call(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.may_respond.clear()
            first = asyncio.ensure_future(live.refresh())
            cancelled = asyncio.ensure_future(live.refresh())
            await pass_time(0.1)
            server.responses.append(Response(200, json={"page": 1, "perPage": 9, "items": []}))
            second = asyncio.ensure_future(live.refresh())
            await pass_time(0.1)
            cancelled.cancel()
            server.may_respond.set()
            await first
            assert not live.items
            assert not second.done()
            await second
            assert ids(live) == "cab"
            server.responses.append(refusal(500))
            with pytest.raises(Exception, match=r"No\."):
                await live.refresh()
            await live.refresh()
            server.may_respond.clear()
            endless = asyncio.ensure_future(live.refresh())
            await pass_time(0.1)
        with pytest.raises(RuntimeError, match="the live query has ended"):
            await endless
        with pytest.raises(RuntimeError, match="the live query is not in use: call refresh inside of its"):
            await live.refresh()
        with pytest.raises(RuntimeError, match="the live query is not in use: call refresh inside of its"):
            await server.pb.collection("posts").live().refresh()


def test_an_error_of_any_request_of_entering_leaves_no_task_and_no_subscription(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        for name in "cab":
            server.add("users", name, name=name)
            server.records["posts"][name]["author"] = name
        server.max_page = 2
        number, is_entered = 0, False
        while not is_entered:
            live = server.pb.collection("posts").live(sort="author.name")
            live.on_change(lambda _: asyncio.Event().wait())
            server.refuse_at = len(server.lists) + number
            try:
                async with live:
                    is_entered = True
            except PocketBaseNotFoundError:
                assert not live.is_current
                assert live.error is None
                with pytest.raises(RuntimeError, match="the live query is not in use: iterate inside of its"):
                    await anext(live)
            assert not server.streams
            assert len(asyncio.all_tasks()) == 1, f"request {number}"
            with pytest.raises(RuntimeError, match="a live query can be entered once; call `live` again"):
                await live.__aenter__()
            number += 1
        assert number == 6, "some records, the first page, two pages in order, and a count of the records"


def test_an_error_of_the_filter_or_of_the_subscription_comes_from_entering(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.responses += [refusal(400), refusal(400)]
        with pytest.raises(PocketBaseBadRequestError):
            await server.pb.collection("posts").live(filter="n <<").__aenter__()
        server.refused = "posts"
        with pytest.raises(PocketBaseBadRequestError):
            await server.pb.collection("posts").live().__aenter__()
        assert not server.streams
        live = server.pb.collection("posts").live()
        assert repr(live) == "LiveQuery('posts', 0 items)"
        assert not live.is_current
        assert live.error is None


def add_many(server: LiveServer, count: int, updated: str | None = None) -> None:
    """Add records to the three that the server has, one a minute."""
    for number in range(count):
        server.add("posts", f"r{number:05}", n=number % 3)
    for number, record in enumerate(server.records["posts"].values()):
        record["updated"] = (
            updated or f"2026-01-{1 + number // 1440:02} {number // 60 % 24:02}:{number % 60:02}:00.000Z"
        )
    if updated == "never":
        del server.records["posts"]["a"]["updated"]


@pytest.mark.parametrize("sort", ["", "n"])
def test_after_a_gap_a_long_list_reads_what_has_changed(with_live_server: WithLiveServer, sort: str) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        add_many(server, 1100)
        posts = server.pb.collection("posts")
        async with posts.live(sort=sort) as live:
            assert len(live) == 1103
            server.crash()
            await pass_time(0.5)
            server.save("posts", "r00500", n=7, updated="2026-01-03 00:00:00.000Z")
            server.add("posts", "r00100x", n=1, updated="2026-01-03 00:00:00.000Z")
            server.delete("posts", "r00700")
            server.is_up = True
            before = len(server.lists)
            while not live.is_current:
                await pass_time(0.1)
            requests = server.lists[before:]
            assert live.items == await posts.get_full_list(sort=sort)
            assert "updated >=" in requests[0]["filter"]
            assert 5 < len(requests) < 20, "ranges of ids are counted"
            assert not [each for each in requests if each["perPage"] == "1000" and "fields" not in each], (
                "no whole page"
            )


@pytest.mark.parametrize("updated", ["never", "yesterday"])
def test_after_a_gap_a_long_list_that_does_not_tell_its_changes_is_read_whole(
    with_live_server: WithLiveServer, updated: str
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        add_many(server, 1100, updated)
        async with server.pb.collection("posts").live() as live:
            server.crash()
            await pass_time(0.5)
            server.save("posts", "r00500", n=7)
            server.delete("posts", "r00700")
            server.is_up = True
            await pass_time(60)
            assert live.is_current
            assert live.items == [*server.records["posts"].values()]


def test_a_record_that_moved_to_an_earlier_page_while_another_one_was_deleted_is_found(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        add_many(server, 2100)

        def hides(*_: object) -> bool:
            if len(server.lists) == 3 and "r00005" in server.records["posts"]:
                server.delete("posts", "r00005")
            return False

        server.hides = hides
        async with server.pb.collection("posts").live() as live:
            assert live.items == [*server.records["posts"].values()]


def test_a_record_that_pages_by_number_have_missed_is_found_by_counting(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        add_many(server, 2100)

        def hides(_: str, row: dict[str, Any]) -> bool:
            return row["id"] == "r00777" and not server.lists[-1].get("fields") and not server.lists[-1].get("filter")

        server.hides = hides
        async with server.pb.collection("posts").live() as live:
            assert live.items == [*server.records["posts"].values()]
