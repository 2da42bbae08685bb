"""Models of collections that a server of PocketBase 0.22 exports."""

from typing import Any

import pytest

from pocketbase_core.codegen.schema import SchemaError, parse_collections

from .test_module import EMAIL, PASSWORD, TOKEN_KEY, collection, relation, source


def test_collections_of_version_0_22_make_the_same_models() -> None:
    options: dict[str, Any] = {"collectionId": "id_tags", "maxSelect": None, "displayFields": None}
    old: list[dict[str, Any]] = [
        {
            "id": "id_tags",
            "name": "tags",
            "type": "base",
            "indexes": None,
            "schema": [{"name": "label", "type": "text", "required": True, "options": {"min": None}}],
        },
        {
            "id": "id_posts",
            "name": "posts",
            "type": "base",
            "indexes": [],
            "schema": [
                {"name": "n", "type": "number", "required": True, "options": {"noDecimal": True}},
                {"name": "tags", "type": "relation", "options": options},
            ],
        },
        {"id": "id_users", "name": "users", "type": "auth", "schema": [], "options": {"requireEmail": True}},
    ]
    dates = [{"name": name, "type": "autodate"} for name in ("created", "updated")]
    username = {"name": "username", "type": "text", "required": True, "autogeneratePattern": "users[0-9]{6}"}
    flags = [{"name": name, "type": "bool"} for name in ("emailVisibility", "verified")]
    current = [
        collection("tags", {"name": "label", "type": "text", "required": True}, *dates),
        collection(
            "posts",
            {"name": "n", "type": "number", "required": True, "onlyInt": True},
            relation("tags", "tags", 2),
            *dates,
        ),
        collection("users", PASSWORD, TOKEN_KEY, EMAIL, *flags, username, *dates, kind="auth"),
    ]
    assert source(old) == source(current)


@pytest.mark.parametrize("broken", [{"schema": 3}, {"schema": [3]}, {"schema": [], "type": "auth", "options": [1]}])
def test_a_broken_collection_of_version_0_22_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="list of"):
        parse_collections([{"id": "x", "name": "posts", "type": "base", **broken}])
