"""The changes of a live query: its iterator and its callbacks."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pocketbase_core import LiveChange

from ...helpers.live_server import LiveServer, WithLiveServer
from ...helpers.live_server import with_live_server as with_live_server
from ...helpers.virtual_clock import pass_time


def brief(change: LiveChange[Any]) -> tuple[str, str, Any, Any]:
    """Return the action, the id, and the values now and before."""
    previous = change.previous and change.previous["n"]
    return change.action, change.record["id"], change.record["n"], previous


def test_the_iterator_returns_what_has_changed_since_it_was_read_last(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            waiting = asyncio.ensure_future(anext(live))
            await pass_time(1)
            assert not waiting.done(), "the records at the beginning are no changes"
            server.save("posts", "d", n=1)
            assert brief(await waiting) == ("add", "d", 1, None)
            for number in range(50):
                server.save("posts", "a", n=number)
                server.save("posts", "e", n=number)
                await pass_time(0.1)
            server.delete("posts", "d")
            server.delete("posts", "e")
            server.save("posts", "f", n=2)
            await pass_time(1)
            assert [brief(await anext(live)) for _ in range(3)] == [
                ("update", "a", 49, 1),
                ("remove", "d", 1, 1),
                ("add", "f", 2, None),
            ]
            server.save("posts", "a", n=3)
            async for change in live:
                assert brief(change) == ("update", "a", 3, 49)
                break


def test_the_iterator_ends_with_the_block_after_what_is_pending(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            seen = asyncio.ensure_future(collect(live))
            await pass_time(1)
        assert await seen == []
        async with server.pb.collection("posts").live() as live:
            server.save("posts", "a", n=8)
            await pass_time(1)
        assert [brief(change) for change in await collect(live)] == [("update", "a", 8, 1)]
        with pytest.raises(StopAsyncIteration):
            await anext(live)


async def collect(live: Any) -> list[Any]:
    return [change async for change in live]


def test_one_task_at_a_time_may_iterate_on_the_loop_of_the_block(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        live: Any = server.pb.collection("posts").live()
        with pytest.raises(RuntimeError, match="the live query is not in use: iterate inside of its `async with` bl"):
            await anext(live)
        async with live:
            waiting = asyncio.ensure_future(anext(live))
            await pass_time(0.1)
            with pytest.raises(RuntimeError, match="only one task at a time may iterate over the changes; use on_chan"):
                await anext(live)
            waiting.cancel()
            await asyncio.wait([waiting])

            def elsewhere() -> None:
                async def wait() -> None:
                    await anext(live)

                asyncio.run(wait())

            with (
                ThreadPoolExecutor() as pool,
                pytest.raises(RuntimeError, match="can be read only on the event loop on which the live query was"),
            ):
                pool.submit(elsewhere).result()  # the loop must wait, or its virtual time goes on
            server.save("posts", "a", n=8)
            assert brief(await anext(live)) == ("update", "a", 8, 1)


def test_a_callback_is_called_with_one_change_after_the_other(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            seen: list[Any] = []
            slow: list[Any] = []
            running = 0

            async def record(change: LiveChange[Any]) -> None:
                nonlocal running
                running += 1
                assert running == 1
                await pass_time(10)
                slow.append(brief(change))
                running -= 1

            live.on_change(lambda change: seen.append(brief(change)))
            live.on_change(record)
            for number in range(5, 10):
                server.save("posts", "a", n=number)
                await pass_time(1)
            server.save("posts", "d", n=0)
            await pass_time(30)
            first = seen[0]
            assert seen == [("update", "a", n, n - 1 if n > 5 else 1) for n in range(5, 10)] + [("add", "d", 0, None)]
            assert slow == [first, ("update", "a", 9, 5), ("add", "d", 0, None)], "the changes of a record are merged"


@pytest.mark.parametrize("kind", ["raises", "is cancelled", "coroutine raises"])
def test_what_a_callback_raises_is_logged_and_the_next_change_follows(
    with_live_server: WithLiveServer, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            seen: list[Any] = []
            others: list[Any] = []

            async def fail() -> None:
                if kind == "is cancelled":
                    task = asyncio.ensure_future(pass_time(1))
                    task.cancel()
                    await task
                raise ValueError("odd")

            def callback(change: LiveChange[Any]) -> Any:
                seen.append(brief(change))
                if kind == "raises":
                    raise ValueError("odd")
                return fail()

            live.on_change(callback)
            live.on_change(others.append)
            server.save("posts", "a", n=8)
            server.save("posts", "b", n=9)
            await pass_time(1)
            assert seen == [("update", "a", 8, 1), ("update", "b", 9, 2)]
            assert len(others) == 2
            messages = [each.getMessage() for each in caplog.records if each.name == "pocketbase_core"]
            assert messages == ["a callback of a live query failed"] * 2


def test_a_removed_callback_is_called_no_more(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            seen: list[Any] = []
            ends: list[str] = []

            async def forever(change: LiveChange[Any]) -> None:
                seen.append(brief(change))
                try:
                    await asyncio.Event().wait()
                finally:
                    ends.append("cancelled")

            async def once(change: LiveChange[Any]) -> None:
                remove_itself()
                await pass_time(1)
                ends.append(change.record["id"])

            def never(change: LiveChange[Any]) -> None:
                raise AssertionError(f"{change} was not removed in time")

            remove = live.on_change(forever)
            remove_itself = live.on_change(once)
            live.on_change(lambda _: remove_never())
            remove_never = live.on_change(never)
            server.save("posts", "a", n=8)
            server.save("posts", "b", n=8)
            await pass_time(0.1)
            remove()
            remove()
            server.save("posts", "c", n=8)
            await pass_time(5)
            assert seen == [("update", "a", 8, 1)]
            assert ends == ["cancelled", "a"]


def test_a_callback_may_get_the_present_records_at_first(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        live: Any = server.pb.collection("posts").live(sort="n")
        before: list[Any] = []
        live.on_change(before.append, immediately=True)
        async with live:
            at_first: list[Any] = []
            later: list[Any] = []
            live.on_change(at_first.append, immediately=True)
            live.on_change(later.append)
            await pass_time(0.1)
            assert (
                [*map(brief, at_first)]
                == [*map(brief, before)]
                == [("add", "c", 0, None), ("add", "a", 1, None), ("add", "b", 2, None)]
            )
            assert not later
            server.delete("posts", "a")
            await pass_time(0.1)
            assert at_first[3:] == before[3:] == later
            assert [*map(brief, later)] == [("remove", "a", 1, 1)]
            with pytest.raises(TypeError, match="callback must be a function, not 3"):
                live.on_change(3)


def test_callbacks_end_with_the_block_which_waits_for_those_that_are_running(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        ends: list[str] = []

        async def never_ends(change: LiveChange[Any]) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await pass_time(1)
                ends.append(change.record["id"])

        async with server.pb.collection("posts").live() as live:
            live.on_change(never_ends)
            live.on_change(never_ends)
            idle = live.on_change(never_ends)
            server.save("posts", "a", n=8)
            server.save("posts", "b", n=8)
            await pass_time(0.1)
        assert ends == ["a", "a", "a"]
        assert len(asyncio.all_tasks()) == 1
        idle()


def test_the_memory_for_a_reader_who_never_comes_is_bounded(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            for number in range(100):
                server.save("posts", f"r{number}", n=number)
                await pass_time(0.1)
                server.delete("posts", f"r{number}")
                server.save("posts", "a", n=number)
                await pass_time(0.1)
            for name in "cab":
                server.delete("posts", name)
            server.save("posts", "last", n=0)
            await pass_time(1)
        assert len(await collect(live)) == 3 + 1, "those that the reader knew, and those of the list"
