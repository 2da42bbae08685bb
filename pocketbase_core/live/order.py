"""The order of records by plain sort keys, as SQLite has it.

SQLite sorts NULL before numbers, numbers before text, and text by its bytes in UTF-8, which is the order of Python's
code points too. True and False are the numbers 1 and 0 there. A list or an object is stored as JSON text that no client
can rebuild, so its order is not known here, nor is that of a key that is not a field of the record itself, such as
`author.name`, `@rowid` or `title:lower`.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_PLAIN_KEY = re.compile(r"([+-]?)\s*(\w+)\Z", re.ASCII)
SortValues = tuple[Any, ...]
"""Values of a record that compare as SQLite compares the sort keys of its row."""


class SortKey(NamedTuple):
    """A field to sort by."""

    name: str
    is_descending: bool


class _Descending:
    """A text that compares the other way round."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._value == other._value

    def __lt__(self, other: "_Descending") -> bool:
        return other._value < self._value


def parse_sort(sort: str) -> tuple[SortKey, ...] | None:
    """Return the sort keys of a list; None if one of them is not a plain field."""
    keys: list[SortKey] = []
    for text in sort.split(",") if sort.strip() else []:
        match = _PLAIN_KEY.match(text.strip())
        if match is None:
            return None
        keys.append(SortKey(match[2], match[1] == "-"))
    return tuple(keys)


def sort_values(record: Mapping[str, Any], keys: tuple[SortKey, ...]) -> SortValues | None:
    """Return the values by which a record is sorted; None if the order of one of them is not known."""
    values: list[Any] = []
    for key in keys:
        value = _comparable(record.get(key.name, _MISSING))
        if value is None:
            return None
        values.append(_reversed(*value) if key.is_descending else value)
    return tuple(values)


_MISSING = object()


def _reversed(kind: int, value: Any) -> tuple[int, Any]:
    return -kind, _Descending(value) if isinstance(value, str) else -value


def _comparable(value: object) -> tuple[int, Any] | None:
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    return None
