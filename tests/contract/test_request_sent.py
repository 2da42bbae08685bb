"""`request_sent` is never False once a request was sent, whatever fails in the library after that."""

import errno
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from pocketbase_core import PocketBaseTransportError, Request
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import Connection, responding, scripted_server, unused_port
from pocketbase_transports import AiohttpTransport, HttpxTransport


async def fail(failure: str, session: Any) -> None:
    """Raise the error of a library that could not open a connection."""
    if failure == "files":
        raise OSError(errno.EMFILE, "too many open files")
    await session.get(f"http://127.0.0.1:{unused_port()}/")


async def create(transport: Transport, url: str) -> PocketBaseTransportError:
    with pytest.raises(PocketBaseTransportError) as caught:
        await transport.send(Request("POST", url, body={"a": 1}, timeout=0.5))
    return caught.value


@pytest.mark.parametrize("failure", ["refused", "files"])
@pytest.mark.parametrize("module", [httpx, httpx2])
async def test_a_failing_hook_of_the_client_does_not_claim_that_nothing_was_sent(module: Any, failure: str) -> None:
    async def hook(_: object) -> None:
        async with module.AsyncClient() as other:
            await fail(failure, other)

    async with (
        scripted_server(responding(200)) as server,
        module.AsyncClient(event_hooks={"response": [hook]}) as client,
    ):
        error = await create(HttpxTransport(client), server.url)
    assert (len(server.requests), error.request_sent) == (1, None), "the request arrived"
    assert "ulimit" not in error.message, "the hint belongs to an error of another request"


@pytest.mark.parametrize("failure", ["refused", "files"])
async def test_a_failing_middleware_of_the_session_does_not_claim_that_nothing_was_sent(failure: str) -> None:
    async def fail_after(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        await handler(request)
        async with aiohttp.ClientSession() as other:
            await fail(failure, other)
        raise AssertionError

    async with scripted_server(responding(200)) as server, aiohttp.ClientSession(middlewares=[fail_after]) as session:
        error = await create(AiohttpTransport(session), server.url)
    assert (len(server.requests), error.request_sent) == (1, None), "the request arrived"
    assert "ulimit" not in error.message, "the hint belongs to an error of another request"


async def test_a_second_attempt_of_a_middleware_does_not_claim_that_nothing_was_sent() -> None:
    async def ask_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        async with await handler(request):  # the unread body keeps the only connection in use
            return await handler(request)

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 503 Whatever\r\nContent-Length: 1\r\n\r\n")
        await connection.closed_by_client()

    async with (
        scripted_server(script) as server,
        aiohttp.ClientSession(middlewares=[ask_twice], connector=aiohttp.TCPConnector(limit=1)) as session,
    ):
        error = await create(AiohttpTransport(session), server.url)
    assert (len(server.requests), error.request_sent) == (1, None), "the first attempt arrived"
