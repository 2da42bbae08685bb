"""A collection with every type of fields comes back the same on either generation of servers."""

from typing import Any

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.every_field import LEVELS, every_field

NEWER = {"slug", "secret"}
"""Fields that PocketBase 0.22 cannot have: it generates no values, and hides none."""


def without_dates(collection: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in collection.items() if key != "updated"}


@pytest.mark.parametrize("version", [None, pytest.param("0.22.27", marks=pytest.mark.slow)])
async def test_a_collection_with_every_type_of_fields_comes_back_the_same(
    transport: Transport, version: str | None
) -> None:
    async with (
        LocalServer(version) as server,
        PocketBase(server.url, transport=transport, server_version=version) as pb,
    ):
        await pb.admins.auth.with_password(*server.superuser)
        tags = await pb.collections.create(
            {"name": "tags", "type": "base", "fields": [{"name": "label", "type": "text"}]}
        )
        users = await pb.collections.get_one("users")
        fields = every_field(users["id"], tags["id"], with_geo_points=False)
        fields = [field for field in fields if field["name"] not in NEWER]
        body = {"name": "things", "type": "base", "listRule": "@request.body.n:isset = false", "fields": fields}
        await pb.collections.create(body)

        stored = await pb.collections.get_one("things")
        assert stored["listRule"] == body["listRule"]
        by_name = {field["name"]: field for field in stored["fields"]}
        assert {*by_name} == {"id", *(field["name"] for field in fields)}
        for field in fields:
            for key, value in field.items():
                assert by_name[field["name"]][key] == value, (field["name"], key)

        record = await pb.collection("things").create({"title": "kept", "level": LEVELS[0], "n": 1.5})
        await pb.collections.import_collections([stored])
        assert without_dates(await pb.collections.get_one("things")) == without_dates(stored)
        await pb.collections.update("things", {"fields": [{**field, "id": ""} for field in stored["fields"]]})
        assert without_dates(await pb.collections.get_one("things")) == without_dates(stored)
        kept = await pb.collection("things").get_one(record["id"])
        assert (kept["title"], kept["n"]) == ("kept", 1.5)
