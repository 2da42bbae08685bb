"""Changes of a list, merged for one consumer."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from .item import Item, Transition

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LiveChange(Generic[T]):
    """A change of the list of a live query."""

    action: Literal["add", "update", "remove"]
    """The change: a record has come into the list, has changed in it, or has left it."""
    record: T
    """The record; for `"remove"`, as it was last in the list."""
    previous: T | None
    """The record as the consumer of the changes has seen it last; None for `"add"`."""


class _Pending(NamedTuple, Generic[T]):
    seen: Item[T] | None
    """The item that the consumer has seen last; None if the list had none."""
    last: Item[T]
    """The item that the list has, or had last."""
    is_in_list: bool


class PendingChanges(Generic[T]):
    """The changes that a consumer has not read yet, merged to one for each record.

    A record that came and left between two reads is forgotten. So there are never more changes than records in the list
    that the consumer has seen and in the present list together.
    """

    def __init__(self) -> None:
        self._pending: dict[Hashable, _Pending[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._pending)

    def note(self, transition: Transition[T]) -> None:
        """Merge a change with what is pending for its record."""
        key, before, after = transition
        seen = self._pending[key].seen if key in self._pending else before
        if (seen is None and after is None) or (seen is not None and after is not None and seen.raw == after.raw):
            self._pending.pop(key, None)
        else:
            last = after if after is not None else before
            assert last is not None, "a transition has an item"
            self._pending[key] = _Pending(seen, last, after is not None)

    def take(self) -> LiveChange[T]:
        """Remove the oldest change and return it."""
        seen, last, is_in_list = self._pending.pop(next(iter(self._pending)))
        if seen is None:
            return LiveChange("add", last.record, None)
        return LiveChange("update" if is_in_list else "remove", last.record, seen.record)

    def clear(self) -> None:
        """Forget all changes."""
        self._pending.clear()
