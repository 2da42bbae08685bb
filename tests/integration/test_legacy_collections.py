"""Collections of PocketBase 0.22 in the current format, and collections in the old style on current servers."""

import re
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase, PocketBaseBadRequestError, PocketBaseForbiddenError
from pocketbase_core.endpoints.legacy_schema import current_collection
from pocketbase_core.middleware.legacy.collections import legacy_collection, legacy_import
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.every_field import LEVELS, every_field, import_models, write_models
from ..helpers.legacy_server import legacy_client

Collection = dict[str, Any]
PASSWORD = "password-of-the-test"


@pytest_asyncio.fixture
async def old(make_transport: Callable[[], Transport]) -> AsyncGenerator[PocketBase, None]:
    """A client of a server of PocketBase 0.22."""
    async with legacy_client(make_transport) as pb:
        yield pb


async def read(pb: PocketBase, name: str) -> Collection:
    """Return a collection in the format of 0.22."""
    collection: Collection = await pb.send(f"/api/collections/{name}")
    return collection


async def create(pb: PocketBase, body: Collection) -> Collection:
    """Create a collection on 0.22, and return it in its format."""
    created: Collection = await pb.send("/api/collections", method="POST", body=legacy_collection(body, None))
    return created


async def update(pb: PocketBase, name: str, body: Collection) -> Collection:
    sent = legacy_collection(body, await read(pb, name))
    updated: Collection = await pb.send(f"/api/collections/{name}", method="PATCH", body=sent)
    return updated


async def import_again(pb: PocketBase) -> None:
    """Import all collections as they are read in the current format."""
    collections: list[Collection] = (await pb.send("/api/collections"))["items"]
    imported = [legacy_import(current_collection(each), each) for each in collections]
    await pb.send("/api/collections/import", method="PUT", body={"collections": imported, "deleteMissing": True})


def timeless(collection: Collection) -> Collection:
    return {key: value for key, value in collection.items() if key != "updated"}


async def make_posts(pb: PocketBase) -> Collection:
    """Create a collection with a field of each type that 0.22 has."""
    users = (await read(pb, "users"))["id"]
    tags = (await create(pb, {"name": "tags", "type": "base", "fields": [{"name": "x", "type": "text"}]}))["id"]
    fields = every_field(users, tags, with_geo_points=False)
    fields = [field for field in fields if not field.get("hidden") and "autogeneratePattern" not in field]
    fields += [
        {"name": "limited", "type": "text", "min": 2, "max": 5, "pattern": "^a", "presentable": True},
        {"name": "ranged", "type": "number", "min": 0, "max": 5.5},
        {"name": "domain", "type": "email", "onlyDomains": ["a.example"]},
        {"name": "rich", "type": "editor", "convertURLs": True},
        {"name": "era", "type": "date", "min": "2020-01-01 00:00:00.000Z"},
        {"name": "image", "type": "file", "mimeTypes": ["image/png"], "thumbs": ["9x9"], "protected": True},
        {"name": "any_tags", "type": "relation", "collectionId": tags, "maxSelect": 2147483647, "cascadeDelete": True},
    ]
    rules = {"listRule": "@request.body.title = ''", "viewRule": "", "createRule": None}
    indexes = ["CREATE UNIQUE INDEX `by_title` ON `posts` (`title`)"]
    return await create(pb, {"name": "posts", "type": "base", "fields": fields, "indexes": indexes, **rules})


@pytest.mark.slow
async def test_a_collection_with_every_type_of_fields_comes_back_the_same(old: PocketBase) -> None:
    created = await make_posts(old)
    assert created["listRule"] == "@request.data.title = ''"
    types = {field["type"] for field in created["schema"]}
    assert types == {"text", "editor", "number", "bool", "email", "url", "date", "select", "file", "relation", "json"}
    record = await old.collection("posts").create({"title": "kept", "level": LEVELS[0]})
    await import_again(old)
    assert timeless(await read(old, "posts")) == timeless(created)
    assert (await old.collection("posts").get_one(record["id"]))["title"] == "kept"
    current = current_collection(created)
    updated = await update(old, "posts", current)
    assert timeless(updated) == timeless(created)
    assert current["listRule"] == "@request.body.title = ''"
    assert [current["fields"][index]["name"] for index in (0, -2, -1)] == ["id", "created", "updated"]


