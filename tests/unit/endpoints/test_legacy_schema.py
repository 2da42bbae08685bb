"""Collections in the style of PocketBase 0.22, in the current format."""

from copy import deepcopy
from typing import Any

import pytest

from pocketbase_core.endpoints.legacy_schema import current_collection, from_legacy_schema

Json = dict[str, Any]


def old_field(name: str, type_: str, **options: Any) -> Json:
    """Return a field as a server of PocketBase 0.22 sends it."""
    plain = {"system": False, "id": f"id_{name}", "required": False, "presentable": True, "unique": False}
    return plain | {"name": name, "type": type_, "options": options}


def old_collection(type_: str, *schema: Json, **options: Any) -> Json:
    """Return a collection as a server of PocketBase 0.22 sends it."""
    rules = {"listRule": "@request.data.a = 1", "viewRule": None, "createRule": ""}
    identity = {"id": "abc", "name": "items", "type": type_, "system": False, "created": "c", "updated": "u"}
    return identity | rules | {"schema": [*schema], "indexes": ["CREATE INDEX x ON items (a)"], "options": options}


AUTH_OPTIONS = {
    "allowEmailAuth": False,
    "allowOAuth2Auth": True,
    "allowUsernameAuth": True,
    "exceptEmailDomains": None,
    "manageRule": "@request.data.a = 1",
    "minPasswordLength": 9,
    "onlyEmailDomains": ["a.example"],
    "onlyVerified": True,
    "requireEmail": True,
}


def by_name(collection: Json) -> dict[str, Json]:
    return {field["name"]: field for field in collection["fields"]}


def translate(body: Json, *, is_new: bool = False, match: str = "flat 'fields'$") -> Json:
    with pytest.warns(DeprecationWarning, match=match):
        return from_legacy_schema(body, is_new=is_new)


def test_an_old_field_is_made_flat() -> None:
    old: Json = {"name": "a", "type": "number", "options": {"min": None, "max": 0, "noDecimal": True}}
    body = translate({"name": "c", "schema": [old], "listRule": None, "options": {}})
    assert body["fields"][0] == {"name": "a", "type": "number", "max": 0, "onlyInt": True}
    assert [field["name"] for field in body["fields"]] == ["a", "created", "updated"]
    assert body["listRule"] is None
    assert "schema" not in body
    assert "options" not in body
    view = translate({"name": "v", "type": "view", "schema": [], "options": {"query": "select 1 as id"}})
    assert view == {"name": "v", "type": "view", "viewQuery": "select 1 as id"}
    for broken in (3, [3]):
        with pytest.raises(TypeError):
            from_legacy_schema({"schema": broken})


def test_an_old_view_without_options_has_no_query() -> None:
    assert translate({"type": "view", "schema": [], "options": None})["viewQuery"] == ""


@pytest.mark.parametrize(
    ("options", "most"), [({}, 2147483647), ({"maxSelect": None}, 2147483647), ({"maxSelect": 1}, 1)]
)
def test_a_relation_without_a_limit_stays_one(options: Json, most: int) -> None:
    body = translate({"schema": [{"name": "r", "type": "relation", "options": options}]})
    assert body["fields"][0]["maxSelect"] == most


@pytest.mark.parametrize(
    ("type_", "options", "left_out"),
    [
        ("auth", {"minPasswordLength": 8, "b": 1, "a": 1}, "a, b"),
        ("base", {"minPasswordLength": 8}, "minPasswordLength"),
        ("base", {}, "displayFields"),
    ],
)
def test_options_without_a_counterpart_are_named(type_: str, options: Json, left_out: str) -> None:
    shown = ["a"] if left_out == "displayFields" else None
    relation: Json = {"name": "r", "type": "relation", "options": {"displayFields": shown}}
    body = translate({"type": type_, "schema": [relation], "options": options}, match=f"left out: {left_out}$")
    assert "displayFields" not in by_name(body)["r"]


def test_only_options_that_a_body_names_are_translated() -> None:
    body = translate({"type": "auth", "schema": [], "options": {}})
    assert [field["name"] for field in body["fields"]] == ["created", "updated"]
    assert body.keys() == {"type", "fields"}
    body = translate({"schema": [], "options": {"onlyVerified": False, "manageRule": "", "allowEmailAuth": False}})
    assert (body["authRule"], body["manageRule"]) == ("", None)
    assert body["passwordAuth"] == {"enabled": False, "identityFields": []}
    body = translate({"schema": [], "options": {"requireEmail": True}})
    assert [field["name"] for field in body["fields"]] == ["email", "created", "updated"]
    assert by_name(body)["email"]["required"]
    body = translate({"schema": [], "options": {"minPasswordLength": 9}})
    assert by_name(body)["password"]["min"] == 9


