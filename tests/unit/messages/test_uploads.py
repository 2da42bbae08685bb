"""Files to upload, where no network is needed to see what happens."""

import asyncio
import io
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest

from pocketbase_core import (
    FileUpload,
)
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
