"""Tests: compressed responses are decompressed with little memory."""

import asyncio
import base64
import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import pytest

from ... import PocketBase, PocketBaseConnectionError, PocketBaseDecodeError
from ...messages import ClientOptions, Request
from ...ports import Transport
from .scripted_server import Connection, responding, scripted_server

MIB = 1024 * 1024
BROTLI = "z///fwAkAOKxQHLv//n//w+ABEAcFoDu/T////8BkACIwwLQvf8f"
"""48 MiB of zeros, compressed by Brotli."""


def compress(chunks: list[bytes], wbits: int) -> bytes:
    """Compress chunks. See `zlib.compressobj` for `wbits`."""
    compressor = zlib.compressobj(9, wbits=wbits)
    return b"".join(map(compressor.compress, chunks)) + compressor.flush()


@cache
def compression_bomb(encoding: str) -> bytes:
    """Return 20 MiB of zeros in an encoding (48 MiB if the encoding is `br`)."""
    zeros = [bytes(MIB)] * 20
    if encoding == "br":
        return base64.b64decode(BROTLI)
    if encoding == "zstd":  # a frame without a size, with blocks of one byte repeated (RFC 8878, 3.1.1)
        blocks = [(128 * 1024 << 3 | 2 | (number == 159)).to_bytes(3, "little") + b"\0" for number in range(160)]
        return b"\x28\xb5\x2f\xfd\x00\x68" + b"".join(blocks)
    if encoding == "gzip, gzip":
        return gzip.compress(compress(zeros, 31))
    if encoding == "br, gzip":
        return gzip.compress(compression_bomb("br"))
    return compress(zeros, {"gzip": 31, "deflate": 15, "raw deflate": -15}[encoding])


async def read_complete(pb: PocketBase, transport: Transport, target: Path) -> None:
    """Make a request whose response is read at once."""
    await pb.health.check()


async def read_streamed(pb: PocketBase, transport: Transport, target: Path) -> None:
    """Read a file as a stream."""
    async with pb.files.stream("a", "b", "c") as response:
        async for chunk in response.aiter_bytes():
            assert len(chunk) <= MIB


async def save_to_file(pb: PocketBase, transport: Transport, target: Path) -> None:
    """Download a file to the disk."""
    await pb.files.download_to(target, "a", "b", "c")


async def read_events(pb: PocketBase, transport: Transport, target: Path) -> None:
    """Read a stream of events."""
    request = Request("GET", f"{pb.base_url}/events", timeout=5, client_options=ClientOptions(max_response_bytes=MIB))
    async with transport.events(request) as events:
        async for _ in events:
            pass


Use = Callable[[PocketBase, Transport, Path], Awaitable[None]]
USES: dict[str, tuple[Use, int, int]] = {
    "whole": (read_complete, 200, MIB),
    "error": (read_complete, 404, MIB),
    "streamed": (read_streamed, 200, MIB),
    "streamed error": (read_streamed, 404, MIB),
    "saved": (save_to_file, 200, 4 * MIB),  # the size of the write buffer
    "saved error": (save_to_file, 404, MIB),
    "events": (read_events, 200, 16 * MIB),  # the maximum size of an event
    "no events": (read_events, 404, MIB),
}
"""For each use: the function, the status of the response, and half of the memory that the use may take."""


def sending_encoded(
    status: int, encoding: str, content: bytes, cut: int | None
) -> Callable[[Connection], Awaitable[None]]:
    """Return a script that sends encoded content: with a length, or in chunks of `cut` bytes."""

    async def script(connection: Connection) -> None:
        while True:
            target = (await connection.request()).target
            content_type = "text/event-stream" if target == "/events" else "application/json"
            headers = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {content_type}\r\nContent-Encoding: {encoding}\r\n"
            if cut is None:
                await connection.send(f"{headers}Content-Length: {len(content)}\r\n\r\n".encode() + content)
                continue
            await connection.send(f"{headers}Transfer-Encoding: chunked\r\n\r\n".encode())
            for start in range(0, len(content), cut):
                await connection.chunk(content[start : start + cut])
            await connection.send(b"0\r\n\r\n")

    return script


async def check_memory(transport: Transport, encoding: str, use: str, target: Path) -> None:
    """Check that a use of a compression bomb ends as it should, within the memory that the use may take."""
    _, status, half_limit = USES[use]
    content, name = compression_bomb(encoding), encoding.removeprefix("raw ")
    async with scripted_server(responding(200, b"{}")) as server:
        await transport.send(Request("GET", server.url, timeout=5))  # the library has imported everything then
    for cut in (None, 4000):
        async with scripted_server(sending_encoded(status, name, content, cut)) as server:
            pb = PocketBase(server.url, transport=transport, max_response_bytes=MIB, middleware=[], timeout=20)
            peak = await measure_peak(pb, transport, name, use, target)
            if peak >= 2 * half_limit:  # the table of interned strings may have grown, once by 4 MB
                peak = await measure_peak(pb, transport, name, use, target)
            assert peak < 2 * half_limit


