"""A call that revokes the tokens of the signed-in user clears the store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBase, Request, Response
from pocketbase_transports import MockTransport

from ...helpers.tokens import legacy_token, token

USER = {"id": "u1", "collectionId": "c1", "collectionName": "users", "email": "a@example.com"}
ADMIN = {"id": "s1", "collectionId": "pbc_3142635823", "collectionName": "_superusers", "email": "s@example.com"}


def client(record: dict[str, Any], content: dict[str, Any] | None = None) -> PocketBase:
    def handler(request: Request) -> Response:
        return Response(204) if content is None else Response(200, json={**record, **content})

    pb = PocketBase("http://h", transport=MockTransport(handler))
    pb.auth_store.save(token(3600, id=record["id"], collectionId=record["collectionId"]), record)
    return pb


def updated(body: dict[str, Any]) -> Callable[[PocketBase], Awaitable[object]]:
    return lambda pb: pb.collection("users").update("u1", body)


def superuser_updated(body: dict[str, Any]) -> Callable[[PocketBase], Awaitable[object]]:
    return lambda pb: pb.admins.update("s1", body)


EMAIL = {"email": "b@example.com"}
IN_CAPITALS = "USERS"  # the server ignores the case of a collection's name
STAFF = {**USER, "collectionName": "Staff"}
REVOKING: list[tuple[Callable[[PocketBase], Awaitable[object]], dict[str, Any], dict[str, Any] | None]] = [
    (updated({"password": "new"}), USER, {}),
    (updated({"password": "new", "avatar": FileUpload(("a.png", b""))}), USER, {}),
    (updated(EMAIL), USER, EMAIL),
    (lambda pb: pb.collection("c1").update("u1", EMAIL, fields="id"), USER, {"email": "b@example.com"}),
    (superuser_updated({"tokenKey": "x"}), ADMIN, {}),
    (superuser_updated({"tokenKey:autogenerate": ""}), ADMIN, {}),
    (lambda pb: pb.collection("users").auth.confirm_password_reset(token(1), "new"), USER, None),
    (lambda pb: pb.collection("users").auth.confirm_email_change(token(1), "old"), USER, None),
    (lambda pb: pb.collections.update("_superusers", {"authToken": {"secret": "x" * 30}}), ADMIN, {}),
    (lambda pb: pb.collections.truncate("pbc_3142635823"), ADMIN, None),
    (lambda pb: pb.collections.delete("users"), USER, None),
    (lambda pb: pb.collections.delete(IN_CAPITALS), USER, None),
    (lambda pb: pb.collection(IN_CAPITALS).update("u1", {"password": "new"}), USER, {}),
    (lambda pb: pb.collection(IN_CAPITALS).delete("u1"), USER, None),
    (lambda pb: pb.collection("users").delete("u1"), USER, None),
    (lambda pb: pb.collection("staff").delete("u1"), STAFF, None),
    (lambda pb: pb.collections.import_collections([{"name": "users", "authToken": {"secret": "x"}}]), USER, None),
]
NOT_REVOKING: list[tuple[Callable[[PocketBase], Awaitable[object]], dict[str, Any], dict[str, Any] | None]] = [
    (updated({"name": "x"}), USER, {"name": "x"}),
    (updated({"email": "a@example.com"}), USER, {}),
    (updated({"tokenKey": "x"}), USER, {}),
    (lambda pb: pb.collection("users").update("u2", {"password": "new"}), USER, {"id": "u2"}),
    (lambda pb: pb.collection("posts").update("u1", {"password": "new"}), USER, {}),
    (lambda pb: pb.collection("users").auth.confirm_password_reset(token(1, id="u2"), "new"), USER, None),
    (lambda pb: pb.collection("users").auth.confirm_password_reset("static", "new"), USER, None),
    (lambda pb: pb.collections.update("users", {"authToken": {"secret": "x" * 30}}), ADMIN, {}),
    (lambda pb: pb.collections.update("_superusers", {"authToken": {"duration": 9}}), ADMIN, {}),
    (lambda pb: pb.collections.update("_superusers", {"name": "_superusers"}), ADMIN, {}),
    (lambda pb: pb.collections.truncate("users"), ADMIN, None),
    (lambda pb: pb.collections.import_collections([{"name": "users"}, {"authToken": {"secret": "x"}}]), USER, None),
]


@pytest.mark.parametrize(("call", "record", "content"), REVOKING)
async def test_a_call_that_revokes_the_signed_in_users_tokens_clears_the_store(
    call: Callable[[PocketBase], Awaitable[object]], record: dict[str, Any], content: dict[str, Any] | None
) -> None:
    pb = client(record, content)
    await call(pb)
    assert (pb.auth_store.token, pb.auth_store.record) == ("", None)


@pytest.mark.parametrize(("call", "record", "content"), NOT_REVOKING)
async def test_a_call_that_revokes_no_token_or_another_users_keeps_the_store(
    call: Callable[[PocketBase], Awaitable[object]], record: dict[str, Any], content: dict[str, Any] | None
) -> None:
    pb = client(record, content)
    mine = pb.auth_store.token
    await call(pb)
    assert pb.auth_store.token == mine


BY_ID: list[Callable[[PocketBase], Awaitable[object]]] = [
    lambda pb: pb.collection("c1").update("u1", {"password": "new"}),
    lambda pb: pb.collection("c1").delete("u1"),
    lambda pb: pb.collection("users").auth.confirm_password_reset(token(1), "new"),
    lambda pb: pb.collections.truncate("c1"),
]


@pytest.mark.parametrize("call", BY_ID)
async def test_a_token_without_a_record_is_recognized_by_its_own_ids(
    call: Callable[[PocketBase], Awaitable[object]],
) -> None:
    pb = client(USER, {})
    pb.auth_store.save(token(3600))
    await call(pb)
    assert pb.auth_store.token == ""


OF_AN_ADMIN: list[Callable[[PocketBase], Awaitable[object]]] = [
    lambda pb: pb.admins.update("s1", {"password": "new"}),
    lambda pb: pb.admins.delete("s1"),
    lambda pb: pb.admins.auth.confirm_password_reset(legacy_token("admin", id="s1", email="s@example.com"), "new"),
]


@pytest.mark.parametrize("call", OF_AN_ADMIN)
async def test_an_admin_of_0_22_is_recognized_as_a_superuser(call: Callable[[PocketBase], Awaitable[object]]) -> None:
    pb = client(ADMIN, {})
    pb.auth_store.save(legacy_token("admin", id="s2"), {**ADMIN, "id": "s2"})
    await call(pb)
    assert pb.auth_store.token, "another admin's session has ended"
    pb.auth_store.save(legacy_token("admin", id="s1"), ADMIN)
    await call(pb)
    assert pb.auth_store.token == ""


async def test_the_email_tokens_of_a_user_of_0_22_belong_to_its_session() -> None:
    pb = client({**USER, "verified": False}, {})
    ids = {"id": "u1", "collectionId": "c1"}
    pb.auth_store.save(legacy_token("authRecord", **ids), {**USER, "verified": False})
    await pb.collection("users").auth.confirm_verification(legacy_token("authRecord", **ids, email="a@example.com"))
    assert (pb.auth_store.record or {})["verified"]
    await pb.collection("users").auth.confirm_email_change(
        legacy_token("authRecord", **ids, email="a@example.com", newEmail="b@example.com"), "password123"
    )
    assert pb.auth_store.token == ""


async def test_a_refused_change_keeps_the_store() -> None:
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(400, json={})))
    pb.auth_store.save(mine := token(3600), USER)
    for call, _, _ in REVOKING:
        with pytest.raises(Exception, match="400"):
            await call(pb)
    assert pb.auth_store.token == mine
