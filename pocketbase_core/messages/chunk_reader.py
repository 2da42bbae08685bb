"""Reading a file in threads, for one request.

Theory of operation: reading a file may block, on a network disk or a pipe for ever. So each `read` runs in a thread of
its own, and the request waits for it on the event loop. A request can be cancelled while its thread is blocked in a
read, and nothing can end that read. Three rules keep this safe:

1. A path is opened in the thread of the first read. A cancelled wait therefore loses no open file: the reader holds it.
2. The file is closed by whoever is last. `close` waits for a running read for `CLOSE_TIMEOUT` seconds, then it returns,
   and the read closes the file when it ends. A read that starts after `close` returns nothing.
3. An open file that the caller passed stays open. Two requests may send it at the same time, so each reader keeps its
   own position, and seeks and reads under the file's lock. A file that is not seekable has no position, and `File`
   allows only one reader for it.

`_condition` guards `_is_reading` and `_is_closed` and is never held while a file is read.
"""

import threading
from pathlib import Path
from typing import BinaryIO

CHUNK_SIZE = 256 * 1024
"""Bytes that are read at once."""
CLOSE_TIMEOUT = 0.1
"""Seconds that `close` waits for a running read."""


class ChunkReader:
    """Reads a file from its start offset in chunks. The methods are called in threads.

    Args:
        filename: The name of the file in errors.
        source: A path, or a file that is open in binary mode.
        start_offset: The position of an open file to start at; None for a path and for a file that is not seekable.
        file_lock: The lock of an open file, shared by all of its readers.
    """

    def __init__(self, filename: str, source: Path | BinaryIO, start_offset: int | None, file_lock: threading.Lock):
        self._filename = filename
        self._path = source if isinstance(source, Path) else None
        self._file = None if isinstance(source, Path) else source
        self._position = start_offset
        self._file_lock = file_lock
        self._condition = threading.Condition()
        self._is_reading = False
        self._is_closed = False

    def read(self) -> bytes:
        """Return the next chunk; empty at the end of the file, and after `close`.

        Raises:
            TypeError: If the file returns something other than bytes.
            OSError: If the file cannot be read.
        """
        with self._condition:
            if self._is_closed:
                return b""
            self._is_reading = True
        try:
            return self._read_chunk()
        finally:
            with self._condition:
                self._is_reading = False
                if self._is_closed:
                    self._close_opened_path()
                self._condition.notify()

    def close(self) -> None:
        """Close the file if it was opened here. A read that is still running closes the file when it ends."""
        with self._condition:
            self._is_closed = True
            if self._condition.wait_for(lambda: not self._is_reading, CLOSE_TIMEOUT):
                self._close_opened_path()

    def _read_chunk(self) -> bytes:
        if self._path is not None:
            if self._file is None:
                self._file = self._path.open("rb", buffering=0)
            chunk: object = self._file.read(CHUNK_SIZE)
        else:
            assert self._file is not None
            with self._file_lock:
                if self._position is not None:
                    self._file.seek(self._position)
                chunk = self._file.read(CHUNK_SIZE)
        if not isinstance(chunk, bytes):
            raise TypeError(f"reading {self._filename!r} returned {type(chunk).__name__}, not bytes")
        if self._position is not None:
            self._position += len(chunk)
        return chunk

    def _close_opened_path(self) -> None:
        if self._path is not None and self._file is not None:
            self._file.close()  # cannot fail on a write: the file is open for reading only
