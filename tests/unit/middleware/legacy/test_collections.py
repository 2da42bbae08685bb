"""Collections in the current format, as PocketBase 0.22 takes them: what is translated, and what is refused."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError
from pocketbase_core.endpoints.legacy_schema import current_collection, from_legacy_schema
from pocketbase_core.middleware.legacy.collections import legacy_collection, legacy_import

from ...endpoints.test_legacy_schema import AUTH_OPTIONS, old_collection, old_field

Json = dict[str, Any]
TEXT = {"name": "x", "type": "text"}
USERNAME = r"^[\w][\w\.\-]*$"


def translate(*fields: Json, current: Json | None = None, type_: str = "base", **more: Any) -> Json:
    return legacy_collection({"name": "items", "type": type_, "fields": [*fields], **more}, current)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ({"type": "text"}, {"min": None, "max": None, "pattern": ""}),
        ({"type": "text", "min": 2, "max": 0, "pattern": "a"}, {"min": 2, "max": None, "pattern": "a"}),
        ({"type": "number", "min": 0, "max": None}, {"min": 0, "max": None, "noDecimal": False}),
        ({"type": "number", "onlyInt": True}, {"min": None, "max": None, "noDecimal": True}),
        ({"type": "bool"}, {}),
        ({"type": "url", "onlyDomains": []}, {"onlyDomains": None, "exceptDomains": None}),
        ({"type": "email", "exceptDomains": ["a"]}, {"onlyDomains": None, "exceptDomains": ["a"]}),
        ({"type": "editor", "convertURLs": True, "maxSize": 0}, {"convertUrls": True}),
        ({"type": "date", "max": "2020"}, {"min": "", "max": "2020"}),
        ({"type": "select", "values": ["a"]}, {"maxSelect": 1, "values": ["a"]}),
        ({"type": "json"}, {"maxSize": 2000000}),
        ({"type": "json", "maxSize": 7}, {"maxSize": 7}),
        (
            {"type": "file"},
            {"maxSelect": 1, "maxSize": 5242880, "mimeTypes": None, "thumbs": None, "protected": False},
        ),
        (
            {"type": "relation", "collectionId": "c", "maxSelect": 2147483647},
            {"collectionId": "c", "cascadeDelete": False, "minSelect": None, "maxSelect": None, "displayFields": None},
        ),
        (
            {"type": "relation", "collectionId": "c", "displayFields": ["a"], "minSelect": 2, "maxSelect": 3},
            {"collectionId": "c", "cascadeDelete": False, "minSelect": 2, "maxSelect": 3, "displayFields": ["a"]},
        ),
    ],
)
def test_the_options_of_a_field_are_nested(field: Json, options: Json) -> None:
    plain = {"name": "a", "required": True, "presentable": False}
    sent = translate(plain | field | {"hidden": False, "help": "", "id": ""})
    assert sent["schema"] == [plain | {"type": field["type"], "options": options}]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"name": "a", "type": "autodate", "onCreate": True}, r"type 'autodate', such as 'a': PocketBase 0\.23"),
        ({"name": "a", "type": "password"}, r"type 'password', such as 'a': PocketBase 0\.23"),
        ({"name": "a", "type": "geoPoint"}, r"type 'geoPoint', such as 'a': PocketBase 0\.27"),
        ({"name": "a", "type": "text", "hidden": True}, "'hidden' of the field 'a'"),
        ({"name": "a", "type": "text", "primaryKey": True}, "'primaryKey' of the field 'a'"),
        ({"name": "a", "type": "text", "autogeneratePattern": "[a-z]{5}"}, "'autogeneratePattern' of the field 'a'"),
        ({"name": "a", "type": "text", "help": "h"}, r"'help' of the field 'a': PocketBase 0\.37"),
        ({"name": "a", "type": "editor", "maxSize": 5}, "'maxSize' of the field 'a'"),
        ({"name": "id", "type": "text", "max": 20}, "max 20 of the field 'id'"),
        ({"name": "id", "type": "text", "autogeneratePattern": "a"}, "autogeneratePattern 'a' of the field 'id'"),
        ({"name": "id", "type": "text", "help": "h"}, r"help 'h' of the field 'id': PocketBase 0\.37"),
        ({"name": "created", "type": "date"}, "type 'date' of the field 'created'"),
        ({"name": "updated", "type": "autodate", "onUpdate": False}, "onUpdate False of the field 'updated'"),
    ],
)
def test_a_field_that_0_22_does_not_have_is_refused(field: Json, message: str) -> None:
    with pytest.raises(PocketBaseInputError, match=message):
        translate(TEXT, field)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"name": "password", "type": "password", "min": 0}, "without a minimum length"),
        ({"name": "password", "type": "password", "cost": 12}, "cost 12"),
        ({"name": "username", "type": "text", "max": 20}, "max 20"),
        ({"name": "verified", "type": "bool", "hidden": True}, "hidden True"),
    ],
)
def test_a_system_field_of_an_auth_collection_that_differs_is_refused(field: Json, message: str) -> None:
    with pytest.raises(PocketBaseInputError, match=message):
        translate(field, type_="auth")


def test_system_fields_as_0_22_has_them_are_left_out() -> None:
    token_key = {"name": "tokenKey", "type": "text", "autogeneratePattern": "[a-zA-Z0-9]{50}", "help": "", "max": None}
    username = {"name": "username", "type": "text", "pattern": USERNAME, "required": True, "autogeneratePattern": "a"}
    assert translate({"name": "id", "type": "text", "min": 15}, token_key, username, type_="auth")["schema"] == []
    # A base collection may have a field of that name.
    assert len(translate({"name": "username", "type": "text", "max": 5})["schema"]) == 1


@pytest.mark.parametrize(
    ("type_", "settings", "message"),
    [
        ("auth", {"mfa": {"enabled": True}}, "'mfa' of a collection"),
        ("auth", {"otp": {"enabled": True}}, "'otp' of a collection"),
        ("auth", {"authRule": None}, "authRule None"),
        ("auth", {"authRule": "a = 1"}, "authRule 'a = 1'"),
        ("auth", {"passwordAuth": {"identityFields": ["email", "nick"]}}, "'nick' among the identityFields"),
        ("auth", {"oauth2": {"providers": [{"name": "oidc"}]}}, "OAuth2 providers of a collection"),
        ("auth", {"oauth2": {"mappedFields": {"name": "nick"}}}, "'mappedFields'"),
        ("auth", {"authToken": {"duration": 5}}, "'authToken' of a collection"),
        ("auth", {"fileToken": {"secret": "s"}}, "'fileToken' of a collection"),
        ("auth", {"verificationTemplate": {"subject": "s"}}, "'verificationTemplate' of a collection"),
        ("auth", {"authAlert": {"emailTemplate": {"body": "b"}}}, "'authAlert' of a collection"),
        ("auth", {"authAlert": {"enabled": False}}, "sign-ins with OAuth2 without an e-mail"),
        ("auth", {"manageRule": "a:lower = 'b'"}, ":lower"),
        ("auth", {"new": 1}, "'new' of a collection of type 'auth'"),
        ("base", {"new": 1}, "'new' of a collection of type 'base'"),
        ("base", {"viewQuery": "select 1"}, "'viewQuery' of a collection of type 'base'"),
        ("view", {"mfa": {"enabled": True}}, "'mfa' of a collection of type 'view'"),
        ("base", {"listRule": "a:changed = true"}, ":changed"),
        ("base", {"fields": []}, "without fields of its own"),
        ("base", {"fields": None}, "without fields of its own"),
    ],
)
def test_a_setting_that_0_22_does_not_have_is_refused(type_: str, settings: Json, message: str) -> None:
    with pytest.raises(PocketBaseInputError, match=message):
        translate(TEXT, type_=type_, **settings)


def test_settings_that_are_empty_or_have_no_effect_are_left_out() -> None:
    settings: Json = {
        "mfa": {"enabled": False, "duration": 600},
        "otp": None,
        "authToken": {"duration": 0},
        "new": {"a": []},
    }
    templates: Json = {"verificationTemplate": {"subject": "", "body": ""}, "authAlert": {"enabled": True}}
    plain = translate(TEXT, type_="auth")
    mapped: Json = {"oauth2": {"enabled": False, "providers": [], "mappedFields": {"username": "username", "name": ""}}}
    assert translate(TEXT, type_="auth", **settings, **templates, **mapped) == plain


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"enabled": True, "identityFields": ["username"]}, (False, True)),
        ({"enabled": True, "identityFields": ["email", "username"]}, (True, True)),
        ({"enabled": False, "identityFields": ["email"]}, (False, False)),
        ({"identityFields": ["email"]}, (True, False)),
        ({"enabled": True}, (False, True)),
        ({"enabled": False}, (False, False)),
    ],
)
def test_the_fields_to_sign_in_with_are_options(settings: Json, allowed: tuple[bool, bool]) -> None:
    current = old_collection("auth", **AUTH_OPTIONS)
    options = legacy_collection({"passwordAuth": settings}, current)["options"]
    assert options == {"allowEmailAuth": allowed[0], "allowUsernameAuth": allowed[1]}


def test_a_sign_in_that_is_enabled_again_is_by_email() -> None:
    current = old_collection("auth", allowEmailAuth=False, allowUsernameAuth=False)
    sent = legacy_collection({"passwordAuth": {"enabled": True}}, current)
    assert sent == {"options": {"allowEmailAuth": True, "allowUsernameAuth": False}}


def test_an_update_has_only_what_the_body_names() -> None:
    current = old_collection("auth", old_field("nick", "text"), **AUTH_OPTIONS)
    assert legacy_collection({"name": "other"}, current) == {"name": "other"}
    assert legacy_collection({"listRule": None}, current) == {"listRule": None}
    assert legacy_collection({"oauth2": {"mappedFields": {}}}, current) == {}
    assert legacy_collection({"authRule": "verified = true"}, current) == {"options": {"onlyVerified": True}}
    assert legacy_collection({"manageRule": "@request.body.a = 1"}, current) == {
        "options": {"manageRule": "@request.data.a = 1"}
    }
    assert legacy_collection({"manageRule": ""}, current) == {"options": {"manageRule": None}}
    assert legacy_collection({"options": {"onlyVerified": True}}, current) == {"options": {"onlyVerified": True}}
    fields = [{"name": "password", "type": "password"}, {"name": "nick", "type": "text", "id": ""}]
    sent = legacy_collection({"fields": fields}, current)
    assert sent.keys() == {"schema"}
    assert sent["schema"][0]["id"] == "id_nick"


def test_a_password_without_a_minimum_stays_without() -> None:
    current = old_collection("auth", minPasswordLength=0)
    assert legacy_collection({"fields": [{"name": "password", "type": "password", "min": 0}]}, current) == {
        "schema": []
    }


def test_an_import_repeats_what_the_body_does_not_name() -> None:
    current = old_collection("auth", old_field("nick", "text"), **AUTH_OPTIONS)
    sent = legacy_import({"id": "", "name": "items", "oauth2": {"enabled": False}}, current)
    assert sent == current | {"options": AUTH_OPTIONS | {"allowOAuth2Auth": False}}
    new: Json = {"name": "a", "type": "base", "fields": [TEXT]}
    assert legacy_import(new, None) == legacy_collection(new, None)


@pytest.mark.parametrize("type_", ["base", "auth", "view"])
def test_a_collection_that_was_read_is_sent_as_it_was(type_: str) -> None:
    relation = {"collectionId": "x", "cascadeDelete": False, "minSelect": None, "maxSelect": None}
    schema = [
        old_field("a", "text", min=None, max=3, pattern=""),
        old_field("b", "relation", **relation, displayFields=["a"]),
    ]
    options: dict[str, Json] = {"base": {}, "auth": AUTH_OPTIONS, "view": {"query": "select 1 as id"}}
    old = old_collection(type_, *schema, **options[type_])
    sent = legacy_import(current_collection(old), old)
    # This key means nothing in 0.22.
    assert [field | {"unique": False} for field in sent.pop("schema")] == old.pop("schema")
    assert sent == old


@pytest.mark.parametrize(("type_", "options"), [("base", {}), ("auth", AUTH_OPTIONS), ("view", {"query": "select 1"})])
def test_a_body_in_the_old_style_arrives_as_it_was_written(type_: str, options: Json) -> None:
    relation = {"collectionId": "x", "cascadeDelete": True, "minSelect": None, "maxSelect": None, "displayFields": None}
    schema = [
        {"name": "a", "type": "text", "required": True, "options": {"min": None, "max": 5, "pattern": ""}},
        {"name": "b", "type": "relation", "options": relation},
    ]
    body: Json = {"name": "a", "type": type_, "listRule": "@request.data.a = 1", "indexes": [], "options": options}
    with pytest.warns(DeprecationWarning, match="flat 'fields'$"):
        current = from_legacy_schema(body | {"schema": schema}, is_new=True)
    expected = body if type_ == "view" else body | {"schema": schema}
    assert {"options": {}} | legacy_collection(current, None) == expected


def test_fields_get_the_ids_of_those_with_their_names() -> None:
    current = old_collection("base", old_field("a", "text"), old_field("b", "relation", displayFields=["c"]))
    # The id may be one that another server has made of the type and the name.
    fields: list[Json] = [{"name": "b", "type": "relation", "id": "relation1908338681"}, {"name": "a", "type": "text"}]
    sent = legacy_collection({"fields": fields}, current)["schema"]
    assert [(field["name"], field["id"]) for field in sent] == [("b", "id_b"), ("a", "id_a")]
    assert sent[0]["options"]["displayFields"] == ["c"]
    # A field that was renamed has its id; a new one may take its name.
    fields = [{"name": "a", "type": "text"}, {"name": "c", "type": "text", "id": "id_a"}]
    sent = legacy_collection({"fields": fields}, current)["schema"]
    assert "id" not in sent[0]
    assert sent[1]["id"] == "id_a"
    (sent,) = legacy_collection({"fields": [{"name": "d", "type": "relation", "id": "id_b"}]}, current)["schema"]
    assert sent["options"]["displayFields"] == ["c"]
    # A field of another type is a new one.
    assert "id" not in legacy_collection({"fields": [{"name": "a", "type": "bool"}]}, current)["schema"][0]


def test_indexes_that_0_22_makes_itself_are_left_out_unless_the_collection_lists_them() -> None:
    made = [
        "CREATE UNIQUE INDEX `idx_tokenKey_pbc_1` ON `items` (`tokenKey`)",
        "CREATE UNIQUE INDEX `idx_email_pbc_1` ON `items` (`email`) WHERE `email` != ''",
        "CREATE UNIQUE INDEX `a` ON `items` (username COLLATE NOCASE)",
    ]
    own = "CREATE UNIQUE INDEX `b` ON `items` (`nick`)"
    assert translate(type_="auth", indexes=[*made, own])["indexes"] == [own]
    assert translate(TEXT, indexes=made)["indexes"] == made
    current = old_collection("auth") | {"indexes": made[1:2]}
    assert legacy_collection({"indexes": [*made, own]}, current)["indexes"] == [made[1], own]


def test_the_fields_of_a_view_are_ignored() -> None:
    sent = translate({"name": "a", "type": "geoPoint"}, type_="view", viewQuery="select 1 as id")
    assert sent == {"name": "items", "type": "view", "options": {"query": "select 1 as id"}}


def test_an_update_of_a_view_keeps_its_query() -> None:
    view = {"type": "view", "options": {"query": "select id from posts"}}
    assert legacy_collection({"listRule": ""}, view) == {"listRule": ""}


def test_a_field_that_is_no_dict_is_refused() -> None:
    for type_ in ("base", "auth"):
        with pytest.raises(TypeError, match="a field must be a dict, not int"):
            legacy_collection({"type": type_, "fields": [3]}, None)
