"""Sort keys, and the values that compare as SQLite compares them."""

from typing import Any

import pytest

from pocketbase_core.live.order import SortKey, parse_sort, sort_values


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        ("", ()),
        ("  ", ()),
        ("title", (SortKey("title", False),)),
        ("+title", (SortKey("title", False),)),
        ("-created, n", (SortKey("created", True), SortKey("n", False))),
        (" - title ", (SortKey("title", True),)),
    ],
)
def test_plain_sort_keys_are_read(sort: str, keys: tuple[SortKey, ...]) -> None:
    assert parse_sort(sort) == keys


@pytest.mark.parametrize(
    "sort", ["author.name", "@rowid", "title:lower", "n,", ",", "title,data.a", "--n", "título", "n n", "n\n,"]
)
def test_the_order_of_any_other_sort_key_is_known_to_the_server_alone(sort: str) -> None:
    assert parse_sort(sort) is None


ASCENDING = [
    None,
    -1e300,
    -2,
    -0.5,
    False,
    0.5,
    True,
    2**53,
    1e300,
    "",
    " ",
    "1",
    "A",
    "a",
    "a b",
    "é",
    "日",
    "\ufffd",
    "😀",
]


@pytest.mark.parametrize("sort", ["a", "-a"])
def test_null_comes_before_numbers_and_numbers_before_text_in_the_order_of_code_points(sort: str) -> None:
    keys = parse_sort(sort)
    assert keys is not None
    shuffled = ASCENDING[::3] + ASCENDING[1::3] + ASCENDING[2::3]
    found = sorted(shuffled, key=lambda value: values_of({"a": value}, sort))
    assert found == (ASCENDING if sort == "a" else ASCENDING[::-1])


def values_of(record: dict[str, Any], sort: str) -> tuple[Any, ...]:
    keys = parse_sort(sort)
    assert keys is not None
    values = sort_values(record, keys)
    assert values is not None
    return values


def test_the_second_key_decides_between_equal_values_of_the_first_one() -> None:
    records: list[dict[str, Any]] = [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]
    found = sorted(records, key=lambda record: values_of(record, "-a,b"))
    assert [(each["a"], each["b"]) for each in found] == [(2, "x"), (2, "y"), (1, "x"), (1, "y")]
    assert values_of(records[0], "-a,-b") == values_of({"a": True, "b": "x"}, "-a,-b")
    assert values_of(records[0], "-a") != values_of(records[0], "a")


@pytest.mark.parametrize("record", [{}, {"a": []}, {"a": {"b": 1}}, {"a": ["x"], "b": 1}])
@pytest.mark.parametrize("sort", ["a", "-a", "b,a"])
def test_the_order_of_a_missing_field_a_list_or_an_object_is_not_known(record: dict[str, Any], sort: str) -> None:
    keys = parse_sort(sort)
    assert keys is not None
    assert sort_values({"b": 1} | record, keys) is None
