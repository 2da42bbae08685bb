"""Downloads to a file: what is written, and with which mode and owner."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    Headers,
    PocketBase,
    PocketBaseConnectionError,
    Request,
    Response,
)
from pocketbase_core.services.flows.download import Validators
from pocketbase_core.services.flows.partial_file import PartialFile
from pocketbase_transports import MockTransport


class Breaking(MockTransport):
    """A transport whose connection breaks after the complete body."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[Any, None]:
        class Streamed:
            status_code = 200
            headers = Headers({"Content-Length": "4"})

            async def aiter_bytes(self) -> AsyncGenerator[bytes, None]:
                yield b"body"
                raise PocketBaseConnectionError(request.url, message="reset", request_sent=True)

        yield Streamed()


def test_a_partial_file_does_nothing_after_it_was_discarded(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    part = PartialFile(target)
    part.discard()
    part.open()
    part.clear()
    part.write(memoryview(b"x"))
    part.finish()
    assert [*tmp_path.iterdir()] == []


async def test_an_error_after_the_complete_body_is_ignored(tmp_path: Path) -> None:
    pb = PocketBase("http://h", transport=Breaking(lambda _: Response(500)))
    await pb.files.download_to(tmp_path / "a.bin", "posts", "x", "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"body"


@pytest.mark.parametrize(("length", "total"), [("12", 12), ("", None), ("-1", None), ("1e3", None), ("9" * 5000, None)])
def test_a_content_length_that_is_not_valid_is_unknown(length: str, total: int | None) -> None:
    assert Validators.from_headers(Headers({"Content-Length": length})).total == total


AT_NOON = "Mon, 01 Jan 2024 12:00:00 GMT"


A_MINUTE_LATER = "Mon, 01 Jan 2024 12:01:00 GMT"


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": '"a"', "Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, AT_NOON),
        ({"ETag": 'W/"a"', "Last-Modified": AT_NOON, "Date": AT_NOON}, None),
        ({"Last-Modified": AT_NOON, "Date": A_MINUTE_LATER}, AT_NOON),
        ({"Last-Modified": AT_NOON, "Date": "Mon, 01 Jan 2024 12:00:59 GMT"}, None),
        ({"Last-Modified": AT_NOON, "Date": "Mon, 01 Jan 2024 11:00:00 GMT"}, None),
        ({"Last-Modified": AT_NOON}, None),
        ({"Last-Modified": "Mon, 99 Jan 2024 12:00:00 GMT", "Date": A_MINUTE_LATER}, None),
        ({"Last-Modified": f"{AT_NOON}\r\nX: y", "Date": A_MINUTE_LATER}, None),
        ({"Last-Modified": f"{AT_NOON}\x00", "Date": A_MINUTE_LATER}, None),
        ({"ETag": '"a\x01"'}, None),
        ({"ETag": '"ü"'}, None),
        ({"ETag": "a"}, None),
    ],
)
def test_only_what_tells_two_versions_apart_asks_for_the_rest(headers: dict[str, str], validator: str | None) -> None:
    version = Validators.from_headers(Headers({"Content-Length": "10", **headers}))
    asked = {} if validator is None else {"Range": "bytes=4-", "If-Range": validator}
    assert version.range_headers(4) == asked
    Headers(version.range_headers(4)).validate()


async def fetched(target: Path, before: Any = lambda: None) -> None:
    """Download a file to `target`; `before` is called when the download has begun."""

    def report_progress(done: int, total: int | None) -> None:
        if not done:
            before()

    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200, content=b"new")))
    await pb.files.download_to(target, "posts", "x", "a.bin", report_progress)
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o400])
async def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    target.chmod(mode)

    def look() -> None:
        (part,) = tmp_path.glob("*.part")
        assert part.stat().st_mode & 0o777 == 0o600, "nobody else reads it before it has the target's mode"

    await fetched(target, look)
    assert target.stat().st_mode & 0o777 == mode


async def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    await fetched(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "other").stat().st_mode


async def test_a_target_that_is_closed_to_others_meanwhile_keeps_its_new_mode(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"

    def close() -> None:
        target.touch(0o600)

    await fetched(target, close)
    assert target.stat().st_mode & 0o777 == 0o600, "the mode that the target got during the download"


@pytest.mark.parametrize(
    ("refused", "kept"), [(0, [(3, 4)]), (1, [(3, 4), (-1, 4)]), (2, [(3, 4), (-1, 4)]), (None, [])]
)
async def test_the_owner_of_a_replaced_file_is_kept_where_the_system_allows_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int | None, kept: list[tuple[int, int]]
) -> None:
    target = tmp_path / "a.bin"
    target.touch(0o640)
    requested: list[tuple[int, int]] = []

    def chown(path: Path, owner: int, group: int) -> None:
        requested.append((owner, group))
        if len(requested) <= (refused or 0):
            raise PermissionError

    def stat(path: Path, **options: Any) -> os.stat_result:
        found = os.stat(path, **options)
        return os.stat_result((*found[:4], 3, 4, *found[6:])) if path == target else found

    monkeypatch.setattr(Path, "stat", stat)
    if refused is None:
        monkeypatch.delattr(os, "chown")  # as on Windows
    else:
        monkeypatch.setattr(os, "chown", chown)
    await fetched(target)
    assert requested == kept
    assert target.stat().st_mode & 0o777 == 0o640
