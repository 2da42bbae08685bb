"""A real PocketBase for the whole run, and clients of a superuser and of a guest on each transport.

All transports behave alike, as the contract tests prove: the runs on others than aiohttp have the mark `slow`.

A test of a module with the mark `both_faces` runs once more with blocking clients, on one transport, unless it has the
mark `asynchronous_only`.

A test with the mark `refused_by_legacy` must end in a PocketBaseInputError on PocketBase 0.22.
"""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import AuthStore, PocketBase, PocketBaseInputError
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..conftest import LIBRARIES
from ..helpers.blocking_face import make_blocking_client
from ..helpers.shared_collections import CLIENT_OPTIONS, IS_LEGACY, VERSION, client_of, create_shared_collections

HERE = Path(__file__).parent
LONG = ("test_big_files", "test_live_storm", "test_load", "test_many_subscribers", "test_realtime_storm", "test_soak")
"""Modules of long tests, which do not run on httpx2: its adapter is that of httpx, which the other tests show."""
MakeClient = Callable[..., PocketBase]


@pytest.hookimpl(tryfirst=True)  # before pytest parametrizes the fixture `library`
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    test = metafunc.definition
    if not test.get_closest_marker("both_faces") or test.get_closest_marker("asynchronous_only"):
        return
    if "face" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{test.name} needs `make_client`, or the mark `asynchronous_only` with a reason")
    has_own_libraries = any("library" in mark.args[0] for mark in test.iter_markers("parametrize"))
    if has_own_libraries or "library" not in metafunc.fixturenames:
        metafunc.parametrize("face", ["asynchronous", "blocking"])
        return
    names = [pytest.param(*each.values, "asynchronous", marks=each.marks, id=str(each.values[0])) for each in LIBRARIES]
    parameters = [*names, pytest.param("aiohttp", "blocking", id="blocking")]
    test.add_marker(pytest.mark.parametrize(("library", "face"), parameters))


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in [*items]:
        callspec = getattr(item, "callspec", None)
        library = "" if callspec is None else callspec.params.get("library")
        if item.path.parent == HERE and library in ("httpx", "pyreqwest"):
            item.add_marker(pytest.mark.slow)
        if item.path.parent == HERE and library == "httpx2" and item.path.stem in LONG:
            items.remove(item)
        refused = item.get_closest_marker("refused_by_legacy")
        if IS_LEGACY and refused is not None:
            # A refusal may come from a fixture, where `pytest.raises` cannot expect it.
            item.add_marker(pytest.mark.xfail(raises=PocketBaseInputError, strict=True, reason=refused.args[0]))


@pytest.fixture
def face() -> str:
    """The face of the client: `asynchronous` or `blocking`."""
    return "asynchronous"


@pytest_asyncio.fixture
async def make_client(face: str) -> AsyncGenerator[MakeClient, None]:
    """Make a client, as `PocketBase` does. Blocking clients are closed after the test."""
    if face == "asynchronous":
        yield client_of
        return
    async with AsyncExitStack() as stack:

        def make(url: str, **options: Any) -> PocketBase:
            client: PocketBase = make_blocking_client(url, **{**CLIENT_OPTIONS, **options})
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION) as running:
        async with client_of(running.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*running.superuser)
            await create_shared_collections(pb)
        yield running


@pytest_asyncio.fixture(scope="session")
async def superuser(server: LocalServer) -> AuthStore:
    async with client_of(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        return pb.auth_store


@pytest_asyncio.fixture
async def pb(
    server: LocalServer, superuser: AuthStore, transport: Transport, make_client: MakeClient
) -> AsyncGenerator[PocketBase, None]:
    """A client that is signed in as the superuser."""
    async with make_client(server.url, transport=transport) as client:
        client.auth_store.save(superuser.token, superuser.record)
        yield client


@pytest_asyncio.fixture
async def guest(server: LocalServer, transport: Transport, make_client: MakeClient) -> AsyncGenerator[PocketBase, None]:
    """A client that is not signed in."""
    async with make_client(server.url, transport=transport) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name for a collection of the test's own."""
    return f"c_{secrets.token_hex(4)}"
