"""Values of a record come back as they were sent, with and without files."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbase_core import FileUpload, PocketBase
from pocketbase_core.messages.scalars import timestamp

from ..helpers.shared_collections import IS_LEGACY

pytestmark = pytest.mark.both_faces

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
# JSON parsers differ beyond 2^53, and the server stores no negative zero as text.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15).filter(lambda number: str(number) != "-0.0")
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAIVE = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1))
MOMENTS = NAIVE | st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1), timezones=st.timezones())
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT | st.sampled_from(["true", "007", "1e3", "null", "[]", '{"a":1}', ""]),
        "n": NUMBERS,
        "yes": st.booleans(),
        # The server parses a text that is the whole value as JSON, and may refuse control characters in the text.
        "data": JSON.filter(lambda value: not isinstance(value, str)) | st.sampled_from(["text", "ü 😀"]),
        "when": MOMENTS | st.just(""),
    },
)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
FILES = st.lists(st.tuples(NAMES, st.binary(min_size=1, max_size=50)), max_size=3)
SLOW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])


async def source(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


def upload(files: Sequence[tuple[str, bytes]], *, live: bool) -> FileUpload:
    return FileUpload(*((name, source(content) if live else content) for name, content in files))


def expected(body: dict[str, Any]) -> dict[str, Any]:
    when = body.get("when", "")
    defaults: dict[str, Any] = {"title": "", "n": 0, "yes": False, "data": None, "when": ""}
    return defaults | body | {"when": timestamp(when) if isinstance(when, datetime) else ""}


def as_text(value: Any) -> str:
    """Return JSON in which 1 and 1.0 look alike, but 1 and true do not."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


async def contents(pb: PocketBase, record: dict[str, Any]) -> list[bytes]:
    place = (record["collectionId"], record["id"])
    return [*await asyncio.gather(*(pb.files.download_file(*place, name) for name in record["docs"]))]


async def test_bodies_come_back_as_they_were(pb: PocketBase) -> None:
    loop = asyncio.get_running_loop()
    posts = pb.collection("posts")

    async def check(
        first: dict[str, Any], files: list[tuple[str, bytes]], second: dict[str, Any], more: list[Any], live: bool
    ) -> None:
        record = await posts.create({**first, "docs": [upload(files, live=live)]} if files else first)
        stored = expected(first)
        assert {key: record[key] for key in stored} == stored
        assert as_text(record["data"]) == as_text(stored["data"]), "1 is not true"
        assert await contents(pb, record) == [content for _, content in files], "a file changed on its way"

        kept = record["docs"][1:]
        docs: list[Any] = [*kept, upload(more, live=live)] if more else kept
        changed = await posts.update(record["id"], {**second, "docs": docs})
        stored = expected(first | second)
        assert {key: changed[key] for key in stored} == stored
        assert changed["docs"][: len(kept)] == kept, "a file to keep was lost"
        assert await contents(pb, changed) == [content for _, content in [*files[1:], *more]]

        grown = await posts.update(record["id"], {"docs+": upload([("x", b"x")], live=live)})
        assert grown["docs"][:-1] == changed["docs"], "an appended file replaced others"
        assert {key: grown[key] for key in stored} == stored
        (added,) = grown["docs"][-1:]
        place, others = ("docs+", slice(-1)) if IS_LEGACY else ("+docs", slice(1, None))  # 0.22 only appends
        fewer = await posts.update(record["id"], {"docs-": [added], place: upload([("y", b"y")], live=live)})
        assert fewer["docs"][others] == changed["docs"], "the file to remove stays, or another is gone"
        assert len(fewer["docs"]) == len(changed["docs"]) + 1
        assert (await posts.update(record["id"], {"docs": None if live else []}))["docs"] == []

    @SLOW
    @given(st.tuples(VALUES, FILES, VALUES, FILES, st.booleans()))
    def run(arguments: tuple[Any, ...]) -> None:
        asyncio.run_coroutine_threadsafe(check(*arguments), loop).result(60)

    await asyncio.to_thread(run)


async def test_every_kind_of_source_is_stored_whole(pb: PocketBase, tmp_path: Path) -> None:
    path = tmp_path / 'qu"o;te\\ ü.txt'
    path.write_bytes(b"file")
    with path.open("rb") as opened:
        opened.seek(2)
        record = await pb.collection("posts").create(
            {
                "title": "all",
                "data": {"nested": [{"a": None}, [], {}]},
                "when": datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=1),
                "docs": [
                    FileUpload(path, str(path), ("open", opened)),
                    FileUpload(("path", path), ("bytes", b"bytes"), ("text", "täxt"), ("live", source(b"live"))),
                    FileUpload(("backslash\\", b"\\"), ("\1\x7f\t", b"control")),
                ],
            }
        )
    sources = [b"file", b"file", b"le", b"file", b"bytes", "täxt".encode(), b"live", b"\\", b"control"]
    assert await contents(pb, record) == sources
    assert record["data"] == {"nested": [{"a": None}, [], {}]}
    assert record["when"] == "2024-01-01 01:00:00.000Z"
    assert record["docs"][0].startswith("qu_22o_te")
