"""Subscriptions to `PB_CONNECT`, the event with which each connection begins."""

import asyncio

import pytest

from pocketbase_core import PocketBase, PocketBaseForbiddenError
from pocketbase_core.realtime import backoff

from ..helpers.call_recorder import CallRecorder
from ..helpers.realtime_server import RealtimeServer
from ..helpers.tokens import token

FIRST, SECOND, THIRD = ({"clientId": f"client{number}"} for number in (1, 2, 3))


def at_once(*_: float) -> float:
    return 0.0


async def test_the_connect_event_opens_a_connection_and_is_not_a_topic(server: RealtimeServer, pb: PocketBase) -> None:
    connects = CallRecorder()
    unsubscribe = await pb.realtime.subscribe("PB_CONNECT", connects)
    assert await connects.until(1) == [FIRST]
    assert pb.realtime.client_id == "client1"
    await pb.realtime.subscribe("a", print)
    assert server.submissions == [("client1", ()), ("client1", ("a",))]
    await pb.realtime.unsubscribe("a")
    await server.until_submitted()
    assert pb.realtime.is_connected, "a subscription is left"
    await unsubscribe()
    await server.until_streams(0)
    assert connects == [FIRST]


async def test_the_connect_event_comes_with_each_new_connection_after_a_loss_and_is_no_gap(
    server: RealtimeServer, pb: PocketBase
) -> None:
    order = CallRecorder()
    await pb.realtime.subscribe("a", print, on_gap=lambda gap: order(gap.topics))
    pb.realtime.on_connect(lambda: order("connected"))
    await pb.realtime.subscribe("PB_CONNECT", order, on_gap=order)
    assert order == [], "there was a connection already"
    server.reset_streams()
    assert sorted(map(str, await order.until(3))) == sorted(map(str, [SECOND, "connected", ("a",)]))
    server.end_streams()
    assert THIRD in await order.until(6)
    assert server.submissions[-1] == ("client3", ("a",))


async def test_the_connect_event_comes_for_another_user_and_not_for_a_guest_who_signs_in(
    server: RealtimeServer, pb: PocketBase
) -> None:
    connects = CallRecorder()
    await pb.realtime.subscribe("PB_CONNECT", connects)
    await connects.until(1)
    pb.auth_store.save(token(3600), {"id": "u1"})
    async with asyncio.timeout(10):
        while len(server.tokens) < 2:
            await server.changed.wait()
    pb.auth_store.save(token(3600, id="u2"), {"id": "u2"})
    assert await connects.until(2) == [FIRST, SECOND]


async def test_connect_events_can_be_iterated_over(server: RealtimeServer, pb: PocketBase) -> None:
    async with asyncio.timeout(10), pb.realtime.events("PB_CONNECT") as events:
        assert await anext(events) == FIRST
        server.reset_streams()
        assert await anext(events) == SECOND
    assert not pb.realtime.is_connected


async def test_the_connect_event_takes_none_of_the_thousand_topics(server: RealtimeServer, pb: PocketBase) -> None:
    connects = CallRecorder()
    await asyncio.gather(*(pb.realtime.subscribe(f"topic{number}", print) for number in range(999)))
    await pb.realtime.subscribe(connects, "PB_CONNECT")
    await pb.realtime.subscribe("the last", print)
    await pb.realtime.subscribe("PB_CONNECT", connects)
    with pytest.raises(ValueError, match="1000 topics"):
        await pb.realtime.subscribe("one more", print)
    assert len(server.submissions[-1][1]) == 1000
    server.reset_streams()
    assert await connects.until(2) == [SECOND, SECOND]


async def test_a_subscription_to_the_connect_event_alone_fails_with_its_connection(
    server: RealtimeServer, pb: PocketBase
) -> None:
    server.refusals = [403]
    with pytest.raises(PocketBaseForbiddenError):
        await pb.realtime.subscribe("PB_CONNECT", print)
    await server.until_streams(0)


async def test_a_refused_reconnection_leaves_the_subscription_to_the_connect_event(
    server: RealtimeServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "reconnect_delay", at_once)
    connects = CallRecorder()
    await pb.realtime.subscribe("PB_CONNECT", connects)
    server.refusals = [403]
    server.reset_streams()
    assert await connects.until(2) == [FIRST, THIRD]


async def test_the_connect_event_takes_no_options(server: RealtimeServer, pb: PocketBase) -> None:
    with pytest.raises(ValueError, match="PB_CONNECT cannot have options"):
        await pb.realtime.subscribe("PB_CONNECT", print, expand="author")
    assert server.connects == 0


@pytest.mark.parametrize("name", ["on_connect", "on_disconnect", "on_error", "onDisconnect"])
async def test_a_callback_that_is_assigned_is_refused_with_the_way_to_register_it(pb: PocketBase, name: str) -> None:
    with pytest.raises(AttributeError, match=rf"{name} cannot be set; use on_connect"):
        setattr(pb.realtime, name, print)
