"""One record of the list of a live query."""

from collections.abc import Hashable
from typing import Any, Generic, NamedTuple, TypeVar

from .order import SortValues

T = TypeVar("T")


class Item(Generic[T]):
    """One record of the list: as the server sent it, as the user gets it, and its place.

    Args:
        key: The id of the record. A view may return an id several times; then the key has a number too.
        raw: The record as the server sent it.
        record: The record as the user gets it.
        shown_ids: The ids of the record and of the records that its `expand` shows, or could show.
    """

    __slots__ = ("key", "rank", "raw", "record", "shown_ids", "sort_values")

    def __init__(self, key: Hashable, raw: dict[str, Any], record: T, shown_ids: frozenset[str]) -> None:
        self.key = key
        self.raw = raw
        self.record = record
        self.shown_ids = shown_ids
        self.sort_values: SortValues = ()
        """The values of the sort keys, or nothing where the server alone knows the order."""
        self.rank = 0
        """The place among the items with the same sort values. Each item has another rank."""

    @property
    def place(self) -> tuple[SortValues, int]:
        """The values that the items are sorted by."""
        return self.sort_values, self.rank


class Transition(NamedTuple, Generic[T]):
    """A change of the list: the item of one key before and after it, None where there is none."""

    key: Hashable
    before: Item[T] | None
    after: Item[T] | None
