"""Tests: responses are read as they arrive."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ... import PocketBase, PocketBaseConnectionError, PocketBaseDecodeError, PocketBaseTimeoutError
from ...messages import Request
from ...ports import Transport
from .scripted_server import Connection, Script, resetting, responding, scripted_server, sending, unused_port

INCOMPLETE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"


async def test_chunks_are_yielded_before_the_body_has_ended(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 206 OK\r\nX-A: b\r\nContent-Length: 6\r\n\r\nabc")
        await go_on.wait()
        await connection.send(b"def")

    async with (
        scripted_server(script) as server,
        transport.stream(Request("GET", f"{server.url}/", timeout=5)) as response,
    ):
        assert response.status_code == 206
        assert response.headers["x-a"] == "b"
        received = b""
        async for chunk in response.aiter_bytes():
            received += chunk
            go_on.set()
    assert received == b"abcdef"


async def test_a_body_that_is_not_read_is_not_buffered(transport: Transport) -> None:
    sent = 0

    async def script(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
        while True:
            await connection.send(bytes(65536))
            sent += 65536

    async with (
        scripted_server(script) as server,
        transport.stream(Request("GET", f"{server.url}/", timeout=5)) as response,
    ):
        await anext(aiter(response.aiter_bytes()))
        before = -1
        while before != sent:  # until the buffers between client and server are full
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 64 * 1024 * 1024, "the transport reads only what is asked for"


async def test_leaving_the_block_of_a_stream_early_closes_the_connection(transport: Transport) -> None:
    hung_up = asyncio.Event()

    async def end(connection: Connection) -> None:
        await connection.closed_by_client()
        hung_up.set()

    async with scripted_server(sending(INCOMPLETE, end)) as server:
        async with transport.stream(Request("GET", f"{server.url}/", timeout=5)) as response:
            await anext(aiter(response.aiter_bytes()))
        await asyncio.wait_for(hung_up.wait(), 5)


@pytest.mark.parametrize("end", [resetting, None])
async def test_a_streamed_body_that_breaks_off_raises_a_connection_error(
    transport: Transport, end: Script | None
) -> None:
    async with scripted_server(sending(INCOMPLETE, end)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            async with transport.stream(Request("GET", f"{server.url}/", timeout=5)) as response:
                async for _ in response.aiter_bytes():
                    pass
    assert caught.value.request_sent is not False


async def test_a_stream_has_a_timeout_for_the_headers_and_for_each_chunk(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        if request.target == "/body":
            await connection.send(INCOMPLETE)
        await connection.closed_by_client()

    async with scripted_server(script) as server:
        with pytest.raises(PocketBaseTimeoutError) as caught:
            async with transport.stream(Request("GET", f"{server.url}/head", timeout=0.1)):
                pass
        assert caught.value.request_sent is None
        with pytest.raises(PocketBaseTimeoutError) as caught:
            async with transport.stream(Request("GET", f"{server.url}/body", timeout=0.1)) as response:
                async for _ in response.aiter_bytes():
                    pass
        assert caught.value.request_sent is True


async def test_a_stream_that_is_refused_raises_an_error_with_request_sent_false(transport: Transport) -> None:
    with pytest.raises(PocketBaseConnectionError) as caught:
        async with transport.stream(Request("GET", f"http://127.0.0.1:{unused_port()}/", timeout=5)):
            pass
    assert caught.value.request_sent is False


async def test_an_error_raised_in_the_block_of_a_stream_is_not_mapped(transport: Transport) -> None:
    async with scripted_server(responding(200, b"abc")) as server:
        with pytest.raises(TimeoutError, match="mine"):
            async with transport.stream(Request("GET", f"{server.url}/", timeout=5)):
                raise TimeoutError("mine")


async def test_a_partial_response_is_an_error_unless_it_was_requested(transport: Transport, tmp_path: Path) -> None:
    async def streamed(**options: Any) -> bytes:
        async with pb.files.stream("a", "b", "c", **options) as response:
            return b"".join([chunk async for chunk in response.aiter_bytes()])

    async def script(connection: Connection) -> None:
        while True:
            if (await connection.request()).method == "POST":
                await connection.respond_json('{"token": "a.b.c"}')
            else:
                await connection.respond(206, b"part", "Content-Range: bytes 0-3/10")

    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[])
        uses: list[Callable[[], Awaitable[object]]] = [
            lambda: pb.files.download_file("a", "b", "c"),
            lambda: pb.files.download_to(tmp_path / "a", "a", "b", "c"),
            lambda: pb.backups.download("a.zip"),
            streamed,
            pb.health.check,
        ]
        for use in uses:
            with pytest.raises(
                PocketBaseDecodeError, match=r"only a part \(bytes 0-3/10\), and the request asked for all"
            ):
                await use()
        assert not list(tmp_path.iterdir())
        headers = {"range": "bytes=0-3"}
        assert await pb.files.download_file("a", "b", "c", headers=headers) == b"part"
        assert await pb.backups.download("a.zip", headers=headers) == b"part"
        assert await streamed(headers=headers) == b"part"
