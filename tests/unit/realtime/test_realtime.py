"""Realtime's pure parts."""

import asyncio
import json
import time
from dataclasses import FrozenInstanceError
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pocketbase_core import PocketBase, PocketBaseConnectionError, Response, ServerSentEvent
from pocketbase_core.calls.options import SubscribeOptions, parse_options
from pocketbase_core.endpoints import realtime
from pocketbase_core.realtime.connection import Connection
from pocketbase_core.realtime.event_queue import EventQueue, Gap, utc_datetime
from pocketbase_core.realtime.gaps import GapTracker
from pocketbase_core.realtime.registry import SubscriptionRegistry
from pocketbase_core.realtime.subscription import EventStream, Subscription
from pocketbase_core.realtime.timing import RealtimeSettings, reconnect_delay, refresh_delay
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import run


class Named:
    def __init__(self, topic: str) -> None:
        self.topic = topic


def test_subscriptions_know_what_the_server_was_told() -> None:
    state: SubscriptionRegistry[Named] = SubscriptionRegistry()
    a, b, again = Named("a"), Named("b"), Named("a")
    assert not state
    assert not state.add(a)
    assert state
    assert state.needs_submission
    assert state.confirm(["a"]) == [a]
    assert not state.needs_submission
    assert state.add(again), "the server need not be told"
    assert not state.needs_submission
    assert not state.add(b)
    assert state.topics == ("a", "b")
    assert state.confirm(["a"]) == [], "b came too late"
    assert state.pending == [b]
    assert state.needs_submission
    assert state.confirm(["a", "b"]) == [b]
    state.reset()
    assert state.needs_submission
    assert state.confirmed == [a, again, b], "who has been told before"
    state.discard(a)
    state.discard(a)
    state.discard(b)
    assert (state.topics, state.all, state.confirmed) == (("a",), [again], [again])
    state.discard(again)
    assert not state


def test_the_server_is_told_what_nobody_wants_any_more() -> None:
    state: SubscriptionRegistry[Named] = SubscriptionRegistry()
    a, b = Named("a"), Named("b")
    state.add(a)
    state.add(b)
    state.confirm(["a", "b"])
    state.discard(b)
    assert state.needs_submission


def test_a_connection_takes_a_thousand_topics() -> None:
    state: SubscriptionRegistry[Named] = SubscriptionRegistry()
    for number in range(1000):
        state.add(Named(str(number)))
    with pytest.raises(ValueError, match="at most 1000 topics"):
        state.add(Named("one more"))
    state.add(Named("7"))
    assert (len(state.topics), len(state.all)) == (1000, 1001)


def test_an_inbox_is_bounded() -> None:
    inbox = EventQueue("a", 2, lambda: 7.0)
    for text in "12345":
        inbox.put(text)
    inbox.put(Gap(utc_datetime(9.0), ("a", "b")))
    overflow = Gap(utc_datetime(7.0), ("a",))
    assert [*inbox] == ["1", "2", overflow]
    assert [inbox.popleft(), inbox.popleft()] == ["1", "2"]
    inbox.put("still in the gap")
    assert inbox.popleft() == inbox.acknowledge_gap(overflow) == overflow
    inbox.put("6")
    inbox.put(lost := Gap(utc_datetime(9.0), ("a", "b")))
    inbox.put(Gap(utc_datetime(10.0), ("a", "b")))
    assert [*inbox] == ["6", lost, Gap(utc_datetime(10.0), ("a",))]
    assert [inbox.popleft(), inbox.popleft()] == ["6", lost]
    inbox.acknowledge_gap(lost)
    inbox.put("still in the gap")
    assert len(inbox) == 1


def test_a_gap_tells_its_moment_in_utc() -> None:
    assert utc_datetime(0.0).isoformat() == "1970-01-01T00:00:00+00:00"


def test_losses_in_a_row_become_one_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[list[str | Gap]]:
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        state: SubscriptionRegistry[Subscription] = SubscriptionRegistry()
        inboxes = {topic: EventQueue(topic, 9, time.time) for topic in ("a?options=1", "a?options=2", "b", "c")}
        listeners = [EventStream[Any](topic, inbox, str) for topic, inbox in inboxes.items()]
        for listener in listeners:
            state.add(listener)
        state.confirm(state.topics)
        losses = GapTracker(state)
        for silence in (5.0, 20.0, 1.0):
            losses.record_loss(silence)
        state.discard(listeners[-1])
        losses.emit()
        losses.emit()
        return [[*inbox] for inbox in inboxes.values()]

    gap = Gap(utc_datetime(979.0), ("a", "b"))
    assert run(main()) == [[gap], [gap], [gap], []]


