"""The parts of realtime without a server: registry, queue, gaps, timing, topics, connection."""

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import FrozenInstanceError
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response, ServerSentEvent
from pocketbase_core.calls.options import SubscribeOptions, parse_options
from pocketbase_core.endpoints import realtime
from pocketbase_core.realtime.connection import Connection
from pocketbase_core.realtime.event_queue import EventQueue, Gap, utc_datetime
from pocketbase_core.realtime.gaps import GapTracker
from pocketbase_core.realtime.registry import SubscriptionRegistry
from pocketbase_core.realtime.subscription import EventStream, Subscription
from pocketbase_core.realtime.timing import RealtimeSettings, reconnect_delay, submit_again_at
from pocketbase_transports import MockTransport

from ...helpers.virtual_clock import run


class FakeSubscription:
    def __init__(self, topic: str) -> None:
        self.topic = topic


def test_a_registry_needs_a_submission_while_the_server_knows_other_topics() -> None:
    registry: SubscriptionRegistry[FakeSubscription] = SubscriptionRegistry()
    a, b, again = FakeSubscription("a"), FakeSubscription("b"), FakeSubscription("a")
    assert not registry, "it is empty"
    assert not registry.add(a), "the server does not know the topic yet"
    assert registry
    assert registry.needs_submission
    assert registry.confirm(["a"]) == [a]
    assert not registry.needs_submission
    assert registry.add(again), "the server knows the topic"
    assert not registry.needs_submission
    assert not registry.add(b)
    assert registry.topics == ("a", "b")
    assert registry.confirm(["a"]) == [], "b was added after the submission"
    assert registry.pending == [b]
    assert registry.needs_submission
    assert registry.confirm(["a", "b"]) == [b]
    registry.reset()
    assert registry.needs_submission
    assert registry.confirmed == [a, again, b], "they stay confirmed, so that they get the gap"
    registry.discard(a)
    registry.discard(a)
    registry.discard(b)
    assert (registry.topics, registry.all, registry.confirmed) == (("a",), [again], [again])
    registry.discard(again)
    assert not registry


def test_a_registry_needs_a_submission_when_a_topic_is_no_longer_wanted() -> None:
    registry: SubscriptionRegistry[FakeSubscription] = SubscriptionRegistry()
    a, b = FakeSubscription("a"), FakeSubscription("b")
    registry.add(a)
    registry.add(b)
    registry.confirm(["a", "b"])
    registry.discard(b)
    assert registry.needs_submission


def test_a_registry_accepts_a_thousand_topics_and_any_number_of_subscriptions() -> None:
    registry: SubscriptionRegistry[FakeSubscription] = SubscriptionRegistry()
    for number in range(1000):
        registry.add(FakeSubscription(str(number)))
    with pytest.raises(ValueError, match="at most 1000 topics"):
        registry.add(FakeSubscription("one more"))
    registry.add(FakeSubscription("7"))
    assert (len(registry.topics), len(registry.all)) == (1000, 1001)


def test_the_connect_topic_is_confirmed_by_any_submission_and_part_of_none() -> None:
    registry: SubscriptionRegistry[FakeSubscription] = SubscriptionRegistry()
    connect, later, a = FakeSubscription("PB_CONNECT"), FakeSubscription("PB_CONNECT"), FakeSubscription("a")
    assert not registry.add(connect), "there is no connection yet"
    assert (registry.topics, registry.unconfirmed_topics, registry.needs_submission) == ((), (), True)
    assert registry.confirm([]) == [connect]
    assert (registry.confirmed, registry.confirmed_topics, registry.needs_submission) == ([connect], (), False)
    assert registry.add(later)
    assert not registry.needs_submission
    registry.add(a)
    assert (registry.topics, registry.unconfirmed_topics) == (("a",), ("a",))
    registry.reset()
    registry.discard(a)
    assert registry.needs_submission, "an empty submission shows that the connection works"
    registry.discard(connect)
    registry.discard(later)
    assert not registry


def test_a_full_queue_ends_with_one_gap_until_the_consumer_has_removed_it() -> None:
    queue = EventQueue("a", 2, lambda: 7.0)
    for text in "12345":
        queue.put(text)
    queue.put(Gap(utc_datetime(9.0), ("a", "b")))
    overflow = Gap(utc_datetime(7.0), ("a",))
    assert [*queue] == ["1", "2", overflow]
    assert [queue.popleft(), queue.popleft()] == ["1", "2"]
    queue.put("after the overflow")
    assert queue.acknowledge_gap(cast("Gap", queue.popleft())) == overflow
    queue.put("6")
    queue.put(lost := Gap(utc_datetime(9.0), ("a", "b")))
    queue.put(Gap(utc_datetime(10.0), ("a", "b")))
    assert [*queue] == ["6", lost, Gap(utc_datetime(10.0), ("a",))]
    assert [queue.popleft(), queue.popleft()] == ["6", lost]
    queue.acknowledge_gap(lost)
    queue.put("after the overflow")
    assert len(queue) == 1, "the overflow gap has not been removed"


def test_a_removed_gap_makes_no_room_if_the_queue_has_overflowed_again_before_it_is_acknowledged() -> None:
    queue = EventQueue("a", 1, lambda: 7.0)
    queue.put(lost := Gap(utc_datetime(7.0), ("a",)))
    assert queue.popleft() is lost
    queue.put("1")
    queue.put("2")
    assert queue.popleft() == "1"
    overflow = queue.popleft()
    assert isinstance(overflow, Gap)
    assert queue.acknowledge_gap(lost) is lost
    queue.put("dropped, since the gap of the overflow is not acknowledged")
    assert not queue
    queue.acknowledge_gap(overflow)
    queue.put("3")
    assert [*queue] == ["3"]


