"""Exports and imports of lines of JSON, on a real server."""

import asyncio
import io
import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase, PocketBaseNotFoundError, Request, Response
from pocketbase_core.middleware import Handler
from pocketbase_core.ports import Transport
from pocketbase_core.services.bulk import json_lines

from ..helpers.shared_collections import IS_LEGACY, OPEN, client_of
from .conftest import MakeClient
from .test_many_records import server as server
from .test_many_records import summary
from .test_many_records import superuser as superuser
from .test_many_records import transport as transport

pytestmark = pytest.mark.both_faces

FIELDS: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "required": True},
    {"name": "n", "type": "number"},
    {"name": "data", "type": "json"},
    {"name": "when", "type": "date"},
    {"name": "tags", "type": "select", "values": ["a", "b"], "maxSelect": 2},
    {"name": "docs", "type": "file", "maxSelect": 2},
]

# Each collection of PocketBase 0.22 has `created` and `updated` too, which the server sets.
EXPORTED: dict[str, Any] = {"fields": "id,title,n,data,when,tags,docs"} if IS_LEGACY else {}


@pytest_asyncio.fixture
async def names(pb: PocketBase, name: str) -> AsyncGenerator[tuple[str, str]]:
    """The names of two collections with the same fields."""
    both = f"{name}a", f"{name}b"
    for each in both:
        await pb.collections.create({"name": each, "type": "base", **OPEN, "fields": FIELDS})
    yield both
    for each in both:
        await pb.collections.delete(each)


@pytest.fixture(autouse=True)
def few_lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LINES_AT_ONCE", 7)


def lines(count: int) -> list[dict[str, Any]]:
    data: list[Any] = [None, {"a": [1, 2.5, "ü\u2028\n"]}, [], "x", 1e21, -0.1]
    return [
        {
            "id": f"{number:015}",
            "title": f'"title" {number} 😀',
            "n": number / 3,
            "data": data[number % 6],
            "when": "2026-01-31 12:00:00.000Z",
            "tags": ["a", "b"][: number % 3],
        }
        for number in range(count)
    ]


class StopAt:
    """Middleware that lets no more writes through once a number of rows is recorded, as if the process was killed."""

    def __init__(self, progress: Path, rows: int) -> None:
        self._progress = progress
        self._rows = rows

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        is_write = request.method != "GET" and self._progress.exists()
        if is_write and json.loads(self._progress.read_bytes())["done"] >= self._rows:
            raise KeyError("killed")
        return await call_next(request)


async def test_an_export_can_be_imported_and_is_then_exported_as_the_same_bytes(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path
) -> None:
    first, second = (pb.collection(name) for name in names)
    await first.create_many(lines(40))
    seen = list[tuple[int, int | None]]()

    def note(done: int, total: int | None) -> None:
        seen.append((done, total))

    assert await first.export(tmp_path / "a.jsonl", on_progress=note, **EXPORTED) == 40
    assert seen[-1] == (40, None)
    assert await second.export(io.BytesIO()) == 0
    assert summary(await second.import_(tmp_path / "a.jsonl")) == (40, 0, [])
    await second.export(str(tmp_path / "b.jsonl"), **EXPORTED)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    exported = [json.loads(line) for line in (tmp_path / "b.jsonl").read_bytes().split(b"\n") if line]
    assert {record["id"]: record["data"] for record in exported} == {row["id"]: row["data"] for row in lines(40)}
    assert not exported[0].keys() & {"collectionId", "collectionName"}
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "b.jsonl"]
    assert summary(await second.import_(tmp_path / "a.jsonl")) == (0, 40, [])


async def test_an_open_file_may_be_written_and_read(pb: PocketBase, names: tuple[str, str]) -> None:
    first, second = (pb.collection(name) for name in names)
    await first.create_many(lines(10))
    as_bytes, as_text = io.BytesIO(), io.StringIO()
    await first.export(as_bytes, filter="n > 1", sort="-n", fields="id,title,n")
    await first.export(as_text, filter="n > 1", sort="-n", fields=["id", "title", "n"])
    assert as_bytes.getvalue().decode() == as_text.getvalue()
    numbers = [json.loads(line)["n"] for line in as_text.getvalue().split("\n") if line]
    assert numbers == sorted(numbers, reverse=True)
    for file in (as_bytes, as_text):
        file.seek(0)
    assert summary(await second.import_(as_bytes)) == (6, 0, [])
    assert summary(await second.import_(as_text)) == (0, 6, [])


async def test_lines_without_an_id_are_stored_once_however_often_they_are_imported(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path
) -> None:
    (path := tmp_path / "rows.jsonl").write_text('{"title": "same"}\n' * 3)
    records = pb.collection(names[0])
    assert summary(await records.import_(path)) == (3, 0, [])
    assert summary(await records.import_(path)) == (0, 3, [])


