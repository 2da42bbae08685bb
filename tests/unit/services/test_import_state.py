"""How far an import has come is in a file, whatever ends the import."""

import asyncio
import json
import threading
from pathlib import Path

import pytest

from pocketbase_core import BulkResult
from pocketbase_core.services.bulk import import_state
from pocketbase_core.services.bulk.import_state import ImportState
from pocketbase_core.services.flows.partial_file import PartialFile


async def test_a_cancelled_import_ends_when_its_progress_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    class SlowFile(PartialFile):
        def open(self) -> None:
            has_begun.set()
            may_end.wait(10)
            super().open()

    monkeypatch.setattr(import_state, "PartialFile", SlowFile)
    (path := tmp_path / "rows.jsonl").write_text("{}\n{}\n")
    state = ImportState.load(path, "items")
    recording = asyncio.create_task(state.record([1, 2], BulkResult()))
    await asyncio.to_thread(has_begun.wait, 10)
    recording.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not recording.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert json.loads((tmp_path / "rows.jsonl.progress").read_bytes())["done"] == 2
