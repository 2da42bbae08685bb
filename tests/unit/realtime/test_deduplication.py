"""Deduplication, in a simulation with random contents, delays and ends, and step by step."""

import gc
import os
import random
import secrets
import sys
import weakref
from collections import Counter
from itertools import pairwise

import pytest

from pocketbase_core.realtime.deduplication import DEDUPLICATION_WINDOW, EventDeduplicator

BEGINS = 30.0
LATEST = BEGINS + 60.0
"""The time at which the server ends the older connection."""


class Simulation:
    """A server with two connections, each of which delays each event by up to `lag` seconds."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        contents = source.choice([1, 2, 5, 10**9])
        pause = source.choice([0.02, 0.3, 2.0, 7.0, 20.0])
        self.how = source.choice(["kept", "kept", "breaks"])
        self.is_hard = self.how == "breaks" or contents < 10**9
        """True if the older connection may break early, or contents may be sent again within seconds."""
        lags = [source.choice([0.001, 0.2, 2.0, DEDUPLICATION_WINDOW]) for _ in range(2)]
        subscribed = BEGINS + source.random()
        self.confirmed = subscribed + source.random()
        self.breaks = self.confirmed + source.random() * 40
        self.sent: list[tuple[float, int]] = []
        self.arrivals: list[tuple[float, str, int, float]] = []
        """For each arrival: its time, the connection, the content, and the time at which it was sent."""
        now = 0.0
        while now < LATEST + 30.0:
            now += source.expovariate(1 / pause)
            content = source.randrange(contents)
            self.sent.append((now, content))
            if now < LATEST:
                self.arrivals.append((now + source.random() * lags[0], "older", content, now))
            if now >= subscribed:
                self.arrivals.append((now + source.random() * lags[1], "newer", content, now))
        self.complete_at = max((at for at, on, _, _ in self.arrivals if on == "older"), default=LATEST)
        self.complete_at = max(self.complete_at, LATEST)
        self.arrivals.sort()

    def run(self) -> tuple[Counter[int], bool]:
        """Return the delivered contents, and whether a loss was reported."""
        deduplicator, delivered, has_gap = EventDeduplicator(), Counter[int](), False
        stage, before = 0, 0.0
        for now, on, content, _ in [*self.arrivals, (float("inf"), "", 0, 0.0)]:
            if stage == 0 and now >= BEGINS:
                deduplicator.start(BEGINS, "newer")
                stage = 1
            if stage == 1 and now >= self.confirmed:
                deduplicator.confirm(self.confirmed)
                stage = 2
            if stage == 2:
                broken = self.breaks if self.how == "breaks" else float("inf")
                ends = min(max(deduplicator.obsolete_at(float("inf")), before), broken, self.complete_at)
                if now > ends:
                    stage, is_clean = 3, ends == self.complete_at
                    has_gap = deduplicator.stop(ends) is not None or not (is_clean or deduplicator.has_match)
            if (stage == 3 and on == "older") or not on:
                continue
            if now > deduplicator.ends_at or (stage == 0 and on == "older") or deduplicator.is_new(on, content, now):
                delivered[content] += 1
            before = now
        assert stage == 3
        return delivered, has_gap


def check(seeds: range) -> None:
    for seed in seeds:
        simulation = Simulation(seed)
        delivered, has_gap = simulation.run()
        assert has_gap or delivered == Counter(content for _, content in simulation.sent), seed
        assert not has_gap or simulation.is_hard, seed


def test_every_event_is_delivered_once_or_a_loss_is_reported() -> None:
    check(range(60))


@pytest.mark.slow
def test_every_event_is_delivered_once_or_a_loss_is_reported_in_thousands_of_handovers() -> None:
    first = int(os.environ.get("SOAK_SEED", secrets.randbelow(10**6)))
    print(f"seeds from {first} on")
    check(range(first, first + 3000))


def test_an_event_is_a_copy_if_its_content_arrived_on_the_other_connection() -> None:
    older, newer, deduplicator = object(), object(), EventDeduplicator()
    assert deduplicator.is_new(older, 1, 0.0)
    assert not deduplicator.has_match
    assert deduplicator.is_new(newer, 2, 0.1)
    assert not deduplicator.is_new(older, 2, 0.2)
    assert deduplicator.has_match
    assert not deduplicator.is_new(newer, 1, 0.3)
    assert deduplicator.is_new(newer, 1, 0.4), "its copy has arrived already, so this is another event"
    assert not deduplicator.is_new(older, 1, 0.5)


def test_an_event_is_no_copy_of_one_before_the_start_or_before_the_window() -> None:
    older, newer, deduplicator = object(), object(), EventDeduplicator()
    assert deduplicator.is_new(older, 1, 0.0)
    deduplicator.start(1.0, newer)
    assert deduplicator.is_new(older, 1, 4.0)
    assert not deduplicator.is_new(newer, 1, 4.1), "the copy of the second, not of the first"
    assert deduplicator.is_new(newer, 1, 4.2), "the first arrived before the newer one was subscribed"
    assert deduplicator.is_new(older, 2, 20.0)
    assert not deduplicator.is_new(newer, 2, 20.0 + DEDUPLICATION_WINDOW), "a copy arrives within the window"


@pytest.mark.parametrize(
    ("on_the_older", "on_the_newer", "are_new"),
    [
        ([0.0, 4.0], [5.5, 5.6], [False, True]),
        ([0.0, 4.0], [20.0], [True]),
        ([0.0, 3.0], [0.1, 5.5], [False, False]),
    ],
)
def test_the_oldest_of_several_arrivals_with_the_same_content_is_matched_and_forgotten_first(
    on_the_older: list[float], on_the_newer: list[float], are_new: list[bool]
) -> None:
    deduplicator = EventDeduplicator()
    arrivals = sorted([(at, "older") for at in on_the_older] + [(at, "newer") for at in on_the_newer])
    results = [(connection, deduplicator.is_new(connection, 1, at)) for at, connection in arrivals]
    assert [is_new for connection, is_new in results if connection == "newer"] == are_new


def test_the_older_connection_is_needed_until_no_content_is_ambiguous() -> None:
    deduplicator = EventDeduplicator()
    deduplicator.start(10.0, "newer")
    assert deduplicator.obsolete_at(99.0) == 99.0
    deduplicator.confirm(11.0)
    assert deduplicator.is_new("older", 1, 14.0)
    assert deduplicator.obsolete_at(99.0) == 99.0, "no event has arrived on both"
    assert not deduplicator.is_new("newer", 1, 14.5)
    assert deduplicator.obsolete_at(99.0) == 19.5, "a window after the ambiguous content arrived last"
    assert deduplicator.obsolete_at(17.0) == 17.0
    deduplicator.is_new("older", 2, 16.5)
    deduplicator.is_new("newer", 2, 16.6)
    assert deduplicator.obsolete_at(99.0) == 19.5, "it was sent on both"
    deduplicator.is_new("newer", 1, 19.0)
    assert deduplicator.obsolete_at(99.0) == 24.0, "a content stays ambiguous while it arrives again and again"
    assert deduplicator.stop(20.0) == 10.0, "a content is still ambiguous, so events since the start may be lost"
    assert deduplicator.stop(30.0) is None, "it is reported once"
    assert deduplicator.ends_at == 25.0, "a window after the first stop"
    deduplicator.start(40.0, "newest")
    assert (deduplicator.obsolete_at(99.0), deduplicator.ends_at) == (99.0, float("inf"))
    deduplicator.is_new("newer", 1, 40.0)
    deduplicator.cancel(41.0)
    assert deduplicator.ends_at == 46.0, "a window after the newest connection was closed"


def test_no_copy_is_expected_of_a_content_that_is_no_longer_ambiguous() -> None:
    """The lag is shorter than the window where the server's limits are short."""
    deduplicator = EventDeduplicator(0.1)
    deduplicator.start(0.0, "newer")
    assert deduplicator.is_new("older", 1, 0.01)  # before the newer connection was subscribed
    deduplicator.confirm(0.02)
    assert not deduplicator.is_new("newer", 1, 0.03), "the mistake"
    assert deduplicator.is_new("older", 1, 0.04), "its correction"
    assert deduplicator.stop(0.2) is None
    assert deduplicator.is_new("newer", 1, 0.8), "an event was dropped as a copy of one long before"


