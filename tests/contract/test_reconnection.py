"""Connections that end, and what their subscriptions get, on each transport."""

import asyncio

import pytest

from pocketbase_core import (
    Gap,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseForbiddenError,
    PocketBaseSessionExpiredError,
    PocketBaseTimeoutError,
    RealtimeSettings,
)
from pocketbase_core.auth.store import replace_refreshed
from pocketbase_core.ports import Transport
from pocketbase_core.realtime import backoff, timing

from ..helpers.call_recorder import CallRecorder
from ..helpers.realtime_server import RealtimeServer
from ..helpers.tokens import token
from ..helpers.waiting import until


def for_an_hour(*_: float) -> float:
    return 3600.0


@pytest.mark.parametrize("how", ["end", "reset", "forgotten"])
async def test_a_lost_connection_is_replaced_and_reported_as_a_gap(
    server: RealtimeServer, pb: PocketBase, how: str
) -> None:
    calls, gaps, connects, disconnects = CallRecorder(), CallRecorder(), CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    await pb.realtime.subscribe("b", calls)
    pb.realtime.on_connect(lambda: connects(server.submissions[-1]))
    pb.realtime.on_disconnect(disconnects)
    if how == "end":
        server.end_streams()
    elif how == "reset":
        server.reset_streams()
    else:
        server.forgotten.add("client1")
        await pb.realtime.subscribe("c", calls, timeout=5)
    topics = ("a", "b", "c") if how == "forgotten" else ("a", "b")
    await connects.until(1)
    assert connects == [("client2", topics)], "all is subscribed by then"
    assert isinstance(disconnects[0], Exception), "the callback gets the reason"
    (gap,) = await gaps.until(1)
    assert gap == Gap(gap.since, ("a", "b"))
    await server.emit("a", 1)
    assert (await calls.until(1))[0] == 1


