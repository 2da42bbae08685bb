"""Pages that are asked for before the last one is there."""

import asyncio
from typing import Any

import pytest

from pocketbase_core import PocketBase, PocketBaseNotFoundError, Request, Response
from pocketbase_transports import MockTransport


def page(count: int) -> Response:
    return Response(200, json={"items": [{"id": f"a{number}"} for number in range(count)], "perPage": 2})


async def test_more_and_more_pages_are_on_their_way() -> None:
    waiting: set[str] = set()
    together: list[set[str]] = []
    all_there = asyncio.Event()

    async def handler(request: Request) -> Response:
        number = str(request.params["page"])
        waiting.add(number)
        together.append(set(waiting))
        if number in ("3", "4"):
            if {"3", "4"} <= waiting:
                all_there.set()
            await all_there.wait()
        waiting.remove(number)
        return page(1 if number == "5" else 2)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    assert len(await asyncio.wait_for(pb.collection("posts").get_full_list(batch=2), 5)) == 9
    assert together[:4] == [{"1"}, {"2"}, {"3"}, {"3", "4"}]


async def test_a_short_list_is_one_request() -> None:
    asked: list[Request] = []

    def handler(request: Request) -> Response:
        asked.append(request)
        return page(1)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    await pb.collection("posts").get_full_list()
    assert len(asked) == 1


@pytest.mark.parametrize("end", ["error", "cancelled"])
async def test_nothing_stays_behind(end: str) -> None:
    started: list[Any] = []
    all_started, left = asyncio.Event(), list[str]()

    async def handler(request: Request) -> Response:
        number = str(request.params["page"])
        started.append(number)
        if number in ("1", "2"):
            return page(2)
        if number == "4":
            all_started.set()
        elif end == "error":
            await all_started.wait()
            return Response(404, json={})
        try:
            await asyncio.Event().wait()
        finally:
            left.append(number)
        raise AssertionError

    pb = PocketBase("http://h", transport=MockTransport(handler))
    task = asyncio.create_task(pb.collection("posts").get_full_list(batch=2))
    await asyncio.wait_for(all_started.wait(), 5)
    if end == "cancelled":
        task.cancel()
    with pytest.raises((PocketBaseNotFoundError, asyncio.CancelledError)):
        await task
    assert left == (["4"] if end == "error" else ["3", "4"])


async def test_the_second_page_starts_behind_the_first() -> None:
    asked: list[Request] = []

    def handler(request: Request) -> Response:
        asked.append(request)
        return page(2 if len(asked) == 1 else 0)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    found = [record async for record in pb.collection("posts").iterate(2, filter="a = 1", fields="a")]
    assert found == [{}, {}]
    assert [(each.params["filter"], each.params["sort"], each.params["page"]) for each in asked] == [
        ("a = 1", "id", "1"),
        ('id >= "a1" && (a = 1)', "id", "1"),
    ]
    assert asked[0].params["fields"] == "a,id"


async def test_a_sort_of_ones_own_in_parameters_is_kept() -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return page(1)

    posts = PocketBase("http://h", transport=MockTransport(handler)).collection("posts")
    assert len([record async for record in posts.iterate(params={"sort": ["a", "b"]})]) == 1
    assert seen[0].params["sort"] == ("a", "b")
