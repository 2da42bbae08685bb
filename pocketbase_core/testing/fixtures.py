"""Fixtures for pytest."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio

from ..auth import AuthStore
from ..client import PocketBase
from .server import LocalServer


@pytest.fixture(scope="session")
def pocketbase_server() -> Generator[LocalServer, None, None]:
    """A throw-away PocketBase for the whole run. What a test leaves in it, the next ones find."""
    server = LocalServer()
    # On a loop of its own: those of pytest-asyncio may end with each test.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(server.__aenter__())
        try:
            yield server
        finally:
            runner.run(server.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def pocketbase_superuser(pocketbase_server: LocalServer) -> AuthStore:
    """Token and record of its superuser."""

    async def sign_in() -> AuthStore:
        async with PocketBase(pocketbase_server.url) as pb:
            await pb.admins.auth.with_password(*pocketbase_server.superuser)
            return pb.auth_store

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(sign_in())


@pytest_asyncio.fixture
async def pocketbase(
    pocketbase_server: LocalServer, pocketbase_superuser: AuthStore
) -> AsyncGenerator[PocketBase, None]:
    """A client of its own for each test, signed in as superuser, on the first HTTP library that is installed."""
    async with PocketBase(pocketbase_server.url) as pb:
        pb.auth_store.save(pocketbase_superuser.token, pocketbase_superuser.record)
        yield pb
