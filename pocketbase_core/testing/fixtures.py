"""The fixtures of the pytest plugin that need a server."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio

from ..auth.store import AuthStore
from ..client import PocketBase
from .server import LocalServer


@pytest.fixture(scope="session")
def pocketbase_server(pytestconfig: pytest.Config) -> Generator[LocalServer, None, None]:
    """Run a temporary PocketBase server for the whole test run. Tests share its data."""
    server = LocalServer(pytestconfig.getoption("pocketbase_version"))
    # The server needs its own event loop: a loop of pytest-asyncio may end with each test.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(server.__aenter__())
        try:
            yield server
        finally:
            runner.run(server.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def pocketbase_superuser(pocketbase_server: LocalServer) -> AuthStore:
    """Return a store with the token and the record of the server's superuser."""

    async def sign_in() -> AuthStore:
        async with PocketBase(pocketbase_server.url, server_version=pocketbase_server.version) as pb:
            await pb.admins.auth.with_password(*pocketbase_server.superuser)
            return pb.auth_store

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(sign_in())


@pytest_asyncio.fixture
async def pocketbase(
    pocketbase_server: LocalServer, pocketbase_superuser: AuthStore
) -> AsyncGenerator[PocketBase, None]:
    """Return a new client, signed in as superuser, on the first HTTP library that is installed."""
    async with PocketBase(pocketbase_server.url, server_version=pocketbase_server.version) as pb:
        pb.auth_store.save(pocketbase_superuser.token, pocketbase_superuser.record)
        yield pb
