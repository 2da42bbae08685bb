"""The order that a live query finds by itself is that of a real server."""

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.live.order import parse_sort, sort_values

from ..helpers.shared_collections import OPEN, allow_batches

TEXTS = [
    "",
    " ",
    "0",
    "10",
    "9",
    "A",
    "a",
    "Z",
    "_",
    "~",
    "ab",
    "a b",
    "a'b",
    '"',
    "%",
    "é",
    "e\u0301",
    "ß",
    "ÿ",
    "\u0080",
    "Ω",
    "日本",
    "\u200b",
    "\ud7ff",
    "\ue000",
    "\ufb01",
    "\ufffd",
    "\uffff",
    "😀",
    "👨‍👩‍👧",
    "\U0010ffff",
    "x" * 300,
    "line\nbreak\ttab",
]
NUMBERS = [
    0,
    -0.0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    10,
    9,
    1e-7,
    -1e-300,
    1e15,
    2**53,
    2**53 + 2,
    -(2**63),
    2**63,
    1e19,
    1e300,
    -1e300,
]
SCALARS = [None, True, False, *NUMBERS, *TEXTS, 2**62 + 1, 10**30, "true", "null", "1", "[1]"]
DIGITS = ["9223372036854775809", "9223372036854775808", "18446744073709551617", "18446744073709551616"]
"""Numbers that JSON has and SQLite has not. A number in a text that is JSON keeps its digits."""
DATES = [
    "",
    "2026-01-02 03:04:05.678Z",
    "2026-01-02 03:04:05Z",
    "1970-01-01 00:00:00Z",
    "0001-01-01 00:00:00Z",
    "9999-12-31 23:59:59Z",
]
KINDS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "text": ({"type": "text"}, TEXTS),
    "number": ({"type": "number"}, NUMBERS),
    "bool": ({"type": "bool"}, [True, False]),
    "date": ({"type": "date"}, DATES),
    "select": (
        {"type": "select", "values": ["b", "a", "Ä", "10", "9", "😀"], "maxSelect": 1},
        ["", "b", "a", "Ä", "10", "9", "😀"],
    ),
    "email": ({"type": "email"}, ["", "a@example.com", "B@example.com", "a.b@example.com", "z@a.example"]),
    "url": ({"type": "url"}, ["", "https://b.example", "http://a.example/?x=1", "https://B.example"]),
    "editor": ({"type": "editor"}, TEXTS),
    "data": ({"type": "json"}, [json.dumps(each) if isinstance(each, str) else each for each in SCALARS] + DIGITS),
}
SORTS = [
    *[f"{sign}{name}" for name in KINDS for sign in ("", "-")],
    "bool,-text",
    "-select,number",
    "data,-number",
    "-bool,-data",
    "id",
    "-created,id",
    "select,-bool,date",
    "+text,-id",
]


async def make_records(pb: PocketBase, name: str, count: int, seed: int) -> None:
    """Create a collection with records of random values, and each value once at least."""
    fields = [{"name": key, **options} for key, (options, _) in KINDS.items()]
    fields += [{"name": "mixed", "type": "json"}, {"name": "created", "type": "autodate", "onCreate": True}]
    await pb.collections.create({"name": name, "type": "base", **OPEN, "fields": fields})
    chance = random.Random(seed)
    bodies = [
        {key: values[number] if number < len(values) else chance.choice(values) for key, (_, values) in KINDS.items()}
        for number in range(count)
    ]
    rows = [body | {"mixed": [1] if number % 50 == 7 else number % 50} for number, body in enumerate(bodies)]
    result = await pb.collection(name).create_many(rows)
    assert not result.failed, result.failed


@pytest.mark.parametrize("seed", [1, 2])
async def test_plain_fields_are_sorted_as_the_server_sorts_them(pb: PocketBase, name: str, seed: int) -> None:
    await allow_batches(pb, maxRequests=50, timeout=30)
    await make_records(pb, name, 250, seed)
    wrong: dict[str, list[tuple[Any, ...]]] = {}
    for sort in SORTS:
        keys = parse_sort(sort)
        assert keys is not None
        records: list[Any] = await pb.collection(name).get_full_list(sort=sort, batch=1000)
        assert len(records) == 250
        values = [sort_values(record, keys) for record in records]
        assert None not in values, sort
        found = [
            (json.dumps([one[key.name] for key in keys]), json.dumps([two[key.name] for key in keys]))
            for (one, a), (two, b) in pairwise(zip(records, values, strict=True))
            if a is not None and b is not None and a > b
        ]
        if found:
            wrong[sort] = found
    assert not wrong, f"seed {seed}"


async def test_a_field_with_lists_among_its_values_has_an_order_that_the_server_alone_knows(
    pb: PocketBase, name: str
) -> None:
    await allow_batches(pb, maxRequests=50, timeout=30)
    await make_records(pb, name, 50, 3)
    keys = parse_sort("mixed")
    assert keys is not None
    records: list[Any] = await pb.collection(name).get_full_list(sort="mixed")
    assert [sort_values(record, keys) is None for record in records].count(True) == 1
    async with pb.collection(name).live(sort="mixed") as live:
        assert live.items == records
        await pb.collection(name).update(records[3]["id"], {"mixed": {"a": math.pi}})
        await live.refresh()
        assert live.items == await pb.collection(name).get_full_list(sort="mixed")
