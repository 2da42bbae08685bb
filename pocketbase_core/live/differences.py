"""The differences between the ids that a list should have and those that the server has.

The server counts the records of a range of ids. Where the count is not that of the known ids, the range is halved and
one half is counted, from which the other count follows, until so few ids are left that the server can be asked for all
of them. So a few differences in a long list take little to find. They are overlooked in a range that as many records
have left as have come to it, even if that is the whole list.
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
    everything = Range("", "")
    ranges: list[tuple[Range, Sequence[str], int]] = [(everything, known, await count(everything))]
    while ranges:
        each, expected, number = ranges.pop()
        if number == len(expected):
            continue
        if len(expected) <= LEAST_RANGE:
            differences |= {*expected} ^ {*await read(each)}
            continue
        middle = len(expected) // 2
        left, right = Range(each.first, expected[middle]), Range(expected[middle], each.end)
        number_left = await count(left)
        ranges.append((left, expected[:middle], number_left))
        ranges.append((right, expected[middle:], number - number_left))
    return differences
