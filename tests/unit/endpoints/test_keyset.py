"""Lists in the order of ids, from a server that is played: ids repeat, pages are short, and caches answer."""

import json
import operator
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pocketbase_core import PocketBase, PocketBaseDecodeError, Request, Response
from pocketbase_transports import MockTransport

CLAUSE = re.compile(r'id (>=|>|=) ("(?:\\"|[^"])*")(?: && \((.*)\))?')
# The last two cannot be written into a filter that all servers read alike.
IDS = st.sampled_from(["", "a", "A", "aa", "b", "B", "c", "d", 'e"', "f g", "日本", "h\\", "i\\n"])


@dataclass
class Comment:
    comment: int


class View:
    """Rows in the order of their ids. Each of `limits` is the most that a page has; the last is for all that follow.

    With `folded`, ids are compared without regard to case.
    """

    def __init__(self, ids: list[str], *limits: int, folded: bool = False) -> None:
        self.rows: list[dict[str, Any]] = [{"id": key, "comment": number} for number, key in enumerate(ids)]
        self.limits = [*limits] or [1000]
        self.form = str.lower if folded else str
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        number, size = int(str(request.params["page"])), int(str(request.params["perPage"]))
        size = min(size, self.limits.pop(0) if len(self.limits) > 1 else self.limits[0])
        rows = sorted(self.found(str(request.params.get("filter", ""))), key=lambda row: self.form(row["id"]))
        items = rows[(number - 1) * size : number * size]
        if fields := request.params.get("fields"):
            items = [{name: row[name] for name in str(fields).split(",")} for row in items]
        return Response(200, json={"page": number, "perPage": size, "items": items})

    def found(self, where: str) -> list[dict[str, Any]]:
        if not (match := CLAUSE.fullmatch(where)):
            assert where in ("", "comment >= 0"), where
            return [*self.rows]
        assert match[3] in (None, "comment >= 0")
        key = self.form(json.loads(match[2]))
        # What is not set is NULL for the database: only `=` finds it.
        compares = {"=": operator.eq, ">": operator.gt, ">=": operator.ge}[match[1]]
        return [row for row in self.rows if (match[1] == "=" or row["id"]) and compares(self.form(row["id"]), key)]

    @property
    def client(self) -> PocketBase:
        return PocketBase("http://h", transport=MockTransport(self), middleware=[])


@given(
    st.lists(IDS, max_size=24),
    st.integers(1, 10),
    st.integers(1, 12),
    st.sampled_from(["", "comment >= 0", " "]),
    st.booleans(),
)
@example(["a", "a", "a"], 1, 1, "", False)
@example(["a", "b", "b", "c"], 2, 12, "", False)
@example(["", "", "a"], 1, 12, "comment >= 0", False)
@example(["a", "b", "c", "h\\", "h\\", "i"], 2, 12, "", False)
@example(["a", "A", "a", "b"], 2, 12, "", True)
@example(["A", "a", "A", "a"], 1, 12, "", True)
async def test_each_record_comes_once_whatever_its_id(
    ids: list[str], size: int, limit: int, where: str, folded: bool
) -> None:
    view = View(ids, limit, folded=folded)
    expected = sorted(range(len(ids)), key=lambda number: view.form(ids[number]))
    options: Any = {"filter": where} if where.strip() else {}
    comments = view.client.collection("comments")
    found = [record async for record in comments.iterate(size, options)]
    assert [record["comment"] for record in found] == expected
    assert all({"id", "comment"} == record.keys() for record in found)
    without = [record async for record in comments.iterate(size, options, fields="comment")]
    assert without == [{"comment": number} for number in expected]
    typed = [record async for record in view.client.collection("comments", Comment).iterate(size, options)]
    assert typed == [Comment(number) for number in expected]


