"""Files to upload."""

import asyncio
import inspect
import io
import os
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..concurrency.threads import run_in_daemon_thread

CHUNK_SIZE = 256 * 1024
GRACE = 0.1
ProgressCallback = Callable[[int, int | None], object]


def check_progress(on_progress: ProgressCallback | None) -> None:
    """Raise TypeError for what is no plain function."""
    if on_progress is not None and (not callable(on_progress) or inspect.iscoroutinefunction(on_progress)):
        raise TypeError(f"on_progress must be a plain function of (done, total), not {on_progress!r:.100}")


class FileUpload:
    """One or more files as the value of a field: `FileUpload("a.png")`, `FileUpload(("a.txt", b"…"), …)`.

    Each is a path, or a tuple `(filename, content)` or `(filename, content, content_type)`, where content is bytes,
    text, a `Path`, a file opened in binary mode, or something asynchronous: an iterator of bytes, or an object whose
    `read(size)` is a coroutine. An open file is sent from where it stands now and stays open. What cannot be read
    again, such as an iterator or a pipe, can be sent once.

    `on_progress(done, total)` is told bytes of all these files together, 0 first and at each new attempt; total is
    None when it is unknown. What it raises is logged.
    """

    def __init__(self, *files: Any, on_progress: ProgressCallback | None = None) -> None:
        if not files:
            raise ValueError("FileUpload needs at least one file")
        check_progress(on_progress)
        listener = None if on_progress is None else UploadProgress(on_progress)
        self.files = tuple(replace(_file(file), progress=listener) for file in files)

    def __repr__(self) -> str:
        return f"FileUpload({', '.join(repr(file.filename) for file in self.files)})"


@dataclass(frozen=True, slots=True, eq=False)
class UploadProgress:
    """The progress callback of one FileUpload. Equal to itself only: two uploads may share a function."""

    on_progress: ProgressCallback


@dataclass(frozen=True, slots=True)
class File:
    """A file that can be read in chunks, again and again where its source allows."""

    filename: str
    content: bytes | Path | BinaryIO | AsyncIterable[bytes] = field(repr=False)
    content_type: str
    start_offset: int | None = None
    """The position of an open file when it was handed in; None if the file is not seekable."""
    progress: UploadProgress | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _consumed: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Acquired once, and never released, by the first reader of a source that cannot be read again."""
    _is_fifo: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    """Set by `size`, as only a thread may look at the disk."""

    @property
    def replayable(self) -> bool:
        """Return whether the file can be sent a second time; of a path, `size` has to be called first."""
        if isinstance(self.content, Path):
            return not self._is_fifo.is_set()
        return isinstance(self.content, bytes) or self.start_offset is not None

    async def size(self) -> int | None:
        """Return the number of bytes to come; None when it is unknown.

        Raises:
            OSError: there is no such file, or the file can't be read.
            ValueError: the source was read before, and can't be read again.
        """
        if isinstance(self.content, bytes):
            return len(self.content)
        if self._consumed.locked():
            raise self._once_only()
        if isinstance(self.content, AsyncIterable):
            return None
        return await run_in_daemon_thread(partial(self._size, self.content))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The content; files are read in threads."""
        if isinstance(self.content, bytes):
            for start in range(0, len(self.content), CHUNK_SIZE):
                yield self.content[start : start + CHUNK_SIZE]
            return
        if not self.replayable and not self._consumed.acquire(blocking=False):
            raise self._once_only()
        if isinstance(self.content, AsyncIterable):
            async with aclosing(_checked_chunks(self.filename, self.content)) as received:
                async for chunk in received:
                    yield chunk
            return
        reader = ChunkReader(self.filename, self.content, self.start_offset, self._lock)
        try:
            while chunk := await run_in_daemon_thread(reader.read):
                yield chunk
        finally:
            closing = asyncio.ensure_future(run_in_daemon_thread(reader.close))
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:  # by anyio again and again, until this ends
                while not closing.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([closing])
                raise

    def _once_only(self) -> ValueError:
        return ValueError(f"{self.filename!r} was read for an earlier request, and its source cannot be read again")

    def _size(self, content: Path | BinaryIO) -> int | None:
        if isinstance(content, Path):
            if content.is_fifo():
                self._is_fifo.set()
                return None  # without opening it, which would wait for somebody to write
            with content.open("rb") as opened:
                status = os.fstat(opened.fileno())
                return status.st_size if stat.S_ISREG(status.st_mode) else None
        if self.start_offset is None:
            return None
        with self._lock:
            return content.seek(0, io.SEEK_END) - self.start_offset


