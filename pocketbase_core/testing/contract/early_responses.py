"""Tests: a response is received even if the server sends it before it has read the request."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Any

import pytest

from ... import FileUpload, PocketBase, PocketBaseConnectionError, PocketBaseError, PocketBaseTimeoutError, Request
from ...ports import Transport
from .scripted_server import Connection, ReceivedRequest, Script, scripted_server

MB = 1000 * 1000
CLOSE = "Connection: close"
REFUSAL = b'{"status": 0, "message": "Not this."}'


async def hang_up(connection: Connection) -> None:
    """Close the socket. It holds data that was not read, so that the kernel sends RST."""
    connection.writer.close()


async def linger(connection: Connection) -> None:
    """Close the socket after a moment, as Go's servers do, so that the client can read the response before the RST."""
    await asyncio.sleep(0.05)
    await hang_up(connection)


async def keep_open(connection: Connection) -> None:
    """Read nothing more, and wait until the client closes the connection."""
    raw: socket.socket = connection.writer.get_extra_info("socket")
    while raw.fileno() >= 0 and not connection.writer.is_closing():
        await asyncio.sleep(0.01)


async def read_on(connection: Connection) -> None:
    """Read the rest of the body, as servers do for a while."""
    connection.resume_reading()
    await connection.closed_by_client()


async def read_head_only(connection: Connection) -> None:
    """Read the head of a request, but not its body."""
    await connection.head()
    connection.pause_reading()


def refusing(status: int, end: Callable[[Connection], Awaitable[None]], *headers: str) -> Script:
    """Return a script that responds without reading the body."""

    async def script(connection: Connection) -> None:
        await read_head_only(connection)
        await connection.respond(status, REFUSAL, "Content-Type: application/json", *headers)
        await end(connection)

    return script


async def create(transport: Transport, url: str, body: dict[str, object]) -> dict[str, Any]:
    """Create a record, without retries."""
    return await PocketBase(url, transport=transport, middleware=[], timeout=10).collection("posts").create(body)


async def create_big(transport: Transport, url: str, size: int) -> dict[str, Any]:
    """Create a record with a file of `size` bytes."""
    return await create(transport, url, {"file": FileUpload(("big.bin", bytes(size)))})


async def create_error(
    transport: Transport, script: Script, body: dict[str, object], ssl: SSLContext | None = None
) -> PocketBaseError:
    """Return the error of a create whose connection runs `script`."""
    async with scripted_server(script, ssl=ssl) as server:
        url = server.url if ssl is None else server.url.replace("http:", "https:")
        with pytest.raises(PocketBaseError) as caught:
            await create(transport, url, body)
    return caught.value


@pytest.mark.parametrize("headers", [(), (CLOSE,)], ids=["open", "close"])
@pytest.mark.parametrize("size", [1 * MB, 5 * MB, 50 * MB])
@pytest.mark.parametrize("status", [413, 404, 429])
async def test_an_early_response_to_an_upload_is_received(
    transport: Transport, status: int, size: int, headers: tuple[str, ...]
) -> None:
    file = FileUpload(("big.bin", bytes(size)))
    error = await create_error(transport, refusing(status, linger, *headers), {"file": file})
    assert (error.status, error.message) == (status, "Not this.")


@pytest.mark.parametrize("end", [linger, keep_open, read_on])
async def test_an_early_response_to_a_large_json_body_is_received(transport: Transport, end: Script) -> None:
    error = await create_error(transport, refusing(413, end), {"text": "x" * 5 * MB})
    assert (error.status, error.message) == (413, "Not this.")


@pytest.mark.parametrize("end", [keep_open, read_on])
async def test_an_early_response_is_received_although_the_connection_stays_open(
    transport: Transport, end: Script
) -> None:
    error = await create_error(transport, refusing(413, end), {"file": FileUpload(("big.bin", bytes(20 * MB)))})
    assert (error.status, error.message) == (413, "Not this.")


async def test_early_hints_do_not_end_an_upload(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        method, target, headers = await connection.head()
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        for data in (hints[:15], hints[15:], hints):
            await connection.send(data)
            await asyncio.sleep(0.02)
        server.requests.append(ReceivedRequest(method, target, headers, await connection.body(headers)))
        await connection.respond_json('{"id": "abc"}')

    async with scripted_server(script) as server:
        assert (await create_big(transport, server.url, 5 * MB))["id"] == "abc"
    assert len(server.requests[0].body) > 5 * MB


async def test_a_large_early_response_is_received_completely(transport: Transport) -> None:
    text = "x" * (3 * MB)

    async def script(connection: Connection) -> None:
        await read_head_only(connection)
        await connection.respond_json(f'{{"id": "{text}"}}')
        await keep_open(connection)

    async with scripted_server(script) as server:
        assert (await create_big(transport, server.url, 50 * MB))["id"] == text


async def test_an_early_response_that_stalls_ends_at_the_timeout(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        await read_head_only(connection)
        await connection.send(b"HTTP/1.1 413 Whatever\r\nContent-Length: 9\r\n\r\nabc")
        await keep_open(connection)

    async with scripted_server(script) as server:
        request = Request("POST", server.url, body={"text": "x" * 5 * MB}, timeout=1)
        async with transport.stream(request) as response:
            with pytest.raises(PocketBaseTimeoutError):
                async for chunk in response.aiter_bytes():
                    assert chunk == b"abc"
        with pytest.raises(PocketBaseTimeoutError):
            await transport.send(request)


async def test_a_connection_that_ends_during_an_upload_has_request_sent_none(transport: Transport) -> None:
    async with scripted_server(read_head_only) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await create_big(transport, server.url, 5 * MB)
    assert caught.value.request_sent is None