async def test_events_come_in_order_with_gaps_in_their_place(server: RealtimeServer, pb: PocketBase) -> None:
    async with pb.realtime.events("posts/*") as events:
        for number in range(3):
            await server.emit("posts/*", {"n": number})
        assert [await anext(events) for _ in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
        server.reset_streams()
        await server.until_submitted("posts/*", client_id="client2")
        await server.emit("posts/*", {"n": 3})
        gap = await anext(events)
        assert isinstance(gap, Gap)
        assert gap.topics == ("posts/*",)
        assert await anext(events) == {"n": 3}
    await server.until_streams(0)
    assert [event async for event in events] == [], "a stream that was left has no more events"


async def test_a_subscription_made_during_an_outage_waits_for_its_end(
    server: RealtimeServer, transport: Transport, pb: PocketBase
) -> None:
    calls = CallRecorder()
    await pb.realtime.subscribe("a", calls)
    server.refusals = [503] * 10_000
    server.end_streams()
    waiting = asyncio.create_task(pb.realtime.subscribe("b", calls))
    with pytest.raises(PocketBaseTimeoutError, match="503"):
        await pb.realtime.subscribe("c", calls, timeout=0.5)
    with pytest.raises(PocketBaseTimeoutError):
        await pb.realtime.subscribe("a", calls, timeout=0.1)
    assert not waiting.done(), "the subscription waits for the end of the outage"
    server.refusals = []
    await waiting
    await server.until_submitted("a", "b")
    assert server.submissions[-1][1] == ("a", "b"), "a subscription that timed out is not submitted"


async def test_closing_ends_the_wait_to_reconnect(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "reconnect_delay", for_an_hour)
    lost = asyncio.Event()
    pb.realtime.on_disconnect(lambda reason: lost.set())
    async with pb.realtime.events("a") as events:
        server.end_streams()
        await lost.wait()
        joining = asyncio.create_task(pb.realtime.subscribe("b", print))
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await pb.aclose()
            with pytest.raises(PocketBaseConnectionError, match="closed"):
                await joining
            assert [event async for event in events] == []


async def test_a_quiet_connection_is_replaced_without_a_gap(server: RealtimeServer, pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(idle_limit=0.25)
    calls, gaps, lost = CallRecorder(), CallRecorder(), CallRecorder()
    pb.realtime.on_disconnect(lost)
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    await server.until_submitted("a", client_id="client2")
    await server.until_streams(2)
    del server.streams["client1"]  # as the server does at its limit
    await server.until_submitted("a", client_id="client3")
    await server.emit("a", 1)
    await calls.until(1)
    assert (calls, gaps, lost) == ([1], [], []), "the event arrived on two connections and is delivered once"


async def test_a_dead_connection_is_replaced_with_a_gap(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the connection is overdue, so events may be missing."""
    monkeypatch.setattr(timing, "CLOSE_GRACE_PERIOD", 0.05)
    pb.realtime.settings = RealtimeSettings(lifetime=1.2)
    gaps = CallRecorder()
    await pb.realtime.subscribe("a", print, on_gap=gaps)
    await gaps.until(1)
    assert server.connects == 2, "the gap is reported when the end is overdue, not at the next replacement"


async def test_replacing_a_connection_under_load_loses_and_repeats_nothing(
    server: RealtimeServer, pb: PocketBase
) -> None:
    pb.realtime.settings = RealtimeSettings(lifetime=0.5)
    calls, gaps = CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    number = 0
    while server.connects < 4:
        await server.emit("a", number // 2)  # the same content twice, on purpose
        number += 1
        await asyncio.sleep(0.002)
    await calls.until(number)
    assert calls == [each // 2 for each in range(number)]
    assert not gaps, "a replacement in time loses nothing"


async def test_a_replacement_that_fails_is_tried_again(server: RealtimeServer, pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(lifetime=1)
    calls, gaps = CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    server.refusals = [503, 503]
    await server.until_submitted("a", client_id="client4")
    await server.emit("a", 1)
    await calls.until(1)
    assert (calls, gaps) == ([1], []), "the old connection was still there"


async def test_a_changed_user_gets_a_new_connection_and_a_gap(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "reconnect_delay", for_an_hour)
    calls, gaps, lost = CallRecorder(), CallRecorder(), CallRecorder()
    pb.realtime.on_disconnect(lost)
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    pb.auth_store.save(token(3600), {"id": "u1"})  # a guest signs in
    await until(lambda: len(server.checks) == 1)
    replace_refreshed(pb.auth_store, pb.auth_store.token, token(3600, "refreshed"), {"id": "u1"})
    await until(lambda: len(server.submissions) == 3)
    assert {client_id for client_id, _ in server.submissions} == {"client1"}, "a refreshed token keeps the connection"
    assert (len(gaps), lost) == (1, []), "for what the guest did not get"
    pb.auth_store.save(token(3600, id="u2"), {"id": "u2"})
    await gaps.until(2)
    assert server.submissions[-1] == ("client2", ("a",)), "another user needs another connection"
    pb.auth_store.clear()
    await gaps.until(3)
    assert server.submissions[-1] == ("client3", ("a",)), "a guest needs another connection"
    assert ["user has changed" in str(reason) for reason in lost] == [True, True]
    await server.until_streams(1)
    await server.emit("a", 1)
    assert await calls.until(1) == [1]


async def test_a_token_that_expires_is_reported_as_an_error(server: RealtimeServer, pb: PocketBase) -> None:
    errors, reasons = CallRecorder(), CallRecorder()
    pb.realtime.on_error(errors)
    pb.realtime.on_disconnect(reasons)
    pb.auth_store.save(token(0.3, refreshable=False), {"id": "u1"})
    await pb.realtime.subscribe("a", print)
    ((error, topic),) = await errors.until(1)
    assert topic is None, "the error concerns no single topic"
    assert isinstance(error, PocketBaseSessionExpiredError)
    assert isinstance(reasons[0], PocketBaseSessionExpiredError)
    await server.until_streams(0)
    with pytest.raises(PocketBaseSessionExpiredError):
        await pb.realtime.subscribe("b", print)
    assert len(errors) == 1


async def test_a_gap_comes_before_the_events_that_follow_it(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=calls)
    server.may_respond.clear()
    server.reset_streams()
    await server.until_submitted("a", client_id="client2")
    await server.emit("a", 1)
    await calls.until(2)
    server.may_respond.set()
    assert [type(call) for call in calls] == [Gap, int], "the event overtook the gap"


async def test_a_connection_that_breaks_while_it_is_replaced_is_a_gap(server: RealtimeServer, pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(lifetime=0.5)
    gaps = CallRecorder()
    await pb.realtime.subscribe("a", print, on_gap=gaps)
    server.may_respond.clear()
    await server.until_submitted("a", client_id="client2")
    del server.streams["client1"]
    await asyncio.sleep(0.05)
    server.may_respond.set()
    await gaps.until(1)
    assert server.connects == 2, "the new connection takes over"


async def test_two_connections_lost_at_once_are_one_gap(server: RealtimeServer, pb: PocketBase) -> None:
    pb.realtime.settings = RealtimeSettings(idle_limit=0.5)
    calls, gaps = CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    await server.until_submitted("a", client_id="client2")
    await until(lambda: pb.realtime.client_id == "client2")
    first = server.streams.pop("client1")
    await server.emit("a", 1)
    await calls.until(1)
    first.reset()
    server.reset_streams()
    await server.until_submitted("a", client_id="client3")
    await until(lambda: pb.realtime.is_connected)
    await server.emit("a", 1)
    assert await calls.until(2) == [1, 1], "the second event is not a copy of the first"
    assert len(gaps) == 1, "both losses are one gap"


async def test_a_topic_that_is_refused_after_an_outage_fails_each_of_its_subscriptions(
    server: RealtimeServer, pb: PocketBase
) -> None:
    calls = CallRecorder()
    await pb.realtime.subscribe("a", calls)
    server.refusals = [503] * 10_000
    server.end_streams()
    waiting = [asyncio.create_task(pb.realtime.subscribe("b", calls)) for _ in range(2)]
    await server.until_submitted("a", "b", client_id="client2")
    server.refusals = [403]
    first, second = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(first, PocketBaseForbiddenError)
    assert isinstance(second, PocketBaseForbiddenError)
    assert first is not second, "each subscription needs an exception of its own"
    await until(lambda: pb.realtime.is_connected)
    assert server.submissions[-1][1] == ("a",), "the refused topic is not submitted again"


async def test_waits_start_over_after_a_success(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def record_failures(failures: int, *_: float) -> float:
        seen.append(failures)
        return 0.0

    monkeypatch.setattr(backoff, "reconnect_delay", record_failures)
    calls = CallRecorder()
    await pb.realtime.subscribe("a", calls)
    for topic in ("b", "c"):
        server.refusals = [503] * 3
        await pb.realtime.subscribe(topic, print)
    assert seen == [0, 1, 2] * 2, "the success in between did not count"
    await server.emit("a", 1)
    await calls.until(1)
    for connection in ("client2", "client3"):
        server.end_streams()
        await server.until_submitted("a", "b", "c", client_id=connection)
        await until(lambda: pb.realtime.is_connected)
    assert seen == [0, 1, 2, 0, 1, 2, 0, 1], "a short connection without an event does not count as a success"
    await pb.realtime.close()
    assert vars(pb.auth_store)["_callbacks"] == [], "the store still holds realtime"


async def test_a_token_that_a_submission_refreshes_is_submitted_once(server: RealtimeServer, pb: PocketBase) -> None:
    server.refreshed_token = token(3600, "refreshed")
    pb.auth_store.save(token(50), {"id": "u1"})
    await pb.realtime.subscribe("a", print)
    await until(lambda: len(server.checks) == 1)
    await pb.realtime.subscribe("b", print)
    await until(lambda: len(server.checks) == 2)
    assert server.submissions == [("client1", ("a",)), ("client1", ("a", "b"))]
    assert [*server.tokens, *server.checks] == [server.refreshed_token] * 4, "the old token was used after the refresh"
