"""Files to upload, where no network is needed to see what happens."""

import asyncio
import copy
import io
import os
import pickle
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp.web import FileField
from multidict import CIMultiDict, CIMultiDictProxy
from starlette.datastructures import Headers, UploadFile

from pocketbase_core import FileUpload, PocketBaseInputError
from pocketbase_core.messages.chunk_reader import ChunkReader
from pocketbase_core.transport.body_encoding import encode_body


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
            await asyncio.Event().wait()
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


def names_of(upload: FileUpload) -> list[tuple[str, str]]:
    return [(file.filename, file.content_type) for file in upload.files]


async def test_an_open_file_is_sent_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"image")
    with open(path, "rb") as opened, open(os.fsencode(path), "rb") as other, open(path, "rb", buffering=0) as raw:
        upload = FileUpload(opened, other, raw, path, ("b.txt", b"text"))
        assert names_of(upload) == [("a.png", "image/png")] * 4 + [("b.txt", "text/plain")]
        assert (await sent(opened, path)).count(b"image\r\n") == 2
        assert not opened.closed
    with tempfile.NamedTemporaryFile(suffix=".txt") as temporary:
        assert names_of(FileUpload(temporary)) == [(Path(temporary.name).name, "text/plain")]


async def test_a_file_whose_read_is_a_coroutine_is_sent_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"image")
    async with await anyio.open_file(tmp_path / "a.png", "rb") as opened:
        assert names_of(FileUpload(opened)) == [("a.png", "image/png")]
        assert b"image\r\n" in await sent(opened)


@pytest.mark.parametrize("make", [io.BytesIO, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile])
def test_a_file_without_a_name_needs_one(make: Any) -> None:
    with make() as opened, pytest.raises(TypeError, match=r"has no file name; pass \(filename, content\)"):
        FileUpload(opened)


class FileStorage:
    """An upload as Werkzeug has it: the attributes of its stream are its own."""

    name = "the field"
    filename = "a.png"
    content_type = "image/x-own"

    def __init__(self) -> None:
        self.stream = io.BytesIO(b"image")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


RECEIVED: list[Any] = [
    lambda: UploadFile(io.BytesIO(b"image"), filename="a.png", headers=Headers({"Content-Type": "image/x-own"})),
    lambda: FileField("the field", "a.png", io.BytesIO(b"image"), "image/x-own", CIMultiDictProxy(CIMultiDict())),
    FileStorage,
]


@pytest.mark.parametrize("make", RECEIVED)
async def test_an_upload_that_a_web_framework_received_is_sent_on(make: Any) -> None:
    upload = FileUpload(make())
    assert names_of(upload) == [("a.png", "image/x-own")]
    assert upload.files[0].replayable
    assert b"Content-Type: image/x-own\r\n\r\nimage\r\n" in await sent(make())


def test_an_upload_of_a_web_framework_without_a_content_type_gets_that_of_its_name() -> None:
    for headers in (None, Headers({"Content-Type": ""})):
        upload = UploadFile(io.BytesIO(b"x"), filename="a.png", headers=headers)
        assert names_of(FileUpload(upload)) == [("a.png", "image/png")]
    with pytest.raises(PocketBaseInputError, match="a file name must be text and not empty, not None"):
        FileUpload(UploadFile(io.BytesIO(b"x")))


@pytest.mark.parametrize("mode", ["r", "w", "wb", "ab"])
def test_a_file_that_cannot_be_read_as_bytes_is_refused_at_once(mode: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with open(tmp_path / "a.txt", mode) as opened:
        for file in (opened, ("a.txt", opened)):
            with pytest.raises(TypeError, match=r"'a\.txt' is open .*; open it with mode 'rb'"):
                FileUpload(file)
    with tempfile.NamedTemporaryFile("w+") as temporary, pytest.raises(TypeError, match="in text mode"):
        FileUpload(temporary)


def test_the_parts_of_one_file_must_be_a_tuple(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with open(tmp_path / "a.txt", "rb") as opened:
        for parts in (("a.txt", opened), ("a.txt", opened, "text/plain"), ("a.txt", "text", "text/plain")):
            with pytest.raises(TypeError, match=r"write one file as FileUpload\(\(filename, content, content_type\)\)"):
                FileUpload(*parts)
        assert len(FileUpload("b.txt", opened).files) == 2
    assert len(FileUpload("image/a.png", "image/b.png", "image/c.png").files) == 3


@dataclass
class Draft:
    title: str
    docs: list[FileUpload]


async def test_a_copy_of_a_body_shares_the_sources_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"from a path")
    with open(tmp_path / "a.txt", "rb") as opened:
        uploads = [FileUpload(tmp_path / "a.txt", ("b.txt", b"bytes")), FileUpload(opened, on_progress=print)]
        once = FileUpload(("once.txt", Once(b"read once")))
        body = Draft("title", [*uploads, once])
        for copied in (asdict(body)["docs"], copy.deepcopy(body).docs, copy.copy(body).docs):
            assert [upload.files for upload in copied] == [upload.files for upload in body.docs]
        content = await encode_body({}, (("docs", copy.deepcopy(once).files[0]),))
        assert b"read once" in b"".join([chunk async for chunk in content.chunks])
        with pytest.raises(ValueError, match="was read for an earlier request"):
            await encode_body({}, (("docs", once.files[0]),))


async def test_an_upload_of_paths_and_bytes_can_be_pickled(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"from a path")
    upload = FileUpload(tmp_path / "a.txt", ("b.txt", "text", "text/x-own"), on_progress=print)
    again = pickle.loads(pickle.dumps(upload))
    assert names_of(again) == names_of(upload)
    content = await encode_body({}, tuple(("docs", file) for file in again.files))
    assert b"from a path" in b"".join([chunk async for chunk in content.chunks])


@pytest.mark.parametrize("make", [io.BytesIO, lambda: Once(b"x")])
def test_an_upload_of_an_open_file_cannot_be_pickled(make: Any) -> None:
    with pytest.raises(TypeError, match=r"'a\.txt' cannot be pickled: only files from paths, bytes and text can"):
        pickle.dumps(FileUpload(("a.txt", make())))
