"""Lists that are read to the end, on a real server."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase, PocketBaseBadRequestError

from ..helpers.shared_collections import IS_LEGACY, OPEN

pytestmark = pytest.mark.both_faces

FIELDS = [{"name": "title", "type": "text"}, {"name": "n", "type": "number"}]


def in_order(record: dict[str, Any]) -> list[Any]:
    return sorted(record.items())


@pytest_asyncio.fixture
async def name(pb: PocketBase) -> str:
    """A collection with ten records, which were not created in the order of their ids."""
    created = await pb.collections.create({"name": f"iterate{token_hex(4)}", "type": "base", **OPEN, "fields": FIELDS})
    batch = [{"id": f"{letter * 14}{n}", "title": letter, "n": n} for n in (1, 0) for letter in "ecadb"]
    for body in batch:
        await pb.collection(created["name"]).create(body)
    collection: str = created["name"]
    return collection


async def test_iterate_yields_records_in_the_order_of_ids(pb: PocketBase, name: str) -> None:
    posts = pb.collection(name)
    everything = [letter * 14 + n for letter in "abcde" for n in "01"]
    assert [record["id"] async for record in posts.iterate(3)] == everything
    assert [record["id"] async for record in posts.iterate(5, sort="id")] == everything
    assert [record["id"] async for record in posts.iterate(1)] == everything


@pytest.mark.parametrize("comment", ["", " // not (c", " // not c)", " && title != '//)'"])
async def test_iterate_keeps_the_filter_on_every_page(pb: PocketBase, name: str, comment: str) -> None:
    where = "title = 'b' || (title > 'c' && n = 1) || title = 'a'" + comment
    found = [record["id"][-2:] async for record in pb.collection(name).iterate(2, filter=where)]
    assert found == ["a0", "a1", "b0", "b1", "d1", "e1"]
    with pytest.raises(PocketBaseBadRequestError):
        async for _ in pb.collection(name).iterate(2, filter="n = 1) || (n = 0"):
            pass


async def test_an_escape_that_only_recent_servers_read_is_kept_on_every_page(pb: PocketBase, name: str) -> None:
    records = pb.collection(name).iterate(2, filter="n = 1 && title != 'x\\\\'")
    if IS_LEGACY:
        with pytest.raises(PocketBaseBadRequestError):
            _ = [record async for record in records]
    else:
        assert len([record async for record in records]) == 5


async def test_changes_by_others_meanwhile_shift_no_page(pb: PocketBase, name: str) -> None:
    posts = pb.collection(name)
    seen: list[str] = []
    async for record in posts.iterate(2):
        seen.append(record["id"])
        if len(seen) == 4:
            for gone in seen[:3]:
                await posts.delete(gone)
            await posts.create({"id": "a" * 15, "title": "behind"})
            await posts.create({"id": "d" * 15, "title": "ahead"})
    assert seen == [*[letter * 14 + n for letter in "abcd" for n in "01"], "d" * 15, *("e" * 14 + n for n in "01")]


@pytest.mark.parametrize("fields", ["title", "title,id", "*", ["title", "n"], "title:excerpt(1,true)", "id:excerpt(9)"])
async def test_iterate_returns_the_fields_that_were_requested(
    pb: PocketBase, name: str, fields: str | list[str]
) -> None:
    posts = pb.collection(name)
    expected = (await posts.get_list(sort="id", fields=fields))["items"]
    assert len(expected) == 10, "the collection is not as prepared"
    found = [record async for record in posts.iterate(3, fields=fields)]
    assert sorted(found, key=in_order) == sorted(expected, key=in_order)


async def test_iterate_keeps_another_order(pb: PocketBase, name: str) -> None:
    titles = [record["title"] async for record in pb.collection(name).iterate(3, sort="-title")]
    assert titles == [*"eeddccbbaa"]


@pytest.mark.parametrize("step", [10, 10.5])
async def test_a_view_whose_ids_are_numbers_is_read_whole(pb: PocketBase, name: str, step: float) -> None:
    query = f"SELECT (unicode(title) - 96 + {step} * n) AS id, title FROM {name}"
    view = await pb.collections.create(
        {"name": f"view{token_hex(4)}", "type": "view", "viewQuery": query, "listRule": ""}
    )
    found = [record["id"] async for record in pb.collection(view["name"]).iterate(2)]
    assert found == sorted(str(letter + step * n) for letter in range(1, 6) for n in (0, 1))


async def test_a_full_list_keeps_the_order_of_the_server(pb: PocketBase, name: str) -> None:
    posts = pb.collection(name)
    expected = (await posts.get_list())["items"]
    assert await posts.get_full_list(batch=3) == expected
    assert await posts.get_full_list(batch=5) == expected


COMMENTS = [{"name": "n", "type": "number"}, {"name": "post", "type": "text"}]


@pytest_asyncio.fixture
async def view(pb: PocketBase) -> str:
    """A view in which up to 12 rows have the same id. The server accepts such a view only while the view is empty."""
    end = token_hex(4)
    for table in ("posts", "comments"):
        await pb.collections.create({"name": f"{table}{end}", "type": "base", **OPEN, "fields": COMMENTS})
    query = f"SELECT p.id, c.n AS n, c.id AS comment FROM posts{end} p LEFT JOIN comments{end} c ON c.post = p.id"
    await pb.collections.create({"name": f"view{end}", "type": "view", "viewQuery": query, "listRule": ""})
    await pb.collections.create(
        {
            "name": f"bare{end}",
            "type": "view",
            "viewQuery": f"SELECT c.id, p.n FROM posts{end} p LEFT JOIN comments{end} c ON c.post = p.id",
            "listRule": "",
        }
    )
    counts = [0, 1, 2, 7, 0, 0, 12, 3, 3, 1]
    posts = [{"id": f"{post:015}", "n": post} for post in range(len(counts))]
    comments = [{"n": n, "post": f"{post:015}"} for post, count in enumerate(counts) for n in range(count)]
    for table, rows in (("posts", posts), ("comments", comments)):
        assert (await pb.collection(f"{table}{end}").create_many(rows)).created == len(rows)
    return end


@dataclass
class Row:
    comment: str


SIZES = [[1, 4], [2, 10], pytest.param([3, 5, 6, 7, 8, 9], marks=pytest.mark.slow)]


@pytest.mark.parametrize("sizes", SIZES)
async def test_a_view_whose_ids_repeat_is_read_whole(pb: PocketBase, view: str, sizes: list[int]) -> None:
    rows = pb.collection(f"view{view}")
    expected = sorted((await rows.get_list(1, 100, sort="id"))["items"], key=in_order)
    assert len(expected) == 32, "the view is not as prepared"
    for size in sizes:
        found = [row async for row in rows.iterate(size)]
        assert [row["id"] for row in found] == sorted(row["id"] for row in found)
        assert sorted(found, key=in_order) == expected
        few = [row async for row in rows.iterate(size, filter="n != 2", fields="n,comment")]
        assert sorted(few, key=in_order) == sorted(
            ({"n": row["n"], "comment": row["comment"]} for row in expected if row["n"] != 2), key=in_order
        )
        typed = [row async for row in pb.collection(f"view{view}", Row).iterate(size)]
        assert sorted(row.comment for row in typed) == sorted(row["comment"] for row in expected)


async def test_a_view_whose_ids_are_not_always_set_is_read_whole(pb: PocketBase, view: str) -> None:
    rows = pb.collection(f"bare{view}")
    expected = sorted((await rows.get_list(1, 100))["items"], key=in_order)
    assert [row["id"] for row in expected].count("") == 3, "the view is not as prepared"
    for size in (1, 2, 3, 50):
        assert sorted([row async for row in rows.iterate(size)], key=in_order) == expected


async def test_a_view_whose_ids_are_any_text_is_read_whole(pb: PocketBase, name: str) -> None:
    texts = [
        "日本",
        "x+y",
        'say "hi"',
        "it's",
        "a || b",
        "tail\\",
        "\\n",
        "@now",
        "null",
        "true",
        "1e3",
        "é",
        "",
        "x#&%",
    ]
    view = await pb.collections.create(
        {
            "name": f"view{token_hex(4)}",
            "type": "view",
            "viewQuery": f"SELECT title AS id FROM {name} WHERE n = 5",
            "listRule": "",
        }
    )
    assert not (await pb.collection(name).create_many({"title": title, "n": 5} for title in texts * 2)).failed
    for size in (1, 3, 20):
        found = [record["id"] async for record in pb.collection(view["name"]).iterate(size)]
        assert found == sorted(texts * 2)


async def test_a_view_that_compares_ids_without_case_is_read_whole(pb: PocketBase, name: str) -> None:
    query = f"SELECT (title COLLATE NOCASE) AS id, n FROM {name} WHERE n > 4"
    view = await pb.collections.create(
        {"name": f"view{token_hex(4)}", "type": "view", "viewQuery": query, "listRule": ""}
    )
    rows = [{"title": title, "n": 5 + number} for number, title in enumerate("AabBaACcD" * 3)]
    assert not (await pb.collection(name).create_many(rows)).failed
    for size in (1, 2, 5, 50):
        found = [record["n"] async for record in pb.collection(view["name"]).iterate(size)]
        assert sorted(found) == [5 + number for number in range(27)]
