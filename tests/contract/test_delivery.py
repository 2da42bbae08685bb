"""Delivery of events to subscriptions and hooks, on each transport."""

import asyncio
import logging
import time
from typing import Any

import pytest

from pocketbase_core import Gap, PocketBase, RealtimeSettings
from pocketbase_core.concurrency.background_tasks import BackgroundTasks
from pocketbase_core.realtime.event_queue import EventQueue
from pocketbase_core.realtime.subscription import CallbackSubscription

from ..helpers.call_recorder import CallRecorder
from ..helpers.realtime_server import RealtimeServer


async def test_slow_or_raising_callbacks_hold_up_no_other_subscription(
    server: RealtimeServer, pb: PocketBase, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, calls, errors = asyncio.Event(), CallRecorder(), CallRecorder()

    async def slow(message: Any) -> None:
        stuck.set()
        await asyncio.Event().wait()

    def raising(message: Any) -> None:
        raise RuntimeError("of the callback")

    async def cancelled(message: Any) -> None:
        raise asyncio.CancelledError

    pb.realtime.on_error(errors)
    await pb.realtime.subscribe("a", slow)
    await pb.realtime.subscribe("a", calls)
    await pb.realtime.subscribe("b", raising)
    await pb.realtime.subscribe("b", cancelled)
    await pb.realtime.subscribe("b", calls)
    with caplog.at_level(logging.ERROR, "pocketbase_core"):
        for number in range(3):
            await server.emit("a", number)
            await server.emit("b", number)
        await calls.until(6)
        await errors.until(6)
    assert stuck.is_set(), "the slow callback has begun"
    assert {(type(error), topic) for error, topic in errors} == {
        (RuntimeError, "b"),
        (asyncio.CancelledError, "b"),
    }
    assert "the callback of 'b' failed" in caplog.text
    assert server.connects == 1, "callbacks cost no connection"


async def test_each_subscriber_gets_its_own_copy_of_a_message(server: RealtimeServer, pb: PocketBase) -> None:
    first, second = CallRecorder(), CallRecorder()

    def spoil(message: Any) -> None:
        first(message)
        message.clear()

    unsubscribe = await pb.realtime.subscribe("a", spoil)
    await pb.realtime.subscribe("a", second)
    await server.emit("a", {"n": 1})
    await first.until(1)
    assert await second.until(1) == [{"n": 1}]
    await unsubscribe()
    await server.emit("a", {"n": 2})
    await second.until(2)
    assert len(first) == 1, "an ended subscription gets nothing"
    assert [topics for _, topics in server.submissions] == [("a",)], "the server need not know"


async def test_a_message_that_is_not_json_arrives_as_text(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()
    await pb.realtime.subscribe("a", calls)
    (connection,) = server.streams.values()
    for text in ("plain text", "{", "[" * 5_000, "12"):
        await server.send(connection, "a", text)
    assert await calls.until(4) == ["plain text", "{", "[" * 5_000, 12]


async def test_a_full_queue_drops_later_messages_and_ends_with_a_gap(server: RealtimeServer, pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(queue_size=5)
    quick = CallRecorder()
    await pb.realtime.subscribe("b", quick)
    async with pb.realtime.events("a") as events:
        for number in range(20):
            await server.emit("a", number)
        await server.emit("b", "all sent")
        await quick.until(1)
        assert [await anext(events) for _ in range(5)] == [0, 1, 2, 3, 4]
        gap = await anext(events)
        assert gap == Gap(gap.since, ("a",)), "the gap names the topic that overflowed"
        await server.emit("a", 20)
        assert await anext(events) == 20, "after the gap, events go on"
    assert server.connects == 1, "an overflow costs no connection"


async def test_a_burst_of_messages_does_not_overflow_the_queue(server: RealtimeServer, pb: PocketBase) -> None:
    calls, gaps = CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    (connection,) = server.streams.values()
    await connection.chunk(b"".join(b"event:a\ndata:%d\n\n" % number for number in range(20_000)))
    assert await calls.until(20_000) == list(range(20_000))
    assert not gaps


async def test_a_callback_that_unsubscribes_is_not_called_again(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()

    async def once(message: Any) -> None:
        await pb.realtime.unsubscribe("a")
        calls(message)

    await pb.realtime.subscribe("a", once)
    await server.emit("a", 1)
    await server.emit("a", 2)
    await calls.until(1)
    await server.until_streams(0)
    assert calls == [1], "the second message came after the unsubscription"


async def test_a_callback_may_close_realtime(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()

    async def close(message: Any) -> None:
        await pb.realtime.close()
        calls(message)

    await pb.realtime.subscribe("a", close)
    await server.emit("a", 1)
    await calls.until(1)
    assert not pb.realtime.is_connected


async def test_hooks_may_be_coroutines_and_may_raise(
    server: RealtimeServer, pb: PocketBase, caplog: pytest.LogCaptureFixture
) -> None:
    calls = CallRecorder()

    async def tell() -> None:
        calls("connected")
        raise RuntimeError("of the hook")

    def fail(reason: Exception | None) -> None:
        calls("lost" if reason else "closed")
        raise RuntimeError("of the hook")

    pb.realtime.on_connect(tell)
    remove = pb.realtime.on_connect(calls)
    pb.realtime.on_disconnect(fail)
    remove()
    remove()
    unsubscribe = await pb.realtime.subscribe("a", print)
    await calls.until(1)
    server.end_streams()
    await calls.until(3)
    await unsubscribe()
    assert calls == ["connected", "lost", "connected", "closed"]
    assert caplog.text.count("a realtime callback failed") == 4, "each failure is logged"


async def test_hooks_that_raise_cancelled_error_stop_nothing(server: RealtimeServer, pb: PocketBase) -> None:
    def fail(*arguments: object) -> None:
        raise asyncio.CancelledError

    calls, gaps = CallRecorder(), CallRecorder()
    pb.realtime.on_connect(fail)
    pb.realtime.on_disconnect(fail)
    pb.realtime.on_error(fail)
    pb.realtime.on_disconnect(calls)
    await pb.realtime.subscribe("a", fail, on_gap=fail)
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    await server.emit("a", 1)
    server.reset_streams()
    await gaps.until(1)
    await server.emit("a", 2)
    await calls.until(3)
    assert [each for each in calls if isinstance(each, int)] == [1, 2]


async def test_a_keyboard_interrupt_in_a_callback_is_raised_and_not_reported() -> None:
    def interrupt(message: object) -> None:
        raise KeyboardInterrupt

    errors, inbox = CallRecorder(), EventQueue("a", 9, time.time)
    caller = CallbackSubscription("a", inbox, str, interrupt, None, errors, BackgroundTasks())
    inbox.put("1")
    with pytest.raises(KeyboardInterrupt):
        getattr(caller, "_run_callbacks")().send(None)
    assert not errors
