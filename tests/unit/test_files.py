"""Files on their way out and in, where no network is needed to see what happens."""

import asyncio
import io
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    FileUpload,
    Headers,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseTimeoutError,
    Request,
    Response,
)
from pocketbase_core.content import encode
from pocketbase_core.ports import Chunks, Exchange, read_error
from pocketbase_core.services.download import Part, Version
from pocketbase_core.threads import in_thread
from pocketbase_core.uploads import Reader
from pocketbase_transports import MockTransport


async def sent(*files: Any) -> bytes:
    upload = FileUpload(*files)
    content = await encode({}, tuple(("docs", file) for file in upload.files))
    return b"".join([chunk async for chunk in content.chunks])


def test_its_repr_names_the_files() -> None:
    assert repr(FileUpload(("a.txt", b"x"), ("b.txt", b"y"))) == "FileUpload('a.txt', 'b.txt')"


@pytest.mark.parametrize("after", [b"", b"longer than before"])
async def test_a_file_that_changes_while_it_is_sent(after: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"as it was")
    content = await encode({}, (("docs", FileUpload(path).files[0]),))
    path.write_bytes(after)
    with pytest.raises(OSError, match="changed while it was being sent"):
        async for _ in content.chunks:
            pass


class Once:
    """An iterator that is no generator."""

    def __init__(self, *chunks: Any) -> None:
        self._chunks = [*chunks]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        chunk: bytes = self._chunks.pop(0)
        return chunk


async def test_an_iterator_of_ones_own() -> None:
    assert b"one" + b"two" in await sent(("a.txt", Once(b"one", bytearray(b"two"))))
    with pytest.raises(TypeError, match="came as str, not bytes"):
        await sent(("a.txt", Once("text")))


async def test_a_file_that_gives_text() -> None:
    class Texts(io.BytesIO):
        def read(self, *_: Any) -> Any:
            return "text"

    with pytest.raises(TypeError, match="gave str, not bytes"):
        await sent(("a.txt", Texts(b"text")))


def test_a_reader_that_was_closed_reads_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    reader = Reader("a.bin", path, 0, threading.Lock())
    assert reader.read() == b"content"
    reader.close()
    assert reader.read() == b""


def test_a_file_whose_read_outlasts_the_closing_is_closed_by_that_read(tmp_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            reading.set()
            go_on.wait()
            return b"late"

    class SlowPath(type(tmp_path)):  # type: ignore[misc]
        def open(self, *_: Any, **__: Any) -> Any:
            return slow

    slow, reading, go_on = Slow(), threading.Event(), threading.Event()
    reader = Reader("a.bin", SlowPath(tmp_path), None, threading.Lock())
    thread = threading.Thread(target=reader.read)
    thread.start()
    reading.wait()
    reader.close()
    assert not slow.closed
    go_on.set()
    thread.join()
    assert slow.closed


async def test_a_read_that_raises_stop_iteration_is_an_error() -> None:
    class Ended:
        def read(self, size: int) -> bytes:
            raise StopIteration

    with pytest.raises(RuntimeError, match="a StopIteration was raised in a thread"):
        await sent(("a.bin", Ended()))


async def test_the_time_for_an_error_counts_from_its_headers_where_files_were_sent() -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"too "
        await asyncio.sleep(0)
        yield b"large"

    started = asyncio.get_running_loop().time() - 100
    files = (("f", FileUpload(("a.bin", b"x")).files[0]),)
    assert await read_error(Request("POST", "http://h", files=files, timeout=5), 413, chunks(), started) == b"too large"
    with pytest.raises(PocketBaseTimeoutError, match="no whole answer came within 5 s"):
        await read_error(Request("POST", "http://h", timeout=5), 413, chunks(), started)


async def test_a_loop_that_was_closed_hears_of_no_read() -> None:
    go_on = threading.Event()

    def read() -> None:
        go_on.wait()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(read), 0.01)

    await asyncio.to_thread(asyncio.run, give_up())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "pocketbase-file"]
    go_on.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_part_that_was_discarded_does_nothing_more(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    part = Part(target)
    part.discard()
    part.open()
    part.clear()
    part.write(memoryview(b"x"))
    part.finish()
    assert [*tmp_path.iterdir()] == []


class Breaking(MockTransport):
    """All of the body comes, and then the connection breaks."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Any, None]:
        class Streamed:
            status_code = 200
            headers = Headers({"Content-Length": "4"})

            async def aiter_bytes(self) -> AsyncGenerator[bytes, None]:
                yield b"body"
                raise PocketBaseConnectionError(request.url, message="reset", request_sent=True)

        yield Streamed()


async def test_a_body_that_is_whole_may_end_as_it_likes(tmp_path: Path) -> None:
    pb = PocketBase("http://h", transport=Breaking(lambda _: Response(500)))
    await pb.files.download_to(tmp_path / "a.bin", "posts", "x", "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"body"


async def test_what_no_adapter_knows_stays_what_it_is() -> None:
    async def fail() -> bytes:
        raise LookupError("a bug")

    exchange = Exchange(Request("GET", "http://h"), {})
    with pytest.raises(LookupError, match="a bug"):
        await anext(Chunks(exchange, fail))


async def test_an_adapter_without_a_meaning_for_a_time_limit() -> None:
    with pytest.raises(TimeoutError):
        async with Exchange(Request("GET", "http://h", timeout=0.01), {}):
            await asyncio.Event().wait()


@pytest.mark.parametrize(("length", "total"), [("12", 12), ("", None), ("-1", None), ("1e3", None), ("9" * 5000, None)])
def test_a_length_that_nobody_can_keep_is_unknown(length: str, total: int | None) -> None:
    assert Version.of(Headers({"Content-Length": length})).total == total