async def test_a_line_that_cannot_be_stored_is_told_by_its_number(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path
) -> None:
    deep = "[" * 100_000
    path = tmp_path / "rows.jsonl"
    text = f'{{"title": "a"}}\n\n[1]\nnull\n{{"title": \n{{"title": ""}}\n{deep}\n{{"titel": "x"}}\n{{"title": "z"}}'
    path.write_bytes(text.encode() + b'\n{"title": "\xff"}\n{"title": "x", "docs": ["a.txt"]}\n')
    result = await pb.collection(names[0]).import_(path)
    assert summary(result) == (2, 0, [2, 3, 4, 5, 6, 7, 8, 10, 11])
    problems = [
        "line 2: Expecting value",
        "line 3: the line is not a JSON object",
        "line 4",
        "line 5",
        "Cannot be blank",
    ]
    problems += ["line 7", "did you mean 'title'", "line 10", "Invalid new files"]
    for row, problem in zip(result.failed, problems, strict=True):
        assert problem in str(row.error)
    assert result.failed[3].body == '{"title": ', "the text of the line"


async def test_an_import_that_was_interrupted_continues_where_it_stopped(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path, transport: Transport, make_client: MakeClient
) -> None:
    path, recorded = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.progress"
    given = lines(100)
    given[3]["title"] = ""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in given))
    stopping = make_client(pb.base_url, transport=transport, middleware=[StopAt(recorded, 30)])
    stopping.auth_store = pb.auth_store
    with pytest.raises(KeyError, match="killed"):
        await stopping.collection(names[0]).import_(path, batch=5)
    progress = json.loads(recorded.read_bytes())
    assert progress["failed"] == [4]
    assert (await pb.collection(names[1]).import_(path)).created == 99, "the progress is that of one collection"
    path.write_text(path.read_text())  # the other import has removed the file: make it again
    with pytest.raises(KeyError, match="killed"):
        stopping = make_client(pb.base_url, transport=transport, middleware=[StopAt(recorded, 30)])
        stopping.auth_store = pb.auth_store
        await stopping.collection(names[0]).import_(path, batch=5)
    done = json.loads(recorded.read_bytes())["done"]
    result = await pb.collection(names[0]).import_(path, batch=5)
    assert result.created + result.updated == 100 - done, "the other rows were not sent again"
    assert [row.number for row in result.failed] == [4], "a row that has failed is tried again"
    assert len(await pb.collection(names[0]).get_full_list()) == 99
    assert os.listdir(tmp_path) == ["rows.jsonl"]


@pytest.mark.parametrize("content", ["", "[]", "null", '{"done": 5}', "{", '{"done": "x", "failed": []}'])
async def test_progress_that_is_not_that_of_the_file_does_not_count(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path, content: str
) -> None:
    (path := tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in lines(6)))
    (tmp_path / "rows.jsonl.progress").write_text(content)
    assert summary(await pb.collection(names[0]).import_(path)) == (6, 0, [])


async def test_files_that_cannot_be_opened_are_errors(pb: PocketBase, names: tuple[str, str], tmp_path: Path) -> None:
    records = pb.collection(names[0])
    with pytest.raises(FileNotFoundError):
        await records.import_(tmp_path / "missing.jsonl")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        await records.export(tmp_path / "missing" / "a.jsonl")
    with pytest.raises(IsADirectoryError):
        await records.export(tmp_path)


async def test_an_export_that_fails_leaves_the_file_as_it_was(pb: PocketBase, tmp_path: Path) -> None:
    (path := tmp_path / "a.jsonl").write_text("before")
    with pytest.raises(PocketBaseNotFoundError):
        await pb.collection("missing").export(path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.jsonl"]


@pytest.mark.asynchronous_only(reason="a blocking call has no task to cancel")
async def test_a_cancelled_import_or_export_leaves_no_task_and_no_file(
    pb: PocketBase, names: tuple[str, str], tmp_path: Path, transport: Transport
) -> None:
    reached = asyncio.Event()

    async def wait_for_ever(request: Request, call_next: Handler) -> Response:
        reached.set()
        await asyncio.Event().wait()
        return await call_next(request)

    waiting = client_of(pb.base_url, transport=transport, middleware=[wait_for_ever])
    waiting.auth_store = pb.auth_store
    (tmp_path / "rows.jsonl").write_text('{"title": "a"}\n')
    for call in (
        waiting.collection(names[0]).export(tmp_path / "a.jsonl"),
        waiting.collection(names[0]).import_(tmp_path / "rows.jsonl"),
    ):
        task: asyncio.Task[object] = asyncio.create_task(call)
        await reached.wait()
        reached.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert {*asyncio.all_tasks()} == {asyncio.current_task()}
    assert os.listdir(tmp_path) == ["rows.jsonl"]
