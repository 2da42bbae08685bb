"""The list of a live query, and its changes merged for a reader."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbase_core.live.changes import LiveChange, PendingChanges
from pocketbase_core.live.item import Transition
from pocketbase_core.live.mirror import Mirror
from pocketbase_core.live.order import parse_sort
from pocketbase_core.live.relations import parse_expand

Record = dict[str, Any]


def mirror_of(records: Iterable[Record], sort: str = "n", expand: str = "") -> Mirror[Record]:
    """Return the list of these records, which are in the server's order."""
    mirror: Mirror[Record] = Mirror(parse_sort(sort), parse_expand(expand), dict)
    mirror.replace([*records], in_order=True, is_snapshot=True)
    return mirror


def row(record_id: str, n: object = 0, **more: object) -> Record:
    """Return a record."""
    return {"id": record_id, "n": n, **more}


def rows(text: str) -> list[Record]:
    """Return records with these letters as their ids, each followed by its value."""
    return [row(text[at], int(text[at + 1])) for at in range(0, len(text), 2)]


def ids(mirror: Mirror[Record]) -> str:
    """Return the ids of the items in order."""
    return "".join(item.record["id"] for item in mirror.items)


def kinds(transitions: list[Transition[Record]]) -> list[tuple[Any, Any, Any]]:
    """Return the key of each transition, and the values before and after it."""
    return [(key, before and before.raw["n"], after and after.raw["n"]) for key, before, after in transitions]


def test_replacing_the_list_returns_what_has_changed_and_keeps_the_objects_of_the_rest() -> None:
    mirror = mirror_of(rows("a1b2c3"))
    kept = mirror.get("b")
    assert kept is not None
    assert kinds(mirror.replace(rows("b2c4d5"), in_order=True, is_snapshot=True)) == [
        ("a", 1, None),
        ("c", 3, 4),
        ("d", None, 5),
    ]
    assert mirror.get("b") is kept
    assert mirror.get("a") is None
    assert ids(mirror) == "bcd"
    assert not mirror.replace(rows("b2c4d5"), in_order=True, is_snapshot=True)


def test_records_for_some_ids_come_change_or_leave_and_find_their_place() -> None:
    mirror = mirror_of(rows("a1b2c3"))
    got = mirror.apply(["c", "x", "a", "b", "gone"], rows("c0x2b2"), [])
    assert kinds(got) == [("c", 3, 0), ("x", None, 2), ("a", 1, None)]
    assert ids(mirror) == "cbx"
    assert not mirror.order_is_certain, "the server may sort x before b"
    assert mirror.set_order(["c", "x", "b"])
    assert mirror.order_is_certain
    assert ids(mirror) == "cxb"


@pytest.mark.parametrize(
    ("records", "created", "is_certain"),
    [
        ("x1", "", True),
        ("x2", "", False),
        ("x2", "x", True),
        ("x2y5", "xy", False),
        ("x5y5", "xy", False),
        ("x0y5", "", True),
        ("b1", "", False),
        ("b0", "", True),
        ("b2", "", True),
        ("b1", "b", False),
        ("d2", "", False),
    ],
)
def test_the_place_among_equal_records_is_known_only_of_a_single_new_record(
    records: str, created: str, is_certain: bool
) -> None:
    mirror = mirror_of(rows("a1b2c2d3") if records != "x1" else rows("a0b2c2d3"))
    mirror.apply([each["id"] for each in rows(records)], rows(records), created)
    assert mirror.order_is_certain is is_certain


def test_a_record_that_was_just_created_is_last_among_its_equals() -> None:
    mirror = mirror_of(rows("b1a1d2"))
    mirror.apply(["0"], rows("01"), "0")
    assert ids(mirror) == "ba0d"


def test_a_record_keeps_its_place_while_its_sort_values_stay() -> None:
    mirror = mirror_of(rows("b1a1d2"))
    mirror.apply(["b"], [row("b", 1, text="new")], [])
    assert ids(mirror) == "bad"
    assert mirror.order_is_certain


