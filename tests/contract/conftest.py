"""A realtime server whose streams a test can break, and a client of this server."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import ScriptedServer, answering, scripted_server

from ..helpers.certificates import server_context
from ..helpers.realtime_server import RealtimeServer, realtime_server


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[RealtimeServer, None]:
    async with realtime_server() as running:
        yield running


@pytest_asyncio.fixture
async def tls_server() -> AsyncGenerator[ScriptedServer, None]:
    """A server with TLS."""
    async with scripted_server(answering("{}"), ssl=server_context()) as running:
        yield running


@pytest_asyncio.fixture
async def pb(server: RealtimeServer, transport: Transport) -> AsyncGenerator[PocketBase, None]:
    before = asyncio.all_tasks()
    client = PocketBase(server.url, transport=transport, middleware=[])
    yield client
    await client.aclose()
    remaining = [task for task in asyncio.all_tasks() - before if task.get_name().startswith("realtime")]
    assert not remaining, "closing the client ends all tasks of realtime"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make realtime wait for a hundredth of the longest wait before it reconnects."""
    # The client has no parameter for realtime's jitter.
    monkeypatch.setattr("random.random", lambda: 0.01)
