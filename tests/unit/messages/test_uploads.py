"""Files on their way out and in, where no network is needed to see what happens."""

import asyncio
import io
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import anyio
import msgspec
import pydantic
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
from pocketbase_core.concurrency.threads import run_in_daemon_thread
from pocketbase_core.messages import chunk_reader
from pocketbase_core.messages.chunk_reader import ChunkReader
from pocketbase_core.services.flows.download import Validators
from pocketbase_core.services.flows.partial_file import PartialFile
from pocketbase_core.transport import BodyStream, Exchange, read_error_body
from pocketbase_core.transport.body_encoding import encode_body
from pocketbase_transports import MockTransport


async def sent(*files: Any) -> bytes:
    upload = FileUpload(*files)
    content = await encode_body({}, tuple(("docs", file) for file in upload.files))
    return b"".join([chunk async for chunk in content.chunks])


def test_the_repr_of_an_upload_names_its_files() -> None:
    assert repr(FileUpload(("a.txt", b"x"), ("b.txt", b"y"))) == "FileUpload('a.txt', 'b.txt')"


@pytest.mark.parametrize("after", [b"", b"longer than before"])
async def test_a_file_that_changes_its_size_while_it_is_sent_is_an_error(after: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"as it was")
    content = await encode_body({}, (("docs", FileUpload(path).files[0]),))
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


async def test_an_iterator_that_is_no_generator_is_sent_and_must_yield_bytes() -> None:
    assert b"one" + b"two" in await sent(("a.txt", Once(b"one", bytearray(b"two"))))
    with pytest.raises(TypeError, match="yielded str, not bytes"):
        await sent(("a.txt", Once("text")))


async def test_a_file_that_returns_text_is_a_type_error() -> None:
    class Texts(io.BytesIO):
        def read(self, *_: Any) -> Any:
            return "text"

    with pytest.raises(TypeError, match="returned str, not bytes"):
        await sent(("a.txt", Texts(b"text")))


def test_a_reader_that_was_closed_reads_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    reader = ChunkReader("a.bin", path, 0, threading.Lock())
    assert reader.read() == b"content"
    reader.close()
    assert reader.read() == b""


def test_a_file_whose_read_outlasts_the_closing_is_closed_by_that_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            reading.set()
            go_on.wait()
            return b"late"

    def open_slow(*_: Any, **__: Any) -> Slow:
        return slow

    slow, reading, go_on = Slow(), threading.Event(), threading.Event()
    monkeypatch.setattr(Path, "open", open_slow)
    monkeypatch.setattr(chunk_reader, "CLOSE_TIMEOUT", 0.01)
    reader = ChunkReader("a.bin", Path("a.bin"), None, threading.Lock())
    thread = threading.Thread(target=reader.read)
    thread.start()
    reading.wait()
    reader.close()
    assert not slow.closed
    go_on.set()
    thread.join()
    assert slow.closed


async def test_only_threads_access_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()

    def noting(method: Any) -> Any:
        def noted(*args: Any, **options: Any) -> Any:
            threads.add(threading.current_thread())
            return method(*args, **options)

        return noted

    monkeypatch.setattr(Path, "stat", noting(Path.stat))
    monkeypatch.setattr(Path, "open", noting(Path.open))
    path = tmp_path / "a.bin"
    path.touch()
    threads.clear()
    await sent(path)
    assert FileUpload(path).files[0].replayable
    assert threads
    assert threading.current_thread() not in threads


async def test_a_file_is_closed_before_a_cancellation_of_anyio_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")
    closed: list[ChunkReader] = []
    end = ChunkReader.close

    def close(reader: ChunkReader) -> None:
        time.sleep(0.02)  # in a thread
        end(reader)
        closed.append(reader)

    monkeypatch.setattr(ChunkReader, "close", close)
    with anyio.CancelScope() as scope:
        async with aclosing(FileUpload(tmp_path / "a.bin").files[0].chunks()) as chunks:
            await anext(chunks)
            scope.cancel()
            await asyncio.sleep(60)
    assert closed


async def test_a_pipe_is_sent_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    upload = FileUpload(tmp_path / "pipe")
    assert await upload.files[0].size() is None
    assert not upload.files[0].replayable


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
    assert (
        await read_error_body(Request("POST", "http://h", files=files, timeout=5), 413, chunks(), started)
        == b"too large"
    )
    with pytest.raises(PocketBaseTimeoutError, match="no whole answer came within 5 s"):
        await read_error_body(Request("POST", "http://h", timeout=5), 413, chunks(), started)


