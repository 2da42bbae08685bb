"""The differences between the ids that a list should have and those that the server has.

The server counts the records of a range of ids. Where the count is not that of the known ids, the range is halved and
both halves are counted, until so few ids are left that the server can be asked for all of them. So a few differences in
a long list take little to find. A record that has come and another one that has left are overlooked if they are next
to each other.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

LEAST_RANGE = 100
"""Ids that are read rather than counted."""


class Range(NamedTuple):
    """The ids from `first` on, up to `end` without it; `""` is no limit."""

    first: str
    end: str


async def find_differences(
    ids: Iterable[str],
    count: Callable[[Range], Awaitable[int]],
    read: Callable[[Range], Awaitable[Iterable[str]]],
) -> set[str]:
    """Return the ids that only one side has.

    Args:
        ids: The known ids.
        count: Returns how many records the server has in a range.
        read: Returns their ids.
    """
    known = sorted(ids)
    differences: set[str] = set()
    ranges: list[tuple[Sequence[str], Range]] = [(known, Range("", ""))]
    while ranges:
        expected, each = ranges.pop()
        if await count(each) == len(expected):
            continue
        if len(expected) <= LEAST_RANGE:
            differences |= {*expected} ^ {*await read(each)}
            continue
        middle = len(expected) // 2
        ranges.append((expected[:middle], Range(each.first, expected[middle])))
        ranges.append((expected[middle:], Range(expected[middle], each.end)))
    return differences