def test_equal_records_are_placed_by_the_order_of_their_ids_alone() -> None:
    mirror = mirror_of(rows("z0c1a1b2d2"))
    assert mirror.unplaced_ids(9) == []
    mirror.apply(["x", "y"], rows("x1y2"), [])
    assert sorted(mirror.unplaced_ids(9) or []) == sorted("caxbdy")
    assert mirror.unplaced_ids(5) is None, "these are too many"
    assert mirror.set_order_of_equals("xycagone" + "db")
    assert mirror.order_is_certain
    assert ids(mirror) == "zxcaydb"
    mirror.apply(["q"], rows("q2"), [])
    mirror.apply(["q"], [], [])
    assert mirror.order_is_certain, "the record has left again"


def test_without_a_sort_key_that_is_known_here_each_change_has_the_ids_read_in_order() -> None:
    mirror = mirror_of(rows("b3a1c2"), sort="author.name")
    assert ids(mirror) == "bac"
    mirror.apply(["d"], rows("d0"), "d")
    assert ids(mirror) == "bacd"
    assert not mirror.order_is_certain
    assert mirror.set_order("dbac")
    mirror.apply(["a"], rows("a7"), [])
    assert not mirror.order_is_certain
    assert mirror.unplaced_ids(9) is None
    assert not mirror.sorts_by_fields
    assert ids(mirror) == "dbac"
    assert mirror.set_order("dbca")
    mirror.apply(["a"], [], [])
    assert ids(mirror) == "dbc"
    assert mirror.order_is_certain, "a record that leaves moves no other"


def test_ids_that_are_not_those_of_the_list_sort_it_as_far_as_they_can() -> None:
    mirror = mirror_of(rows("a1b1c1"))
    assert not mirror.set_order(["c", "x", "a"])
    assert ids(mirror) == "cab"
    assert not mirror.set_order(["b", "a"])
    assert ids(mirror) == "bac"
    assert mirror.order_is_certain
    mirror.apply(["d"], rows("d1"), "d")
    assert ids(mirror) == "bacd"


def test_a_list_whose_order_is_another_one_than_that_of_its_keys_is_left_to_the_server() -> None:
    mirror = mirror_of(rows("b2a1c3"))
    assert ids(mirror) == "bac"
    mirror.apply(["a"], rows("a4"), [])
    assert not mirror.order_is_certain


def test_a_list_that_changed_while_it_was_read_is_sorted_by_its_keys() -> None:
    mirror = mirror_of([])
    mirror.replace(rows("b2a1c3"), in_order=True, is_snapshot=False)
    assert ids(mirror) == "abc"
    assert mirror.order_is_certain


@pytest.mark.parametrize("is_first", [True, False])
def test_a_value_whose_order_is_not_known_leaves_the_list_to_the_server(is_first: bool) -> None:
    odd = row("x", [1])
    mirror = mirror_of([odd, *rows("a1b2")] if is_first else [*rows("a1"), odd, *rows("b2")])
    expected = "xab" if is_first else "axb"
    assert ids(mirror) == expected
    mirror = mirror_of(rows("a1b2c3"))
    mirror.apply(["b"], [row("b", [1])], [])
    assert ids(mirror) == "acb"
    assert not mirror.order_is_certain
    mirror.apply(["a"], rows("a9"), [])
    assert ids(mirror) == "acb", "the rank alone counts"


def test_a_long_list_keeps_the_known_places_of_equal_records() -> None:
    mirror = mirror_of(rows("c1a1b2"))
    mirror.replace(rows("a1b2c1"), in_order=False, is_snapshot=False)
    assert ids(mirror) == "cab"
    assert mirror.order_is_certain
    mirror.replace(rows("a1b2c1d1"), in_order=False, is_snapshot=False)
    assert ids(mirror) == "cadb"
    assert not mirror.order_is_certain
    mirror.set_order("dcab")
    mirror.replace(rows("a1b2c1d1e3"), in_order=False, is_snapshot=False)
    assert ids(mirror) == "dcabe"
    assert mirror.order_is_certain, "e has no equals"
    mirror.replace(rows("a2b2c1d1e3"), in_order=False, is_snapshot=False)
    assert not mirror.order_is_certain, "a may be before b"


