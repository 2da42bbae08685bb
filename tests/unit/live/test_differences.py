"""Differences between two sets of ids are found by counting, with few requests."""

import asyncio
from bisect import bisect_left
from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from pocketbase_core.live.differences import LEAST_RANGE, Range, find_differences

IDS = [f"id{number:06}" for number in range(5_000)]


class Server:
    """A server with these ids, which notes what it was asked for."""

    def __init__(self, ids: set[str]) -> None:
        self.ids = sorted(ids)
        self.counts = 0
        self.read_ids = 0

    def within(self, limits: Range) -> list[str]:
        end = bisect_left(self.ids, limits.end) if limits.end else len(self.ids)
        return self.ids[bisect_left(self.ids, limits.first) : end]

    async def count(self, limits: Range) -> int:
        self.counts += 1
        return len(self.within(limits))

    async def read(self, limits: Range) -> list[str]:
        found = self.within(limits)
        self.read_ids += len(found)
        return found


def differences(known: set[str], server: Server) -> set[str]:
    return asyncio.run(find_differences(known, server.count, server.read))


@given(st.sets(st.sampled_from(IDS), max_size=20))
def test_ids_that_have_left_are_found_by_reading_little(gone: set[str]) -> None:
    server = Server({*IDS} - gone)
    assert differences({*IDS}, server) == gone
    levels = ceil(log2(len(IDS) / LEAST_RANGE))
    assert server.counts <= 1 + levels * len(gone)
    assert server.read_ids <= LEAST_RANGE * len(gone)


@given(st.sets(st.sampled_from(IDS), max_size=20))
def test_ids_that_nobody_knew_are_found(new: set[str]) -> None:
    server = Server({*IDS})
    assert differences({*IDS} - new, server) == new


@given(st.sets(st.text(min_size=1, max_size=3)), st.sets(st.text(min_size=1, max_size=3)))
def test_all_differences_are_found_unless_the_counts_are_equal(known: set[str], present: set[str]) -> None:
    found = differences(known, Server(present))
    assert found == (known ^ present if len(known) != len(present) else set())


def test_equal_lists_take_one_request() -> None:
    server = Server({*IDS})
    assert (differences({*IDS}, server), server.counts, server.read_ids) == (set(), 1, 0)


def test_a_server_without_records_is_asked_for_few_ranges() -> None:
    server = Server(set())
    assert differences({*IDS}, server) == {*IDS}
    assert server.counts < 2 * len(IDS) / LEAST_RANGE
