"""How far an import has come, in a file beside the imported one."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..flows.partial_file import PartialFile
from .result import BulkResult


@dataclass
class ImportState:
    """How far an import has come.

    The file counts only if the imported file and the collection are the same as before. Rows after the counted ones may
    be stored already: they are updated by their key.
    """

    path: Path
    identity: dict[str, Any]
    """The collection, and the size and the time of the imported file."""
    done: int = 0
    """The number of rows at the beginning of the file that were written, or have failed."""
    failed: list[int] = field(default_factory=list[int])
    """The numbers of rows that have failed. The next run tries them again."""
    _beyond: set[int] = field(default_factory=set[int])
    """The numbers of rows that are done, after the first one that is not."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _retried: frozenset[int] = frozenset()
    """The numbers of rows that failed in the run before."""

    @classmethod
    def load(cls, imported: Path, collection: str) -> "ImportState":
        """Return the state of the import of a file into a collection, which may have begun in another process."""
        status = imported.stat()
        identity = {"collection": collection, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
        state = cls(imported.with_name(f"{imported.name}.progress"), identity)
        try:
            saved = cast("dict[str, Any]", json.loads(state.path.read_bytes()))
            if {name: saved.get(name) for name in identity} == identity and isinstance(saved["done"], int):
                state.done = saved["done"]
                state._retried = frozenset(saved["failed"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # there is no file, or it is damaged: the import begins at the first row
        return state

    def is_done(self, number: int) -> bool:
        """Return whether a row need not be written, because the run before has written it."""
        return number <= self.done and number not in self._retried

    async def record(self, numbers: list[int], result: BulkResult) -> None:
        """Record that rows are done, and write the file if the beginning without gaps has grown."""
        async with self._lock:
            self.failed += [row.number for row in result.failed[len(self.failed) :]]
            self._beyond.update(number for number in numbers if number > self.done)
            before = self.done
            while self.done + 1 in self._beyond:
                self.done += 1
                self._beyond.remove(self.done)
            if self.done > before:
                writing = asyncio.ensure_future(asyncio.to_thread(self._write))
                try:
                    await asyncio.shield(writing)
                finally:
                    await asyncio.wait([writing])  # else the thread would write the file after a cancelled import

    def _write(self) -> None:
        saved = {**self.identity, "done": self.done, "failed": sorted({*self.failed, *self._retried})}
        file = PartialFile(self.path)
        try:
            file.open()
            file.write(memoryview(json.dumps(saved).encode()))
            file.finish()
        finally:
            file.discard()

    def remove(self) -> None:
        """Remove the file, once the import is complete."""
        self.path.unlink(missing_ok=True)
