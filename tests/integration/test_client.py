"""Clients of guests and of several users, and `send`, on a real server."""

import pytest

from pocketbase_core import (
    AuthStore,
    FileUpload,
    PocketBase,
    PocketBaseForbiddenError,
    PocketBaseUnauthorizedError,
)

pytestmark = pytest.mark.both_faces


async def test_a_guest_is_refused_where_a_superuser_is_needed(guest: PocketBase) -> None:
    with pytest.raises(PocketBaseUnauthorizedError):
        await guest.collections.get_one("posts")
    with pytest.raises(PocketBaseForbiddenError):
        await guest.collection("_superusers").get_list()
    assert (await guest.health.check())["code"] == 200


async def test_send_reaches_any_path_of_the_server(pb: PocketBase) -> None:
    response = await pb.send("/api/collections/posts/records", params={"perPage": 1})
    assert response["perPage"] == 1
    record = await pb.send(
        "/api/collections/posts/records", method="POST", body={"title": "sent", "docs": FileUpload(("a.txt", "a"))}
    )
    assert record["title"] == "sent"
    assert len(record["docs"]) == 1
    assert await pb.send(f"/api/collections/posts/records/{record['id']}", {"method": "DELETE"}) is None


async def test_a_client_of_another_user_has_a_session_of_its_own(pb: PocketBase) -> None:
    other = pb.with_auth_store(AuthStore())
    assert not other.auth_store.token
    await other.collection("users").auth.with_password("user@example.com", "password123")
    assert pb.auth_store.is_superuser
    assert not other.auth_store.is_superuser
    await other.aclose()
    assert (await pb.health.check())["code"] == 200