async def _checked_chunks(filename: str, source: AsyncIterable[object]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(source)
    try:
        async for chunk in iterator:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise TypeError(f"{filename!r} came as {type(chunk).__name__}, not bytes")
            if chunk:  # an empty one would end a body that is sent in chunks
                yield bytes(cast(bytes, chunk))
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _read(source: Any) -> AsyncGenerator[bytes, None]:
    while chunk := await source.read(CHUNK_SIZE):
        yield chunk


class ChunkReader:
    """Reads for one request, in threads. The file is opened there too, so that a cancelled wait loses no open file."""

    def __init__(self, filename: str, content: Path | BinaryIO, start: int | None, lock: threading.Lock) -> None:
        self._filename = filename
        self._path = content if isinstance(content, Path) else None
        self._opened = None if isinstance(content, Path) else content
        self._position = start
        self._turn = lock
        """Two requests may send one open file at the same time."""
        self._state = threading.Condition()
        """Guards the two below, and is never held for long."""
        self._is_reading = False
        self._is_closed = False

    def read(self) -> bytes:
        """The next chunk; nothing at the end, and after `close`."""
        with self._state:
            if self._is_closed:
                return b""
            self._is_reading = True
        try:
            return self._read()
        finally:
            with self._state:
                self._is_reading = False
                if self._is_closed:
                    self._end()
                self._state.notify()

    def close(self) -> None:
        """Close what was opened here; a read that is still under way after `GRACE` seconds closes it when it ends."""
        with self._state:
            self._is_closed = True
            if self._state.wait_for(lambda: not self._is_reading, GRACE):
                self._end()

    def _read(self) -> bytes:
        if self._path is not None:
            if self._opened is None:
                self._opened = self._path.open("rb", buffering=0)
            chunk: object = self._opened.read(CHUNK_SIZE)
        else:
            assert self._opened is not None
            with self._turn:
                if self._position is not None:
                    self._opened.seek(self._position)
                chunk = self._opened.read(CHUNK_SIZE)
        if not isinstance(chunk, bytes):
            raise TypeError(f"reading {self._filename!r} gave {type(chunk).__name__}, not bytes")
        if self._position is not None:
            self._position += len(chunk)
        return chunk

    def _end(self) -> None:
        if self._path is not None and self._opened is not None:
            self._opened.close()  # was opened to read, and has nothing to write


def _file(file: Any) -> File:
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)  # pyright: ignore[reportUnknownArgumentType]
        return _make_file(path.name, path, None)
    if isinstance(file, tuple) and len(file) in (2, 3):  # pyright: ignore[reportUnknownArgumentType]
        return _make_file(*file, *(None,) * (3 - len(file)))  # pyright: ignore
    raise TypeError(f"a file is a path, (filename, content) or (filename, content, content_type), not {file!r:.100}")


def _make_file(filename: Any, content: Any, content_type: Any) -> File:
    if not isinstance(filename, str) or not filename:
        raise TypeError(f"a file name must be text, and not empty: {filename!r}")
    if any("\ud800" <= character <= "\udfff" for character in filename):
        raise ValueError(f"the file name {filename!r} is not valid Unicode text; give another as (filename, content)")
    if content_type is None:
        import mimetypes  # only this needs it

        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if not isinstance(content_type, str) or not (content_type.isascii() and content_type.isprintable()):
        raise ValueError(f"{content_type!r} is not a content type")
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return File(filename, bytes(content), content_type)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(content, os.PathLike):
        return File(filename, Path(content), content_type)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(content, io.TextIOBase):
        raise TypeError(f"{filename!r} is open in text mode; open it with mode 'rb'")
    if inspect.iscoroutinefunction(getattr(content, "read", None)):  # first, as iterating over it would give lines
        content = _read(content)
    if isinstance(content, AsyncIterable):
        return File(filename, cast(AsyncIterable[bytes], content), content_type)
    if not hasattr(content, "read"):
        raise TypeError(f"the content of {filename!r} is of type {type(content).__name__}, not bytes, text or a file")
    try:
        start = content.tell() if content.seekable() else None
    except (AttributeError, OSError):
        start = None
    return File(filename, content, content_type, start)
