"""Files on their way out."""

import asyncio
import io
import time
from pathlib import Path

import pytest

from ... import (
    FileUpload,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseError,
)
from ...ports import Transport
from .wire import Connection, answering, ignoring, wire


class Counted(io.BytesIO):
    """A file that knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self.taken += len(chunk)
        return chunk


async def test_uploads_are_streamed(transport: Transport) -> None:
    file = Counted(bytes(128 * 1024 * 1024))
    seen = asyncio.Event()
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(1024)
        seen.set()
        await go_on.wait()
        connection.reset()

    async with wire(script) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        upload = asyncio.create_task(posts.create({"file": FileUpload(("big.bin", file))}))
        await seen.wait()
        before = -1
        while before != file.taken:  # until the buffers on the way are full
            before = file.taken
            await asyncio.sleep(0.05)
        assert file.taken < 96 * 1024 * 1024  # Linux may take 32 MiB, the server's reader as much
        go_on.set()
        with pytest.raises(PocketBaseConnectionError):
            await upload


async def test_a_multipart_body(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / 'na"me\r\nü.txt'
    path.write_bytes(b"from disk")
    body = {
        "title": "x",
        "docs": ["old.txt", FileUpload(("a.txt", "text"), ("b.bin", b"\0\r\n--\xff", "x/y"))],
        "cover+": FileUpload(path),
    }
    async with wire(answering("{}")) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        await posts.create(body)
        await posts.create(body)
    first, second = server.requests
    kind, _, boundary = first.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
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
    left = [b"one", b"two", b""]

    class Pipe:
        def read(self, size: int) -> bytes:
            return left.pop(0)

    async with wire(answering("{}")) as server:
        await PocketBase(server.url, transport=transport).collection("a").create({"f": FileUpload(("p", Pipe()))})
    assert b"onetwo" in server.requests[0].body
    assert "content-length" not in server.requests[0].headers


async def test_a_file_that_fails_while_it_is_read(transport: Transport) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise PermissionError("the disk is on fire")

    async with wire(ignoring) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(PermissionError, match="on fire"):
            await posts.create({"f": FileUpload(("p", Broken()))})
        with pytest.raises(FileNotFoundError):
            await posts.create({"f": FileUpload("/nowhere/at/all")})
    assert server.connections == 1


async def test_a_timeout_counts_from_the_last_chunk_of_an_upload(transport: Transport) -> None:
    class Slow:
        left = 6

        def read(self, size: int) -> bytes:
            time.sleep(0.1)
            self.left -= 1
            return b"o" * (self.left > 0)

    async with wire(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport, timeout=0.3)
        await pb.collection("posts").create({"f": FileUpload(("p", Slow()))})
    assert b"ooooo" in server.requests[0].body


async def test_an_answer_before_all_of_the_body_was_sent(transport: Transport) -> None:
    """What was begun is sent to its end, or the connection is closed: the next request is none of it."""

    async def script(connection: Connection) -> None:
        while True:
            _, target, headers = await connection.head()
            size = int(headers.get("content-length", "0"))
            await connection.respond_json(
                "{}" if target == "/api/health" else '{"message": "Too large."}', 413 if size else 200
            )
            for _ in range(50):
                await asyncio.sleep(0)  # the client reads the answer, while its body fills the buffers on the way
            await connection.reader.readexactly(size)

    async with wire(script) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=5)
        for _ in range(2):
            with pytest.raises(PocketBaseError, match=r"Too large\."):
                await pb.collection("posts").create({"f": FileUpload(("big.bin", bytes(48 * 1024 * 1024)))})
            assert await pb.health.check() == {}