def test_a_user_name_to_sign_in_with_is_a_field_with_an_index() -> None:
    old: Json = {"type": "auth", "name": "a", "schema": [], "options": {"allowUsernameAuth": True}}
    index = "CREATE UNIQUE INDEX `idx_username_a` ON `a` (username COLLATE NOCASE)"
    body = translate(old, is_new=True)
    assert by_name(body)["username"]["pattern"] == r"^[\w][\w\.\-]*$"
    assert body["passwordAuth"] == {"enabled": True, "identityFields": ["username"]}
    assert body["indexes"] == [index]
    assert translate(old | {"indexes": ["other"]})["indexes"] == [index, "other"]
    # An update without indexes would lose those that the collection has.
    assert "indexes" not in translate(old)
    assert "username" not in by_name(translate(old | {"options": {"allowUsernameAuth": False}}, is_new=True))


def test_a_collection_of_0_22_is_read_as_one_of_a_current_server() -> None:
    old = old_collection(
        "base",
        old_field("a", "text", min=None, max=3, pattern=""),
        old_field("b", "relation", collectionId="x", maxSelect=None, minSelect=None, displayFields=["a"]),
        old_field("c", "email", onlyDomains=None, exceptDomains=["b.example"]),
        old_field("d", "editor", convertUrls=True),
        old_field("e", "bool"),
    )
    before = deepcopy(old)
    current = current_collection(old)
    assert old == before
    rest = {key: value for key, value in old.items() if key not in ("schema", "options")}
    assert {key: value for key, value in current.items() if key != "fields"} == rest | {
        "listRule": "@request.body.a = 1"
    }
    fields = by_name(current)
    assert list(fields) == ["id", "a", "b", "c", "d", "e", "created", "updated"]
    plain = {"system": False, "required": False, "presentable": True, "hidden": False}
    assert fields["a"] == plain | {
        "id": "id_a",
        "name": "a",
        "type": "text",
        "min": 0,
        "max": 3,
        "pattern": "",
        "primaryKey": False,
        "autogeneratePattern": "",
    }
    assert fields["b"] == plain | {
        "id": "id_b",
        "name": "b",
        "type": "relation",
        "collectionId": "x",
        "cascadeDelete": False,
        "minSelect": 0,
        "maxSelect": 2147483647,
        "displayFields": ["a"],
    }
    assert (fields["c"]["onlyDomains"], fields["c"]["exceptDomains"]) == ([], ["b.example"])
    assert (fields["d"]["convertURLs"], fields["d"]["maxSize"]) == (True, 0)
    assert fields["e"] == plain | {"id": "id_e", "name": "e", "type": "bool"}
    assert fields["id"] == {
        "id": "text3208210256",
        "name": "id",
        "type": "text",
        "system": True,
        "required": True,
        "presentable": False,
        "hidden": False,
        "min": 15,
        "max": 15,
        "pattern": "^[a-z0-9]+$",
        "primaryKey": True,
        "autogeneratePattern": "[a-z0-9]{15}",
    }
    assert (fields["created"]["id"], fields["created"]["onUpdate"]) == ("autodate2990389176", False)
    assert (fields["updated"]["id"], fields["updated"]["onUpdate"]) == ("autodate3332085495", True)


def test_what_is_not_set_is_not_shared_between_collections() -> None:
    old = old_collection("base", old_field("a", "email"))
    by_name(current_collection(old))["a"]["onlyDomains"].append("a.example")
    assert by_name(current_collection(old))["a"]["onlyDomains"] == []


def test_an_auth_collection_gets_its_system_fields_and_settings() -> None:
    current = current_collection(old_collection("auth", old_field("nick", "text"), **AUTH_OPTIONS))
    fields = by_name(current)
    account = ["password", "tokenKey", "email", "emailVisibility", "verified", "username"]
    assert list(fields) == ["id", *account, "nick", "created", "updated"]
    assert (fields["password"]["min"], fields["password"]["hidden"]) == (9, True)
    assert (fields["email"]["required"], fields["email"]["onlyDomains"]) == (True, ["a.example"])
    assert fields["email"]["exceptDomains"] == []
    assert (current["authRule"], current["manageRule"]) == ("verified=true", "@request.body.a = 1")
    assert current["passwordAuth"] == {"enabled": True, "identityFields": ["username"]}
    assert (current["oauth2"]["enabled"], current["oauth2"]["providers"]) == (True, [])
    assert not current["mfa"]["enabled"]
    assert not current["otp"]["enabled"]
    assert len(current["indexes"]) == 4


def test_a_view_has_its_query_and_no_dates() -> None:
    current = current_collection(old_collection("view", old_field("a", "text"), query="select 1 as id"))
    assert list(by_name(current)) == ["id", "a"]
    assert current["viewQuery"] == "select 1 as id"


@pytest.mark.parametrize("type_", ["base", "auth", "view"])
def test_a_collection_without_schema_and_options_stays_without(type_: str) -> None:
    part = {"name": "a", "type": type_}
    assert current_collection(part) == part