def test_a_long_list_whose_order_the_server_alone_knows_is_sorted_after_each_reading() -> None:
    mirror = mirror_of(rows("b1a1"), sort="author.name")
    mirror.replace(rows("a1b1"), in_order=False, is_snapshot=False)
    assert not mirror.order_is_certain, "the names of the authors may have changed"
    assert mirror.set_order("ab")
    assert ids(mirror) == "ab"


def test_the_first_reading_of_a_long_list_does_not_tell_the_order_of_equal_records() -> None:
    mirror = mirror_of([])
    mirror.replace(rows("a1b2c1"), in_order=False, is_snapshot=False)
    assert not mirror.order_is_certain
    assert mirror.set_order("cab")
    assert ids(mirror) == "cab"
    mirror = mirror_of([])
    mirror.replace(rows("c1a3b2"), in_order=False, is_snapshot=False)
    assert mirror.order_is_certain
    assert ids(mirror) == "cba"


def test_a_view_may_repeat_an_id() -> None:
    mirror = mirror_of(rows("a1a2b2a3"))
    assert [item.key for item in mirror.items] == ["a", ("a", 2), "b", ("a", 3)]
    got = mirror.replace(rows("a1a4b5"), in_order=True, is_snapshot=True)
    assert kinds(got) == [(("a", 3), 3, None), (("a", 2), 2, 4), ("b", 2, 5)]
    mirror = mirror_of(rows("a1b1a1"))
    assert mirror.set_order("aab")
    assert [item.key for item in mirror.items] == ["a", ("a", 2), "b"]


def test_the_items_that_show_a_record_are_known_until_they_show_another() -> None:
    mirror = mirror_of([row("a", author="u"), row("b", author="v")], expand="author")
    assert mirror.showing(["u"]) == {"a"}
    assert mirror.showing(["a", "v", "x"]) == {"a", "b"}
    mirror.apply(["a", "b"], [row("a", author="v")], [])
    assert mirror.showing(["u"]) == set()
    assert mirror.showing(["b"]) == set()
    assert mirror.showing(["v"]) == {"a"}
    mirror.replace([], in_order=True, is_snapshot=True)
    assert mirror.showing(["v", "a"]) == set()
    assert mirror_of([row("a")]).showing(["a"]) == set(), "nothing is noted without `expand`"


IDS = st.sampled_from("abcdefgh")
STATES = st.dictionaries(IDS, st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=8)
"""What the server has: the sort value and the content of each record."""
SORTS = st.sampled_from(["", "n", "-n", "n,-text", "author.name"])


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, int, dict[str, tuple[int, int]]]:
    """Return how the list learns of a state of the server, how many changes are read then, and the state."""
    return draw(st.sampled_from(["all", "all by id", "some"])), draw(st.integers(0, 4)), draw(STATES)


def on_server(state: dict[str, tuple[int, int]], rowids: dict[str, int], sort: str) -> list[Record]:
    """Return the list as the server has it: ties in the order of creation."""
    records = sorted((row(key, n, text=text) for key, (n, text) in state.items()), key=lambda each: rowids[each["id"]])
    if sort == "n,-text":
        records.sort(key=lambda each: -each["text"])
    if sort == "author.name":
        records.sort(key=lambda each: (each["text"] * 7 + each["n"]) % 5)
    elif sort:
        records.sort(key=lambda each: -each["n"] if sort == "-n" else each["n"])
    return records