@given(st.lists(IDS, max_size=24), st.integers(1, 10), st.lists(st.integers(1, 9), min_size=1, max_size=9))
async def test_pages_that_change_their_size_skip_nothing(ids: list[str], size: int, limits: list[int]) -> None:
    view = View(ids, *limits)
    found: list[int] = []
    try:
        async for record in view.client.collection("comments").iterate(size):
            found.append(record["comment"])
    except PocketBaseDecodeError as error:
        assert "expected a page of" in error.message
    else:
        assert found == sorted(range(len(ids)), key=lambda number: ids[number])


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_no_request_is_added_where_ids_are_unique(size: int) -> None:
    view = View([f"{number:03}" for number in range(100)])
    assert len([record async for record in view.client.collection("posts").iterate(size)]) == 100
    assert len(view.asked) == -(-100 // size)
    assert {request.params["page"] for request in view.asked} == {"1"}


async def test_after_many_records_with_one_id_the_keyset_pages_go_on() -> None:
    view = View([*"aaaabcdefg"])
    assert len([record async for record in view.client.collection("posts").iterate(2)]) == 10
    asked = [(request.params["page"], request.params.get("filter")) for request in view.asked]
    run = [(page, 'id = "a"') for page in "12"]
    assert asked == [("1", None), *run, ("1", 'id > "a"'), ("1", 'id >= "d"'), ("1", 'id >= "f"')]


async def test_records_that_are_created_or_deleted_meanwhile_shift_nothing() -> None:
    view = View([f"{number:03}" for number in range(10)])
    seen: list[str] = []
    async for record in view.client.collection("posts").iterate(2):
        seen.append(record["id"])
        if len(seen) == 4:
            view.rows = [row for row in view.rows if row["id"] not in ("000", "003", "004")]
            view.rows += [{"id": "0005", "comment": 0}, {"id": "0045", "comment": 0}]
    assert sorted({*seen}) == seen
    assert {"0045", *(f"{number:03}" for number in (5, 6, 7, 8, 9))} <= {*seen}


@pytest.mark.parametrize("where", ["comment >= 0 || " * 199 + "comment >= 0", f"title = '{'ü' * 1740}'"])
async def test_a_filter_that_cannot_be_extended_is_sent_unchanged(where: str) -> None:
    asked: list[str] = []

    def handler(request: Request) -> Response:
        asked.append(str(request.params["filter"]))
        number = int(str(request.params["page"]))
        items = [{"id": f"{number}a"}, {"id": f"{number}b"}] if number < 3 else []
        return Response(200, json={"page": number, "perPage": 2, "items": items})

    posts = PocketBase("http://h", transport=MockTransport(handler)).collection("posts")
    assert [record["id"] async for record in posts.iterate(2, filter=where)] == ["1a", "1b", "2a", "2b"]
    assert {*asked} == {where}


@pytest.mark.parametrize("key", [None, 3, "\ud800", {"a": 1}])
async def test_after_an_id_that_is_not_text_page_numbers_are_used(key: Any) -> None:
    def handler(request: Request) -> Response:
        number = int(str(request.params["page"]))
        items = [{"id": key, "n": number}, {"id": key, "n": -number}] if number < 3 else []
        text = json.dumps({"page": number, "perPage": 2, "items": items})
        return Response(200, content=text.encode())

    posts = PocketBase("http://h", transport=MockTransport(handler)).collection("posts")
    assert [record["n"] async for record in posts.iterate(2)] == [1, -1, 2, -2]


def answering(*pages: list[str]) -> PocketBase:
    """A server before which a cache answers with these pages in turn, for ever, whatever is asked."""
    asked = 0

    def handler(request: Request) -> Response:
        nonlocal asked
        items = [{"id": key} for key in pages[asked % len(pages)]]
        asked += 1
        assert asked < 50
        return Response(200, json={"page": 1, "perPage": len(items), "items": items})

    return PocketBase("http://h", transport=MockTransport(handler))


@pytest.mark.parametrize(
    "pages",
    [
        [["a", "b"]],
        [["a", "b"], ["c", "d"]],
        [["a", "b"], ["b", "c"]],
        [["a", "b"], ["b", "c"], ["b", "c"]],
        [["b", "b"]],
        [["b", "b"], ["b", "c"]],
    ],
)
async def test_a_cache_that_repeats_pages_is_noticed(pages: list[list[str]]) -> None:
    pb = answering(*pages)
    with pytest.raises(PocketBaseDecodeError, match="expected page 2 of the list, got page 1") as caught:
        async for _ in pb.collection("posts").iterate(2):
            pass
    assert (caught.value.url, caught.value.status) == ("http://h/api/collections/posts/records", 200)
    assert "did a cache respond in place of the server?" in caught.value.message


async def test_an_id_that_is_returned_again_after_its_last_record_is_noticed() -> None:
    pages = [(1, "bb"), (1, "bb"), (2, ""), (1, "bc"), (2, "bc"), (3, "")]

    def handler(request: Request) -> Response:
        number, ids = pages.pop(0)
        return Response(200, json={"page": number, "perPage": 2, "items": [{"id": key} for key in ids]})

    posts = PocketBase("http://h", transport=MockTransport(handler)).collection("posts")
    assert "".join([record["id"] async for record in posts.iterate(1)]) == "bbbc"
    assert pages == []


async def test_a_cache_that_repeats_numbered_pages_is_noticed() -> None:
    pb = answering(["a", "b"])
    posts = pb.collection("posts")
    calls: list[Any] = [
        posts.get_full_list(batch=2),
        anext(record async for record in posts.iterate(2, sort="-id") if record["id"] == "c"),
        pb.collections.get_full_list(batch=2),
        pb.collection("users").auth.list_external_auths("x"),
    ]
    for call in calls:
        with pytest.raises(PocketBaseDecodeError, match="expected page 2 of the list, got page 1"):
            await call


async def test_a_full_list_whose_pages_shrink_is_an_error() -> None:
    view = View([f"{number:03}" for number in range(20)], 4, 4, 2)
    with pytest.raises(PocketBaseDecodeError, match="expected a page of 4 records, got one of 2"):
        await view.client.collection("posts").get_full_list()


@pytest.mark.parametrize("size", [0, -1, None, "2"])
async def test_a_page_whose_size_is_not_valid_is_an_error(size: Any) -> None:
    pb = PocketBase(
        "http://h", transport=MockTransport(lambda _: Response(200, json={"items": [{"id": "a"}], "perPage": size}))
    )
    posts = pb.collection("posts")
    for call in (posts.get_list(), posts.get_full_list(), anext(posts.iterate())):
        with pytest.raises(PocketBaseDecodeError, match="a page of a list"):
            await call
