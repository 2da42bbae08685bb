"""Files to upload."""

import asyncio
import inspect
import io
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

CHUNK = 256 * 1024
Progress = Callable[[int, int | None], object]


def check_progress(on_progress: Progress | None) -> None:
    """Raise TypeError for what is no plain function."""
    if on_progress is not None and (not callable(on_progress) or inspect.iscoroutinefunction(on_progress)):
        raise TypeError(f"on_progress must be a plain function of (done, total), not {on_progress!r:.100}")


class FileUpload:
    """One or more files as the value of a field: `FileUpload("a.png")`, `FileUpload(("a.txt", b"…"), …)`.

    Each is a path, or a tuple `(filename, content)` or `(filename, content, content_type)`, where content is bytes,
    text, a `Path`, a file opened in binary mode, or something asynchronous: an iterator of bytes, or an object whose
    `read(size)` is a coroutine. An open file is sent from where it stands now and stays open. What cannot be read
    again, as an iterator, can be sent once.

    `on_progress(done, total)` is told bytes of all these files together, 0 first and at each new attempt; total is
    None when it is unknown. What it raises is logged.
    """

    def __init__(self, *files: Any, on_progress: Progress | None = None) -> None:
        if not files:
            raise ValueError("FileUpload needs at least one file")
        check_progress(on_progress)
        listener = None if on_progress is None else Listener(on_progress)
        self.files = tuple(replace(_file(file), listener=listener) for file in files)

    def __repr__(self) -> str:
        return f"FileUpload({', '.join(repr(file.filename) for file in self.files)})"


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """Whom to tell how far the files of one upload are; equal to itself only, as several may share a function."""

    on_progress: Progress


@dataclass(frozen=True, slots=True)
class File:
    """A file that can be read in chunks, again and again where its source allows."""

    filename: str
    content: bytes | Path | BinaryIO | AsyncIterable[bytes] = field(repr=False)
    content_type: str
    start: int | None = None
    """Where an open file stood; None when it cannot go back there."""
    listener: Listener | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _spent: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Taken for good by the one who reads what cannot be read again."""

    @property
    def replayable(self) -> bool:
        """Whether it can be sent a second time."""
        return isinstance(self.content, (bytes, Path)) or self.start is not None

    async def size(self) -> int | None:
        """Bytes to come; None when unknown.

        Raises:
            OSError: there is no such file, or it can't be read.
            ValueError: it was read before, and can't be read again.
        """
        if isinstance(self.content, bytes):
            return len(self.content)
        if self._spent.locked():
            raise self._once_only()
        if isinstance(self.content, AsyncIterable):
            return None
        return await asyncio.to_thread(self._size, self.content)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The content; a disk is read in threads."""
        if isinstance(self.content, bytes):
            for start in range(0, len(self.content), CHUNK):
                yield self.content[start : start + CHUNK]
            return
        if not self.replayable and not self._spent.acquire(blocking=False):
            raise self._once_only()
        if isinstance(self.content, AsyncIterable):
            async with aclosing(_received(self.filename, self.content)) as received:
                async for chunk in received:
                    yield chunk
            return
        reader = Reader(self.filename, self.content, self.start, self._lock)
        try:
            while chunk := await asyncio.to_thread(reader.read):
                yield chunk
        finally:
            # Its thread may still be reading. Where this wait is cancelled too, the closing goes on.
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, reader.close))

    def _once_only(self) -> ValueError:
        return ValueError(f"{self.filename!r} was read for an earlier request, and its source cannot be read again")

    def _size(self, content: Path | BinaryIO) -> int | None:
        if isinstance(content, Path):
            with content.open("rb") as opened:
                return os.fstat(opened.fileno()).st_size
        if self.start is None:
            return None
        with self._lock:
            return content.seek(0, io.SEEK_END) - self.start


async def _received(filename: str, source: AsyncIterable[object]) -> AsyncGenerator[bytes, None]:
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
    while chunk := await source.read(CHUNK):
        yield chunk


class Reader:
    """Reads for one request, in threads. The file is opened there too, so that a cancelled wait loses no open file."""

    def __init__(self, filename: str, content: Path | BinaryIO, start: int | None, lock: threading.Lock) -> None:
        self._filename = filename
        self._path = content if isinstance(content, Path) else None
        self._opened = None if isinstance(content, Path) else content
        self._position = start
        self._lock = lock
        self._closed = False

    def read(self) -> bytes:
        # Always from a position of its own: two requests may send one open file at the same time.
        with self._lock:
            if self._closed:
                return b""
            if self._opened is None:
                assert self._path is not None
                self._opened = self._path.open("rb")
            if self._position is not None:
                self._opened.seek(self._position)
            chunk: object = self._opened.read(CHUNK)
        if not isinstance(chunk, bytes):
            raise TypeError(f"reading {self._filename!r} gave {type(chunk).__name__}, not bytes")
        if self._position is not None:
            self._position += len(chunk)
        return chunk

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._path is not None and self._opened is not None:
                self._opened.close()


def _file(file: Any) -> File:
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)  # pyright: ignore[reportUnknownArgumentType]
        return _named(path.name, path, None)
    if isinstance(file, tuple) and len(file) in (2, 3):  # pyright: ignore[reportUnknownArgumentType]
        return _named(*file, *(None,) * (3 - len(file)))  # pyright: ignore
    raise TypeError(f"a file is a path, (filename, content) or (filename, content, content_type), not {file!r:.100}")


def _named(filename: Any, content: Any, content_type: Any) -> File:
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
