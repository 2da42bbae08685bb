"""The option `fields` of requests whose responses are translated."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError, Request
from pocketbase_core.middleware.legacy.picker import check_fields, pick, without_fields

RECORD: dict[str, Any] = {"id": "a", "meta": {"x": 1, "y": {"z": 2}}, "list": [{"p": 1, "q": 2}]}


def asking(fields: str) -> Request:
    return Request("GET", "http://h/api/settings", {"fields": fields, "page": "1"})


@pytest.mark.parametrize(
    ("fields", "picked"),
    [
        ("", RECORD),
        ("*", RECORD),
        ("id", {"id": "a"}),
        ("id, meta.x", {"id": "a", "meta": {"x": 1}}),
        ("meta.y.z,meta.x", {"meta": {"x": 1, "y": {"z": 2}}}),
        ("meta", {"meta": {"x": 1, "y": {"z": 2}}}),
        ("meta.*", {"meta": {"x": 1, "y": {"z": 2}}}),
        ("list.q", {"list": [{"q": 2}]}),
        ("unknown", {}),
    ],
)
def test_the_fields_are_picked_that_the_server_would_pick(fields: str, picked: object) -> None:
    assert pick(asking(fields), RECORD) == picked
    assert pick(asking(fields), [RECORD]) == [picked]
    assert pick(asking(fields), {"page": 1, "items": [RECORD]}) == {"page": 1, "items": [picked]}


def test_the_server_is_asked_for_all_fields() -> None:
    assert without_fields(asking("id")).params == {"page": "1"}


def test_a_modifier_is_refused() -> None:
    with pytest.raises(PocketBaseInputError, match="a modifier in the option 'fields'"):
        check_fields(asking("title:excerpt(3)"))
    check_fields(asking("id,meta.x"))
