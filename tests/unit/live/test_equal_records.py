"""The places of records with equal sort values, which the server alone knows."""

from typing import Any

from pocketbase_core.live.mirror import Mirror
from pocketbase_core.live.order import parse_sort

Record = dict[str, Any]


def mirror_of(*records: Record) -> Mirror[Record]:
    """Return the list of these records, sorted by `n`, which are in the server's order."""
    mirror: Mirror[Record] = Mirror(parse_sort("n"), {}, dict)
    mirror.replace([*records], in_order=True, is_snapshot=True)
    return mirror


def test_a_record_without_a_known_place_keeps_none_when_it_changes_again() -> None:
    mirror = mirror_of({"id": "b", "n": 1}, {"id": "c", "n": 1}, {"id": "a", "n": 2})
    mirror.apply(["a"], [{"id": "a", "n": 1}], [])
    mirror.apply(["a"], [{"id": "a", "n": 1, "title": "new"}], [])
    assert mirror.unplaced_ids(10) == ["b", "c", "a"]


def test_a_record_that_leaves_its_equals_has_a_known_place() -> None:
    mirror = mirror_of({"id": "b", "n": 1}, {"id": "c", "n": 1}, {"id": "a", "n": 2})
    mirror.apply(["a"], [{"id": "a", "n": 1}], [])
    mirror.apply(["a"], [{"id": "a", "n": 3}], [])
    assert mirror.order_is_certain
