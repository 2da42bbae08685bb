"""One client on several event loops and threads: what belongs to a loop is ended there, and nobody hangs."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.concurrency import event_loops
from pocketbase_core.endpoints import custom
from pocketbase_core.ports import Transport
from pocketbase_core.realtime import service
from pocketbase_core.realtime.connection_manager import ConnectionManager
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract.scripted_server import answering, scripted_server
from pocketbase_transports import AiohttpTransport, HttpxTransport

from ..helpers.certificates import server_context
from ..helpers.realtime_server import Calls, RealtimeServer
from ..helpers.transports import MAKERS
from ..helpers.waiting import until


async def elsewhere(work: Callable[[], Awaitable[Any]]) -> Any:
    """Await `work()` on a loop of its own in another thread, for at most five seconds."""

    async def limited() -> Any:
        async with asyncio.timeout(5) as limit:
            result = await work()
        assert not limit.expired(), "the cancellation was swallowed"
        return result

    return await asyncio.to_thread(asyncio.run, limited())


@contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """A loop that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def on(loop: asyncio.AbstractEventLoop, work: Any) -> Any:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


def block(loop: asyncio.AbstractEventLoop) -> threading.Event:
    """Have a loop stand still until the event is set."""
    goes_on, blocked = threading.Event(), threading.Event()
    loop.call_soon_threadsafe(blocked.set)
    loop.call_soon_threadsafe(goes_on.wait)
    blocked.wait()
    return goes_on


def realtime_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("realtime")]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class TrustingAiohttp(AiohttpTransport):
    """With a connector for each loop, which asks for no certificate."""

    def __init__(self) -> None:
        super().__init__(ssl=False)