def test_an_event_is_no_copy_of_one_on_a_connection_that_was_replaced_before() -> None:
    deduplicator = EventDeduplicator(0.1)
    deduplicator.start(0.0, "second")
    deduplicator.confirm(0.01)
    assert deduplicator.is_new("first", 2, 0.2)  # so late that its copy need not come
    assert deduplicator.stop(0.3) is None
    deduplicator.start(1.8, "third")
    assert deduplicator.is_new("second", 2, 1.9), "an event was dropped as a copy of one on the first connection"
    assert not deduplicator.is_new("third", 2, 1.91)


def test_without_ambiguous_contents_the_older_connection_is_needed_for_the_window() -> None:
    deduplicator = EventDeduplicator()
    deduplicator.start(10.0, "newer")
    deduplicator.is_new("newer", 1, 10.5)
    deduplicator.confirm(11.0)
    deduplicator.is_new("older", 1, 11.5)
    assert deduplicator.obsolete_at(99.0) == 16.5, "a window after the last ambiguous content"
    assert deduplicator.is_new("older", 2, 17.0)
    assert deduplicator.obsolete_at(99.0) == 16.0, "a window after the confirmation"
    assert deduplicator.stop(17.0) is None


def test_a_hundred_events_of_the_same_content_on_both_connections_are_a_hundred_new_ones() -> None:
    deduplicator = EventDeduplicator()
    deduplicator.start(0.0, "newer")
    deduplicator.confirm(0.0)
    arrivals = [
        (6.0 + number * 0.1 + lag, source) for number in range(100) for source, lag in (("older", 0), ("newer", 0.25))
    ]
    results = [deduplicator.is_new(source, 1, now) for now, source in sorted(arrivals)]
    assert sum(results) == 100


def test_the_deduplicator_keeps_no_reference_to_former_connections() -> None:
    class FakeConnection:
        pass

    deduplicator, connections = EventDeduplicator(), [FakeConnection() for _ in range(10)]
    references = [weakref.ref(connection) for connection in connections]
    for number, (older, newer) in enumerate(pairwise(connections)):
        now = 100.0 * number
        deduplicator.start(now, newer)
        assert deduplicator.is_new(older, 1, now)
        assert not deduplicator.is_new(newer, 1, now)
        assert deduplicator.is_new(newer, 2, now)
        deduplicator.stop(now)
    assert deduplicator.is_new(connections[-1], 3, 10_000.0)
    del connections[:-1], older, newer  # pyright: ignore[reportPossiblyUnboundVariable]
    gc.collect()
    assert [reference() is None for reference in references] == [True] * 9 + [False]


def test_the_memory_of_matched_contents_is_freed() -> None:
    older, newer, deduplicator = object(), object(), EventDeduplicator()
    deduplicator.start(0.0, newer)
    before = sys.getallocatedblocks()
    for content in range(10_000, 20_000):
        assert deduplicator.is_new(older, content, 0.0)
        assert not deduplicator.is_new(newer, content, 0.0)
    deduplicator.is_new(older, 0, 100.0)
    assert sys.getallocatedblocks() - before < 5000  # the interpreter keeps 2,000 tuples for later
