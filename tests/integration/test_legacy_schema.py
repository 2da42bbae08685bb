"""Calls in the style of older SDKs run as they are, with only the import line changed."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseServerError,
    PocketBaseUnauthorizedError,
    Response,
)
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.oidc import Provider, run_provider


@pytest_asyncio.fixture
async def oidc() -> AsyncGenerator[Provider, None]:
    async with run_provider() as running:
        yield running


@pytest.mark.parametrize("version", [None, pytest.param("0.22.27", marks=pytest.mark.slow)])
async def test_calls_in_the_style_of_older_sdks_run_as_they_are(
    transport: Transport, version: str | None, oidc: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("image.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    async with LocalServer(version) as server:
        client = PocketBase(server.url, transport=transport, server_version=version)

        # Superusers, under their former name
        await client.admins.auth.with_password(server.superuser.email, server.superuser.password)
        await client.admins.auth.refresh()

        # Collections, with a schema
        title = {"name": "title", "type": "text", "required": True}
        more: list[dict[str, Any]] = [
            {"name": "content", "type": "editor"},
            {"name": "status", "type": "bool"},
            {"name": "image", "type": "file", "options": {"maxSelect": 1, "maxSize": 5242880, "mimeTypes": []}},
        ]
        with pytest.warns(DeprecationWarning, match="schema"):
            collection = await client.collections.create({"name": "posts", "type": "base", "schema": [title, *more]})
        assert "posts" in [each["name"] for each in await client.collections.get_full_list()]

        # Records
        record = await client.collection("posts").create(
            {"title": "Hello world!", "content": "This is my first post", "status": True}
        )
        record_id = record["id"]
        assert (await client.collection("posts").get_one(record_id))["title"] == "Hello world!"
        records = await client.collection("posts").get_list(
            page=1, per_page=20, options={"sort": "-created", "filter": "created >= '2024-01-01'"}
        )
        assert records["totalItems"] == 1
        options = {"sort": "-created", "filter": "status = true"}
        assert len(await client.collection("posts").get_full_list(options=options)) == 1
        updated = await client.collection("posts").update(record_id, {"title": "welcome"})
        assert updated["title"] == "welcome"
        wanted = {"filter": "title ~ 'welcome' && created >= '2024-01-01'"}
        assert (await client.collection("posts").get_list(1, 20, wanted))["items"][0]["id"] == record_id
        await client.collection("posts").get_list(1, 20, {"sort": "-created,title"})
        assert (await client.collection("posts").get_first({"filter": "status = true"}))["id"] == record_id

        # Files
        with open("image.jpg", "rb") as opened:
            record = await client.collection("posts").create(
                {"title": "Post with image", "image": FileUpload(("image.jpg", opened))}
            )
        file_url = client.files.get_url(collection["id"], record["id"], record["image"])
        assert file_url == f"{server.url}/api/files/{collection['id']}/{record['id']}/{record['image']}"
        content = await client.files.download_file(
            collection["id"], record["id"], record["image"], options={"thumb": "100x100"}
        )
        assert content == Path("image.jpg").read_bytes()
        await client.collection("posts").delete(record["id"])

        # Users
        await oidc.add_to(client, "users")
        users = client.with_auth_store(type(client.auth_store)()).collection("users")
        await client.collection("users").create({"email": "user@example.com", "password": "password123"})
        await users.auth.with_password("user@example.com", "password123")
        await users.auth.refresh()
        (offered,) = (await users.auth.methods())["oauth2"]["providers"]
        oidc.user = {"sub": "1", "email": "other@example.com", "email_verified": True}
        await users.auth.with_OAuth2(
            {
                "provider": "oidc",
                "code": oidc.grant(offered["codeChallenge"]),
                "codeVerifier": offered["codeVerifier"],
                "redirectUrl": "http://127.0.0.1/redirect",
            }
        )

        # Realtime
        received: list[Any] = []

        async def on_record_change(event: dict[str, Any]) -> None:
            received.append((event["action"], event["record"]["title"]))

        unsubscribe = await client.collection("posts").subscribe(on_record_change, record_id)
        unsubscribe_all = await client.collection("posts").subscribe_all(on_record_change)
        await client.collection("posts").update(record_id, {"title": "heard"})
        async with asyncio.timeout(5):
            while len(received) < 2:
                await asyncio.sleep(0.01)
        assert received == [("update", "heard")] * 2
        await unsubscribe()
        await unsubscribe_all()
        await client.realtime.close()

        # Collections again
        await client.collections.update(collection["id"], {"name": "new_name"})
        await client.collections.delete("new_name")
        with pytest.warns(DeprecationWarning, match="schema"):
            await client.collections.import_collections(
                [{"name": "posts", "type": "base", "schema": [title]}], delete_missing=False
            )

        # Backups
        await client.backups.create("backup_name.zip")
        assert [backup["key"] for backup in await client.backups.get_full_list()] == ["backup_name.zip"]
        assert await client.backups.download("backup_name.zip")
        await client.backups.delete("backup_name.zip")

        # Errors
        try:
            await client.collection("posts").get_one("NON_EXISTENT_ID")
        except PocketBaseNotFoundError as error:
            assert (error.status, error.data["status"]) == (404, 404)
        for error_type in (PocketBaseBadRequestError, PocketBaseUnauthorizedError, PocketBaseForbiddenError):
            assert issubclass(error_type, PocketBaseError)
        assert issubclass(PocketBaseServerError, PocketBaseError)

        # Hooks
        printed: list[str] = []

        class MyPocketBase(PocketBase):
            async def before_send(self, request: Any) -> Any:
                request.headers["Custom-Header"] = "value"
                return request

            async def after_send(self, response: Response) -> Response:
                printed.append(f"Response status: {response.status_code}")
                return response

            def headers(self) -> dict[str, str]:
                headers = super().headers()
                headers["Custom-Header"] = "value"
                return headers

        await MyPocketBase(server.url, transport=transport, server_version=version).health.check()
        assert printed == ["Response status: 200"]