@pytest.mark.slow
async def test_fields_without_their_ids_keep_their_data(old: PocketBase) -> None:
    created = await create(old, {"name": "a", "type": "base", "fields": [{"name": "x", "type": "text"}]})
    record = await old.collection("a").create({"x": "kept"})
    fields = [{"name": "y", "type": "text"}, {"name": "x", "type": "text", "id": "text2364057858", "required": True}]
    updated = await update(old, "a", {"fields": fields})
    assert [field["name"] for field in updated["schema"]] == ["y", "x"]
    assert updated["schema"][1]["id"] == created["schema"][0]["id"]
    assert (await old.collection("a").get_one(record["id"]))["x"] == "kept"
    # With its id, it is renamed. Another may take its name then.
    fields = [{"name": "x", "type": "number"}, {"name": "z", "type": "text", "id": created["schema"][0]["id"]}]
    await update(old, "a", {"fields": fields})
    record = await old.collection("a").get_one(record["id"])
    assert (record["x"], record["z"]) == (0, "kept")
    # A field of another type is a new one, as on newer servers.
    await update(old, "a", {"fields": [{"name": "z", "type": "bool"}]})
    assert (await old.collection("a").get_one(record["id"]))["z"] is False


@pytest.mark.slow
async def test_an_auth_collection_comes_back_the_same_and_keeps_what_a_change_does_not_name(old: PocketBase) -> None:
    defaults = await create(old, {"name": "people", "type": "auth"})
    assert defaults["options"] == {
        "allowEmailAuth": True,
        "allowOAuth2Auth": False,
        "allowUsernameAuth": False,
        "exceptEmailDomains": None,
        "manageRule": None,
        "minPasswordLength": 8,
        "onlyEmailDomains": None,
        "onlyVerified": False,
        "requireEmail": True,
    }
    body: Collection = {
        "fields": [
            {"name": "password", "type": "password", "min": 10},
            {"name": "email", "type": "email", "onlyDomains": ["a.example"]},
            {"name": "nick", "type": "text"},
        ],
        "passwordAuth": {"enabled": True, "identityFields": ["email", "username"]},
        "oauth2": {"enabled": True},
        "manageRule": "@request.body.nick = 'me'",
    }
    updated = await update(old, "people", body)
    expected = defaults["options"] | {
        "allowUsernameAuth": True,
        "allowOAuth2Auth": True,
        "manageRule": "@request.data.nick = 'me'",
        "minPasswordLength": 10,
        "onlyEmailDomains": ["a.example"],
        "requireEmail": False,
    }
    assert updated["options"] == expected
    updated = await update(old, "people", {"authRule": "verified = true"})
    assert updated["options"] == expected | {"onlyVerified": True}
    updated = await update(old, "people", {"authRule": ""})
    assert updated["options"] == expected
    await import_again(old)
    assert timeless(await read(old, "people")) == timeless(updated)
    assert timeless(await update(old, "people", current_collection(updated))) == timeless(updated)
    # An import that names little resets nothing.
    sent = {"collections": [legacy_import({"name": "people", "listRule": ""}, updated)]}
    await old.send("/api/collections/import", method="PUT", body=sent)
    assert timeless(await read(old, "people")) == timeless(updated) | {"listRule": ""}

    user = {"email": "u@a.example", "username": "somebody", "password": PASSWORD, "passwordConfirm": PASSWORD}
    await old.collection("people").create(user)
    login = {"identity": "somebody", "password": PASSWORD}
    answer = await old.send("/api/collections/people/auth-with-password", method="POST", body=login)
    assert answer["record"]["username"] == "somebody"


@pytest.mark.slow
async def test_a_view_comes_back_the_same(old: PocketBase) -> None:
    query = "SELECT id, name FROM users"
    created = await create(old, {"name": "names", "type": "view", "viewQuery": query, "fields": [{"name": "ignored"}]})
    assert created["options"] == {"query": query}
    current = current_collection(created)
    assert [field["name"] for field in current["fields"]] == ["id", "name"]
    await import_again(old)
    fields = ("id", "name", "type", "options", "listRule")
    imported = await read(old, "names")
    assert {key: imported[key] for key in fields} == {key: created[key] for key in fields}
    assert (await update(old, "names", {"listRule": ""}))["options"] == {"query": query}


