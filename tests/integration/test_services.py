"""Everything but records and sign-in, on a real server."""

import secrets
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseBatchError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
)
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.endpoints import custom
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer


def png(width: int, height: int) -> bytes:
    """A black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def name() -> str:
    return f"c_{secrets.token_hex(4)}"


async def test_a_collection_can_be_created_found_changed_emptied_and_deleted(pb: PocketBase, name: str) -> None:
    made = await pb.collections.create({"name": name, "type": "base", "fields": [{"name": "a", "type": "text"}]})
    assert (await pb.collections.get_first(filter=pb.filter("name = {:name}", name=name)))["id"] == made["id"]
    assert name in [each["name"] for each in await pb.collections.get_full_list(batch=2)]
    assert (await pb.collections.get_list(1, 1))["perPage"] == 1
    changed = await pb.collections.update(name, {"fields": [*made["fields"], {"name": "b", "type": "number"}]})
    assert [field["name"] for field in changed["fields"]] == ["id", "a", "b"]
    await pb.collection(name).create({"a": "x"})
    await pb.collections.truncate(name)
    assert await pb.collection(name).get_full_list() == []
    await pb.collections.import_collections([{"name": f"{name}_2", "type": "base", "fields": []}])
    await pb.collections.delete(f"{name}_2")
    await pb.collections.delete(name)
    with pytest.raises(PocketBaseNotFoundError):
        await pb.collections.get_one(name)
    assert set(await pb.collections.get_scaffolds()) == {"base", "auth", "view"}


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
        await pb.collections.create({"name": name, "schema": [], "fields": []})


async def test_a_file_can_be_read_streamed_and_downloaded(pb: PocketBase, guest: PocketBase, tmp_path: Path) -> None:
    content = secrets.token_bytes(300_000)
    record = await pb.collection("posts").create({"docs": FileUpload(("a b.bin", content))})
    (filename,) = record["docs"]
    place = ("posts", record["id"], filename)
    assert pb.files.get_url(*place) == f"{pb.base_url}/api/files/posts/{record['id']}/{filename}"
    assert pb.files.get_url(record, filename, {"thumb": "100x100", "token": "a&b", "download": True}) == (
        f"{pb.base_url}/api/files/{record['collectionId']}/{record['id']}/{filename}?thumb=100x100&token=a%26b&download=true"
    )
    assert pb.files.get_url(record, filename, download=False).endswith(filename)
    assert pb.files.get_url(record, "") == pb.files.get_url("posts", record["id"], "") == ""
    assert await guest.files.download_file(*place) == content
    assert await guest.files.download_file(*place, options={"thumb": "100x100"}) == content
    async with guest.files.stream(*place) as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == content
    told: list[tuple[int, int | None]] = []
    target = tmp_path / "out.bin"
    await guest.files.download_to(target, *place, on_progress=lambda done, total: told.append((done, total)))
    assert target.read_bytes() == content
    assert told[-1] == (len(content), len(content))
    target.write_bytes(b"old")
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_to(target, "posts", record["id"], "missing.bin")
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file("posts", record["id"], "missing.bin")
    assert target.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["out.bin"]


async def test_a_protected_file_can_be_read_with_a_token_only(pb: PocketBase, guest: PocketBase, name: str) -> None:
    fields = [{"name": "doc", "type": "file", "protected": True}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    record = await pb.collection(name).create({"doc": FileUpload(("a.txt", "secret"))})
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file(name, record["id"], record["doc"])
    token = await pb.files.get_token()
    assert await guest.files.download_file(name, record["id"], record["doc"], token=token) == b"secret"
    path = pb.files.get_url(record, record["doc"], token=token, download=True).removeprefix(pb.base_url)
    async with guest.pipeline.stream(custom.send(path, parse_options(SendOptions, None, {}))) as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == b"secret"
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file(name, record["id"], record["doc"], token="no." + token)


async def test_a_thumbnail_of_a_known_size_is_served(pb: PocketBase, name: str) -> None:
    fields = [{"name": "image", "type": "file", "protected": True, "thumbs": ["8x4"]}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    record = await pb.collection(name).create({"image": FileUpload(("a.png", png(64, 64)))})
    place = (name, record["id"], record["image"])
    token = await pb.files.get_token()
    for thumb, size in ({"thumb": "8x4"}, (8, 4)), ({"thumb": "9x9"}, (64, 64)), ({}, (64, 64)):
        content = await pb.files.download_file(*place, {"token": token, **thumb})
        assert struct.unpack(">II", content[16:24]) == size


async def test_a_backup_can_be_created_downloaded_uploaded_and_deleted(pb: PocketBase, tmp_path: Path) -> None:
    key = f"backup_{secrets.token_hex(4)}.zip"
    await pb.backups.create(key)
    assert key in [backup["key"] for backup in await pb.backups.get_full_list()]
    content = await pb.backups.download(key)
    assert content.startswith(b"PK")
    await pb.backups.download_to(tmp_path / "b.zip", key)
    assert (tmp_path / "b.zip").read_bytes() == content
    await pb.backups.delete(key)
    await pb.backups.upload(FileUpload((key, content)))
    assert pb.backups.get_download_url(key, token="t") == f"{pb.base_url}/api/backups/{key}?token=t"
    with pytest.raises(PocketBaseBadRequestError):
        await pb.backups.create(key)
    await pb.backups.delete(key)


async def test_settings_can_be_changed_and_tested(pb: PocketBase) -> None:
    settings = await pb.settings.get_all()
    changed = await pb.settings.update({"meta": {**settings["meta"], "appName": "Acme"}})
    assert changed["meta"]["appName"] == "Acme"
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await pb.settings.update({"meta": {"appName": ""}})
    assert "meta" in caught.value.field_errors
    with pytest.raises(PocketBaseBadRequestError, match="S3"):
        await pb.settings.test_s3()
    with pytest.raises(PocketBaseBadRequestError):
        await pb.settings.test_email("users", "a@example.com", "verification")
    with pytest.raises(PocketBaseBadRequestError):
        await pb.settings.generate_apple_client_secret("a", "b", "c", "d", 60)
    page = await pb.logs.get_list(2, 5, filter="level > 99")
    assert (page["page"], page["perPage"], page["items"]) == (2, 5, [])
    assert isinstance(await pb.logs.get_stats(), list)
    with pytest.raises(PocketBaseNotFoundError):
        await pb.logs.get_one("missing")


async def test_what_recent_servers_added(pb: PocketBase) -> None:
    assert "google" in [each["name"] for each in await pb.collections.get_all_oauth2_providers()]
    assert "fields" in await pb.collections.dry_run_view_query("select id from users")
    jobs = [job["id"] for job in await pb.crons.get_full_list()]
    await pb.crons.run(jobs[0])
    with pytest.raises(PocketBaseNotFoundError, match="cron"):
        await pb.crons.run("missing")
    assert (await pb.sql.run("select 1 + 1 as n"))["rows"] == [["2"]]
    await pb.logs.truncate()


async def test_a_client_of_another_user_has_a_session_of_its_own(pb: PocketBase) -> None:
    other = pb.with_auth_store(AuthStore())
    assert not other.auth_store.token
    await other.collection("users").auth.with_password("user@example.com", "password123")
    assert pb.auth_store.is_superuser
    assert not other.auth_store.is_superuser
    await other.aclose()
    assert (await pb.health.check())["code"] == 200


@pytest.fixture
async def batches(pb: PocketBase) -> PocketBase:
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": 600, "timeout": 30}})
    return pb


async def test_a_batch_of_five_hundred_is_done_whole_or_not_at_all(batches: PocketBase, name: str) -> None:
    pb = batches
    fields = [{"name": "n", "type": "number", "max": 10_000}, {"name": "doc", "type": "file", "maxSelect": 2}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    first = await pb.collection(name).create({"n": -1})
    second = await pb.collection(name).create({"n": -2})

    def fill(batch: Any) -> None:
        records = batch.collection(name)
        for number in range(496):
            records.create({"n": number}, fields="id,n")
        records.create({"n": 496, "doc": [FileUpload(("first.txt", "a"))]})
        records.update(first["id"], {"n": 497, "doc+": FileUpload(("second.txt", "b"))})
        records.upsert({"id": "abcdefghijklmno", "n": 498})
        records.delete(second["id"])

    batch = pb.create_batch()
    fill(batch)
    batch.queue.insert(3, batch.queue.pop())
    batch.collection(name).create({"n": 99_999})
    with pytest.raises(PocketBaseBatchError) as caught:
        await batch.send()
    assert list(caught.value.errors) == [500]
    assert caught.value.errors[500].field_errors["n"]["code"] == "validation_max_number_constraint"
    assert len(await pb.collection(name).get_full_list()) == 2, "all of it was rolled back"
    batch.queue.pop()
    results = await batch.send()
    assert batch.results is results
    assert len(results) == 500
    assert results[0] == {"status": 200, "body": {"id": results[0]["body"]["id"], "n": 0}}
    assert results[3] == {"status": 204, "body": None}
    assert results[-3]["body"]["doc"][0].startswith("first_")
    assert results[-2]["body"]["doc"][0].startswith("second_")
    assert results[-1]["body"]["id"] == "abcdefghijklmno"
    assert len(await pb.collection(name).get_full_list()) == 499
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()


async def test_an_empty_too_large_aborted_or_disabled_batch_does_nothing(batches: PocketBase) -> None:
    with pytest.raises(ValueError, match="empty"):
        await batches.create_batch().send()
    batch = batches.create_batch()
    for _ in range(1001):
        batch.collection("posts").create({})
    with pytest.raises(ValueError, match="maxRequests"):
        await batch.send()
    async with batches.create_batch() as block:
        block.collection("posts").create({"title": "in a block"})
    assert (block.results or [])[0]["body"]["title"] == "in a block"
    with pytest.raises(KeyError):
        async with batches.create_batch() as block:
            block.collection("posts").create({})
            raise KeyError
    assert block.results is None
    await batches.settings.update({"batch": {"enabled": False}})
    with pytest.raises(PocketBaseForbiddenError):
        async with batches.create_batch() as block:
            block.collection("posts").create({})


@pytest.mark.slow
async def test_a_route_that_the_server_does_not_know_names_the_version_it_came_with(transport: Transport) -> None:
    async with LocalServer("0.23") as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.admins.auth.with_password(*server.superuser)
        calls: list[tuple[Any, str]] = [
            (pb.crons.get_full_list(), "0.24"),
            (pb.crons.run("x"), "0.24"),
            (pb.collections.get_all_oauth2_providers(), "0.37"),
            (pb.collections.dry_run_view_query("select 1"), "0.37"),
            (pb.sql.run("select 1"), "0.39"),
            (pb.logs.truncate(), "0.40"),
        ]
        for call, version in calls:
            with pytest.raises(PocketBaseNotFoundError, match=f"came with PocketBase {version}"):
                await call


async def test_a_collection_with_fields_makes_no_warning(pb: PocketBase, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await pb.collections.create({"name": name, "type": "base", "fields": []})
