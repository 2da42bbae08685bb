"""Import a CSV file into a collection, with concurrent batches. A second run continues where the first one stopped.

python examples/bulk_import.py --rows 5000      creates 5,000 rows (default: 100,000) and a throw-away server
python examples/bulk_import.py --csv people.csv --url http://127.0.0.1:8090 --email admin@example.com --password …

The id of a record is a hash of its key, a column that identifies the row (--key). Rows are upserted, so a row that is
sent twice is stored once, and a row that was edited in the file replaces its record. What is stored is kept in a file
beside the CSV file, and sent again only when the row has changed. Invalid rows are reported by line; the other rows of
their batch are sent without them. If the server has batches disabled, each row is a request.
"""

import argparse
import asyncio
import csv
import hashlib
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import Progress

from pocketbase_core import (
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseBatchError,
    PocketBaseError,
    PocketBaseNotFoundError,
    PocketBaseRateLimitError,
    PocketBaseServerError,
    PocketBaseTransportError,
)
from pocketbase_core.testing import LocalServer

FIELDS: list[dict[str, Any]] = [
    {"name": "name", "type": "text", "required": True},
    {"name": "email", "type": "email"},
    {"name": "age", "type": "number"},
]


def number(cell: str) -> float:
    value = float(cell or 0)
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is not a number")
    return value


# The server accepts any text for a number or a bool, and stores 0 or false.
PARSERS: dict[str, Callable[[str], Any]] = {
    "number": number,
    "bool": {"true": True, "false": False, "": False}.__getitem__,
}


class Row(NamedTuple):
    line: int
    id: str
    version: str
    cells: list[str]


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:15]


