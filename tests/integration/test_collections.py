"""Collections, on a real server."""

import warnings

import pytest

from pocketbase_core import PocketBase, PocketBaseNotFoundError

from ..helpers.shared_collections import FIELDS, IS_LEGACY

pytestmark = pytest.mark.both_faces


async def test_a_collection_can_be_created_found_changed_and_deleted(pb: PocketBase, name: str) -> None:
    made = await pb.collections.create({"name": name, "type": "base", "fields": [{"name": "a", "type": "text"}]})
    assert (await pb.collections.get_first(filter=pb.filter("name = {:name}", name=name)))["id"] == made["id"]
    assert name in [each["name"] for each in await pb.collections.get_full_list(batch=2)]
    assert (await pb.collections.get_list(1, 1))["perPage"] == 1
    changed = await pb.collections.update(name, {"fields": [*made["fields"], {"name": "b", "type": "number"}]})
    dates = ["created", "updated"] if IS_LEGACY else []  # PocketBase 0.22 adds them to each collection
    assert [field["name"] for field in changed["fields"]] == ["id", "a", "b", *dates]
    await pb.collections.import_collections([{"name": f"{name}_2", "type": "base", "fields": FIELDS}])
    await pb.collections.delete(f"{name}_2")
    await pb.collections.delete(name)
    with pytest.raises(PocketBaseNotFoundError):
        await pb.collections.get_one(name)


@pytest.mark.refused_by_legacy("truncate")
async def test_a_collection_can_be_emptied(pb: PocketBase, name: str) -> None:
    await pb.collections.create({"name": name, "type": "base", "fields": FIELDS})
    await pb.collection(name).create({"text": "x"})
    await pb.collections.truncate(name)
    assert await pb.collection(name).get_full_list() == []


@pytest.mark.refused_by_legacy("scaffolds")
async def test_there_is_a_scaffold_for_each_type_of_collection(pb: PocketBase) -> None:
    assert set(await pb.collections.get_scaffolds()) == {"base", "auth", "view"}


@pytest.mark.asynchronous_only(reason="the helper for blocking calls makes them on a line of its own")
async def test_a_schema_in_the_old_style_becomes_fields_with_a_warning(pb: PocketBase, name: str) -> None:
    schema = [
        {"name": "title", "type": "text", "required": True, "options": {"min": None, "max": 10, "pattern": ""}},
        {"name": "kind", "type": "select", "options": {"maxSelect": 1, "values": ["a", "b"]}},
        {"name": "count", "type": "number", "options": {"noDecimal": True, "max": 5}},
    ]
    with pytest.warns(DeprecationWarning, match="fields") as caught:
        made = await pb.collections.create({"name": name, "type": "base", "schema": schema})
    assert caught[0].filename == __file__
    fields = {field["name"]: field for field in made["fields"]}
    assert list(fields) == ["id", "title", "kind", "count", "created", "updated"]
    assert (fields["title"]["required"], fields["title"]["max"]) == (True, 10)
    assert (fields["kind"]["values"], fields["count"]["onlyInt"]) == (["a", "b"], True)
    record = await pb.collection(name).create({"title": "x", "kind": "a"})
    assert record["created"]
    assert record["updated"]
    with pytest.warns(DeprecationWarning, match="fields"):
        await pb.collections.update(made["id"], {"schema": schema[:1]})
    assert (await pb.collection(name).get_one(record["id"]))["title"] == "x"
    with pytest.warns(DeprecationWarning, match="fields"):
        await pb.collections.import_collections(
            [{"name": name, "type": "base", "schema": schema}], delete_missing=False
        )
    with pytest.raises(ValueError, match="either fields or"):
        await pb.collections.create({"name": name, "schema": [], "fields": FIELDS})


async def test_a_collection_with_fields_makes_no_warning(pb: PocketBase, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await pb.collections.create({"name": name, "type": "base", "fields": FIELDS})


@pytest.mark.refused_by_legacy("the list of OAuth2 providers")
async def test_recent_servers_list_oauth2_providers(pb: PocketBase) -> None:
    assert "google" in [each["name"] for each in await pb.collections.get_all_oauth2_providers()]


@pytest.mark.refused_by_legacy("the fields of a query")
async def test_recent_servers_try_the_query_of_a_view(pb: PocketBase) -> None:
    assert "fields" in await pb.collections.dry_run_view_query("select id from users")