@given(SORTS, st.integers(1, 8), STATES, st.lists(steps(), max_size=6))
def test_whatever_happens_the_items_are_the_servers_and_the_changes_replayed_give_the_items(
    sort: str,
    most: int,
    first: dict[str, tuple[int, int]],
    following: list[tuple[str, int, dict[str, tuple[int, int]]]],
) -> None:
    rowids = {key: number for number, key in enumerate(first)}
    mirror = mirror_of(on_server(first, rowids, sort), sort)
    replayed = {item.key: item.record for item in mirror.items}
    pending: PendingChanges[Record] = PendingChanges()
    state = first
    for kind, reads, after in following:
        created = after.keys() - state.keys()
        changed = {*created, *(key for key in state if after.get(key) != state[key])}
        for key in sorted(created):
            rowids[key] = max(rowids.values(), default=0) + 1
        state, records = after, on_server(after, rowids, sort)
        if kind == "some":
            found = [each for each in records if each["id"] in changed]
            transitions = mirror.apply(sorted(changed), found, created)
        else:
            in_order = kind == "all"
            sent = records if in_order else sorted(records, key=lambda each: each["id"])
            transitions = mirror.replace(sent, in_order=in_order, is_snapshot=in_order)
        for transition in transitions:
            pending.note(transition)
        if not mirror.order_is_certain:
            equals = mirror.unplaced_ids(most)
            if equals is None:
                assert mirror.set_order([each["id"] for each in records])
            else:
                assert len(equals) <= most
                assert mirror.set_order_of_equals(sorted(equals, key=lambda each: rowids[each]))
            assert mirror.order_is_certain
        assert [item.record for item in mirror.items] == records
        assert len(pending._pending) <= len(replayed) + len(records)  # pyright: ignore[reportPrivateUsage] - bounded
        for _ in range(reads):
            if pending:
                replay(replayed, pending.take())
    while pending:
        replay(replayed, pending.take())
    assert replayed == {item.key: item.record for item in mirror.items}


def replay(records: dict[Any, Record], change: LiveChange[Record]) -> None:
    """Apply a change as a user does, and check that it fits to what the user has."""
    key = change.record["id"]
    assert change.previous == records.get(key)
    if change.action == "remove":
        del records[key]
    else:
        assert (change.action == "add") == (key not in records)
        assert change.record != change.previous
        records[key] = change.record


def changes(*values: int | None) -> list[LiveChange[Record]]:
    """Return the changes for a reader who reads nothing until a record has had all these values."""
    pending: PendingChanges[Record] = PendingChanges()
    mirror = mirror_of([row("a", values[0])] if values[0] is not None else [])
    for value in values[1:]:
        for transition in mirror.apply(["a"], [] if value is None else [row("a", value)], []):
            pending.note(transition)
    found: list[LiveChange[Record]] = []
    while pending:
        found.append(pending.take())
    return found


def test_changes_between_two_reads_are_merged_to_what_the_reader_has_missed() -> None:
    assert changes(None, 1, 2) == [LiveChange("add", row("a", 2), None)]
    assert changes(1, 2, 3) == [LiveChange("update", row("a", 3), row("a", 1))]
    assert changes(1, 2, None) == [LiveChange("remove", row("a", 2), row("a", 1))]
    assert changes(1, None, 2) == [LiveChange("update", row("a", 2), row("a", 1))]
    assert not changes(1, 2, 1), "the record is as the reader knows it"
    assert not changes(1, None, 1)
    assert not changes(None, 1, None)
    assert changes(None, 1, None, 3) == [LiveChange("add", row("a", 3), None)]


def test_a_change_that_a_reader_has_taken_is_what_the_next_one_is_compared_with() -> None:
    pending: PendingChanges[Record] = PendingChanges()
    mirror = mirror_of(rows("a1"))
    for transition in mirror.apply(["a"], rows("a2"), []):
        pending.note(transition)
    pending.take()
    for transition in mirror.apply(["a", "b"], rows("a3b4"), []):
        pending.note(transition)
    assert pending.take() == LiveChange("update", row("a", 3), row("a", 2))
    pending.clear()
    assert not pending
