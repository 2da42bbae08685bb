"""Lists that are read to their end, on a real server."""

from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase, PocketBaseBadRequestError

from .conftest import OPEN

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


async def test_in_the_order_of_ids(pb: PocketBase, name: str) -> None:
    posts = pb.collection(name)
    everything = [letter * 14 + n for letter in "abcde" for n in "01"]
    assert [record["id"] async for record in posts.iterate(3)] == everything
    assert [record["id"] async for record in posts.iterate(5, sort="id")] == everything
    assert [record["id"] async for record in posts.iterate(1)] == everything


@pytest.mark.parametrize("comment", ["", " // not (c", " // not c)", " && title != '//)'", " && title != 'x\\\\'"])
async def test_with_a_filter(pb: PocketBase, name: str, comment: str) -> None:
    where = "title = 'b' || (title > 'c' && n = 1) || title = 'a'" + comment
    found = [record["id"][-2:] async for record in pb.collection(name).iterate(2, filter=where)]
    assert found == ["a0", "a1", "b0", "b1", "d1", "e1"]
    with pytest.raises(PocketBaseBadRequestError):
        async for _ in pb.collection(name).iterate(2, filter="n = 1) || (n = 0"):
            pass


async def test_what_others_do_meanwhile_shifts_nothing(pb: PocketBase, name: str) -> None:
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
async def test_with_fields(pb: PocketBase, name: str, fields: str | list[str]) -> None:
    posts = pb.collection(name)
    expected = (await posts.get_list(sort="id", fields=fields))["items"]
    assert len(expected) == 10
    found = [record async for record in posts.iterate(3, fields=fields)]
    assert sorted(found, key=in_order) == sorted(expected, key=in_order)


async def test_another_order(pb: PocketBase, name: str) -> None:
    titles = [record["title"] async for record in pb.collection(name).iterate(3, sort="-title")]
    assert titles == [*"eeddccbbaa"]


@pytest.mark.parametrize("step", [10, 10.5])
async def test_a_view_whose_ids_are_numbers(pb: PocketBase, name: str, step: float) -> None:
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