async def test_closing_from_another_loop_ends_realtime(server: RealtimeServer, pb: PocketBase) -> None:
    begun, ended = asyncio.Event(), Calls()

    async def busy(_: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended("ended")

    await pb.realtime.subscribe("a", busy)
    await server.emit("a", 1)
    await begun.wait()
    await elsewhere(pb.aclose)
    assert ended == ["ended"]
    assert not realtime_tasks()
    assert not pb.realtime.is_connected
    await server.until_streams(0)
    await pb.aclose()


async def test_unsubscribing_from_another_loop(server: RealtimeServer, pb: PocketBase) -> None:
    calls = Calls()
    unsubscribe = await pb.realtime.subscribe("a", calls)
    await pb.realtime.subscribe("b", calls)
    await pb.realtime.subscribe("c", calls)
    await pb.realtime.subscribe("d", calls)
    await elsewhere(unsubscribe)
    await server.until_told("b", "c", "d")
    await elsewhere(lambda: pb.realtime.unsubscribe("b"))
    await server.until_told("c", "d")
    await elsewhere(lambda: pb.realtime.unsubscribe_by_prefix("c"))
    await server.until_told("d")
    await elsewhere(unsubscribe)  # again is no error
    await elsewhere(pb.realtime.unsubscribe)
    assert not realtime_tasks()
    assert calls == []


async def test_events_are_read_where_they_were_subscribed_and_left_anywhere(
    server: RealtimeServer, pb: PocketBase
) -> None:
    block = pb.realtime.events("a")
    events = await block.__aenter__()
    with pytest.raises(RuntimeError, match="the event loop that has subscribed"):
        await elsewhere(lambda: anext(events))
    await elsewhere(lambda: block.__aexit__(None, None, None))
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert not realtime_tasks()


async def test_another_loop_that_is_blocked_does_not_hold_up_closing(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_loops, "CLOSE_TIMEOUT", 0.05)
    with running_loop() as there:
        await on(there, pb.realtime.subscribe("a", print))
        goes_on = block(there)
        async with asyncio.timeout(5):
            await pb.aclose()
        assert "another event loop is blocked" in caplog.text
        assert server.streams
        goes_on.set()
        await server.until_streams(0)
        await until(lambda: not pb.realtime.is_connected)
        await until(lambda: len(asyncio.all_tasks(there)) == 0)


async def test_a_cancelled_close_stays_cancelled_and_the_other_loop_is_cleaned(
    server: RealtimeServer, pb: PocketBase
) -> None:
    with running_loop() as there:
        await on(there, pb.realtime.subscribe("a", print))
        goes_on = block(there)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await pb.realtime.close()
        goes_on.set()
        await server.until_streams(0)
        await until(lambda: not asyncio.all_tasks(there))
    assert not pb.realtime.is_connected


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # so aiohttp calls a stream of a closed loop
async def test_a_loop_that_was_closed_uncleanly_gives_realtime_to_the_next(
    server: RealtimeServer, pb: PocketBase
) -> None:
    got = Calls()

    def die(topic: str) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(pb.realtime.subscribe(topic, got))
        task: Any
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # what asyncio says of it is true
        loop.close()

    await asyncio.to_thread(die, "a")
    assert not pb.realtime.is_connected
    pb.auth_store.save("a token that nobody takes")  # which the dead connection is not told
    await asyncio.to_thread(die, "b")
    gc.collect()  # ends the tasks of the closed loops, which can await nothing
    await server.until_streams(1)
    await pb.realtime.subscribe("c", got)
    assert server.posts[-1][1] == ("c",)
    await until(lambda: [*server.streams] == ["client3"])
    assert len(vars(pb.auth_store)["_callbacks"]) == 1, "the store holds nothing of the closed loops"
    await server.emit("c", 1)
    assert await got.until(1) == [1]
    names = [task.get_name() for task in realtime_tasks()]
    assert sorted(names) == ["realtime", "realtime connection"]


async def test_a_loop_that_stands_still_keeps_realtime_until_it_is_closed(
    server: RealtimeServer, pb: PocketBase
) -> None:
    there = asyncio.new_event_loop()
    await asyncio.to_thread(there.run_until_complete, pb.realtime.subscribe("a", print))
    with pytest.raises(RuntimeError, match="in use on another event loop"):
        await pb.realtime.subscribe("b", print)
    async with asyncio.timeout(1):
        await pb.realtime.close()
    assert vars(pb.auth_store)["_callbacks"] == []
    await pb.realtime.subscribe("b", print)
    assert set(server.streams) == {"client1", "client2"}
    await asyncio.to_thread(there.run_until_complete, asyncio.sleep(0.01))  # now it ends what it had
    await server.until_streams(1)
    assert not [task for task in asyncio.all_tasks(there) if task.get_name().startswith("realtime")]
    await pb.aclose()
    await asyncio.to_thread(there.run_until_complete, asyncio.sleep(0.01))
    there.close()


async def test_two_loops_that_subscribe_at_once(
    server: RealtimeServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has realtime, the other is told so; neither leaves anything behind."""
    pb = PocketBase(server.url, transport=make_transport(), middleware=[])
    together = threading.Barrier(4)

    class SlowDriver(ConnectionManager):
        def __init__(self, *arguments: Any) -> None:
            time.sleep(0.02)
            super().__init__(*arguments)

    monkeypatch.setattr(service, "ConnectionManager", SlowDriver)

    async def subscribe() -> bool:
        together.wait()
        try:
            await pb.realtime.subscribe("a", print)
        except RuntimeError as error:
            assert "another event loop" in str(error)
            together_at_end.wait()
            return False
        assert pb.realtime.is_connected
        await asyncio.to_thread(together_at_end.wait)
        await pb.realtime.close()
        return True

    together_at_end = threading.Barrier(4)
    outcomes = await asyncio.gather(*(asyncio.to_thread(asyncio.run, subscribe()) for _ in range(4)))
    assert sorted(outcomes) == [False] * 3 + [True]
    await pb.aclose()
    await server.until_streams(0)


@pytest.mark.parametrize(("during", "scheme"), [("idle", "http"), ("idle", "https"), ("reading", "http")])
async def test_loops_that_are_closed_without_more_leave_no_socket(library: str, during: str, scheme: str) -> None:
    """And no warning of one."""
    transports: dict[str, Callable[[], Transport]] = {
        "aiohttp": lambda: TrustingAiohttp() if scheme == "https" else AiohttpTransport(),
        "httpx": MAKERS["httpx"],
        "httpx2": lambda: HttpxTransport(verify=False),
    }
    transport = transports[library]()
    request = custom.send("/a", parse_options(SendOptions, None, {}))

    def call() -> None:
        loop = asyncio.new_event_loop()
        pb = PocketBase(f"{scheme}://127.0.0.1:{server.port}", transport=transport)
        if during == "idle":
            assert loop.run_until_complete(pb.send("/a")) == {"a": 1}
        else:
            stream = pb.pipeline.stream(request)  # held, or asyncio would begin to end it on the loop that is closed
            loop.run_until_complete(stream.__aenter__())
        loop.close()

    async with scripted_server(answering('{"a": 1}'), ssl=server_context() if scheme == "https" else None) as server:
        await asyncio.to_thread(call)
        before = descriptors()
        for _ in range(3):
            await asyncio.to_thread(call)
        gc.collect()
        assert descriptors() <= before
        assert len(server.open_connections) <= 2
        await transport.aclose()
        await until(lambda: not server.open_connections)
