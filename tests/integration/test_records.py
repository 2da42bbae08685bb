"""Records, on a real server."""

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import (
    AuthStore,
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseNotFoundError,
)
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import FIELDS, IS_LEGACY, client_of

pytestmark = pytest.mark.both_faces


async def test_a_record_can_be_created_read_changed_and_deleted(pb: PocketBase) -> None:
    posts = pb.collection("posts")
    body: dict[str, Any] = {
        "title": "Hello 😀",
        "n": 1.5,
        "yes": True,
        "data": {"deep": [1, None, "ü", {"a": []}]},
        "when": datetime(2024, 1, 2, 3, 4, 5, 678000, UTC),
    }
    created = await posts.create(body)
    assert {key: created[key] for key in body} == {**body, "when": "2024-01-02 03:04:05.678Z"}
    assert await posts.get_one(created["id"]) == created
    assert await posts.get_one(created["id"], fields="id,title") == {"id": created["id"], "title": "Hello 😀"}
    changed = await posts.update(created["id"], {"title": "Bye", "when": None})
    assert (changed["title"], changed["when"], changed["n"]) == ("Bye", "", 1.5)
    await posts.delete(created["id"])
    with pytest.raises(PocketBaseNotFoundError):
        await posts.get_one(created["id"])


async def test_a_list_has_the_items_and_the_totals(pb: PocketBase) -> None:
    posts, mark = pb.collection("posts"), secrets.token_hex(4)
    await asyncio.gather(*(posts.create({"title": mark, "n": number}) for number in range(25)))
    options = {"filter": pb.filter("title = {:mark}", mark=mark), "sort": "-n"}
    page = await posts.get_list(2, 10, options)
    assert (page["page"], page["perPage"], page["totalItems"], page["totalPages"]) == (2, 10, 25, 3)
    assert [record["n"] for record in page["items"]] == list(range(14, 4, -1))
    assert (await posts.get_list(1, 10, options, skip_total=True))["totalItems"] == -1, (
        "the server was not asked for the total"
    )
    everything = [record["n"] for record in await posts.get_full_list(options)]
    assert everything == [record["n"] async for record in posts.iterate(7, options)] == list(range(24, -1, -1))
    assert (await posts.get_first(options))["n"] == 24
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await posts.get_first({"filter": "title = 'nobody has this'"})
    assert caught.value.data == {"status": 404, "message": "The requested resource wasn't found.", "data": {}}


@pytest_asyncio.fixture(scope="session")
async def many(server: LocalServer, superuser: AuthStore) -> None:
    """More records than the server puts on a page, created with one transport."""
    async with client_of(server.url, transport=AiohttpTransport(), auth_store=superuser, timeout=120) as pb:
        fields = [{"name": "n", "type": "number"}]
        await pb.collections.create({"name": "many", "type": "base", "fields": fields})
        if IS_LEGACY:
            await asyncio.gather(*(pb.collection("many").create({"n": number}) for number in range(1200)))
            return
        await pb.settings.update({"batch": {"enabled": True, "maxRequests": 1000, "timeout": 60}})
        for numbers in (range(1000), range(1000, 1200)):
            async with pb.create_batch() as batch:
                for number in numbers:
                    batch.collection("many").create({"n": number})


@pytest.mark.usefixtures("many")
async def test_a_full_list_may_be_larger_than_the_servers_page(pb: PocketBase) -> None:
    records = await pb.collection("many").get_full_list(batch=2000)
    assert sorted(record["n"] for record in records) == list(range(1200))


async def test_expand_brings_the_related_record(pb: PocketBase) -> None:
    post = await pb.collection("posts").create({"title": "parent"})
    comment = await pb.collection("comments").create({"post": post["id"]}, expand=["post"])
    assert comment["expand"]["post"] == post


