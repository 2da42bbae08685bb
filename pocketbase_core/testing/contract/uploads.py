"""Tests: files are sent in chunks, and closed."""

import asyncio
import io
import os
import threading
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest

from ... import (
    FileUpload,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseError,
    PocketBaseRateLimitError,
    PocketBaseTimeoutError,
)
from ...ports import Transport
from .scripted_server import Connection, answering, ignoring, responding, scripted_server


class CountingFile(io.BytesIO):
    """A file that counts the bytes that were read."""

    bytes_read = 0
    """The number of bytes that were read."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and count."""
        chunk = super().read(size)
        self.bytes_read += len(chunk)
        return chunk


async def test_a_file_is_not_read_faster_than_it_is_sent(transport: Transport) -> None:
    file = CountingFile(bytes(128 * 1024 * 1024))
    seen = asyncio.Event()
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(1024)
        seen.set()
        await go_on.wait()
        connection.reset()

    async with scripted_server(script) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        upload = asyncio.create_task(posts.create({"file": FileUpload(("big.bin", file))}))
        await seen.wait()
        before = -1
        while before != file.bytes_read:  # until the buffers between client and server are full
            before = file.bytes_read
            await asyncio.sleep(0.05)
        assert file.bytes_read < 96 * 1024 * 1024  # Linux may take 32 MiB, the server's reader as much
        go_on.set()
        with pytest.raises(PocketBaseConnectionError):
            await upload


async def test_files_and_fields_are_sent_as_multipart(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / 'na"me\r\nü.txt'
    path.write_bytes(b"from disk")
    body = {
        "title": "x",
        "docs": ["old.txt", FileUpload(("a.txt", "text"), ("b.bin", b"\0\r\n--\xff", "x/y"))],
        "cover+": FileUpload(path),
    }
    async with scripted_server(answering("{}")) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        await posts.create(body)
        await posts.create(body)
    first, second = server.requests
    content_type, _, boundary = first.headers["content-type"].partition("; boundary=")
    assert content_type == "multipart/form-data"
    parts = first.body.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    assert parts[1].endswith(b'\r\n\r\n{"title":"x","docs":["old.txt"]}\r\n')
    assert b'name="@jsonPayload"\r\n' in parts[1]
    assert b'name="docs"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ntext\r\n' in parts[2]
    assert b'name="docs"; filename="b.bin"\r\nContent-Type: x/y\r\n\r\n\0\r\n--\xff\r\n' in parts[3]
    assert 'name="cover+"; filename="na%22me%0D%0Aü.txt"'.encode() in parts[4]
    assert parts[4].endswith(b"from disk\r\n")
    assert second.headers["content-length"] == first.headers["content-length"] == str(len(first.body))


async def test_a_file_without_a_size_is_sent_in_chunks(transport: Transport) -> None:
    remaining = [b"one", b"two", b""]

    class Pipe:
        def read(self, size: int) -> bytes:
            return remaining.pop(0)

    async with scripted_server(answering("{}")) as server:
        await PocketBase(server.url, transport=transport).collection("a").create({"f": FileUpload(("p", Pipe()))})
    assert b"onetwo" in server.requests[0].body
    assert "content-length" not in server.requests[0].headers


async def test_the_error_of_a_file_that_cannot_be_read_is_raised(transport: Transport) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise PermissionError("the disk is on fire")

    async with scripted_server(ignoring) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(PermissionError, match="on fire"):
            await posts.create({"f": FileUpload(("p", Broken()))})
        with pytest.raises(FileNotFoundError):
            await posts.create({"f": FileUpload("/nowhere/at/all")})
    assert server.connections == 1


class StalledSeek(io.BytesIO):
    """A file that blocks when its size is asked for."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__()
        self._released = released

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Wait for the release, then seek."""
        self._released.wait()
        return super().seek(offset, whence)


class StalledSources:
    """Sources of data that never return any, until `release` is called."""

    def __init__(self, folder: Path) -> None:
        self._released = threading.Event()
        self._fifo, held = folder / "fifo", folder / "held"
        os.mkfifo(self._fifo)
        os.mkfifo(held)
        self._held = os.open(held, os.O_RDWR)
        output, self._input = os.pipe()
        self._pipe = os.fdopen(output, "rb")
        self.sources: dict[str, Any] = {
            "a FIFO without a writer": self._fifo,
            "a FIFO whose writer is silent": held,
            "a pipe": ("p", self._pipe),
            "a blocking read": ("b", self),
            "a blocking seek": ("s", StalledSeek(self._released)),
            "an asynchronous iterator": ("a", self.wait()),
        }

    def read(self, size: int) -> bytes:
        """Wait for the release, then return nothing."""
        self._released.wait()
        return b""

    async def wait(self) -> AsyncGenerator[bytes, None]:
        """Wait forever."""
        await asyncio.Event().wait()
        yield b""

    def release(self) -> None:
        """End all reads that wait."""
        self._released.set()
        os.close(os.open(self._fifo, os.O_RDWR))
        os.close(self._held)
        os.close(self._input)
        for thread in threading.enumerate():
            if thread.name == "pocketbase-file":
                thread.join(5)
        self._pipe.close()


@pytest.fixture
def stalled(tmp_path: Path) -> Generator[StalledSources, None, None]:
    """Return sources of data that never return any."""
    sources = StalledSources(tmp_path)
    yield sources
    sources.release()


async def test_a_source_that_returns_no_data_ends_at_the_timeout(transport: Transport, stalled: StalledSources) -> None:
    async with scripted_server(ignoring) as server, scripted_server(answering("{}")) as other:
        await PocketBase(other.url, transport=transport).health.check()  # the library has imported everything then
        posts = PocketBase(server.url, transport=transport, timeout=1, middleware=[]).collection("posts")
        started = asyncio.get_running_loop().time()
        creates = (posts.create({"f": FileUpload(source)}) for source in stalled.sources.values())
        errors = await asyncio.gather(*creates, return_exceptions=True)
        assert asyncio.get_running_loop().time() - started < 3
        for name, error in zip(stalled.sources, errors, strict=True):
            assert isinstance(error, PocketBaseTimeoutError), name
            assert "a file to upload gave no data within 1 s" in str(error), name
        await asyncio.wait_for(asyncio.to_thread(int), 1)


async def test_a_source_that_returns_no_data_can_be_cancelled(transport: Transport, stalled: StalledSources) -> None:
    async with scripted_server(ignoring) as server:
        posts = PocketBase(server.url, transport=transport, timeout=None, middleware=[]).collection("posts")
        for name, source in stalled.sources.items():
            task = asyncio.create_task(posts.create({"f": FileUpload(source)}))
            await asyncio.sleep(0.05)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=1)
            assert done, name
            assert task.cancelled(), name


