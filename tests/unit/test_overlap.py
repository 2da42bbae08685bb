"""Events of two connections at once, in a simulation with random contents, delays and ends."""

import os
import random
import secrets
from collections import Counter

import pytest

from pocketbase_core.realtime.overlap import SETTLE, Overlap

BEGINS = 30.0
LATEST = BEGINS + 60.0
"""When the server ends the older connection."""


class Simulation:
    """A server with two connections, each of which delays each event by up to `lag` seconds."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        contents = source.choice([1, 2, 5, 10**9])
        pause = source.choice([0.02, 0.3, 2.0, 7.0, 20.0])
        self.how = source.choice(["kept", "kept", "breaks"])
        self.is_hard = self.how == "breaks" or contents < 10**9
        """Whether the older connection may break early, or contents are sent again within seconds."""
        lags = [source.choice([0.001, 0.2, 2.0, SETTLE]) for _ in range(2)]
        subscribed = BEGINS + source.random()
        self.confirmed = subscribed + source.random()
        self.breaks = self.confirmed + source.random() * 40
        self.sent: list[tuple[float, int]] = []
        self.arrivals: list[tuple[float, str, int, float]] = []
        """When, on which connection, what, and when it was sent."""
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
        """What was delivered, and whether a gap was told."""
        overlap, delivered, has_gap = Overlap(), Counter[int](), False
        stage, before = 0, 0.0
        for now, on, content, _ in [*self.arrivals, (float("inf"), "", 0, 0.0)]:
            if stage == 0 and now >= BEGINS:
                overlap.begin(BEGINS, "new")
                stage = 1
            if stage == 1 and now >= self.confirmed:
                overlap.confirmed(self.confirmed)
                stage = 2
            if stage == 2:
                broken = self.breaks if self.how == "breaks" else float("inf")
                ends = min(max(overlap.obsolete_at(float("inf")), before), broken, self.whole_at)
                if now > ends:
                    stage, is_whole = 3, ends == self.whole_at
                    has_gap = overlap.end(ends) is not None or not (is_whole or overlap.paired)
            if (stage == 3 and on == "old") or not on:
                continue
            if now > overlap.ends or (stage == 0 and on == "old") or overlap.admit(on, content, now):
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
