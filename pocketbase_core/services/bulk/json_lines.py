"""Records as lines of JSON, in a file: written in constant memory, and read from where a run has stopped."""

import asyncio
import hashlib
import io
import json
import os
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

from ...calls.options import Options
from ...concurrency.callbacks import notify
from ...endpoints import records
from ...messages.uploads import ProgressCallback, check_progress
from ...models.decoders import identity
from ...pipeline import Pipeline
from ..flows.bound_pipeline import BoundPipeline
from ..flows.pagination import RecordIterator
from ..flows.partial_file import PartialFile
from .create_many import NoRow, NumberedRows, write_rows
from .import_state import ImportState
from .result import BulkResult
from .writer import Confirm

LINES_AT_ONCE = 500
"""The number of lines that a thread reads or writes at once."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_OF_THE_COLLECTION = ("collectionId", "collectionName")
"""Keys that say where a record is from, and not what it is."""


class WritableFile(Protocol):
    """A file that is open for writing, as bytes or as text."""

    def write(self, data: Any, /) -> object:
        """Write bytes, or text."""
        ...


class ReadableFile(Protocol):
    """A file that is open for reading, as bytes or as text."""

    def __iter__(self) -> Any:
        """Iterate over the lines."""
        ...


async def export(
    pipeline: Pipeline,
    collection: str,
    target: str | os.PathLike[str] | WritableFile,
    batch: int,
    on_progress: ProgressCallback | None,
    options: Options,
) -> int:
    """Write the records of a collection to a file, and return their number. See `RecordService.export`."""
    check_progress(on_progress)
    reader = records.make_pages(collection, batch, options)
    part = PartialFile(Path(target)) if isinstance(target, (str, os.PathLike)) else None
    count = 0
    try:
        if part is not None:
            await asyncio.to_thread(part.open)
        async with aclosing(RecordIterator(pipeline, options, reader, identity)) as found:
            lines: list[str] = []
            async for record in found:
                lines.append(_line(record))
                if len(lines) == LINES_AT_ONCE:
                    count += await _write(part, target, lines, on_progress, count)
            if lines:
                count += await _write(part, target, lines, on_progress, count)
        if part is not None:
            await asyncio.to_thread(part.finish)
    finally:
        if part is not None:
            await asyncio.shield(asyncio.to_thread(part.discard))
    return count


def _line(record: dict[str, Any]) -> str:
    # With the option `fields`, the server writes the keys in a random order.
    fields = {key: record[key] for key in sorted(record) if key not in _OF_THE_COLLECTION}
    return f"{_ENCODER.encode(fields)}\n"


async def _write(
    part: PartialFile | None, target: object, lines: list[str], on_progress: ProgressCallback | None, before: int
) -> int:
    """Write the lines, and return their number. The list is empty afterwards."""
    text, count = "".join(lines), len(lines)
    lines.clear()
    if part is not None:
        await asyncio.to_thread(part.write, memoryview(text.encode()))
    else:
        file = cast(WritableFile, target)
        await asyncio.to_thread(file.write, text if isinstance(file, io.TextIOBase) else text.encode())
    if on_progress is not None:
        notify("a callback of on_progress", on_progress, before + count, None)
    return count


async def import_lines(
    bound: BoundPipeline,
    confirm: Confirm,
    collection: str,
    source: str | os.PathLike[str] | ReadableFile,
    key: str | None,
    size: int | None,
    on_progress: ProgressCallback | None,
) -> BulkResult:
    """Write the records of a file into a collection. See `RecordService.import_`."""
    if not isinstance(source, (str, os.PathLike)):
        rows = _rows(source, key, None)
        return await write_rows(bound, confirm, collection, rows, key or "id", size, on_progress)
    path = Path(source)
    file = await asyncio.to_thread(path.open, "rb")
    try:
        state = await asyncio.to_thread(ImportState.load, path, bound.build_url(f"/{collection}"))
        rows = _rows(file, key, state)
        result = await write_rows(
            bound, confirm, collection, rows, key or "id", size, on_progress, on_done=state.record
        )
        await asyncio.to_thread(state.remove)
        return result
    finally:
        await asyncio.to_thread(file.close)


async def _rows(file: Any, key: str | None, state: ImportState | None) -> NumberedRows:
    """Yield the rows of a file that are not done yet, with their numbers."""
    lines = enumerate(file, 1)
    while chunk := await asyncio.to_thread(lambda: [*islice(lines, LINES_AT_ONCE)]):
        for number, line in chunk:
            if state is None or not state.is_done(number):
                yield number, _parse(line, number, key)


def _parse(line: bytes | str, number: int, key: str | None) -> Any:
    content = line if isinstance(line, bytes) else line.encode()
    try:
        row: Any = json.loads(content)
        if not isinstance(row, dict):
            raise ValueError("the line is not a JSON object")
    except (ValueError, RecursionError) as error:
        return NoRow(content.decode(errors="replace").rstrip("\n"), ValueError(f"line {number}: {error}"))
    fields = cast("dict[str, Any]", row)
    if key is None and not fields.get("id"):
        fields["id"] = _id_of_line(content, number)
    return fields


def _id_of_line(content: bytes, number: int) -> str:
    """Return the id of a new record, which is the same one whenever the line is imported."""
    digest = int.from_bytes(hashlib.sha256(b"%d %s" % (number, content.rstrip(b"\r\n"))).digest())
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[digest // 36**place % 36] for place in range(15))
