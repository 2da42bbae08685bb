"""The list of a live query: its items in the order of the server, and the changes that bring it up to date.

Theory of operation: items are sorted by their sort values, and those with the same values by their rank. Where the
server sends the list in its order, the ranks are the numbers in this order. A record that comes later gets a rank
behind all others, which is right for one that was created just now. Any other one may belong elsewhere among its
equals: it is unplaced, until its id and those of its equals are read in order.

If the sort keys are not plain fields, or if the server turns out to sort them in another way, the sort values of all
items are empty, so that the rank alone counts.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from .item import Item, Transition
from .order import SortKey, SortValues, sort_values
from .relations import Paths, shown_ids

T = TypeVar("T")
_NOTHING: frozenset[str] = frozenset()
_place, _sort_values = attrgetter("place"), attrgetter("sort_values")


class Mirror(Generic[T]):
    """The items of a live query.

    Args:
        keys: The sort keys; None if the order is known to the server alone.
        paths: The paths of `expand`.
        decode: Turns a record into what the user gets.
    """

    def __init__(self, keys: tuple[SortKey, ...] | None, paths: Paths, decode: Callable[[dict[str, Any]], T]) -> None:
        self.items: list[Item[T]] = []
        """The items in order."""
        self._unplaced: set[Hashable] = set()
        """The keys of items that have another place among their equals, perhaps."""
        self._has_unknown_order = False
        """True if all ids have to be read in order, because only the server knows the order."""
        self._keys = keys
        self._paths = paths
        self._decode = decode
        self._by_key: dict[Hashable, Item[T]] = {}
        self._showing: dict[str, set[Hashable]] = {}
        self._next_rank = 0

    @property
    def order_is_certain(self) -> bool:
        """False if ids have to be read in order."""
        return not (self._unplaced or self._has_unknown_order)

    @property
    def sorts_by_fields(self) -> bool:
        """True if the order is known but for that of equals."""
        return self._keys is not None

    def get(self, key: Hashable) -> Item[T] | None:
        """Return the item of a key; None if the list has none."""
        return self._by_key.get(key)

    @property
    def ids(self) -> list[str]:
        """The ids of all records."""
        return [str(item.raw["id"]) for item in self.items]

    def last_change(self) -> datetime | None:
        """Return the latest `updated` of all records; None if they do not all have one."""
        values = [item.raw.get("updated") for item in self.items]
        if not all(isinstance(value, str) for value in values):
            return None
        try:
            return datetime.fromisoformat(max(cast("list[str]", values), default=""))
        except ValueError:
            return None

    def showing(self, ids: Iterable[str]) -> set[Hashable]:
        """Return the keys of the items that show one of these records."""
        return set[Hashable]().union(*(self._showing.get(each, ()) for each in ids))

    def replace(self, records: Sequence[dict[str, Any]], *, in_order: bool, is_snapshot: bool) -> list[Transition[T]]:
        """Replace the whole list.

        Args:
            records: All records.
            in_order: Whether the records are in the server's order.
            is_snapshot: Whether they are in the state of a single moment, so that their order can be checked.
        """
        numbers: dict[str, int] = {}
        items: dict[Hashable, Item[T]] = {}
        for raw in records:
            record_id = str(raw.get("id", ""))
            number = numbers[record_id] = numbers.get(record_id, 0) + 1
            key = record_id if number == 1 else (record_id, number)
            items[key] = self._make(key, raw)
        before, self._by_key = self._by_key, items
        transitions = [Transition(key, item, None) for key, item in before.items() if key not in items]
        transitions += [
            Transition(key, before.get(key), item) for key, item in items.items() if before.get(key) is not item
        ]
        for transition in transitions:
            self._index(transition)
        if in_order:
            self.items = [*items.values()]
        else:  # nearly sorted, which makes sorting fast
            new = [item for key, item in items.items() if key not in before]
            self.items = [items[item.key] for item in self.items if item.key in items] + new
        moved = self._place_all(before, in_order=in_order)
        if in_order and is_snapshot and any(a.sort_values > b.sort_values for a, b in pairwise(self.items)):
            self._leave_order_to_server()
        self.items.sort(key=_place)
        self._has_unknown_order = self._keys is None and not in_order
        moved |= self._unplaced
        self._unplaced = set() if in_order or self._keys is None else self._find_equals(moved)
        return transitions

    def apply(
        self, ids: Collection[str], records: Iterable[dict[str, Any]], created: Collection[str]
    ) -> list[Transition[T]]:
        """Apply what the server has returned for some ids.

        Args:
            ids: The ids that the server was asked for.
            records: The records among them that belong to the list. The others do not, or not any more.
            created: Those that were created since the list was read.
        """
        found = {str(raw["id"]): self._make(str(raw["id"]), raw) for raw in records}
        transitions = [
            Transition(key, before, found.get(key))
            for key in ids
            if (before := self._by_key.get(key)) is not found.get(key)
        ]
        new = [each.key for each in transitions if each.before is None]
        for transition in transitions:
            self._index(transition)
            self._move(transition, is_last=len(new) == 1 and transition.key in created and transition.before is None)
        return transitions

    def set_order(self, ids: Iterable[str]) -> bool:
        """Sort the items as these ids are.

        Returns:
            True if these are the ids of all items, so that the order is certain.
        """
        ranks: dict[Hashable, int] = {}
        numbers: dict[str, int] = {}
        for index, record_id in enumerate(ids):
            number = numbers[record_id] = numbers.get(record_id, 0) + 1
            ranks[record_id if number == 1 else (record_id, number)] = index
        for index, item in enumerate(self.items):
            item.rank = ranks.get(item.key, len(ranks) + index)
        self._next_rank = len(ranks) + len(self.items)
        self.items.sort(key=_place)
        self._unplaced.clear()
        self._has_unknown_order = False
        return ranks.keys() == self._by_key.keys()

    def unplaced_ids(self, most: int) -> list[str] | None:
        """Return the ids of the unplaced items and of their equals; None if all ids have to be read in order.

        Args:
            most: How many ids are returned at most.
        """
        found: dict[Hashable, Item[T]] = {}
        for key in self._unplaced:
            item = self._by_key[key]
            first = bisect_left(self.items, item.sort_values, key=_sort_values)
            for each in islice(self.items, first, None):
                if each.sort_values != item.sort_values:
                    break
                found[each.key] = each
                if len(found) > most:
                    return None
        return None if self._has_unknown_order else [str(item.raw["id"]) for item in found.values()]

    def set_order_of_equals(self, ids: Iterable[str]) -> bool:
        """Sort the unplaced items and their equals as these ids are. Return True."""
        items = [item for each in ids if (item := self._by_key.get(each)) is not None]
        in_place = sorted(items, key=_place)
        ranks = [item.rank for item in in_place]
        items.sort(key=_sort_values)  # which keeps the order of equals
        for item, rank in zip(items, ranks, strict=True):
            item.rank = rank
        self.items.sort(key=_place)
        self._unplaced.clear()
        return True

    def _make(self, key: Hashable, raw: dict[str, Any]) -> Item[T]:
        """Return the item of a record: the present one, if the record has not changed."""
        present = self._by_key.get(key)
        if present is not None and present.raw == raw:
            return present
        shown = frozenset(shown_ids(raw, self._paths)) if self._paths else _NOTHING
        return Item(key, raw, self._decode(raw), shown)

    def _index(self, transition: Transition[T]) -> None:
        key, before, after = transition
        for each in before.shown_ids if before is not None else _NOTHING:
            self._showing[each].discard(key)
            if not self._showing[each]:
                del self._showing[each]
        for each in after.shown_ids if after is not None else _NOTHING:
            self._showing.setdefault(each, set()).add(key)

    def _move(self, transition: Transition[T], *, is_last: bool) -> None:
        """Put the item of a transition in the place of the item before.

        Args:
            transition: The transition.
            is_last: Whether the server sorts the record behind all records with the same sort values.
        """
        key, before, after = transition
        is_unplaced = key in self._unplaced
        if before is not None:
            del self.items[bisect_left(self.items, before.place, key=_place)]
            del self._by_key[key]
            self._unplaced.discard(key)
        if after is None:
            return
        self._by_key[key] = after
        has_moved = not self._set_sort_values(after, None if before is None else before.sort_values)
        after.rank = self._next_rank if before is None or has_moved else before.rank
        self._next_rank += has_moved
        insort(self.items, after, key=_place)
        if self._keys is None:
            self._has_unknown_order = True
        elif (has_moved or is_unplaced) and not is_last and self._has_equal_neighbor(after):
            self._unplaced.add(key)

    def _place_all(self, before: Mapping[Hashable, Item[T]], *, in_order: bool) -> set[Hashable]:
        """Set the sort values and the ranks of all items. Return the keys of those that get a new rank.

        Args:
            before: The items before.
            in_order: Whether the items are in the server's order, so that their numbers are the ranks.
        """
        moved: set[Hashable] = set()
        had_order = self._keys is not None
        for item in self.items:
            present = before.get(item.key)
            if present is item:
                continue
            if self._set_sort_values(item, None if present is None else present.sort_values) and present is not None:
                item.rank = present.rank
            else:
                item.rank = self._next_rank
                self._next_rank += 1
                moved.add(item.key)
        if in_order or (had_order and self._keys is None):
            for index, item in enumerate(self.items):
                item.rank = index
            self._next_rank = len(self.items)
        return moved

    def _set_sort_values(self, item: Item[T], before: SortValues | None) -> bool:
        """Set the sort values of an item. Return whether they are those from before."""
        values = () if self._keys is None else sort_values(item.raw, self._keys)
        if values is None:
            self._leave_order_to_server()
            values = ()
        item.sort_values = values
        return before == values

    def _leave_order_to_server(self) -> None:
        """Sort the items by their rank alone, in their present order."""
        self._keys = None
        for index, item in enumerate(self.items):
            item.sort_values, item.rank = (), index
        self._next_rank = max(self._next_rank, len(self.items))

    def _find_equals(self, keys: set[Hashable]) -> set[Hashable]:
        """Return those of the keys whose items have a neighbor with the same sort values."""
        found: set[Hashable] = set()
        for first, second in pairwise(self.items) if keys else ():
            if first.sort_values == second.sort_values:
                found |= {first.key, second.key} & keys
        return found

    def _has_equal_neighbor(self, item: Item[T]) -> bool:
        index = bisect_left(self.items, item.place, key=_place)
        neighbors = [*self.items[max(index - 1, 0) : index], *self.items[index + 1 : index + 2]]
        return any(each.sort_values == item.sort_values for each in neighbors)