def write_rows(path: Path, count: int) -> None:
    """Write a CSV file with `count` rows, two of them invalid."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([field["name"] for field in FIELDS])
        for number in range(1, count + 1):
            email = "nobody" if number == count // 2 else f"user{number}@example.com"
            table.writerow([f"User {number}", email, "old" if number == count // 3 else 18 + number % 60])


class Import:
    """The import of one file into one collection."""

    def __init__(self, pb: PocketBase, collection: str, path: Path, key: str | None, progress: Progress) -> None:
        self._pb, self._collection, self._path, self._key, self._progress = pb, collection, path, key, progress
        self._stored_path = path.with_name(f"{path.name}.{digest(pb.base_url, collection)}.stored")
        self._stored = dict[str, str]()
        self._columns: list[tuple[str, Callable[[str], Any]]] = []
        self._key_index = 0
        self._lines = dict[str, int]()
        self.sent = self.wrong = self.skipped = 0

    async def run(self, size: int, in_flight: int) -> None:
        batches = (await self._pb.settings.get_all())["batch"]
        self._in_batches = batches["enabled"]
        size = min(size, batches["maxRequests"]) if self._in_batches else 1
        fields = (await self._pb.collections.get_one(self._collection))["fields"]
        total = await asyncio.to_thread(self._prepare, {field["name"]: field["type"] for field in fields})
        self._task = self._progress.add_task(self._path.name, total=total)
        rows = self._rows()  # shared by all senders
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(self._send_batches(rows, size))

    def _prepare(self, types: dict[str, str]) -> int:
        """Choose a parser for each column, read what is stored, and return the number of rows."""
        with self._path.open(newline="", encoding="utf-8-sig") as file:
            head = next(csv.reader(file, strict=True), list[str]())
        if unknown := [name for name in head if name not in types]:
            raise ValueError(f"{self._collection} has no fields {unknown}")  # the server would ignore them
        if self._key is not None and self._key not in head:
            raise ValueError(f"{self._path.name} has no column {self._key!r}")
        self._key_index = head.index(self._key) if self._key else 0
        self._columns = [(name, PARSERS.get(types[name], str)) for name in head]
        if self._stored_path.exists():
            lines = (line.partition(" ") for line in self._stored_path.read_text().splitlines())
            self._stored = {row_id: version for row_id, _, version in lines}
        return sum(1 for _ in self._rows())

    def _rows(self) -> Iterator[Row]:
        with self._path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.reader(file, strict=True)
            next(table)
            for cells in filter(None, table):
                key = cells[self._key_index] if self._key_index < len(cells) else ""
                yield Row(table.line_num, digest(key), digest(*cells), cells)

    async def _send_batches(self, rows: Iterator[Row], size: int) -> None:
        while batch := list(islice(rows, size)):
            queue = [(row, body) for row in batch if (body := self._body(row)) is not None]
            while queue and (errors := await self._send([body for _, body in queue])):
                for index, error in errors.items():
                    self._report(queue[index][0], error)
                queue = [member for index, member in enumerate(queue) if index not in errors]
            await asyncio.to_thread(self._mark_stored, [row for row, _ in queue])
            self.sent += len(queue)
            self._progress.advance(self._task, len(batch))

    async def _send(self, bodies: list[dict[str, Any]]) -> dict[int, PocketBaseError]:
        """Store rows together. If some are invalid, nothing is stored: return their errors by index."""
        if not self._in_batches:
            return await self._send_one(*bodies)
        batch = self._pb.create_batch()
        for body in bodies:
            batch.collection(self._collection).upsert(body, fields="id")
        try:
            await batch.send(timeout=120)
        except PocketBaseBatchError as error:
            if not error.errors:
                raise
            return error.errors
        return {}

    async def _send_one(self, body: dict[str, Any]) -> dict[int, PocketBaseError]:
        records = self._pb.collection(self._collection)
        try:
            try:
                await records.update(body["id"], body, fields="id")
            except PocketBaseNotFoundError:
                await records.create(body, fields="id")
        except PocketBaseBadRequestError as error:
            return {0: error}
        return {}

    def _body(self, row: Row) -> dict[str, Any] | None:
        """Return the record of a row, or None if there is nothing to send."""
        try:
            if (first := self._lines.setdefault(row.id, row.line)) != row.line:
                raise ValueError(f"the {self._columns[self._key_index][0]} is that of line {first}")
            cells = zip(self._columns, row.cells, strict=True)
            body = {"id": row.id, **{name: parse(cell) for (name, parse), cell in cells}}
        except (ValueError, KeyError) as error:
            self._report(row, error)
            return None
        if self._stored.get(row.id) == row.version:
            self.skipped += 1
            return None
        return body

    def _mark_stored(self, rows: list[Row]) -> None:
        with self._stored_path.open("a") as file:
            file.writelines(f"{row.id} {row.version}\n" for row in rows)

    def _report(self, row: Row, error: Exception) -> None:
        self.wrong += 1
        self._progress.console.print(f"line {row.line}: {error}", markup=False, highlight=False, soft_wrap=True)


async def main(arguments: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        path, url, superuser = arguments.csv, arguments.url, (arguments.email, arguments.password)
        if path is None:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "people.csv"
            await asyncio.to_thread(write_rows, path, arguments.rows)
        if url is None:
            server = await stack.enter_async_context(LocalServer())
            url, superuser = server.url, server.superuser
        pb = await stack.enter_async_context(PocketBase(url))
        await pb.admins.auth.with_password(*superuser)
        if arguments.url is None:
            await pb.settings.update({"batch": {"enabled": True, "maxRequests": arguments.size, "timeout": 60}})
            await pb.collections.create({"name": arguments.collection, "type": "base", "fields": FIELDS})
        progress = stack.enter_context(Progress())
        work = Import(pb, arguments.collection, path, arguments.key, progress)
        try:
            await work.run(arguments.size, arguments.in_flight)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            progress.stop()
            print(f"sent {work.sent}, already stored {work.skipped}, invalid {work.wrong}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Import a CSV file into a collection.")
    parser.add_argument("--csv", type=Path, help="a file whose first line names the fields (default: create one)")
    parser.add_argument("--rows", type=int, default=100_000, help="number of rows to create")
    parser.add_argument("--url", help="a running server (default: start a throw-away one)")
    parser.add_argument("--email", default="admin@example.com", help="the server's superuser")
    parser.add_argument("--password", default="")
    parser.add_argument("--collection", default="people")
    parser.add_argument("--key", help="the column that identifies a row (default: the first one)")
    parser.add_argument("--size", type=int, default=200, help="rows per batch, at most the setting batch.maxRequests")
    parser.add_argument("--in-flight", type=int, default=4, help="number of concurrent batches")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("stopped; run the command again to continue")
    except (PocketBaseTransportError, PocketBaseServerError, PocketBaseRateLimitError) as error:
        sys.exit(f"{error}; run the command again to continue")
    except (PocketBaseError, ValueError) as error:
        sys.exit(str(error))
