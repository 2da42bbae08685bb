"""Realtime's pure parts."""

import asyncio
import json
import time
from dataclasses import FrozenInstanceError
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pocketbase_core import PocketBase, PocketBaseConnectionError, PocketBaseError, Response, ServerSentEvent
from pocketbase_core.calls.options import SubscribeOptions, read
from pocketbase_core.endpoints import realtime
from pocketbase_core.realtime.connection import Line
from pocketbase_core.realtime.event_queue import Gap, Inbox, moment
from pocketbase_core.realtime.gaps import Losses
from pocketbase_core.realtime.identity import is_refusal
from pocketbase_core.realtime.registry import Subscriptions
from pocketbase_core.realtime.subscription import EventStream, Listener
from pocketbase_core.realtime.timing import RealtimeSettings, reconnect_wait, renewal_wait
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import run


class Named:
    def __init__(self, topic: str) -> None:
        self.topic = topic


def test_subscriptions_know_what_the_server_was_told() -> None:
    state: Subscriptions[Named] = Subscriptions()
    a, b, again = Named("a"), Named("b"), Named("a")
    assert not state
    assert not state.add(a)
    assert state
    assert state.are_due
    assert state.told(["a"]) == [a]
    assert not state.are_due
    assert state.add(again), "the server need not be told"
    assert not state.are_due
    assert not state.add(b)
    assert state.topics == ("a", "b")
    assert state.told(["a"]) == [], "b came too late"
    assert state.pending == [b]
    assert state.are_due
    assert state.told(["a", "b"]) == [b]
    state.forgotten()
    assert state.are_due
    assert state.live == [a, again, b], "who has been told before"
    state.discard(a)
    state.discard(a)
    state.discard(b)
    assert (state.topics, state.all, state.live) == (("a",), [again], [again])
    state.discard(again)
    assert not state


def test_the_server_is_told_what_nobody_wants_any_more() -> None:
    state: Subscriptions[Named] = Subscriptions()
    a, b = Named("a"), Named("b")
    state.add(a)
    state.add(b)
    state.told(["a", "b"])
    state.discard(b)
    assert state.are_due


def test_a_connection_takes_a_thousand_topics() -> None:
    state: Subscriptions[Named] = Subscriptions()
    for number in range(1000):
        state.add(Named(str(number)))
    with pytest.raises(ValueError, match="at most 1000 topics"):
        state.add(Named("one more"))
    state.add(Named("7"))
    assert (len(state.topics), len(state.all)) == (1000, 1001)


def test_an_inbox_is_bounded() -> None:
    inbox = Inbox("a", 2, lambda: 7.0)
    for text in "12345":
        inbox.put(text)
    inbox.put(Gap(moment(9.0), ("a", "b")))
    overflow = Gap(moment(7.0), ("a",))
    assert [*inbox] == ["1", "2", overflow]
    assert [inbox.popleft(), inbox.popleft()] == ["1", "2"]
    inbox.put("still in the gap")
    assert inbox.popleft() == inbox.taken(overflow) == overflow
    inbox.put("6")
    inbox.put(lost := Gap(moment(9.0), ("a", "b")))
    inbox.put(Gap(moment(10.0), ("a", "b")))
    assert [*inbox] == ["6", lost, Gap(moment(10.0), ("a",))]
    assert [inbox.popleft(), inbox.popleft()] == ["6", lost]
    inbox.taken(lost)
    inbox.put("still in the gap")
    assert len(inbox) == 1


def test_a_gap_tells_its_moment_in_utc() -> None:
    assert moment(0.0).isoformat() == "1970-01-01T00:00:00+00:00"


def test_losses_in_a_row_become_one_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[list[str | Gap]]:
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        state: Subscriptions[Listener] = Subscriptions()
        inboxes = {topic: Inbox(topic, 9, time.time) for topic in ("a?options=1", "a?options=2", "b", "c")}
        listeners = [EventStream[Any](topic, inbox, str) for topic, inbox in inboxes.items()]
        for listener in listeners:
            state.add(listener)
        state.told(state.topics)
        losses = Losses(state)
        for silence in (5.0, 20.0, 1.0):
            losses.note(silence)
        state.discard(listeners[-1])
        losses.tell()
        losses.tell()
        return [[*inbox] for inbox in inboxes.values()]

    gap = Gap(moment(979.0), ("a", "b"))
    assert run(main()) == [[gap], [gap], [gap], []]


