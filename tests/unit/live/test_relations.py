"""What `expand` shows within a record."""

from typing import Any

import pytest

from pocketbase_core.live.relations import Related, event_ids, parse_expand, related_collections, shown_ids

NOTHING = frozenset[str]()


@pytest.mark.parametrize(
    ("expand", "paths"),
    [
        ("", {}),
        (" , .", {}),
        ("author", {"author": {}}),
        (" author . team , tags,author.city", {"author": {"team": {}, "city": {}}, "tags": {}}),
        ("comments_via_post.author", {"comments_via_post": {"author": {}}}),
    ],
)
def test_the_paths_of_expand_become_a_tree(expand: str, paths: dict[str, Any]) -> None:
    assert parse_expand(expand) == paths


RECORD: dict[str, Any] = {
    "id": "p",
    "author": "a",
    "tags": ["t1", "t2", ""],
    "expand": {
        "author": {"id": "a", "collectionName": "users", "team": "z", "expand": {}},
        "tags": [{"id": "t1", "collectionName": "tags"}, None],
        "comments_via_post": [{"id": "c", "collectionName": "comments", "author": "b"}],
    },
}


def test_the_ids_of_shown_records_and_of_those_that_are_referred_to_are_found() -> None:
    paths = parse_expand("author.team,tags,comments_via_post.author")
    assert {*shown_ids(RECORD, paths)} == {"p", "a", "z", "t1", "t2", "c", "b"}
    assert [*shown_ids(RECORD, {})] == ["p"]


@pytest.mark.parametrize(
    "record", [{}, {"id": 3, "author": None, "expand": []}, {"author": 3, "expand": {"author": "x"}}]
)
def test_a_record_of_another_shape_shows_nothing(record: dict[str, Any]) -> None:
    assert not [*shown_ids(record, parse_expand("author"))]
    assert not [*related_collections(record, parse_expand("author"))]


def test_the_collections_of_shown_records_are_known_from_the_records_and_from_the_paths() -> None:
    paths = parse_expand("author.posts_via_author,tags,comments_via_post,a_via_b_via_c")
    assert {*related_collections(RECORD, paths)} == {
        Related("users", NOTHING),
        Related("posts", frozenset({"author"})),
        Related("tags", NOTHING),
        Related("comments", frozenset({"post"})),
        Related("a_via_b", frozenset({"c"})),
    }
    assert {*related_collections({"id": "x"}, paths)} == {
        Related("comments", frozenset({"post"})),
        Related("a_via_b", frozenset({"c"})),
    }


def test_an_event_names_its_record_and_those_that_its_relations_lead_to() -> None:
    record = {"id": "c", "post": "p", "others": ["x", 3, ""], "title": "no id"}
    assert event_ids(record, NOTHING) == {"c"}
    assert event_ids(record, frozenset({"post", "others", "missing"})) == {"c", "p", "x"}