async def test_sources_that_return_no_data_do_not_block_other_uploads(
    transport: Transport, stalled: StalledSources
) -> None:
    async with scripted_server(answering("{}")) as server, scripted_server(ignoring) as deaf:
        held = PocketBase(deaf.url, transport=transport, timeout=None).collection("posts")
        fifo = stalled.sources["a FIFO without a writer"]
        tasks = [asyncio.create_task(held.create({"f": FileUpload(fifo)})) for _ in range(40)]
        await asyncio.sleep(0.05)
        posts = PocketBase(server.url, transport=transport, timeout=5).collection("posts")
        await posts.create({"f": FileUpload(__file__)})
        await asyncio.wait_for(asyncio.to_thread(int), 1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_the_upload_of_a_fifo_is_not_repeated(transport: Transport, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with scripted_server(responding(429)) as server:
        posts = PocketBase(server.url, transport=transport, timeout=5).collection("posts")
        writing = asyncio.create_task(asyncio.to_thread(fifo.write_bytes, b"delivered"))
        with pytest.raises(PocketBaseRateLimitError):
            await posts.create({"f": FileUpload(fifo)})
        await writing
    (request,) = server.requests
    assert b"\r\n\r\ndelivered\r\n" in request.body
    assert "content-length" not in request.headers


async def test_the_timeout_counts_from_the_last_chunk_of_an_upload(transport: Transport) -> None:
    class Slow:
        remaining = 6

        def read(self, size: int) -> bytes:
            time.sleep(0.1)
            self.remaining -= 1
            return b"o" * (self.remaining > 0)

    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport, timeout=0.3)
        await pb.collection("posts").create({"f": FileUpload(("p", Slow()))})
    assert b"ooooo" in server.requests[0].body


async def test_a_connection_whose_body_was_not_sent_completely_is_not_used_again(transport: Transport) -> None:
    """The body is sent to its end, or its connection is closed: else the server would take the rest for a request."""

    async def script(connection: Connection) -> None:
        while True:
            _, target, headers = await connection.head()
            size = int(headers.get("content-length", "0"))
            await connection.respond_json(
                "{}" if target == "/api/health" else '{"message": "Too large."}', 413 if size else 200
            )
            for _ in range(50):
                await asyncio.sleep(0)  # the client reads the response while its body fills the buffers
            await connection.reader.readexactly(size)

    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=5)
        for _ in range(2):
            with pytest.raises(PocketBaseError, match=r"Too large\."):
                await pb.collection("posts").create({"f": FileUpload(("big.bin", bytes(48 * 1024 * 1024)))})
            assert await pb.health.check() == {}