def test_waits_grow_with_full_jitter() -> None:
    assert [reconnect_delay(failures, 1.0) for failures in (0, 1, 2, 7, 8, 5000)] == [0.2, 0.4, 0.8, 25.6, 30.0, 30.0]
    assert reconnect_delay(5, 0.0) == 0.0
    assert reconnect_delay(5, 0.5) == 3.2


def test_connections_are_replaced_before_the_servers_limits() -> None:
    settings = RealtimeSettings()
    assert settings.replace_at(0.0, 0.0) == 240.0
    assert settings.replace_at(0.0, 1500.0) == 1620.0
    assert settings.presumed_dead_at(0.0, 0.0) == 310.0
    assert settings.presumed_dead_at(0.0, 1700.0) == 1810.0


@pytest.mark.parametrize("name", ["idle_limit", "lifetime", "queue_size"])
def test_limits_are_above_zero(name: str) -> None:
    for wrong in (0, -1, float("nan")):
        settings: Any = {name: wrong}
        with pytest.raises(ValueError, match="limits must be above 0"):
            RealtimeSettings(**settings)
    assert RealtimeSettings(idle_limit=0.5, lifetime=0.5, queue_size=1).queue_size == 1


def test_settings_and_gaps_do_not_change() -> None:
    values: list[Any] = [RealtimeSettings(), Gap(utc_datetime(7.0), ("a",))]
    for value in values:
        for name in value.__dataclass_fields__:
            with pytest.raises(FrozenInstanceError):
                setattr(value, name, 1)


def test_a_token_is_renewed_in_time() -> None:
    assert refresh_delay("", 0.0) is None
    assert refresh_delay(token(0, exp=1000.0), 0.0) == 945.0
    assert refresh_delay(token(0, exp=40.0), 0.0) == pytest.approx(22.0)
    assert refresh_delay(token(0, exp=112.0), 0.0) == 57.0
    assert refresh_delay(token(0, exp=108.0), 0.0) == pytest.approx(59.4)
    assert refresh_delay(token(0, exp=40.0), 50.0) is None
    assert refresh_delay(token(0, exp=50.0), 50.0) is None
    assert refresh_delay(token(0, exp=1000.0, refreshable=False), 0.0) is None


@pytest.mark.parametrize("text", [*map(chr, range(128)), "é", "😀", "\u2028"])
def test_options_survive_the_servers_parsing(text: str) -> None:
    options = parse_options(SubscribeOptions, {"filter": text, "params": {text: text}, "expand": "a,b"}, {})
    topic = realtime.encode_topic("posts/*", options)
    parts = urlsplit(topic)
    assert parts.path == "posts/*"
    assert not parts.fragment
    assert set(parse_qs(parts.query, strict_parsing=True, separator="&")) == {"options"}
    assert not set(topic) & set(";&#+ \"'<>\\\n\r\t")
    decoded = json.loads(parse_qs(parts.query)["options"][0])
    assert decoded["query"] == {"filter": text, "expand": "a,b", text: text}


def test_the_same_options_are_the_same_topic() -> None:
    one = parse_options(SubscribeOptions, {"filter": "a = 1", "expand": "b"}, {})
    other = parse_options(SubscribeOptions, {"expand": "b", "filter": "a = 1"}, {})
    assert realtime.encode_topic("posts/*", one) == realtime.encode_topic("posts/*", other)


def test_an_inbox_that_was_withdrawn_from_has_room_again() -> None:
    inbox = EventQueue("a", 1, lambda: 5.0)
    for text in "12":
        inbox.put(text)
    assert inbox.drop_pending() == 5.0
    inbox.put("3")
    assert [*inbox] == ["3"]


async def test_a_connection_that_has_ended_keeps_the_reason_when_it_is_cut() -> None:
    ended = asyncio.Event()
    line = Connection(lambda line, event: None, ended.set, 1)
    transport = MockTransport(lambda request: Response(500), [ServerSentEvent("PB_CONNECT", '{"clientId": "c"}')])
    await line.open(PocketBase("http://h", transport=transport).pipeline, realtime.connect())
    await ended.wait()
    await line.close()
    line.abort(ValueError("too late"))
    assert isinstance(line.close_error, PocketBaseConnectionError)
