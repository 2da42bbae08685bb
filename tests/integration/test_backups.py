"""Backups, and their restoration, on a real server."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseTimeoutError,
)
from pocketbase_core.ports import Transport
from pocketbase_core.services.flows import server_restart
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import FIELDS, VERSION, client_of
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces


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


@asynccontextmanager
async def dropped_collection(transport: Transport, make_client: MakeClient) -> AsyncGenerator[PocketBase, None]:
    """Yield a superuser's client of a server whose collection `before` exists only in `backup_name.zip`."""
    async with LocalServer(VERSION) as server, make_client(server.url, transport=transport) as client:
        await client.admins.auth.with_password(*server.superuser)
        await client.collections.create({"name": "before", "type": "base", "fields": FIELDS})
        await client.backups.create("backup_name.zip")
        await client.collections.delete("before")
        yield client


@pytest.mark.asynchronous_only(reason="the slow test below runs on the blocking face")
@pytest.mark.parametrize("library", ["aiohttp"])  # the slow test below runs on each library
async def test_a_restored_backup_brings_back_what_was_there(transport: Transport) -> None:
    async with dropped_collection(transport, client_of) as client:
        await client.backups.restore("backup_name.zip")
        async with asyncio.timeout(15):
            while True:  # the server still serves the old data for about a second
                try:
                    assert (await client.collections.get_one("before"))["name"] == "before"
                    break
                except PocketBaseError as error:
                    assert error.status in (0, 404)


@pytest.mark.slow
async def test_a_restore_that_waits_returns_when_the_server_is_back(
    transport: Transport, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_restart, "STREAM_LIFETIME", 0.3)  # so that streams are replaced meanwhile
    async with dropped_collection(transport, make_client) as client:
        await client.backups.restore("backup_name.zip", wait=True)
        assert (await client.collections.get_one("before"))["name"] == "before"
        with pytest.raises(PocketBaseBadRequestError):
            await client.backups.restore("missing.zip", {"wait": True})
        await client.backups.upload(FileUpload(("broken.zip", b"PK\3\4")))
        with pytest.raises(PocketBaseTimeoutError, match="did not come back within 1 s"):
            await client.backups.restore("broken.zip", wait=True, timeout=1)
        with pytest.raises(TypeError, match="wait"):
            await client.backups.restore("a.zip", {"wait": "yes"})
