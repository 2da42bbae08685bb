"""Certificates are checked on every library, unless its options say otherwise."""

import gc
from collections.abc import Generator
from typing import Any

import aiohttp
import httpx
import pytest

from pocketbase_core import PocketBase, PocketBaseConnectionError
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.early_responses import create_error, keep_open, linger, refusing
from pocketbase_core.testing.contract.scripted_server import ScriptedServer, answering, scripted_server
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport

from ..helpers.certificates import AUTHORITY, server_context, trusting_context


def strangers() -> dict[str, Any]:
    """Return transports that do not trust the authority of the tests."""
    return {
        "aiohttp": AiohttpTransport(),
        "httpx": HttpxTransport(httpx.AsyncClient()),
        "httpx2": HttpxTransport(),
        "pyreqwest": PyreqwestTransport(),
    }


def friends() -> dict[str, Any]:
    context = trusting_context()
    return {
        "aiohttp": AiohttpTransport(connector=aiohttp.TCPConnector(ssl=context)),
        "httpx": HttpxTransport(httpx.AsyncClient(verify=context)),
        "httpx2": HttpxTransport(verify=context),
        "pyreqwest": PyreqwestTransport(add_root_certificate_pem=AUTHORITY.cert_pem.bytes()),
    }


# anyio, below httpx2, leaves the socket of a handshake that failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True, scope="module")
def collected() -> Generator[None, None, None]:
    yield
    gc.collect()


async def check(server: ScriptedServer, transport: Transport) -> None:
    pb = PocketBase(f"https://127.0.0.1:{server.port}", transport=transport)
    pb.auth_store.save("secret")
    try:
        await pb.health.check()
    finally:
        await pb.aclose()


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(
    tls_server: ScriptedServer, library: str
) -> None:
    with pytest.raises(PocketBaseConnectionError, match=r"(?i)certificate"):
        await check(tls_server, strangers()[library])
    assert not tls_server.requests, "a request left"


async def test_a_certificate_of_a_trusted_authority_is_accepted(tls_server: ScriptedServer, library: str) -> None:
    await check(tls_server, friends()[library])
    assert len(tls_server.requests) == 1


async def test_a_certificate_for_another_host_is_refused(library: str) -> None:
    async with scripted_server(answering("{}"), ssl=server_context("other.example")) as server:
        with pytest.raises(PocketBaseConnectionError, match=r"(?i)certificate"):
            await check(server, friends()[library])
    assert not server.requests, "a request left"


@pytest.mark.parametrize("end", [linger, keep_open])
async def test_an_early_response_over_tls_is_read(library: str, end: Any) -> None:
    transport = friends()[library]
    error = await create_error(transport, refusing(413, end), {"text": "x" * 5_000_000}, server_context())
    await transport.aclose()
    assert error.status == 413
