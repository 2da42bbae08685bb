"""Deletes whose responses are lost, on a real server: the caller learns whether the record was deleted."""

import secrets
from collections.abc import Awaitable, Callable

import pytest

from pocketbase_core import AuthStore, FileUpload, PocketBase, PocketBaseBadRequestError, PocketBaseNotFoundError
from pocketbase_core.middleware import Middleware, Retry
from pocketbase_core.ports import Transport

from ..helpers.lost_responses import LostResponses
from ..helpers.shared_collections import FIELDS, OPEN, client_of

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


async def record(pb: PocketBase) -> Callable[[PocketBase], Awaitable[None]]:
    created = await pb.collection("posts").create({"title": "gone"})
    return lambda lossy: lossy.collection("posts").delete(created["id"])


async def collection(pb: PocketBase) -> Callable[[PocketBase], Awaitable[None]]:
    created = await pb.collections.create({"name": f"gone_{secrets.token_hex(4)}", "type": "base", "fields": FIELDS})
    return lambda lossy: lossy.collections.delete(created["id"])


async def record_of_a_collection_that_goes(pb: PocketBase) -> Callable[[PocketBase], Awaitable[None]]:
    name = f"gone_{secrets.token_hex(4)}"
    await pb.collections.create({"name": name, "type": "base", "fields": FIELDS})
    created = await pb.collection(name).create({})
    await pb.collections.delete(name)
    return lambda lossy: lossy.collection(name).delete(created["id"])


async def backup(pb: PocketBase) -> Callable[[PocketBase], Awaitable[None]]:
    name = f"gone_{secrets.token_hex(4)}.zip"
    await pb.backups.upload(FileUpload((name, EMPTY_ZIP)))
    return lambda lossy: lossy.backups.delete(name)


def lossy(pb: PocketBase, transport: Transport, store: AuthStore, status: int | None = None) -> PocketBase:
    layers: list[Middleware] = [Retry(backoff=0), LostResponses(status=status, method="DELETE")]
    return client_of(pb.base_url, transport=transport, auth_store=store, middleware=layers)


@pytest.mark.parametrize("status", [None, 502])
@pytest.mark.parametrize("prepare", [record, collection, record_of_a_collection_that_goes, backup])
async def test_a_delete_whose_response_was_lost_succeeds(
    pb: PocketBase,
    transport: Transport,
    prepare: Callable[[PocketBase], Awaitable[Callable[[PocketBase], Awaitable[None]]]],
    status: int | None,
) -> None:
    delete = await prepare(pb)
    await delete(lossy(pb, transport, pb.auth_store, status))
    with pytest.raises((PocketBaseNotFoundError, PocketBaseBadRequestError)):
        await delete(pb)


async def test_a_record_that_may_be_seen_and_not_deleted_is_not_reported_as_deleted(
    pb: PocketBase, transport: Transport
) -> None:
    name = f"kept_{secrets.token_hex(4)}"
    rules = {**OPEN, "deleteRule": "@request.auth.id = 'nobody'"}
    await pb.collections.create({"name": name, "type": "base", **rules, "fields": FIELDS})
    created = await pb.collection(name).create({})
    with pytest.raises(PocketBaseNotFoundError):
        await lossy(pb, transport, AuthStore()).collection(name).delete(created["id"])
    assert await pb.collection(name).get_one(created["id"])
    await pb.collections.delete(name)


async def test_a_first_attempt_that_finds_nothing_is_an_error(pb: PocketBase) -> None:
    with pytest.raises(PocketBaseNotFoundError):
        await pb.collection("posts").delete("missing")
    with pytest.raises(PocketBaseNotFoundError):
        await pb.collections.delete("missing")