def test_the_beginning_of_a_gap_is_in_utc() -> None:
    assert utc_datetime(0.0).isoformat() == "1970-01-01T00:00:00+00:00"


def test_several_losses_become_one_gap_from_the_earliest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[list[str | Gap]]:
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        registry: SubscriptionRegistry[Subscription] = SubscriptionRegistry()
        queues = {topic: EventQueue(topic, 9, time.time) for topic in ("a?options=1", "a?options=2", "b", "c")}
        subscriptions = [EventStream[Any](topic, queue, str) for topic, queue in queues.items()]
        for subscription in subscriptions:
            registry.add(subscription)
        registry.confirm(registry.topics)
        tracker = GapTracker(registry)
        for seconds in (5.0, 20.0, 1.0):
            tracker.record_loss(seconds)
        registry.discard(subscriptions[-1])
        tracker.emit()
        tracker.emit()
        return [[*queue] for queue in queues.values()]

    gap = Gap(utc_datetime(979.0), ("a", "b"))
    assert run(main()) == [[gap], [gap], [gap], []]


def test_reconnect_delays_double_up_to_thirty_seconds_with_full_jitter() -> None:
    assert [reconnect_delay(failures, 1.0) for failures in (0, 1, 2, 7, 8, 5000)] == [0.2, 0.4, 0.8, 25.6, 30.0, 30.0]
    assert reconnect_delay(5, 0.0) == 0.0
    assert reconnect_delay(5, 0.5) == 3.2


def test_connections_are_replaced_before_the_server_ends_them() -> None:
    settings = RealtimeSettings()
    assert settings.replace_at(0.0, 0.0) == 240.0
    assert settings.replace_at(0.0, 1500.0) == 1620.0
    assert settings.presumed_dead_at(0.0, 0.0) == 310.0
    assert settings.presumed_dead_at(0.0, 1700.0) == 1810.0


@pytest.mark.parametrize("name", ["idle_limit", "lifetime", "queue_size"])
def test_realtime_settings_must_be_above_zero(name: str) -> None:
    for wrong in (0, -1, float("nan")):
        settings: Any = {name: wrong}
        with pytest.raises(ValueError, match="limits must be above 0"):
            RealtimeSettings(**settings)
    assert RealtimeSettings(idle_limit=0.5, lifetime=0.5, queue_size=1).queue_size == 1


def test_settings_and_gaps_are_frozen() -> None:
    values: list[Any] = [RealtimeSettings(), Gap(utc_datetime(7.0), ("a",))]
    for value in values:
        for name in value.__dataclass_fields__:
            with pytest.raises(FrozenInstanceError):
                setattr(value, name, 1)


def test_a_token_is_submitted_again_when_requests_refresh_it_and_later_if_that_failed() -> None:
    assert submit_again_at(900.0, 1000.0, 0.0) == 910.0
    assert submit_again_at(5.0, 10.0, 0.0) == 5.5
    assert submit_again_at(900.0, 1000.0, 900.0) == pytest.approx(955.0)
    assert submit_again_at(900.0, 1000.0, 990.0) == pytest.approx(995.5)
    assert submit_again_at(math.inf, 1000.0, 990.0) == math.inf, "it cannot be refreshed"
    assert submit_again_at(math.inf, math.inf, 990.0) == math.inf, "it does not expire"


@pytest.mark.parametrize("text", [*map(chr, range(128)), "é", "😀", "\u2028"])
def test_the_server_parses_every_character_of_options_as_it_was(text: str) -> None:
    options = parse_options(SubscribeOptions, {"filter": text, "params": {text: text}, "expand": "a,b"}, {})
    topic = realtime.encode_topic("posts/*", options)
    parts = urlsplit(topic)
    assert parts.path == "posts/*"
    assert not parts.fragment
    assert set(parse_qs(parts.query, strict_parsing=True, separator="&")) == {"options"}
    assert not set(topic) & set(";&#+ \"'<>\\\n\r\t")
    decoded = json.loads(parse_qs(parts.query)["options"][0])
    assert decoded["query"] == {"filter": text, "expand": "a,b", text: text}


def test_the_order_of_options_does_not_change_the_topic() -> None:
    one = parse_options(SubscribeOptions, {"filter": "a = 1", "expand": "b"}, {})
    other = parse_options(SubscribeOptions, {"expand": "b", "filter": "a = 1"}, {})
    assert realtime.encode_topic("posts/*", one) == realtime.encode_topic("posts/*", other)


def test_a_full_queue_has_room_again_after_drop_pending() -> None:
    queue = EventQueue("a", 1, lambda: 5.0)
    for text in "12":
        queue.put(text)
    assert queue.drop_pending() == 5.0
    queue.put("3")
    assert [*queue] == ["3"]


async def test_aborting_a_connection_that_has_ended_keeps_its_close_error() -> None:
    async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        yield ServerSentEvent("PB_CONNECT", '{"clientId": "c"}')

    ended = asyncio.Event()
    connection = Connection(lambda connection, event: None, ended.set, 1)
    transport = MockTransport(lambda request: Response(500), ends)
    await connection.open(PocketBase("http://h", transport=transport).pipeline, realtime.connect())
    await ended.wait()
    await connection.close()
    connection.abort(ValueError("too late"))
    assert isinstance(connection.close_error, PocketBaseConnectionError)
