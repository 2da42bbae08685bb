"""Reads rows, and writes them in batches, several at a time."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sized
from typing import Any, cast

from ...concurrency.callbacks import notify
from ...endpoints.batch import MAX_REQUESTS
from ...input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ...messages.uploads import FileUpload, ProgressCallback, check_progress
from ..flows.bound_pipeline import BoundPipeline
from .result import BulkResult, FailedRow
from .rows import Row, make_row
from .target import Target, find_target
from .writer import Confirm, Writer

IN_FLIGHT = 4
"""The number of requests at a time."""
_MAX_WEIGHT = 4 * 1024 * 1024
"""The text and the files in one batch, in bytes, after which the batch is sent."""
_FILES_WEIGHT = 256 * 1024
"""The bytes that the files of a field count as: the size of a file is known only once the file is opened."""
_FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)

Rows = Iterable[Any] | AsyncIterable[Any]
NumberedRows = AsyncGenerator[tuple[int, Any], None]
"""Rows with their numbers. A `NoRow` takes the place of one that could not be read."""
Done = Callable[[list[int], BulkResult], Awaitable[None]]
"""Called with the numbers of rows of which it is known what has become of them, and the result so far."""


class NoRow(Exception):
    """A row that could not be read; `body` is what was found in its place."""

    def __init__(self, body: Any, error: Exception) -> None:
        super().__init__(str(error))
        self.body = body
        self.error = error


async def create_many(
    bound: BoundPipeline,
    confirm: Confirm,
    collection: str,
    rows: Rows,
    key: str | None,
    size: int | None,
    on_progress: ProgressCallback | None,
) -> BulkResult:
    """Write rows, and return what has become of them. See `RecordService.create_many`."""
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, (Iterable, AsyncIterable)):
        kind = type(cast("object", rows)).__name__
        raise PocketBaseInputTypeError(f"rows must be an iterable of bodies, not {kind}")
    total = len(rows) if isinstance(rows, Sized) else None
    return await write_rows(bound, confirm, collection, _numbered(rows), key, size, on_progress, total=total)


async def write_rows(
    bound: BoundPipeline,
    confirm: Confirm,
    collection: str,
    rows: NumberedRows,
    key: str | None,
    size: int | None,
    on_progress: ProgressCallback | None,
    *,
    total: int | None = None,
    on_done: Done | None = None,
) -> BulkResult:
    """Write rows, and return what has become of them.

    Args:
        bound: Sends the requests.
        confirm: Confirms the passwords of calls.
        collection: The collection.
        rows: The rows.
        key: The name of a unique field, by which rows that exist are found and updated.
        size: The largest number of rows in a batch.
        on_progress: Called as `on_progress(done, total)` with numbers of rows; `total` is None if it is unknown.
        total: The number of rows.
        on_done: Called after each batch.
    """
    _check_arguments(key, size, on_progress)
    result = BulkResult()
    target = await find_target(bound, collection, key, size)
    source = _Source(rows, target, result)
    writer = Writer(bound, target, confirm, result)
    done = 0

    async def write_groups() -> None:
        nonlocal done
        while group := await source.next_group():
            try:
                await writer.write(group.rows)
            finally:
                source.release(group.rows)
            done += len(group.numbers)
            if on_done is not None:
                await on_done(group.numbers, result)
            if on_progress is not None:
                notify("a callback of on_progress", on_progress, done, total)

    tasks = [asyncio.create_task(write_groups()) for _ in range(IN_FLIGHT)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rows.aclose()
    result.failed.sort(key=lambda row: row.number)
    return result


def _check_arguments(key: object, size: object, on_progress: ProgressCallback | None) -> None:
    if key is not None and not (isinstance(key, str) and _FIELD.fullmatch(key)):
        raise PocketBaseInputError(f"key must be the name of a field, not {key!r:.100}")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise PocketBaseInputTypeError(f"batch must be an integer, not {size!r:.100}")
    if size is not None and size < 1:
        raise PocketBaseInputError(f"batch must be 1 or more, not {size}")
    check_progress(on_progress)


async def _numbered(rows: Rows) -> NumberedRows:
    number = 0
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield (number := number + 1), row
    else:
        for number, row in enumerate(rows, 1):
            yield number, row


class _Group:
    """Rows that are sent together, and the numbers of all rows that were read for them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.numbers: list[int] = []
        self.weight = 0

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def is_full(self, size: int) -> bool:
        """Return whether the group has as many rows as a batch may have, or as much content."""
        return len(self.rows) >= size or len(self.numbers) >= MAX_REQUESTS or self.weight >= _MAX_WEIGHT

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        self.numbers.append(row.number)
        self.weight += _weight(row)


class _Source:
    """Makes groups of the rows that are read.

    A row waits until no other row with its key is being written, so that the last one of several remains.
    """

    def __init__(self, rows: NumberedRows, target: Target, result: BulkResult) -> None:
        self._rows = rows
        self._target = target
        self._result = result
        self._turn = asyncio.Lock()
        self._in_progress: set[Any] = set()
        self._released = asyncio.Event()
        self._waiting: Row | None = None
        """A row that was read, and whose key another row is being written with."""

    async def next_group(self) -> _Group:
        """Return the next rows. An empty group is the end."""
        group = _Group()
        async with self._turn:
            while not group.is_full(self._target.size) and await self._has_row(group):
                row, self._waiting = self._waiting, None
                if row is None:
                    continue
                if row.key is not None and row.key in self._in_progress:
                    self._waiting = row
                    if group:
                        break
                    self._released.clear()
                    await self._released.wait()
                    continue
                self._in_progress.add(row.key)
                group.add(row)
        return group

    def release(self, rows: list[Row]) -> None:
        """Let the rows go on that have the same keys."""
        self._in_progress.difference_update(row.key for row in rows)
        self._released.set()

    async def _has_row(self, group: _Group) -> bool:
        """Read the next row into `_waiting`, unless there is one. Return False at the end.

        A row that cannot be sent has failed, and only its number becomes part of the group.
        """
        if self._waiting is not None:
            return True
        try:
            number, body = await anext(self._rows)
        except StopAsyncIteration:
            return False
        try:
            if isinstance(body, NoRow):
                raise body.error
            self._waiting = make_row(self._target, number, body)
        except (TypeError, ValueError, RecursionError) as error:
            found = body.body if isinstance(body, NoRow) else body
            self._result.failed.append(FailedRow(number, found, error))
            group.numbers.append(number)
        return True


def _weight(row: Row) -> int:
    """Return about how many bytes a row takes in a request."""
    weight = 0
    for value in row.fields.values():
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, FileUpload) or (
            isinstance(value, (list, tuple)) and any(isinstance(each, FileUpload) for each in cast("list[Any]", value))
        ):
            weight += _FILES_WEIGHT
    return weight
