"""Events of two connections at once, in a simulation with random contents, delays and ends."""

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
                self.arrivals.append((now + source.random() * lags[0], "old", content, now))
            if now >= subscribed:
                self.arrivals.append((now + source.random() * lags[1], "new", content, now))
        self.whole_at = max((at for at, on, _, _ in self.arrivals if on == "old"), default=LATEST)
        self.whole_at = max(self.whole_at, LATEST)
        self.arrivals.sort()

    def run(self) -> tuple[Counter[int], bool]:
        """The delivered contents, and whether there was a gap."""
        overlap, delivered, has_gap = EventDeduplicator(), Counter[int](), False
        stage, before = 0, 0.0
        for now, on, content, _ in [*self.arrivals, (float("inf"), "", 0, 0.0)]:
            if stage == 0 and now >= BEGINS:
                overlap.start(BEGINS, "new")
                stage = 1
            if stage == 1 and now >= self.confirmed:
                overlap.confirm(self.confirmed)
                stage = 2
            if stage == 2:
                broken = self.breaks if self.how == "breaks" else float("inf")
                ends = min(max(overlap.obsolete_at(float("inf")), before), broken, self.whole_at)
                if now > ends:
                    stage, is_whole = 3, ends == self.whole_at
                    has_gap = overlap.stop(ends) is not None or not (is_whole or overlap.has_match)
            if (stage == 3 and on == "old") or not on:
                continue
            if now > overlap.ends_at or (stage == 0 and on == "old") or overlap.is_new(on, content, now):
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


def test_every_event_is_delivered_once_or_a_gap_is_told() -> None:
    check(range(60))


@pytest.mark.slow
def test_every_event_is_delivered_once_or_a_gap_is_told_in_thousands_of_handovers() -> None:
    first = int(os.environ.get("SOAK_SEED", secrets.randbelow(10**6)))
    print(f"seeds from {first} on")
    check(range(first, first + 3000))


def test_an_overlap_pairs_what_came_twice() -> None:
    old, new, overlap = object(), object(), EventDeduplicator()
    assert overlap.is_new(old, 1, 0.0)
    assert not overlap.has_match
    assert overlap.is_new(new, 2, 0.1)
    assert not overlap.is_new(old, 2, 0.2)
    assert overlap.has_match
    assert not overlap.is_new(new, 1, 0.3)
    assert overlap.is_new(new, 1, 0.4), "the same again is another event"
    assert not overlap.is_new(old, 1, 0.5)


def test_an_overlap_forgets_what_came_on_one_only() -> None:
    old, new, overlap = object(), object(), EventDeduplicator()
    assert overlap.is_new(old, 1, 0.0)
    overlap.start(1.0, new)
    assert overlap.is_new(old, 1, 4.0)
    assert not overlap.is_new(new, 1, 4.1), "the copy of the second, not of the first"
    assert overlap.is_new(new, 1, 4.2), "the first arrived before the new one was subscribed"
    assert overlap.is_new(old, 2, 20.0)
    assert not overlap.is_new(new, 2, 20.0 + DEDUPLICATION_WINDOW), "not longer than it may lag"


@pytest.mark.parametrize(
    ("on_the_old", "on_the_new", "are_new"),
    [
        ([0.0, 4.0], [5.5, 5.6], [False, True]),
        ([0.0, 4.0], [20.0], [True]),
        ([0.0, 3.0], [0.1, 5.5], [False, False]),
    ],
)
def test_an_overlap_forgets_the_oldest_of_the_same(
    on_the_old: list[float], on_the_new: list[float], are_new: list[bool]
) -> None:
    overlap = EventDeduplicator()
    arrivals = sorted([(moment, "old") for moment in on_the_old] + [(moment, "new") for moment in on_the_new])
    admitted = [(line, overlap.is_new(line, 1, moment)) for moment, line in arrivals]
    assert [is_new for line, is_new in admitted if line == "new"] == are_new


def test_an_overlap_lasts_until_no_copy_can_have_been_mistaken() -> None:
    overlap = EventDeduplicator()
    overlap.start(10.0, "new")
    assert overlap.obsolete_at(99.0) == 99.0
    overlap.confirm(11.0)
    assert overlap.is_new("old", 1, 14.0)
    assert overlap.obsolete_at(99.0) == 99.0, "nothing has come on both"
    assert not overlap.is_new("new", 1, 14.5)
    assert overlap.obsolete_at(99.0) == 19.5
    assert overlap.obsolete_at(17.0) == 17.0
    overlap.is_new("old", 2, 16.5)
    overlap.is_new("new", 2, 16.6)
    assert overlap.obsolete_at(99.0) == 19.5, "it was sent on both"
    overlap.is_new("new", 1, 19.0)
    assert overlap.obsolete_at(99.0) == 24.0, "a content that is sent again and again is never certain"
    assert overlap.stop(20.0) == 10.0
    assert overlap.stop(30.0) is None
    assert overlap.ends_at == 25.0
    overlap.start(40.0, "newer")
    assert (overlap.obsolete_at(99.0), overlap.ends_at) == (99.0, float("inf"))
    overlap.is_new("new", 1, 40.0)
    overlap.cancel(41.0)
    assert overlap.ends_at == 46.0


def test_without_doubts_an_overlap_lasts_for_the_longest_delay() -> None:
    overlap = EventDeduplicator()
    overlap.start(10.0, "new")
    overlap.is_new("new", 1, 10.5)
    overlap.confirm(11.0)
    overlap.is_new("old", 1, 11.5)
    assert overlap.obsolete_at(99.0) == 16.5
    assert overlap.is_new("old", 2, 17.0)
    assert overlap.obsolete_at(99.0) == 16.0
    assert overlap.stop(17.0) is None


def test_of_the_same_contents_the_oldest_is_paired_first_where_all_were_sent_on_both() -> None:
    overlap = EventDeduplicator()
    overlap.start(0.0, "new")
    overlap.confirm(0.0)
    arrivals = [
        (6.0 + number * 0.1 + lag, source) for number in range(100) for source, lag in (("old", 0), ("new", 0.25))
    ]
    new = [overlap.is_new(source, 1, now) for now, source in sorted(arrivals)]
    assert sum(new) == 100


def test_connections_that_are_gone_are_not_kept() -> None:
    class Line:
        pass

    overlap, lines = EventDeduplicator(), [Line() for _ in range(10)]
    known = [weakref.ref(line) for line in lines]
    for number, (old, new) in enumerate(pairwise(lines)):
        now = 100.0 * number
        overlap.start(now, new)
        assert overlap.is_new(old, 1, now)
        assert not overlap.is_new(new, 1, now)
        assert overlap.is_new(new, 2, now)
        overlap.stop(now)
    assert overlap.is_new(lines[-1], 3, 10_000.0)
    del lines[:-1], old, new  # pyright: ignore[reportPossiblyUnboundVariable]
    gc.collect()
    assert [line() is None for line in known] == [True] * 9 + [False]


def test_contents_that_have_come_on_both_are_not_kept() -> None:
    old, new, overlap = object(), object(), EventDeduplicator()
    overlap.start(0.0, new)
    before = sys.getallocatedblocks()
    for content in range(10_000, 20_000):
        assert overlap.is_new(old, content, 0.0)
        assert not overlap.is_new(new, content, 0.0)
    overlap.is_new(old, 0, 100.0)
    assert sys.getallocatedblocks() - before < 5000  # the interpreter keeps 2,000 tuples for later
