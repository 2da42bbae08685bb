"""Lists, and the notes on errors of records, which say what the server does not."""

from numbers import Integral
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseNotFoundError,
    Request,
    Response,
)
from pocketbase_transports import MockTransport

GENERIC: dict[str, Any] = {"status": 400, "message": "Something went wrong while processing your request.", "data": {}}


def client(status: int, body: dict[str, Any]) -> PocketBase:
    return PocketBase("http://h", transport=MockTransport(lambda request: Response(status, json=body)))


def notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


async def test_a_rejected_filter_or_sort_has_a_note_with_the_usual_cause() -> None:
    pb, options = client(400, GENERIC), {"filter": "titel = 1", "sort": "-creatd"}
    posts = pb.collection("posts")
    for call in (
        posts.get_list(options=options),
        posts.get_first(options),
        posts.get_full_list(options),
        anext(posts.iterate(options=options)),
        pb.collections.get_list(options=options),
        pb.collections.get_full_list(options),
        pb.logs.get_list(options=options),
    ):
        with pytest.raises(PocketBaseBadRequestError) as caught:
            await call
        (note,) = notes(caught.value)
        assert note == "The usual cause is an unknown or hidden field, or a syntax error, in `filter` or `sort`."


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, GENERIC),
        ({"fields": "id"}, GENERIC),
        ({"filter": "a = 1"}, {**GENERIC, "message": "The hook refuses."}),
        ({"filter": "a = 1"}, {**GENERIC, "data": {"filter": {"code": "x", "message": "y"}}}),
    ],
)
async def test_another_error_of_a_list_has_no_note(options: dict[str, Any], body: dict[str, Any]) -> None:
    pb = client(400, body)
    posts = pb.collection("posts")
    for call in (
        posts.get_list(options=options),
        posts.get_full_list(options),
        anext(posts.iterate(options=options)),
    ):
        with pytest.raises(PocketBaseBadRequestError) as caught:
            await call
        assert not notes(caught.value)


@pytest.mark.parametrize(
    ("status", "message", "note"),
    [
        (400, "Failed to create record.", "the create rule"),
        (403, "Only superusers can perform this action.", "API rule of the collection for this action is not set"),
    ],
)
async def test_the_error_of_a_rule_has_a_note_that_names_the_rule(status: int, message: str, note: str) -> None:
    with pytest.raises(PocketBaseError) as caught:
        await client(status, {"status": status, "message": message, "data": {}}).collection("posts").create({})
    assert note in notes(caught.value)[0]
    fields = {"title": {"code": "validation_required", "message": "Cannot be blank."}}
    with pytest.raises(PocketBaseError) as caught:
        await client(status, {"status": status, "message": message, "data": fields}).collection("posts").create({})
    assert not notes(caught.value), "the fields have the reason"


async def test_the_error_of_get_first_on_an_empty_list_has_a_note_that_says_so() -> None:
    pb = client(200, {"page": 1, "perPage": 1, "items": []})
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await pb.collection("posts").get_first(filter="n > 1")
    assert notes(caught.value) == ["The list is empty: nothing matches, or this user may not see what does."]


class Int64:
    """An integer of an array library."""

    def __int__(self) -> int:
        return 2

    def __lt__(self, other: int) -> bool:
        return other > 2


async def test_a_page_may_be_an_integer_of_an_array_library() -> None:
    Integral.register(Int64)
    seen: list[Request] = []

    def respond(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={"page": 2, "perPage": 2, "totalItems": 0, "totalPages": 0, "items": []})

    number: Any = Int64()
    await PocketBase("http://h", transport=MockTransport(respond)).collection("posts").get_list(number, number)
    assert (seen[0].params["page"], seen[0].params["perPage"]) == ("2", "2")
