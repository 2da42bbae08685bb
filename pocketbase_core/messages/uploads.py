"""Files to upload.

Theory of operation: a `FileUpload` is what users put into a body; it makes a `File` of each of its files. A `File` has
one content of four kinds:

- bytes: sent as often as needed;
- a path: opened anew for each attempt, unless it is a FIFO, which can be read once;
- an open file: read from `start_offset`, its position when the FileUpload was made. Can be read again if seekable;
- an asynchronous iterable: read once, on the event loop.

A transport calls `size` first, for the Content-Length, then `chunks`. `Retry` reads `replayable` before it repeats a
request. Paths and open files are accessed only in threads, by `size` and by `ChunkReader`. The first reader of a source
that is not replayable acquires `_consumed`, so a second attempt is an error and never sends a truncated file.
"""

import asyncio
import inspect
import io
import os
import re
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from ..concurrency.event_loops import start_lock
from ..concurrency.threads import run_in_daemon_thread
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .chunk_reader import CHUNK_SIZE, ChunkReader

_CONTENT_TYPE = re.compile(r"([!-~]+/[ -~]*[!-~])?")
ProgressCallback = Callable[[int, int | None], object]
"""Is called with the bytes sent so far, and the total, which is None if it is unknown."""


def check_progress(on_progress: ProgressCallback | None) -> None:
    """Check a progress callback; None is no callback.

    Raises:
        TypeError: If `on_progress` is not a plain function, for example a coroutine function.
    """
    if on_progress is not None and (not callable(on_progress) or inspect.iscoroutinefunction(on_progress)):
        raise TypeError(f"on_progress must be a plain function of (done, total), not {on_progress!r:.100}")


class FileUpload:
    """One or more files as the value of a field: `FileUpload("a.png")`, `FileUpload(("a.txt", b"…"), …)`.

    An open file is sent from its current position and stays open. A source that cannot be read again, such as an
    iterator or a pipe, can be sent once. A copy of a FileUpload, also a deep one, shares its sources. It can be pickled
    if all its files are paths, bytes or text.

    Args:
        *files: Each a path, an open file that has a name, an upload that a web framework has received (of Starlette,
            FastAPI, aiohttp or Werkzeug), or a tuple `(filename, content)` or `(filename, content, content_type)`. The
            content is bytes, text, a `Path`, a file opened in binary mode, an asynchronous iterator of bytes, or an
            object whose `read(size)` is a coroutine.
        on_progress: A function that is called with `(done, total)`, in bytes of all these files together: with 0 first,
            and with 0 again at each new attempt. The total is None if it is unknown. Its exceptions are logged.

    Raises:
        ValueError: If there are no files, or a file name or content type is not valid.
        TypeError: If a file is of another form, or `on_progress` is not a plain function.
    """

    def __init__(self, *files: Any, on_progress: ProgressCallback | None = None) -> None:
        if not files:
            raise PocketBaseInputError("a FileUpload must have at least one file")
        check_progress(on_progress)
        progress = None if on_progress is None else UploadProgress(on_progress)
        self.files = tuple(replace(_to_file(file), progress=progress) for file in files)
        if _is_one_file(files, self.files):
            raise TypeError(
                "each argument is a file of its own; write one file as FileUpload((filename, content, content_type))"
            )

    def __repr__(self) -> str:
        return f"FileUpload({', '.join(repr(file.filename) for file in self.files)})"


@dataclass(frozen=True, slots=True, eq=False)
class UploadProgress:
    """The progress callback of one FileUpload.

    Compared by identity: two uploads may share a function and still count separately.
    """

    on_progress: ProgressCallback