async def measure_peak(pb: PocketBase, transport: Transport, name: str, use: str, target: Path) -> int:
    """Return the bytes of memory that a use of such a response takes at most."""
    run, status, _ = USES[use]
    is_supported = name in ("gzip", "deflate")
    tracemalloc.start()
    try:
        if is_supported and use in ("streamed", "saved"):
            await run(pb, transport, target)
        elif is_supported and use == "events":
            with pytest.raises(PocketBaseConnectionError, match="an event is larger than 16 MiB"):
                await run(pb, transport, target)
        else:
            message = "is larger than max_response_bytes" if is_supported else f"it is encoded as '{name}'"
            with pytest.raises(PocketBaseDecodeError, match=message) as caught:
                await run(pb, transport, target)
            assert caught.value.status == status
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("use", USES)
async def test_a_compression_bomb_takes_little_memory(transport: Transport, use: str, tmp_path: Path) -> None:
    for encoding in ("gzip", "gzip, gzip", "br"):
        await check_memory(transport, encoding, use, tmp_path / "saved")


GZIP = compress([b'"read"'], 31)
DEFLATE = compress([b'"read"'], 15)
READ = {
    "gzip": ("gzip", GZIP),
    "capitals": ("GZIP", GZIP),
    "an old name": ("x-gzip", GZIP),
    "deflate": ("deflate", DEFLATE),
    "deflate without its header": ("deflate", compress([b'"read"'], -15)),
    "two members": ("gzip", compress([b'"re'], 31) + compress([b'ad"'], 31)),
    "an empty member": ("gzip", compress([], 31) + GZIP),
    "no encoding": ("identity", b'"read"'),
    "no name": ("", b'"read"'),
}
EMPTY = {
    "nothing": ("gzip", b""),
    "gzip of nothing": ("gzip", compress([], 31)),
    "nothing by deflate": ("deflate", b""),
    "nothing in an unknown encoding": ("br", b""),
    "nothing twice": ("gzip, gzip", b""),
}
UNREADABLE = {
    "not compressed": ("gzip", b'"read"'),
    "not compressed either": ("deflate", b'"read"'),
    "half of it": ("gzip", GZIP[:-9]),
    "half of a deflate": ("deflate", DEFLATE[:-5]),
    "one byte": ("gzip", GZIP[:1]),
    "another checksum": ("gzip", GZIP[:-8] + b"12345678"),
    "something behind it": ("gzip", GZIP + b"more"),
    "something behind a deflate": ("deflate", DEFLATE + b"more"),
    "a second deflate": ("deflate", DEFLATE + DEFLATE),
    "half of a second member": ("gzip", GZIP + GZIP[:-3]),
    "unknown": ("utf-8", b'"read"'),
    "stacked": ("gzip, gzip", gzip.compress(GZIP)),
    "one that does nothing, and another": ("identity, gzip", GZIP),
    "two headers": ("gzip\r\nContent-Encoding: gzip", GZIP),
}


@pytest.mark.parametrize("cut", [None, 1])
async def test_send_and_stream_decompress_gzip_and_deflate(transport: Transport, cut: int | None) -> None:
    for name, (encoding, content) in {**READ, **EMPTY}.items():
        async with scripted_server(sending_encoded(200, encoding, content, cut)) as server:
            expected = b'"read"' if name in READ else b""
            assert (await transport.send(Request("GET", server.url, timeout=5))).content == expected, name
            async with transport.stream(Request("GET", server.url, timeout=5)) as response:
                assert b"".join([chunk async for chunk in response.aiter_bytes()]) == expected, name


@pytest.mark.parametrize("cut", [None, 1])
@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_body_that_cannot_be_decompressed_raises_a_decode_error(
    transport: Transport, name: str, cut: int | None
) -> None:
    async with scripted_server(sending_encoded(200, *UNREADABLE[name], cut)) as server:
        with pytest.raises(PocketBaseDecodeError, match="the response cannot be decompressed: ") as caught:
            await transport.send(Request("GET", f"{server.url}/?token=secret", timeout=5))
        assert caught.value.status == 200
        assert "secret" not in str(caught.value)
        with pytest.raises(PocketBaseDecodeError, match="the response cannot be decompressed: "):
            async with transport.stream(Request("GET", server.url, timeout=5)) as response:
                async for _ in response.aiter_bytes():
                    pass


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_the_encoding_of_a_response_without_a_body_is_ignored(
    transport: Transport, method: str, status: int
) -> None:
    async with scripted_server(responding(status, b"", "Content-Encoding: br")) as server:
        response = await transport.send(Request(method, server.url, timeout=5))
    assert (response.status_code, response.content) == (status, b"")


async def test_only_supported_encodings_are_requested(transport: Transport) -> None:
    async with scripted_server(responding(200, b"")) as server:
        await transport.send(Request("GET", server.url, timeout=5))
        await transport.send(Request("GET", server.url, headers={"accept-encoding": "identity"}, timeout=5))
        with contextlib.suppress(PocketBaseDecodeError):
            async with transport.events(Request("GET", server.url, timeout=5)):
                pass
    accepted = [request.headers["accept-encoding"] for request in server.requests]
    assert accepted == ["gzip, deflate", "identity", "gzip, deflate"]


async def test_compressed_events_are_yielded_as_they_arrive(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        compressor = zlib.compressobj(wbits=31)
        for number in (1, 2):
            event = compressor.compress(b"data:%d\n\n" % number) + compressor.flush(zlib.Z_SYNC_FLUSH)
            await connection.chunk(event)
            await go_on.wait()

    go_on = asyncio.Event()
    async with scripted_server(script) as server, transport.events(Request("GET", server.url, timeout=5)) as events:
        assert (await anext(events)).data == "1"
        go_on.set()
        assert (await anext(events)).data == "2"
