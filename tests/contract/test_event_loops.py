"""One client on several event loops and threads: work of a loop is ended on that loop, and no call hangs."""

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
from pocketbase_core.realtime import current_manager
from pocketbase_core.realtime.connection_manager import ConnectionManager
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract.scripted_server import answering, scripted_server
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport

from ..helpers.call_recorder import CallRecorder
from ..helpers.certificates import server_context
from ..helpers.realtime_server import RealtimeServer
from ..helpers.transports import MAKERS
from ..helpers.waiting import until


async def elsewhere(work: Callable[[], Awaitable[Any]]) -> Any:
    """Await `work()` on a new loop in another thread, for at most five seconds."""

    async def limited() -> Any:
        async with asyncio.timeout(5) as limit:
            result = await work()
        assert not limit.expired(), "the cancellation was swallowed"
        return result

    return await asyncio.to_thread(asyncio.run, limited())


@contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """Run a loop in a thread for the length of the block."""
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
    """Block a loop until the returned event is set."""
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
    """A transport that makes a connector for each loop and checks no certificates."""

    def __init__(self) -> None:
        super().__init__(ssl=False)


async def test_closing_from_another_loop_ends_realtime(server: RealtimeServer, pb: PocketBase) -> None:
    started, ended = asyncio.Event(), CallRecorder()

    async def busy(_: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended("ended")

    await pb.realtime.subscribe("a", busy)
    await server.emit("a", 1)
    await started.wait()
    await elsewhere(pb.aclose)
    assert ended == ["ended"], "the callback was cancelled on its own loop"
    assert not realtime_tasks(), "the task of realtime is still there"
    assert not pb.realtime.is_connected
    await server.until_streams(0)
    await pb.aclose()


async def test_subscriptions_can_be_ended_from_another_loop(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()
    unsubscribe = await pb.realtime.subscribe("a", calls)
    await pb.realtime.subscribe("b", calls)
    await pb.realtime.subscribe("c", calls)
    await pb.realtime.subscribe("d", calls)
    await elsewhere(unsubscribe)
    await server.until_submitted("b", "c", "d")
    await elsewhere(lambda: pb.realtime.unsubscribe("b"))
    await server.until_submitted("c", "d")
    await elsewhere(lambda: pb.realtime.unsubscribe_by_prefix("c"))
    await server.until_submitted("d")
    await elsewhere(unsubscribe)  # a second call is no error
    await elsewhere(pb.realtime.unsubscribe)
    assert not realtime_tasks(), "a task of realtime is still there"
    assert calls == []


async def test_events_can_be_read_only_on_their_loop_and_left_on_any(server: RealtimeServer, pb: PocketBase) -> None:
    block = pb.realtime.events("a")
    events = await block.__aenter__()
    with pytest.raises(RuntimeError, match="the event loop that has subscribed"):
        await elsewhere(lambda: anext(events))
    await elsewhere(lambda: block.__aexit__(None, None, None))
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert not realtime_tasks()


async def test_a_blocked_loop_does_not_hold_up_closing_from_another(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_loops, "CLOSE_TIMEOUT", 0.05)
    with running_loop() as there:
        await on(there, pb.realtime.subscribe("a", print))
        goes_on = block(there)
        async with asyncio.timeout(5):
            await pb.aclose()
        assert "another event loop is blocked" in caplog.text
        assert server.streams, "the blocked loop has not closed its stream yet"
        goes_on.set()
        await server.until_streams(0)
        await until(lambda: not pb.realtime.is_connected)
        await until(lambda: len(asyncio.all_tasks(there)) == 0)


async def test_a_cancelled_close_is_finished_by_the_other_loop(server: RealtimeServer, pb: PocketBase) -> None:
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


# aiohttp warns of the stream whose loop was closed.
@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")
async def test_realtime_can_be_used_on_the_next_loop_after_one_was_closed_uncleanly(
    server: RealtimeServer, pb: PocketBase
) -> None:
    got = CallRecorder()

    def die(topic: str) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(pb.realtime.subscribe(topic, got))
        task: Any
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # asyncio would log that the task was destroyed, which is intended here
        loop.close()

    await asyncio.to_thread(die, "a")
    assert not pb.realtime.is_connected
    pb.auth_store.save("a token that nobody takes")  # the lost connection does not get this token
    await asyncio.to_thread(die, "b")
    gc.collect()  # ends the tasks of the closed loops, which cannot await anything
    await server.until_streams(1)
    await pb.realtime.subscribe("c", got)
    assert server.submissions[-1][1] == ("c",), "the topics of the closed loops are gone"
    await until(lambda: [*server.streams] == ["client3"])
    assert len(vars(pb.auth_store)["_callbacks"]) == 1, "the store holds nothing of the closed loops"
    await server.emit("c", 1)
    assert await got.until(1) == [1]
    names = [task.get_name() for task in realtime_tasks()]
    expected = ["realtime", "realtime connection", "realtime verification"]
    assert sorted(names) == expected, "only the tasks of this loop remain"


async def test_realtime_stays_with_a_loop_that_does_not_run_until_realtime_is_closed(
    server: RealtimeServer, pb: PocketBase
) -> None:
    there = asyncio.new_event_loop()
    await asyncio.to_thread(there.run_until_complete, pb.realtime.subscribe("a", print))
    with pytest.raises(RuntimeError, match="in use on another event loop"):
        await pb.realtime.subscribe("b", print)
    async with asyncio.timeout(1):
        await pb.realtime.close()
    assert vars(pb.auth_store)["_callbacks"] == [], "the store still holds realtime"
    await pb.realtime.subscribe("b", print)
    assert set(server.streams) == {"client1", "client2"}, "the first loop could not close its stream yet"
    await asyncio.to_thread(there.run_until_complete, asyncio.sleep(0.01))  # now the loop ends its connection
    await server.until_streams(1)
    assert not [task for task in asyncio.all_tasks(there) if task.get_name().startswith("realtime")]
    await pb.aclose()
    await asyncio.to_thread(there.run_until_complete, asyncio.sleep(0.01))
    there.close()


async def test_of_loops_that_subscribe_at_once_one_gets_realtime(
    server: RealtimeServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One loop gets realtime, and the others get an error. No loop leaves anything behind."""
    pb = PocketBase(server.url, transport=make_transport(), middleware=[])
    together = threading.Barrier(4)

    class SlowConnectionManager(ConnectionManager):
        def __init__(self, *arguments: Any) -> None:
            time.sleep(0.02)
            super().__init__(*arguments)

    monkeypatch.setattr(current_manager, "ConnectionManager", SlowConnectionManager)

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
    assert sorted(outcomes) == [False] * 3 + [True], "exactly one loop has realtime"
    await pb.aclose()
    await server.until_streams(0)


@pytest.mark.parametrize(("during", "scheme"), [("idle", "http"), ("idle", "https"), ("reading", "http")])
async def test_a_loop_that_is_closed_without_aclose_leaves_no_socket(library: str, during: str, scheme: str) -> None:
    transports: dict[str, Callable[[], Transport]] = {
        "aiohttp": lambda: TrustingAiohttp() if scheme == "https" else AiohttpTransport(),
        "httpx": MAKERS["httpx"],
        "httpx2": lambda: HttpxTransport(verify=False),
        "pyreqwest": lambda: PyreqwestTransport(danger_accept_invalid_certs=True),
    }
    transport = transports[library]()
    request = custom.send("/a", parse_options(SendOptions, None, {}))

    def call() -> None:
        loop = asyncio.new_event_loop()
        pb = PocketBase(f"{scheme}://127.0.0.1:{server.port}", transport=transport)
        if during == "idle":
            assert loop.run_until_complete(pb.send("/a")) == {"a": 1}
        else:
            stream = pb.pipeline.stream(request)  # asyncio would close a generator that nothing refers to
            loop.run_until_complete(stream.__aenter__())
        loop.close()

    async with scripted_server(answering('{"a": 1}'), ssl=server_context() if scheme == "https" else None) as server:
        await asyncio.to_thread(call)
        before = descriptors()
        for _ in range(3):
            await asyncio.to_thread(call)
        gc.collect()
        assert descriptors() <= before, "a socket was left open"
        assert len(server.open_connections) <= 2, "connections were left open"
        await transport.aclose()
        await until(lambda: not server.open_connections)