def test_waits_grow_with_full_jitter() -> None:
    assert [reconnect_wait(failures, 1.0) for failures in (0, 1, 2, 7, 8, 5000)] == [0.2, 0.4, 0.8, 25.6, 30.0, 30.0]
    assert reconnect_wait(5, 0.0) == 0.0
    assert reconnect_wait(5, 0.5) == 3.2


def test_connections_are_replaced_before_the_servers_limits() -> None:
    settings = RealtimeSettings()
    assert settings.rotate_at(0.0, 0.0) == 240.0
    assert settings.rotate_at(0.0, 1500.0) == 1620.0
    assert settings.dead_at(0.0, 0.0) == 310.0
    assert settings.dead_at(0.0, 1700.0) == 1810.0


@pytest.mark.parametrize("name", ["idle_limit", "lifetime", "queue_size"])
def test_limits_are_above_zero(name: str) -> None:
    for wrong in (0, -1, float("nan")):
        settings: Any = {name: wrong}
        with pytest.raises(ValueError, match="limits must be above 0"):
            RealtimeSettings(**settings)
    assert RealtimeSettings(idle_limit=0.5, lifetime=0.5, queue_size=1).queue_size == 1


def test_settings_and_gaps_do_not_change() -> None:
    values: list[Any] = [RealtimeSettings(), Gap(moment(7.0), ("a",))]
    for value in values:
        for name in value.__dataclass_fields__:
            with pytest.raises(FrozenInstanceError):
                setattr(value, name, 1)


def test_what_is_a_refusal() -> None:
    statuses = (0, 399, 400, 401, 403, 404, 405, 407, 408, 409, 428, 429, 430, 499, 500, 503)
    refusals = [status for status in statuses if is_refusal(PocketBaseError("http://h", status))]
    assert refusals == [400, 401, 403, 405, 407, 409, 428, 430, 499]
    assert not is_refusal(ValueError())


def test_a_token_is_renewed_in_time() -> None:
    assert renewal_wait("", 0.0) is None
    assert renewal_wait(token(0, exp=1000.0), 0.0) == 945.0
    assert renewal_wait(token(0, exp=40.0), 0.0) == pytest.approx(22.0)
    assert renewal_wait(token(0, exp=112.0), 0.0) == 57.0
    assert renewal_wait(token(0, exp=108.0), 0.0) == pytest.approx(59.4)
    assert renewal_wait(token(0, exp=40.0), 50.0) is None
    assert renewal_wait(token(0, exp=50.0), 50.0) is None
    assert renewal_wait(token(0, exp=1000.0, refreshable=False), 0.0) is None


@pytest.mark.parametrize("text", [*map(chr, range(128)), "é", "😀", "\u2028"])
def test_options_survive_the_servers_parsing(text: str) -> None:
    options = read(SubscribeOptions, {"filter": text, "params": {text: text}, "expand": "a,b"}, {})
    topic = realtime.topic("posts/*", options)
    parts = urlsplit(topic)
    assert parts.path == "posts/*"
    assert not parts.fragment
    assert set(parse_qs(parts.query, strict_parsing=True, separator="&")) == {"options"}
    assert not set(topic) & set(";&#+ \"'<>\\\n\r\t")
    decoded = json.loads(parse_qs(parts.query)["options"][0])
    assert decoded["query"] == {"filter": text, "expand": "a,b", text: text}


def test_the_same_options_are_the_same_topic() -> None:
    one = read(SubscribeOptions, {"filter": "a = 1", "expand": "b"}, {})
    other = read(SubscribeOptions, {"expand": "b", "filter": "a = 1"}, {})
    assert realtime.topic("posts/*", one) == realtime.topic("posts/*", other)


def test_an_inbox_that_was_withdrawn_from_has_room_again() -> None:
    inbox = Inbox("a", 1, lambda: 5.0)
    for text in "12":
        inbox.put(text)
    assert inbox.withdraw() == 5.0
    inbox.put("3")
    assert [*inbox] == ["3"]


async def test_a_connection_that_has_ended_keeps_the_reason_when_it_is_cut() -> None:
    ended = asyncio.Event()
    line = Line(lambda line, event: None, ended.set, 1)
    transport = MockTransport(lambda request: Response(500), [ServerSentEvent("PB_CONNECT", '{"clientId": "c"}')])
    await line.open(PocketBase("http://h", transport=transport), realtime.connect())
    await ended.wait()
    await line.close()
    line.cut(ValueError("too late"))
    assert isinstance(line.ending, PocketBaseConnectionError)
