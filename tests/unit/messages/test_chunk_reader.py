"""Reading a file in chunks, which outlives the request that asked for them."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core.messages import chunk_reader
from pocketbase_core.messages.chunk_reader import ChunkReader


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
