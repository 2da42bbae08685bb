"""A real PocketBase for the whole run, and clients of a superuser and of a guest on each transport."""

import secrets
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from pocketbase_core import AuthStore, PocketBase
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import VERSION, create_shared_collections


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION) as running:
        async with PocketBase(running.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*running.superuser)
            await create_shared_collections(pb)
        yield running


@pytest_asyncio.fixture(scope="session")
async def superuser(server: LocalServer) -> AuthStore:
    async with PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        return pb.auth_store


@pytest_asyncio.fixture
async def pb(server: LocalServer, superuser: AuthStore, transport: Transport) -> PocketBase:
    """A client that is signed in as the superuser."""
    client = PocketBase(server.url, transport=transport)
    client.auth_store.save(superuser.token, superuser.record)
    return client


@pytest.fixture
def guest(server: LocalServer, transport: Transport) -> PocketBase:
    """A client that is not signed in."""
    return PocketBase(server.url, transport=transport)


@pytest.fixture
def name() -> str:
    """A name for a collection of the test's own."""
    return f"c_{secrets.token_hex(4)}"
