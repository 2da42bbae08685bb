"""The client confirms passwords in auth collections, and in no other collections, on a real server."""

import secrets
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import AuthStore, PocketBase, PocketBaseBadRequestError, Request, Response
from pocketbase_core.middleware import Handler, Middleware, Retry
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.lost_responses import LostResponses
from ..helpers.shared_collections import IS_LEGACY, OPEN, client_of

TEXTS = [{"name": name, "type": "text"} for name in ("password", "passwordConfirm", "oldPassword")]


Seen = list[str]


@pytest_asyncio.fixture
async def admin(server: LocalServer, superuser: AuthStore) -> AsyncGenerator[PocketBase, None]:
    """A superuser's client on one transport, because hashing passwords takes the server a while."""
    async with client_of(server.url, transport=AiohttpTransport(), auth_store=superuser) as client:
        if not IS_LEGACY:
            await client.settings.update({"batch": {"enabled": True}})
        yield client


@pytest_asyncio.fixture
async def names(admin: PocketBase) -> tuple[str, str]:
    """An auth collection, and a base collection that has text fields of the same names."""
    mark = secrets.token_hex(4)
    people, safe = f"people_{mark}", f"safe_{mark}"
    await admin.collections.create({"name": people, "type": "auth", **OPEN})
    await admin.collections.create({"name": safe, "type": "base", "fields": TEXTS, **OPEN})
    return people, safe


@pytest_asyncio.fixture
async def counted(admin: PocketBase) -> AsyncGenerator[tuple[PocketBase, Seen], None]:
    """A client, and the method and last segment of the path of each of its requests."""
    seen: Seen = []

    async def count(request: Request, call_next: Handler) -> Response:
        seen.append(f"{request.method} {request.url.rpartition('/')[2]}")
        return await call_next(request)

    async with client_of(
        admin.base_url, transport=AiohttpTransport(), auth_store=admin.auth_store, middleware=[count]
    ) as client:
        yield client, seen


def user(password: str = "password123", **more: Any) -> dict[str, Any]:
    return {"email": f"{secrets.token_hex(6)}@example.com", "password": password, **more}


async def test_a_password_alone_is_enough_in_any_collection_of_users(
    counted: tuple[PocketBase, Seen], names: tuple[str, str]
) -> None:
    pb, seen = counted
    people = pb.collection(names[0])
    created = await people.create(user())
    await people.update(created["id"], {"password": "password456"})
    assert seen == ["GET auth-methods", "POST records", f"PATCH {created['id']}"], (
        "the client asks about a collection once"
    )
    async with pb.with_auth_store(AuthStore()) as own:
        await own.collection(names[0]).auth.with_password(created["email"], "password456")
        await own.collection(names[0]).update(created["id"], {"oldPassword": "password456", "password": "password789"})
    seen.clear()
    await people.create(user(passwordConfirm="password123"))
    assert seen == ["POST records"], "with the confirmation, nothing has to be asked"


async def test_a_password_that_is_confirmed_wrongly_is_refused(admin: PocketBase, names: tuple[str, str]) -> None:
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await admin.collection(names[0]).create(user(passwordConfirm="another"))
    assert "passwordConfirm" in caught.value.field_errors


async def test_fields_of_these_names_are_left_alone_in_other_collections(
    admin: PocketBase, names: tuple[str, str]
) -> None:
    safe = admin.collection(names[1])
    record = await safe.create({"passwordConfirm": "own"})
    changed = await safe.update(record["id"], {"password": "new", "oldPassword": "old"})
    assert [changed[field["name"]] for field in TEXTS] == ["new", "own", "old"]
    assert (await safe.create({"password": "new"}))["passwordConfirm"] == ""


@pytest.mark.refused_by_legacy("batches")
async def test_a_batch_confirms_passwords_of_users_and_no_others(
    counted: tuple[PocketBase, Seen], names: tuple[str, str]
) -> None:
    (pb, seen), (people, safe) = counted, names
    record = await pb.collection(safe).create({"passwordConfirm": "own"})
    old = await pb.collection(people).create(user(passwordConfirm="password123"))
    seen.clear()
    async with pb.create_batch() as batch:
        for _ in range(2):
            batch.collection(people).create(user())
        batch.collection(people).update(old["id"], {"password": "password456"})
        batch.collection(safe).update(record["id"], {"password": "new"})
        batch.collection(safe).upsert({"id": record["id"], "password": "newer"})
        batch.collection("_superusers").create(user())
        batch.collection(people).delete(old["id"])
    assert seen == ["GET auth-methods"] * 2 + ["POST batch"], (
        "the client asks once for each collection it does not know"
    )
    kept = await pb.collection(safe).get_one(record["id"])
    assert [kept[field["name"]] for field in TEXTS] == ["newer", "own", ""]
    await pb.admins.delete((batch.results or [])[5]["body"]["id"])


async def test_a_user_whose_response_was_lost_is_stored_once(admin: PocketBase, names: tuple[str, str]) -> None:
    layers: list[Middleware] = [Retry(creates=True, backoff=0), LostResponses()]
    async with client_of(admin.base_url, transport=AiohttpTransport(), middleware=layers) as pb:
        body = user()
        created = await pb.collection(names[0]).create(body)
        assert [each["id"] for each in await admin.collection(names[0]).get_full_list()] == [created["id"]]
        await pb.collection(names[0]).auth.with_password(body["email"], "password123")
