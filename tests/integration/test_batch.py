"""Batches, and what they do to the auth store, on a real server."""

import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from pocketbase_core import (
    AuthStore,
    FileUpload,
    PocketBase,
    PocketBaseBatchError,
    PocketBaseDecodeError,
    PocketBaseForbiddenError,
)
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import allow_batches
from .conftest import MakeClient

pytestmark = [pytest.mark.both_faces, pytest.mark.refused_by_legacy("batches")]


@pytest.fixture
async def batches(pb: PocketBase) -> PocketBase:
    await allow_batches(pb, maxRequests=600, timeout=30)
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
    assert list(caught.value.errors) == [500], "the error has the position in the queue"
    assert caught.value.errors[500].field_errors["n"]["code"] == "validation_max_number_constraint"
    assert len(await pb.collection(name).get_full_list()) == 2, "all of it was rolled back"
    batch.queue.pop()
    results = await batch.send()
    assert batch.results is results, "the results stay with the batch"
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
    assert block.results is None, "an aborted batch was sent"
    await batches.settings.update({"batch": {"enabled": False}})
    with pytest.raises(PocketBaseForbiddenError):
        async with batches.create_batch() as block:
            block.collection("posts").create({})


@pytest_asyncio.fixture
async def admin(server: LocalServer, superuser: AuthStore, make_client: MakeClient) -> AsyncGenerator[PocketBase, None]:
    """A superuser's client on one transport, because each sign-in of a user takes the server a while."""
    async with make_client(server.url, transport=AiohttpTransport(), auth_store=superuser) as client:
        await allow_batches(client)
        yield client


class Session(NamedTuple):
    """A client with a signed-in user, the user's record, and the token."""

    pb: PocketBase
    record: dict[str, Any]
    token: str


@pytest_asyncio.fixture
async def signed_in(admin: PocketBase) -> AsyncGenerator[Session, None]:
    email = f"{secrets.token_hex(6)}@example.com"
    user = {"email": email, "password": "password123", "passwordConfirm": "password123", "name": "old"}
    await admin.collection("users").create(user)
    async with admin.with_auth_store(AuthStore()) as own:
        result = await own.collection("users").auth.with_password(email, "password123")
        own.auth_store.save(result["token"], {**result["record"], "expand": {"kept": {"id": "x"}}})
        yield Session(own, result["record"], result["token"])


async def test_a_batch_that_changes_the_signed_in_record_changes_the_store(signed_in: Session) -> None:
    pb, record, token = signed_in
    for collection in ("users", record["collectionId"]):
        for method in ("update", "upsert"):
            name = secrets.token_hex(4)
            async with pb.create_batch() as batch:
                queue = batch.collection(collection)
                if method == "update":
                    queue.update(record["id"], {"name": name}, fields="name")
                else:
                    queue.upsert({"id": record["id"], "name": name})
            own = pb.auth_store.record or {}
            assert (own["name"], own["email"], own["expand"]) == (name, record["email"], {"kept": {"id": "x"}})
            assert pb.auth_store.token == token


async def test_a_batch_that_deletes_the_signed_in_record_clears_the_store(signed_in: Session) -> None:
    pb, record, _ = signed_in
    async with pb.create_batch() as batch:
        batch.collection("users").update(record["id"], {"name": "last"})
        batch.collection("users").delete(record["id"])
    assert (pb.auth_store.token, pb.auth_store.record) == ("", None)


async def test_a_batch_that_fails_leaves_the_store_unchanged(signed_in: Session) -> None:
    pb, record, token = signed_in
    before = pb.auth_store.record
    batch = pb.create_batch()
    batch.collection("users").update(record["id"], {"name": "new"})
    batch.collection("users").update("missing", {"name": "nobody"})
    with pytest.raises(PocketBaseBatchError):
        await batch.send()
    assert (pb.auth_store.token, pb.auth_store.record) == (token, before)


async def test_a_batch_of_other_records_leaves_the_store_unchanged(admin: PocketBase, signed_in: Session) -> None:
    post = await admin.collection("posts").create({"n": 1})
    before, token = admin.auth_store.record, admin.auth_store.token
    async with admin.create_batch() as batch:
        batch.collection("posts").update(post["id"], {"n": 2})
        batch.collection("users").update(signed_in.record["id"], {"name": "other"})
        batch.collection("posts").create({"n": 3})
        batch.collection("posts").delete(post["id"])
    assert (admin.auth_store.token, admin.auth_store.record) == (token, before)


async def test_the_store_follows_a_batch_whose_records_cannot_be_decoded(signed_in: Session) -> None:
    @dataclass
    class Wrong:
        name: int

    pb, record, _ = signed_in
    batch = pb.create_batch()
    batch.collection("users", Wrong).update(record["id"], {"name": "one"})
    batch.collection("users").update(record["id"], {"name": "two"})
    with pytest.raises(PocketBaseDecodeError):
        await batch.send()
    assert (pb.auth_store.record or {})["name"] == "two"