async def test_a_loop_that_was_closed_hears_of_no_read() -> None:
    go_on = threading.Event()

    def read() -> None:
        go_on.wait()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_in_daemon_thread(read), 0.01)

    await asyncio.to_thread(asyncio.run, give_up())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "pocketbase-file"]
    go_on.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_part_that_was_discarded_does_nothing_more(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    part = PartialFile(target)
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
        await anext(BodyStream(exchange, fail))


async def test_an_adapter_without_a_meaning_for_a_time_limit() -> None:
    with pytest.raises(TimeoutError):
        async with Exchange(Request("GET", "http://h", timeout=0.01), {}):
            await asyncio.Event().wait()


@pytest.mark.parametrize(("length", "total"), [("12", 12), ("", None), ("-1", None), ("1e3", None), ("9" * 5000, None)])
def test_a_length_that_nobody_can_keep_is_unknown(length: str, total: int | None) -> None:
    assert Validators.from_headers(Headers({"Content-Length": length})).total == total


AT_NOON = "Mon, 01 Jan 2024 12:00:00 GMT"
A_MINUTE_LATER = "Mon, 01 Jan 2024 12:01:00 GMT"


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": '"a"', "Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, AT_NOON),
        ({"ETag": 'W/"a"', "Last-Modified": AT_NOON, "Date": AT_NOON}, None),
        ({"Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, AT_NOON),
        ({"Last-Modified": AT_NOON, "Date": "Mon, 01 Jan 2024 12:00:59 GMT"}, None),
        ({"Last-Modified": AT_NOON, "Date": "Mon, 01 Jan 2024 11:00:00 GMT"}, None),
        ({"Last-Modified": AT_NOON}, None),
        ({"Last-Modified": "Mon, 99 Jan 2024 12:00:00 GMT", "Date": A_MINUTE_LATER}, None),
        ({"Last-Modified": f"{AT_NOON}\r\nX: y", "Date": A_MINUTE_LATER}, None),
        ({"Last-Modified": f"{AT_NOON}\x00", "Date": A_MINUTE_LATER}, None),
        ({"ETag": '"a\x01"'}, None),
        ({"ETag": '"ü"'}, None),
        ({"ETag": "a"}, None),
    ],
)
def test_only_what_tells_two_versions_apart_asks_for_the_rest(headers: dict[str, str], validator: str | None) -> None:
    version = Validators.from_headers(Headers({"Content-Length": "10", **headers}))
    asked = {} if validator is None else {"Range": "bytes=4-", "If-Range": validator}
    assert version.range_headers(4) == asked
    Headers(version.range_headers(4)).validate()


async def fetched(target: Path, before: Any = lambda: None) -> None:
    """Download a file to the target; `before` is called when it has begun."""

    def tell(done: int, total: int | None) -> None:
        if not done:
            before()

    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200, content=b"new")))
    await pb.files.download_to(target, "posts", "x", "a.bin", tell)
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o400])
async def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    target.chmod(mode)

    def look() -> None:
        (part,) = tmp_path.glob("*.part")
        assert part.stat().st_mode & 0o777 == 0o600, "nobody else reads it before it has the target's mode"

    await fetched(target, look)
    assert target.stat().st_mode & 0o777 == mode


async def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    await fetched(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "other").stat().st_mode


async def test_a_target_that_is_closed_to_others_meanwhile_stays_so(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"

    def close() -> None:
        target.touch(0o600)

    await fetched(target, close)
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("refused", "kept"), [(0, [(3, 4)]), (1, [(3, 4), (-1, 4)]), (2, [(3, 4), (-1, 4)]), (None, [])]
)
async def test_the_owner_is_kept_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int | None, kept: list[tuple[int, int]]
) -> None:
    target = tmp_path / "a.bin"
    target.touch(0o640)
    asked: list[tuple[int, int]] = []

    def chown(path: Path, owner: int, group: int) -> None:
        asked.append((owner, group))
        if len(asked) <= (refused or 0):
            raise PermissionError

    def stat(path: Path, **options: Any) -> os.stat_result:
        found = os.stat(path, **options)
        return os.stat_result((*found[:4], 3, 4, *found[6:])) if path == target else found

    monkeypatch.setattr(Path, "stat", stat)
    if refused is None:
        monkeypatch.delattr(os, "chown")  # as on Windows
    else:
        monkeypatch.setattr(os, "chown", chown)
    await fetched(target)
    assert asked == kept
    assert target.stat().st_mode & 0o777 == 0o640


@dataclass
class Post:
    id: str
    collectionId: str
    docs: list[str]


@dataclass
class Snake:
    id: str
    collection_name: str


class PostDict(TypedDict):
    id: str
    collectionName: str


class PostModel(pydantic.BaseModel):
    id: str
    collection: str = pydantic.Field(alias="collectionId")

    @property
    def collection_id(self) -> str:
        return self.collection


class PostStruct(msgspec.Struct, rename="camel"):
    id: str
    collection_id: str
    collection_name: str = ""


@pytest.mark.parametrize(
    "record",
    [
        Post("r1", "c1", ["a.png"]),
        Snake("r1", "c1"),
        PostDict(id="r1", collectionName="c1"),
        PostModel(id="r1", collectionId="c1"),
        msgspec.convert({"id": "r1", "collectionId": "c1", "collectionName": "posts"}, PostStruct),
        {"id": "r1", "collectionId": "c1", "collectionName": "posts"},
    ],
    ids=lambda record: type(record).__name__,
)
def test_the_url_of_a_typed_records_file(record: Any) -> None:
    files = PocketBase("http://h", transport=MockTransport(lambda _: Response(500))).files
    assert files.get_url(record, "a.png") == "http://h/api/files/c1/r1/a.png"
    assert files.get_url(record, "a.png", thumb="9x9") == "http://h/api/files/c1/r1/a.png?thumb=9x9"
    assert files.get_url(record, "a.png", {"thumb": "9x9"}) == "http://h/api/files/c1/r1/a.png?thumb=9x9"
    assert files.get_url(record, "") == ""