async def test_an_invalid_record_is_an_error_that_names_its_fields(pb: PocketBase) -> None:
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await pb.collection("users").create({"email": "no", "password": "x"})
    assert set(caught.value.field_errors) >= {"email", "password"}
    assert caught.value.field_errors["email"]["code"] == "validation_is_email"
    assert "email: " in str(caught.value)


@pytest.mark.parametrize("options", [{"filter": "titel = 1"}, {"filter": "title = 1 &&"}, {"sort": "-creatd"}])
async def test_a_filter_or_sort_with_a_typo_is_an_error_with_a_note(pb: PocketBase, options: dict[str, str]) -> None:
    posts = pb.collection("posts")
    calls = [posts.get_list(options=options), posts.get_full_list(options), posts.get_first(options)]
    for call in [*calls, anext(posts.iterate(options=options))]:
        with pytest.raises(PocketBaseBadRequestError) as caught:
            await call
        (note,) = caught.value.__notes__
        assert f"`{next(iter(options))}`" in note


async def test_a_rule_that_forbids_a_call_is_an_error_with_a_note(pb: PocketBase, guest: PocketBase, name: str) -> None:
    await pb.collections.create(
        {"name": name, "type": "base", "fields": FIELDS, "createRule": "@request.auth.id != ''"}
    )
    for call, note in (
        (guest.collection(name).create({}), "create rule"),
        (guest.collection(name).get_list(), "superusers only"),
    ):
        with pytest.raises(PocketBaseError) as caught:
            await call
        assert note in caught.value.__notes__[0]


async def test_files_and_other_values_are_stored_and_changed_together(pb: PocketBase, tmp_path: Path) -> None:
    path = tmp_path / "from disk.txt"
    path.write_text("from disk")
    posts = pb.collection("posts")
    body: dict[str, Any] = {
        "title": "true",
        "n": 7,
        "data": {"nested": [1, "2", []]},
        "docs": [FileUpload(path), FileUpload(("a.txt", "text"), ("b.bin", b"\0\xff"))],
    }
    record = await posts.create(body)
    assert (record["title"], record["n"], record["data"]) == ("true", 7, {"nested": [1, "2", []]})
    disk, text, binary = record["docs"]
    assert disk.startswith("from_disk_")
    record = await posts.update(record["id"], {"docs": [text, FileUpload(("c.txt", "c"))]})
    assert record["docs"][0] == text
    assert len(record["docs"]) == 2
    place, names = ("docs+", ["c", "d"]) if IS_LEGACY else ("+docs", ["d", "c"])  # PocketBase 0.22 only appends
    record = await posts.update(record["id"], {place: FileUpload(("d.txt", "d")), "docs-": [text]})
    assert [name[0] for name in record["docs"]] == names
    record = await posts.update(record["id"], {"docs": [], "data": None})
    assert (record["docs"], record["data"]) == ([], None)
    assert binary not in record["docs"]


async def test_an_open_file_is_sent_whole_each_time(pb: PocketBase, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789" * 100_000)
    with path.open("rb") as opened:
        body = {"docs": FileUpload(("a.txt", opened))}
        first, second = await asyncio.gather(pb.collection("posts").create(body), pb.collection("posts").create(body))
        assert not opened.closed, "the file belongs to the caller"
    assert len(first["docs"]) == len(second["docs"]) == 1, "a request got only a part of the file"


@pytest.mark.parametrize("record_id", ["..", ".", "", "../../victims", "../../../collections/victims"])
async def test_no_id_leads_to_another_path(pb: PocketBase, library: str, record_id: str) -> None:
    name = f"victims_{library}"
    collection = await pb.collections.create({"name": name, "type": "base", "fields": FIELDS})
    with pytest.raises((ValueError, PocketBaseNotFoundError)):
        await pb.collection("posts").delete(record_id.replace("victims", name))
    with pytest.raises((ValueError, PocketBaseNotFoundError)):
        await pb.collection(name).delete(record_id)
    assert (await pb.collections.get_one(name))["id"] == collection["id"], "the collection was deleted"
    await pb.collections.delete(collection["id"])
