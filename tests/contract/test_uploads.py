"""Sources of uploads, and reports of their progress."""

import asyncio
import io
import os
import socket
import sys
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseConnectionError, PocketBaseError, PocketBaseRateLimitError
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import (
    Connection,
    answering,
    ignoring,
    responding,
    scripted_server,
    unused_port,
)
from pocketbase_transports import HttpxTransport

Progress = list[tuple[int, int | None]]


async def chunks(*content: bytes) -> AsyncGenerator[bytes, None]:
    for chunk in content:
        await asyncio.sleep(0)
        yield chunk


class Stream:
    """A request body of a web framework, which must be read in chunks: iteration would yield lines."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    async def read(self, size: int) -> bytes:
        return self._content.read(size)

    def __aiter__(self) -> "Stream":
        raise AssertionError


@pytest.mark.parametrize("make", [lambda: chunks(b"one", b"", b"two"), lambda: Stream(b"onetwo")])
async def test_an_asynchronous_source_is_sent_once(transport: Transport, make: Any) -> None:
    async with scripted_server(answering("{}")) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        body: dict[str, Any] = {"title": "x", "f": FileUpload(("a.txt", make()))}
        nobody = PocketBase(f"http://127.0.0.1:{unused_port()}", transport=transport)
        with pytest.raises(PocketBaseConnectionError):
            await nobody.collection("posts").create(body)
        await posts.create(body)  # the source was not read for the first request
        with pytest.raises(ValueError, match=r"'a\.txt' was read for an earlier request"):
            await posts.create(body)
        with pytest.raises(ValueError, match="cannot be read again"):
            await body["f"].files[0].size()  # the error is raised before anything is sent
    (received,) = server.requests
    assert b"\r\n\r\nonetwo\r\n" in received.body
    assert "content-length" not in received.headers, "the size of the source is not known"


async def test_of_two_requests_at_a_time_one_gets_the_asynchronous_source(transport: Transport) -> None:
    async with scripted_server(answering("{}")) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        body = {"f": FileUpload(("a.txt", chunks(*[b"x" * 1000] * 100)))}
        done = await asyncio.gather(posts.create(body), posts.create(body), return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["ValueError", "dict"], "the source has one reader"
    assert len(server.requests) == 1, "the other request was sent in part"


async def test_a_source_that_was_read_is_not_sent_again(transport: Transport) -> None:
    async with scripted_server(responding(429)) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(PocketBaseRateLimitError):
            await posts.create({"f": FileUpload(("a.txt", chunks(b"once")))})
    assert len(server.requests) == 1, "the upload was repeated"


async def test_an_asynchronous_source_that_fails_is_closed(transport: Transport) -> None:
    closed = False

    async def broken() -> AsyncGenerator[Any, None]:
        nonlocal closed
        try:
            yield b"x"
            yield "text"
        finally:
            closed = True

    async with scripted_server(ignoring) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(TypeError, match="yielded str, not bytes"):
            await posts.create({"f": FileUpload(("a.txt", broken()))})
    assert closed, "the source was left open"


async def test_progress_counts_all_bytes_of_a_field_and_starts_over_with_each_attempt(
    transport: Transport, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(600_000))
    progress: Progress = []
    other: Progress = []

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            if len(server.requests) == 1:
                await connection.respond(429, b"", "Retry-After: 0")
            else:
                await connection.respond_json("{}")

    async with scripted_server(script) as server:
        body = {
            "docs": FileUpload(
                tmp_path / "a.bin",
                ("b", bytes(300_000)),
                on_progress=lambda done, total: progress.append((done, total)),
            ),
            "other": FileUpload(("c", chunks(b"abc")), on_progress=lambda done, total: other.append((done, total))),
        }
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(PocketBaseRateLimitError):
            await posts.create(body)
        assert other == [(0, None), (3, None)]
        first, progress[:] = [*progress], []
        del body["other"]
        server.requests.clear()
        await posts.create(body)
    assert progress == first * 2, "the second attempt starts over"
    counts = [done for done, _ in first]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1], len(counts) > 4) == (0, 900_000, True), "progress is reported as the bytes leave"
    assert {total for _, total in first} == {900_000}


async def test_progress_is_reported_for_an_empty_file_too(transport: Transport) -> None:
    progress: Progress = []
    async with scripted_server(answering("{}")) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        await posts.create(
            {"f": FileUpload(("a", b""), on_progress=lambda done, total: progress.append((done, total)))}
        )
    assert progress == [(0, 0)]


@pytest.mark.parametrize("error_type", [KeyError, asyncio.CancelledError])
async def test_a_progress_callback_that_raises_does_not_disturb_the_upload(
    transport: Transport, error_type: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(done: int, total: int | None) -> None:
        raise error_type("enough")

    async with scripted_server(answering('{"id": "a"}')) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        assert await posts.create({"f": FileUpload(("a", b"x"), on_progress=fail)}) == {"id": "a"}
    assert "a callback of on_progress failed" in caplog.text


def test_a_progress_callback_that_is_no_plain_function_is_refused() -> None:
    wrong: Any
    for wrong in (asyncio.sleep, "bar"):
        with pytest.raises(TypeError, match="on_progress"):
            FileUpload("a", on_progress=wrong)


EXIT = """
import asyncio, os, sys
from pocketbase_core import FileUpload, PocketBase, PocketBaseTimeoutError
from pocketbase_transports import AiohttpTransport

async def main():
    async with PocketBase(sys.argv[1], transport=AiohttpTransport(), timeout=0.1) as pb:
        try:
            await pb.collection("posts").create({"f": FileUpload(sys.argv[2])})
        except PocketBaseTimeoutError:
            print("late")

asyncio.run(main())
"""


async def test_a_read_that_never_ends_does_not_keep_the_interpreter_from_exiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with scripted_server(ignoring) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", EXIT, server.url, fifo, stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 20)
        except TimeoutError:
            process.kill()
            raise
    assert (process.returncode, output) == (0, b"late\n")


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_an_unread_response_survives_the_next_write(library: Any) -> None:
    """aiohttp is left out: a write that fails closes the connection, and the response is lost."""

    def refuse() -> None:
        connection, _ = server_socket.accept()
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Whatever\r\nContent-Length: 0\r\n\r\n")
        connection.close()  # unread data makes the kernel send RST
        hung_up.set()

    async def source() -> AsyncGenerator[bytes, None]:
        yield bytes(100_000)
        assert hung_up.wait(5)  # this blocks the loop, which therefore does not read the response
        yield bytes(100_000)

    hung_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server_socket:
        threading.Thread(target=refuse).start()
        async with library.AsyncClient() as client:
            pb = PocketBase(f"http://127.0.0.1:{server_socket.getsockname()[1]}", transport=HttpxTransport(client))
            with pytest.raises(PocketBaseError) as caught:
                await pb.collection("posts").create({"f": FileUpload(("a.bin", source()))})
    assert caught.value.status == 413
