"""The end of a live query: by its block, by the client, by cancelling."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import PocketBaseConnectionError, PocketBaseError

from ...helpers.eager_tasks import FACTORY, start_at_once
from ...helpers.live_server import DELAY, LiveServer, WithLiveServer
from ...helpers.live_server import with_live_server as with_live_server
from ...helpers.virtual_clock import pass_time


async def collect(live: Any) -> list[Any]:
    return [change async for change in live]


def test_unsubscribing_all_topics_does_not_end_a_live_query(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        posts = server.pb.collection("posts")
        events: list[Any] = []
        async with posts.live() as live:
            await posts.subscribe_all(events.append)
            await posts.unsubscribe()
            await server.pb.realtime.unsubscribe()
            await server.pb.realtime.unsubscribe("posts/*")
            await server.pb.realtime.unsubscribe_by_prefix("posts")
            server.save("posts", "a", n=8)
            await pass_time(0.1)
            assert live.get("a") == {"id": "a", "n": 8}
            assert not events


CLOSES: list[Callable[[LiveServer], Awaitable[None]]] = [
    lambda server: server.pb.realtime.close(),
    lambda server: server.pb.aclose(),
]


@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize("close", CLOSES)
def test_closing_realtime_or_the_client_ends_the_iteration(
    with_live_server: WithLiveServer, close: Callable[[LiveServer], Awaitable[None]], is_at_once: bool
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            seen = asyncio.ensure_future(collect(live))
            refreshing = asyncio.ensure_future(live.refresh())
            if not is_at_once:
                await pass_time(1)
                await refreshing
            await close(server)
            assert await seen == []
            if is_at_once:
                with pytest.raises(RuntimeError, match="the live query"):
                    await refreshing
            assert not live.is_current
            assert isinstance(live.error, PocketBaseConnectionError)
            assert len(live.items) == 3, "the last known state"
            with pytest.raises(RuntimeError, match="the live query is not in use"):
                await live.refresh()
            assert len(asyncio.all_tasks()) == 1
            assert not server.streams


@pytest.mark.parametrize("close", CLOSES)
def test_a_live_query_that_is_closed_while_its_block_begins_is_an_error(
    with_live_server: WithLiveServer, close: Callable[[LiveServer], Awaitable[None]]
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        step, is_late = 0, False
        while not is_late:
            live = server.pb.collection("posts").live()
            entering = asyncio.ensure_future(live.__aenter__())
            await pass_time(step * DELAY / 2)
            is_late = entering.done()
            await close(server)
            await asyncio.wait([entering])
            if is_late:
                await live.__aexit__(None, None, None)
            elif step:  # before its first step, the client is closed to no effect
                assert isinstance(entering.exception(), PocketBaseError), step
            else:
                await live.__aexit__(None, None, None)
            assert len(asyncio.all_tasks()) == 1, step
            assert not server.streams
            step += 1
        assert step > 5


@pytest.mark.parametrize("close", CLOSES)
def test_the_client_may_be_closed_while_a_request_is_under_way(
    with_live_server: WithLiveServer, close: Callable[[LiveServer], Awaitable[None]]
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.may_respond.clear()
            refreshing = asyncio.ensure_future(live.refresh())
            await pass_time(0.1)
            await close(server)
            with pytest.raises(RuntimeError, match="the live query has ended"):
                await refreshing
            with pytest.raises(StopAsyncIteration):
                await anext(live)
            assert isinstance(live.error, PocketBaseConnectionError)


@pytest.mark.parametrize("close", CLOSES)
@pytest.mark.parametrize("leaves", [True, False])
def test_a_callback_may_close_everything(
    with_live_server: WithLiveServer, close: Callable[[LiveServer], Awaitable[None]], leaves: bool
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        steps: list[str] = []

        async def end(_: object) -> None:
            await close(server)
            steps.append("closed")
            if leaves:
                await live.__aexit__(None, None, None)
            await pass_time(1)
            steps.append("goes on")

        live = server.pb.collection("posts").live()
        await live.__aenter__()
        live.on_change(end)
        server.save("posts", "a", n=8)
        assert len(await collect(live)) == 1
        await pass_time(2)
        await live.__aexit__(None, None, None)
        assert steps == ["closed", "goes on"]
        assert len(asyncio.all_tasks()) == 1


def test_an_error_in_the_block_comes_out_of_it_and_ends_it(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        with pytest.raises(KeyError):
            async with server.pb.collection("posts").live():
                raise KeyError
        assert not server.streams
        assert len(asyncio.all_tasks()) == 1


def test_a_topic_that_the_server_takes_no_more_leaves_the_checks(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.refused = "posts"
            server.streams[0].put_nowait(None)
            await pass_time(60)
            assert not live.is_current
            server.save("posts", "a", n=8)
            await pass_time(31)
            assert live.get("a") == {"id": "a", "n": 8}


@pytest.mark.parametrize("status", [400, 403])
def test_a_late_topic_that_is_refused_is_an_error_that_is_repeated_and_empties_nothing(
    with_live_server: WithLiveServer, status: int
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.add("users", "u", name="Uwe")
        async with server.pb.collection("posts").live(expand="author,comments_via_post") as live:
            server.refused, server.refused_status = "users", status
            server.save("posts", "a", author="u")
            lengths: set[int] = set()
            live.on_change(lambda _: lengths.add(len(live)))
            await pass_time(20)
            assert live.error is not None
            assert not live.is_current
            assert lengths == {3}
            server.refused = "no topic"
            await pass_time(60)
            assert live.error is None
            assert live.is_current
            assert len(server.topics) == 3


async def use(server: LiveServer) -> None:
    """Use a live query, with a callback that waits, and a related collection."""
    async with server.pb.collection("posts").live(expand="author", sort="author.name") as live:
        live.on_change(lambda _: asyncio.Event().wait())
        server.save("posts", "a", n=len(server.lists))
        await anext(live)
        await live.refresh()


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_live_query_that_is_cancelled_at_any_step_leaves_no_task_and_no_subscription(
    with_live_server: WithLiveServer, times: int
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.max_page = 2
        for name in "cab":
            server.add("users", name, name=name)
            server.records["posts"][name]["author"] = name
        step = 0
        while True:
            task = asyncio.ensure_future(use(server))
            for _ in range(step):
                await asyncio.sleep(0 if step % 2 else DELAY / 8)
            is_done = task.done()
            for _ in range(times * (not is_done)):
                task.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([task])
            await pass_time(1)
            assert len(asyncio.all_tasks()) == 1, f"step {step}"
            assert not server.streams
            if is_done:
                return task.result()
            step += 1


@pytest.mark.parametrize("factory", dict.fromkeys([FACTORY, start_at_once]))
def test_a_live_query_works_with_tasks_that_start_at_once(with_live_server: WithLiveServer, factory: Any) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        seen: list[Any] = []

        async def slow(change: Any) -> None:
            await pass_time(0.1)
            seen.append(change)

        async with server.pb.collection("posts").live() as live:
            live.on_change(lambda _: remove())
            remove = live.on_change(seen.append)
            live.on_change(slow)
            server.save("posts", "a", n=8)
            server.save("posts", "b", n=8)
            await pass_time(1)
            await live.refresh()
            assert [change.record["id"] for change in seen] == ["a", "b"]
            assert (await anext(live)).action == "update"
        assert len(asyncio.all_tasks()) == 1