@pytest.mark.parametrize(
    "version", [None, *(pytest.param(version, marks=pytest.mark.slow) for version in ("0.23.12", "0.36.9"))]
)
async def test_a_new_auth_collection_of_a_newer_server_has_what_0_22_has(
    transport: Transport, version: str | None
) -> None:
    async with LocalServer(version) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.admins.auth.with_password(*server.superuser)
        exported = await pb.collections.create({"name": "people", "type": "auth"})
        sent = legacy_collection(exported, None)
        assert (sent["schema"], sent["indexes"]) == ([], [])
        imported = current_collection(sent | {"schema": []})
        assert imported["passwordAuth"] == exported["passwordAuth"]
        assert imported["authRule"] == exported["authRule"]
        made = {field["name"]: field for field in imported["fields"]}
        for field in exported["fields"]:
            # An empty list may be None, and tokens may be made of other characters.
            differing = {
                key for key, value in field.items() if (value or None) != (made[field["name"]].get(key) or None)
            }
            assert differing <= {"autogeneratePattern"}


OPTIONS = {
    "allowEmailAuth": True,
    "allowOAuth2Auth": True,
    "allowUsernameAuth": True,
    "exceptEmailDomains": ["b.example"],
    "manageRule": "@request.data.nick = 'me'",
    "minPasswordLength": 10,
    "onlyEmailDomains": None,
    "onlyVerified": True,
    "requireEmail": False,
}


@pytest.mark.parametrize("version", [None, pytest.param("0.23.12", marks=pytest.mark.slow)])
async def test_an_auth_collection_in_the_old_style_keeps_its_options(transport: Transport, version: str | None) -> None:
    async with LocalServer(version) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.admins.auth.with_password(*server.superuser)
        schema = [
            {"name": "nick", "type": "text"},
            {"name": "friends", "type": "relation", "options": {"collectionId": "_pb_users_auth_", "maxSelect": None}},
        ]
        body = {
            "name": "people",
            "type": "auth",
            "schema": schema,
            "options": OPTIONS,
            "listRule": "@request.data.a:isset = false",
        }
        with pytest.warns(DeprecationWarning, match="flat 'fields'$"):
            created = await pb.collections.create(body)
        fields = {field["name"]: field for field in created["fields"]}
        assert fields["friends"]["maxSelect"] == 2147483647
        assert fields["password"]["min"] == 10
        assert (fields["email"]["required"], fields["email"]["exceptDomains"]) == (False, ["b.example"])
        assert (created["authRule"], created["manageRule"]) == ("verified=true", "@request.body.nick = 'me'")
        assert created["listRule"] == "@request.body.a:isset = false"
        assert created["oauth2"]["enabled"]
        people = pb.collection("people")
        with pytest.raises(PocketBaseBadRequestError, match="password"):
            await people.create({"username": "short", "password": "123456789"})
        await people.create({"username": "Somebody", "password": PASSWORD, "verified": True})
        guest = PocketBase(server.url, transport=transport)
        identity = "Somebody" if version else "somebody"
        answer = await guest.collection("people").auth.with_password(identity, PASSWORD)
        assert answer["record"]["username"] == "Somebody"
        made = await people.create({"password": PASSWORD, "verified": False})
        assert re.fullmatch(r"users\d{6}", made["username"])
        with pytest.raises(PocketBaseForbiddenError):
            await guest.collection("people").auth.with_password(made["username"], PASSWORD)
        # An import of the same collection changes nothing.
        indexes = {"indexes": created["indexes"][1:]}
        with pytest.warns(DeprecationWarning, match="flat 'fields'$"):
            await pb.collections.import_collections([body | {"id": created["id"]} | indexes])
        imported = await pb.collections.get_one("people")
        assert {field["name"]: field for field in imported.pop("fields")} == fields
        del created["fields"]
        assert timeless(imported) == timeless(created)


@pytest.mark.slow
async def test_models_are_made_of_collections_that_0_22_exports(old: PocketBase, tmp_path: Path) -> None:
    await make_posts(old)
    await create(old, {"name": "names", "type": "view", "viewQuery": "SELECT id, name FROM users"})
    module = import_models(write_models(tmp_path, (await old.send("/api/collections"))["items"], "dataclass"))
    await old.collection("posts").create({"title": "kept", "level": LEVELS[0], "kinds": ["a"]})
    post = await old.collection("posts", module.Posts).get_first()
    assert (post.title, post.kinds, post.any_tags, post.author) == ("kept", ["a"], [], "")
    assert post.created.year >= 2024
    user = {"username": "somebody", "name": "S", "password": PASSWORD, "passwordConfirm": PASSWORD}
    await old.collection("users").create(user)
    assert (await old.collection("users", module.Users).get_first()).username == "somebody"
    assert (await old.collection("names", module.Names).get_first()).name == "S"
