"""Tests: responses that never end, or are too large, end in an error, with little memory and in time."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path

import pytest

from ... import PocketBase, PocketBaseConnectionError, PocketBaseDecodeError, PocketBaseTimeoutError
from ...calls.options import FileOptions, parse_options
from ...endpoints import files
from ...errors import PocketBaseTransportError
from ...messages import ClientOptions, Request
from ...ports import Transport
from .scripted_server import Connection, Script, answering, responding, scripted_server, streaming

MIB = 1024 * 1024


@pytest.fixture
def memory() -> Generator[None, None, None]:
    """Fail a test that uses more than 150 MiB at any time."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * MIB


def flooding(head: bytes, chunk: bytes) -> Script:
    """Return a script whose response goes on for as long as the client reads."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n" + head)
        for _ in range(400 * MIB // len(chunk)):
            await connection.send(chunk)

    return script


CHUNKED = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("head", [CHUNKED, b"\r\n", b"Content-Length: 1048577\r\n\r\n"])
async def test_a_response_that_is_too_large_raises_a_decode_error(transport: Transport, head: bytes) -> None:
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    async with scripted_server(flooding(head, chunk)) as server:
        pb = PocketBase(server.url, transport=transport, max_response_bytes=MIB)
        with pytest.raises(PocketBaseDecodeError, match="larger than max_response_bytes=1048576 allows") as caught:
            await pb.health.check()
        assert caught.value.status == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_response_of_exactly_the_maximum_size_is_read(transport: Transport, encoding: str) -> None:
    content = b'"' + b"x" * (MIB - 2) + b'"'

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            identity = "gzip" not in request.headers.get("accept-encoding", "")
            if identity or not encoding:
                await connection.respond(200, content)
            else:
                await connection.respond(200, gzip.compress(content), "Content-Encoding: gzip")

    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=transport, max_response_bytes=MIB)
        assert len(await pb.send("/x")) == MIB - 2
        assert len(await PocketBase(server.url, transport=transport, max_response_bytes=None).send("/x")) == MIB - 2
        with pytest.raises(PocketBaseDecodeError, match="larger"):
            await PocketBase(server.url, transport=transport, max_response_bytes=MIB - 1).send("/x")
        one_byte = ClientOptions(max_response_bytes=1)
        async with transport.stream(Request("GET", server.url, timeout=5, client_options=one_byte)) as streamed:
            assert sum([len(chunk) async for chunk in streamed.aiter_bytes()]) == MIB


async def test_a_small_response_above_a_small_limit_raises_a_decode_error(transport: Transport) -> None:
    async with scripted_server(answering('"0123456789"')) as server:
        pb = PocketBase(server.url, transport=transport, max_response_bytes=11)
        for _ in range(2):
            with pytest.raises(PocketBaseDecodeError, match="larger than max_response_bytes=11 allows"):
                await pb.send("/x")
        assert await PocketBase(server.url, transport=transport, max_response_bytes=12).send("/x") == "0123456789"


@pytest.mark.usefixtures("memory")
async def test_an_error_response_that_is_too_large_raises_a_decode_error(transport: Transport) -> None:
    async with scripted_server(responding(404, bytes(2 * MIB))) as server:
        pb = PocketBase(server.url, transport=transport, max_response_bytes=MIB)
        with pytest.raises(PocketBaseDecodeError, match="larger") as caught:
            await pb.files.download_file("a", "b", "c")
        assert caught.value.status == 404
        with pytest.raises(PocketBaseDecodeError, match="larger"):
            limited = ClientOptions(max_response_bytes=MIB)
            async with transport.events(Request("GET", server.url, timeout=5, client_options=limited)):
                pass


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("line", [b"x" * 65536, b"X-A: " + b"x" * 1000 + b"\r\n"])
async def test_headers_that_never_end_raise_a_transport_error(transport: Transport, line: bytes) -> None:
    async with scripted_server(flooding(b"", line)) as server:
        with pytest.raises(PocketBaseTransportError) as caught:
            await transport.send(Request("POST", server.url, timeout=20))
    assert caught.value.request_sent is None


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("line", [b"x" * 65536, b"data:" + b"x" * 65530 + b"\n", b"event:" + b"x" * 65529 + b"\n"])
async def test_an_event_that_never_ends_raises_a_connection_error(transport: Transport, line: bytes) -> None:
    head = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndata:1\n\r\n1\r\n\n\r\n"
    async with scripted_server(flooding(head, b"%x\r\n%b\r\n" % (len(line), line))) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            async with transport.events(Request("GET", server.url, timeout=5)) as events:
                assert (await anext(events)).data == "1"
                await anext(events)
    assert caught.value.request_sent is True


async def test_the_size_limit_is_for_each_event(transport: Transport) -> None:
    chunks = [b"data:" + b"x" * 4 * MIB + b"\n", b"\n"] * 6
    async with (
        scripted_server(streaming(*chunks)) as server,
        transport.events(Request("GET", server.url, timeout=5)) as events,
    ):
        assert [len(event.data) async for event in events] == [4 * MIB] * 6


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n"])
async def test_comments_do_not_count_for_the_size_of_an_event(transport: Transport, end: bytes) -> None:
    chunk = (b": " + b"x" * 1000 + end) * 1024 + b": " + b"x" * 40000
    async with scripted_server(streaming(*[chunk, end] * 17, b"data:1" + end, b":\n")) as server:
        async with transport.events(Request("GET", server.url, timeout=5)) as events:
            assert [event.data async for event in events] == ["1"]


async def test_the_size_of_an_event_is_counted_in_bytes(transport: Transport) -> None:
    async with scripted_server(streaming(b"data:", *["\u20ac".encode() * 100_000] * 60, b"\n\n")) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            async with transport.events(Request("GET", server.url, timeout=5)) as events:
                await anext(events)
    assert caught.value.request_sent is True


def dripping(status: int, *, headers: bool) -> Script:
    """Return a script that sends the body, or a header, byte by byte."""

    async def script(connection: Connection) -> None:
        await connection.request()
        end = b"X-Drip: " if headers else b"Content-Length: 1000000\r\n\r\n"
        await connection.send(b"HTTP/1.1 %d Whatever\r\n" % status + end)
        while True:
            await connection.send(b"x")
            await asyncio.sleep(0.01)

    return script


async def by_download(pb: PocketBase, folder: Path) -> None:
    """Download a file to the disk."""
    await pb.files.download_to(folder / "a", "b", "c", "d")


async def by_stream(pb: PocketBase, folder: Path) -> None:
    """Open a file as a stream."""
    async with pb.files.stream("b", "c", "d"):
        pass


async def by_events(pb: PocketBase, folder: Path) -> None:
    """Open a file as a stream of events."""
    async with pb.pipeline.events(files.download("b", "c", "d", parse_options(FileOptions, None, {}))):
        pass


async def by_send(pb: PocketBase, folder: Path) -> None:
    """Make a request whose response is read at once."""
    await pb.health.check()


@pytest.mark.parametrize(("status", "headers"), [(200, True), (404, True), (404, False), (503, False)])
@pytest.mark.parametrize("use", [by_send, by_stream, by_download, by_events])
async def test_a_response_that_arrives_byte_by_byte_ends_at_the_timeout(
    transport: Transport, use: Callable[[PocketBase, Path], Awaitable[None]], status: int, headers: bool, tmp_path: Path
) -> None:
    async with scripted_server(dripping(status, headers=headers)) as server:
        started = asyncio.get_running_loop().time()
        with pytest.raises(PocketBaseTimeoutError):
            await use(PocketBase(server.url, transport=transport, timeout=0.1), tmp_path)
        assert asyncio.get_running_loop().time() - started < 1


async def test_a_body_that_arrives_byte_by_byte_ends_at_the_timeout(transport: Transport) -> None:
    started = asyncio.get_running_loop().time()
    async with scripted_server(dripping(200, headers=False)) as server:
        pb = PocketBase(server.url, transport=transport, timeout=0.3)
        with pytest.raises(PocketBaseTimeoutError):
            await pb.health.check()
    assert asyncio.get_running_loop().time() - started < 2