@dataclass(frozen=True, slots=True)
class File:
    """A file of a FileUpload, with the content to send."""

    filename: str
    content: bytes | Path | BinaryIO | AsyncIterable[bytes] = field(repr=False)
    content_type: str
    start_offset: int | None = None
    """The position of an open file when the FileUpload was made; None for other contents, or if it is not seekable."""
    progress: UploadProgress | None = field(default=None, repr=False)
    _file_lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Held while an open file is positioned and read, because two requests may send it at the same time."""
    _consumed: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Acquired by the first reader of a source that is not replayable, and never released."""
    _is_fifo: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    """Set by `size` if the path is a FIFO. Only `size` knows, as only threads access the disk."""

    def __deepcopy__(self, memo: object) -> Self:
        """Return the file itself: copies read the same source, so they need the same locks."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what pickle stores.

        Raises:
            TypeError: If the content is neither bytes nor a path.
        """
        if not isinstance(self.content, (bytes, Path)):
            raise TypeError(f"{self.filename!r} cannot be pickled: only files from paths, bytes and text can")
        return type(self), (self.filename, self.content, self.content_type, None, self.progress)

    @property
    def replayable(self) -> bool:
        """True if the file can be sent a second time. For a path, the value is certain after `size`."""
        if isinstance(self.content, Path):
            return not self._is_fifo.is_set()
        return isinstance(self.content, bytes) or self.start_offset is not None

    async def size(self) -> int | None:
        """Return the number of bytes that `chunks` will yield; None if it is unknown.

        Raises:
            OSError: If the file does not exist or cannot be read.
            ValueError: If the source was read before and cannot be read again.
        """
        if isinstance(self.content, bytes):
            return len(self.content)
        if self._consumed.locked() or getattr(self.content, "ag_frame", self) is None:  # an async generator that ended
            raise self._consumed_error()
        if isinstance(self.content, AsyncIterable):
            return None
        return await run_in_daemon_thread(partial(self._measure, self.content))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content. Close the generator to close the file.

        Raises:
            OSError: If the file does not exist or cannot be read.
            TypeError: If the source yields something other than bytes.
            ValueError: If the source was read before and cannot be read again.
        """
        if isinstance(self.content, bytes):
            for start in range(0, len(self.content), CHUNK_SIZE):
                yield self.content[start : start + CHUNK_SIZE]
            return
        if not self.replayable and not self._consumed.acquire(blocking=False):
            raise self._consumed_error()
        if isinstance(self.content, AsyncIterable):
            async with aclosing(_checked_chunks(self.filename, self.content)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        reader = ChunkReader(self.filename, self.content, self.start_offset, self._file_lock)
        try:
            while chunk := await run_in_daemon_thread(reader.read):
                yield chunk
        finally:
            closing = asyncio.ensure_future(run_in_daemon_thread(reader.close))
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:  # anyio cancels again and again until the task ends
                while not closing.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([closing])
                raise

    def _consumed_error(self) -> ValueError:
        return ValueError(f"{self.filename!r} was read for an earlier request, and its source cannot be read again")

    def _measure(self, content: Path | BinaryIO) -> int | None:
        if isinstance(content, Path):
            if content.is_fifo():
                self._is_fifo.set()
                return None  # not opened here: opening a FIFO waits for a writer
            with content.open("rb") as file:
                status = os.fstat(file.fileno())
                return status.st_size if stat.S_ISREG(status.st_mode) else None
        if self.start_offset is None:
            return None
        with self._file_lock:
            return content.seek(0, io.SEEK_END) - self.start_offset


async def _checked_chunks(filename: str, source: AsyncIterable[object]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(source)
    try:
        async for chunk in iterator:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise PocketBaseInputTypeError(f"the source of {filename!r} yielded {type(chunk).__name__}, not bytes")
            if chunk:  # an empty chunk would end a chunked body (RFC 9112, 7.1)
                yield bytes(cast(bytes, chunk))
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _read_chunks(source: Any) -> AsyncGenerator[bytes, None]:
    while chunk := await source.read(CHUNK_SIZE):
        yield chunk


def _to_file(file: Any) -> File:
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)  # pyright: ignore[reportUnknownArgumentType]
        return _make_file(path.name, path, None)
    if hasattr(file, "content_type") and hasattr(file, "filename"):  # here, `name` is the name of the form's field
        return _make_file(file.filename, getattr(file, "file", file), file.content_type or None)
    if hasattr(file, "read"):
        return _make_file(_name_of(file), file, None)
    if isinstance(file, tuple) and len(file) in (2, 3):  # pyright: ignore[reportUnknownArgumentType]
        return _make_file(*file, *(None,) * (3 - len(file)))  # pyright: ignore
    raise TypeError(
        "a file must be a path, an open file, (filename, content) or (filename, content, content_type), "
        f"not {file!r:.100}"
    )


def _name_of(opened: Any) -> str:
    name = getattr(opened, "name", None)  # a file descriptor is a number here
    if not isinstance(name, (str, bytes, os.PathLike)):
        raise TypeError(f"{opened!r:.100} has no file name; pass (filename, content)")
    return os.path.basename(os.fsdecode(name))  # pyright: ignore[reportUnknownArgumentType]


def _is_one_file(arguments: tuple[Any, ...], files: tuple[File, ...]) -> bool:
    """Return whether the arguments are the name, the content and the type of one file, as in another SDK."""
    if not isinstance(arguments[0], str):
        return False
    if len(arguments) == 2:
        return hasattr(arguments[1], "read") and files[0].filename == files[1].filename
    if len(arguments) != 3 or not isinstance(arguments[2], str):
        return False
    with start_lock:
        import mimetypes
    return mimetypes.guess_extension(arguments[2]) is not None


def _make_file(filename: Any, content: Any, content_type: Any) -> File:
    if not isinstance(filename, str) or not filename:
        raise PocketBaseInputTypeError(f"a file name must be text and not empty, not {filename!r}")
    if any("\ud800" <= character <= "\udfff" for character in filename):
        raise PocketBaseInputError(
            f"the file name {filename!r} is not valid Unicode text; pass another as (filename, content)"
        )
    content_type = _resolve_content_type(filename, content_type)
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return File(filename, bytes(content), content_type)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(content, os.PathLike):
        return File(filename, Path(content), content_type)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(content, io.TextIOBase) or isinstance(getattr(content, "encoding", None), str):
        raise TypeError(f"{filename!r} is open in text mode; open it with mode 'rb'")
    if inspect.iscoroutinefunction(getattr(content, "read", None)):  # checked first, because iterating yields lines
        content = _read_chunks(content)
    if isinstance(content, AsyncIterable):
        return File(filename, cast(AsyncIterable[bytes], content), content_type)
    if not hasattr(content, "read"):
        raise PocketBaseInputTypeError(
            f"the content of {filename!r} must be bytes, text or a file, not {type(content).__name__}"
        )
    if not getattr(content, "readable", lambda: True)():
        raise TypeError(f"{filename!r} is open for writing only; open it with mode 'rb'")
    try:
        start_offset = content.tell() if content.seekable() else None
    except (AttributeError, OSError):
        start_offset = None
    return File(filename, content, content_type, start_offset)


def _resolve_content_type(filename: str, content_type: Any) -> str:
    if content_type is None:
        with start_lock:
            import mimetypes  # here, because few programs need it
        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if not isinstance(content_type, str) or not _CONTENT_TYPE.fullmatch(content_type):
        raise PocketBaseInputError(f"{content_type!r} is not a valid content type")
    return content_type
