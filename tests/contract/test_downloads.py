"""Downloads to a file over connections that break."""

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseNotFoundError,
    PocketBaseServerError,
    PocketBaseTimeoutError,
    Response,
)
from pocketbase_core.calls.call import Call
from pocketbase_core.calls.options import CommonOptions, parse_options
from pocketbase_core.endpoints import files
from pocketbase_core.ports import Transport
from pocketbase_core.services.flows import download
from pocketbase_core.services.flows.bound_pipeline import BoundPipeline
from pocketbase_core.testing.contract.scripted_server import Connection, Script, scripted_server
from pocketbase_transports import MockTransport

CONTENT = bytes(range(256)) * 4096
DATE = "Date: Mon, 01 Jan 2024 00:01:00 GMT"
MODIFIED = f"Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n{DATE}"
Responder = Callable[[Connection, int], Awaitable[None]]


def answering(*responders: Responder) -> Script:
    """Return a script in which each connection uses the next responder, and all further ones use the last.

    A responder gets the offset where the requested range begins, or 0.
    """
    remaining = [*responders]

    async def script(connection: Connection) -> None:
        request = await connection.request()
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(connection, start)

    return script


def sends(part: bytes, *headers: str, status: int = 200, total: int = len(CONTENT)) -> Responder:
    """Return a responder that announces `total` bytes, sends `part` and closes the connection."""

    async def respond(connection: Connection, start: int) -> None:
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {total}", *headers, "", ""]
        await connection.send("\r\n".join(lines).encode() + part)

    return respond


def sends_rest(count: int = len(CONTENT), *headers: str, total: int = len(CONTENT)) -> Responder:
    """Return a responder that sends the requested range, cut after `count` bytes."""

    async def respond(connection: Connection, start: int) -> None:
        if not start:  # aiohttp may drop what came before the connection broke
            await sends(CONTENT[:count], MODIFIED)(connection, start)
            return
        span = f"Content-Range: bytes {start}-{total - 1}/{total}"
        await sends(CONTENT[start : start + count], span, *headers, status=206, total=total - start)(connection, start)

    return respond


def seen(progress: list[tuple[int, int | None]], respond: Responder) -> Responder:
    """Wait until the client has received some of the bytes before the connection is closed."""

    async def waits(connection: Connection, start: int) -> None:
        await respond(connection, start)
        while not progress or progress[-1][0] <= start:
            await asyncio.sleep(0)

    return waits


async def save(pb: PocketBase, path: Path, progress: list[tuple[int, int | None]] | None = None) -> list[float]:
    """Download to `path` without waiting between attempts. Return the waits."""
    slept: list[float] = []

    async def sleep(delay: float) -> None:
        slept.append(delay)

    async def prepare() -> Call[bytes]:
        return files.download("posts", "id", "name", parse_options(CommonOptions, None, {}))

    def report(done: int, total: int | None) -> None:
        if progress is not None:
            progress.append((done, total))

    try:
        bound = BoundPipeline(pb.pipeline, parse_options(CommonOptions, None, {}), each=True)
        await download.download_to_file(bound, prepare, path, report, sleep=sleep, jitter=lambda: 1.0)
    except Exception as error:
        error.__notes__ = [*map(str, slept)]
        raise
    return slept


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "target"
    path.write_bytes(b"old")
    return path


async def test_a_download_goes_on_after_its_connection_broke(transport: Transport, target: Path) -> None:
    progress: list[tuple[int, int | None]] = []

    script = answering(seen(progress, sends_rest(300_000)), sends_rest(200_000), sends_rest(1, MODIFIED), sends_rest())
    async with scripted_server(script) as server:
        slept = await save(PocketBase(server.url, transport=transport), target, progress)
    assert target.read_bytes() == CONTENT
    first, *others = [request.headers for request in server.requests]
    assert "range" not in first, "the first request asks for the whole file"
    assert {headers["if-range"] for headers in others} == {"Mon, 01 Jan 2024 00:00:00 GMT"}
    assert {headers["accept-encoding"] for headers in (first, *others)} == {"identity"}, (
        "offsets count bytes of the file, not of a compressed form"
    )
    # aiohttp drops what it has buffered when a connection breaks.
    starts = [int(headers["range"][6:-1]) for headers in others]
    assert starts == sorted(starts), "each request goes on further ahead"
    assert slept[0] <= 1.0, "the first wait is a short one"
    assert progress[0] == (0, len(CONTENT)), "progress starts at 0"
    assert progress[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in progress] == sorted(done for done, _ in progress), "progress never goes back"
    assert os.listdir(target.parent) == ["target"], "the temporary file is gone"


@pytest.mark.parametrize(
    "responders",
    [
        [sends(CONTENT[:1000]), sends(CONTENT)],  # there is no validator, so the file may have changed
        [sends(b"x" * 1000, MODIFIED, total=2000), sends(CONTENT, "Last-Modified: now")],
        [sends(b"x" * 1000, MODIFIED), sends_rest(9, "Last-Modified: now"), sends(CONTENT, MODIFIED)],
        [sends(b"x" * 1000, MODIFIED), sends_rest(9, total=len(CONTENT) + 1), sends(CONTENT, MODIFIED)],
        [sends(b"x" * 1000, MODIFIED), sends(b"", status=416, total=0), sends(CONTENT, MODIFIED)],
        [sends(b"x" * 1000, 'ETag: "1"'), sends_rest(9, 'ETag: "2"'), sends(CONTENT)],
    ],
)
async def test_a_file_that_may_have_changed_is_fetched_again(
    transport: Transport, target: Path, responders: list[Responder]
) -> None:
    async with scripted_server(answering(*responders)) as server:
        progress: list[tuple[int, int | None]] = []
        await save(PocketBase(server.url, transport=transport), target, progress)
    assert target.read_bytes() == CONTENT
    assert all(("range" in request.headers) == ("if-range" in request.headers) for request in server.requests), (
        "a range is only requested with a validator"
    )
    assert "range" not in server.requests[-1].headers or len(responders) == 2, "the last request fetches the whole file"
    assert [done for done, _ in progress].count(0) >= 2, "progress starts over with the file"


async def test_the_rest_of_a_file_is_requested_by_a_strong_etag(transport: Transport, target: Path) -> None:
    progress: list[tuple[int, int | None]] = []
    started = seen(progress, sends(CONTENT[:300_000], 'ETag: "1"'))
    async with scripted_server(answering(started, sends_rest(len(CONTENT), 'ETag: "1"'))) as server:
        await save(PocketBase(server.url, transport=transport), target, progress)
    assert target.read_bytes() == CONTENT
    assert server.requests[1].headers["if-range"] == '"1"', "the server must compare the tag"


@pytest.mark.parametrize("headers", [['ETag: W/"1"'], ["Last-Modified: Mon, 01 Jan 2024 00:01:00 GMT", DATE]])
async def test_a_file_with_a_weak_validator_is_fetched_again(
    transport: Transport, target: Path, headers: list[str]
) -> None:
    progress: list[tuple[int, int | None]] = []
    started = seen(progress, sends(b"x" * 300_000, *headers))
    async with scripted_server(answering(started, sends(CONTENT, *headers))) as server:
        await save(PocketBase(server.url, transport=transport), target, progress)
    assert target.read_bytes() == CONTENT
    assert "range" not in server.requests[1].headers, "a weak validator allows no range"


@pytest.mark.parametrize("headers", [[], [MODIFIED]])
async def test_a_body_that_stays_short_is_an_error_after_all_attempts(
    transport: Transport, target: Path, headers: list[str]
) -> None:
    last = sends_rest(0) if headers else sends(CONTENT[:1000])
    async with scripted_server(answering(sends(CONTENT[:1000], *headers), last)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await save(PocketBase(server.url, transport=transport), target)
    waits = caught.value.__notes__
    assert waits[-4:] == ["1.0", "2.0", "4.0", "8.0"], "waits double"
    assert waits[:-4] in ([], ["0.5"])  # aiohttp may drop what came before the connection broke
    assert len(server.requests) == len(waits) + 1, "one wait lies between two attempts"
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["target"]


async def test_a_short_body_that_the_library_accepts_is_an_error(target: Path) -> None:
    short = Response(200, {"Content-Length": "10"}, b"abc")
    with pytest.raises(PocketBaseConnectionError, match="3 of 10 bytes arrived"):
        await save(PocketBase("http://h", transport=MockTransport(lambda request: short)), target)
    assert target.read_bytes() == b"old"


async def test_waits_start_over_after_progress(transport: Transport, target: Path) -> None:
    progress: list[tuple[int, int | None]] = []
    steps = [seen(progress, sends_rest(100_000)) for _ in range(8)]
    async with scripted_server(answering(*steps, sends_rest(0), sends_rest(0), sends_rest())) as server:
        slept = await save(PocketBase(server.url, transport=transport), target, progress)
    assert target.read_bytes() == CONTENT
    assert max(slept) <= 4.0, "the waits did not start over"


async def test_a_progress_callback_that_raises_does_not_disturb_the_download(
    transport: Transport, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(done: int, total: int | None) -> None:
        raise asyncio.CancelledError

    async with scripted_server(answering(sends_rest())) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.files.download_to(target, "posts", "abc", "a.bin", on_progress=fail)
    assert target.read_bytes() == CONTENT
    assert "a callback of on_progress failed" in caplog.text


async def test_a_body_without_its_end_is_fetched_again(transport: Transport, target: Path) -> None:
    async def respond(connection: Connection, start: int) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await connection.chunk(CONTENT)
        if server.connections == 3:
            await connection.send(b"0\r\n\r\n")

    async with scripted_server(answering(respond)) as server:
        progress: list[tuple[int, int | None]] = []
        await save(PocketBase(server.url, transport=transport), target, progress)
    assert (server.connections, progress[-1]) == (3, (len(CONTENT), None)), "two responses had no end"
    assert target.read_bytes() == CONTENT


async def test_an_error_response_ends_the_download(transport: Transport, target: Path) -> None:
    started = sends(CONTENT[:1000], MODIFIED)
    cases: list[tuple[list[Responder], type[Exception], int]] = [
        ([sends(b"", status=404, total=0)], PocketBaseNotFoundError, 1),
        ([started, sends(b"", status=404, total=0)], PocketBaseNotFoundError, 2),
        ([started, sends(b"", status=500, total=0)], PocketBaseServerError, 2),
        ([sends(b"", status=206, total=0)], PocketBaseDecodeError, 1),
    ]
    for responders, error, requests in cases:
        async with scripted_server(answering(*responders)) as server:
            with pytest.raises(error):
                await save(PocketBase(server.url, transport=transport, middleware=[]), target)
        assert len(server.requests) == requests, "the error was not the last response"
        assert target.read_bytes() == b"old"
        assert os.listdir(target.parent) == ["target"]


async def test_a_download_waits_for_a_server_that_responds_502(transport: Transport, target: Path) -> None:
    away = sends(b"", status=502, total=0)
    async with scripted_server(answering(sends(CONTENT[:1000], MODIFIED), away, away, sends_rest())) as server:
        await save(PocketBase(server.url, transport=transport, middleware=[]), target)
    assert target.read_bytes() == CONTENT


async def test_a_cancelled_download_leaves_the_old_file_and_nothing_else(transport: Transport, target: Path) -> None:
    async def stall(connection: Connection) -> None:
        await connection.request()
        await connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n{MODIFIED}\r\n\r\nab".encode())
        await connection.closed_by_client()

    async with scripted_server(stall) as server:
        pb = PocketBase(server.url, transport=transport)
        started = asyncio.Event()

        def report(done: int, total: int | None) -> None:
            if done:
                started.set()

        task = asyncio.create_task(pb.files.download_to(target, "posts", "id", "name", report))
        await started.wait()
        assert len(os.listdir(target.parent)) == 2, "the old file, and the temporary one"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["target"]


async def fetch(path: Path, **options: Any) -> None:
    """Download from a server that responds at once."""
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(200, content=CONTENT)))
    await pb.files.download_to(path, "posts", "id", "name", **options)


async def test_a_target_or_callback_that_cannot_be_used_is_refused(target: Path) -> None:
    folder = target.parent
    os.mkfifo(folder / "pipe")
    for path, error in (
        (folder, IsADirectoryError),
        (folder / "missing" / "a", FileNotFoundError),
        (folder / "pipe", FileExistsError),
    ):
        with pytest.raises(error) as caught:
            await fetch(path)
        assert str(caught.value.filename) in str(path), "the error names the target or its folder"
    for wrong in (fetch, 3):
        with pytest.raises(TypeError, match="on_progress"):
            await fetch(target, on_progress=wrong)
    assert sorted(os.listdir(folder)) == ["pipe", "target"], "nothing was left behind"


async def test_a_full_disk_is_an_error_and_leaves_the_old_file(target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            await fetch(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["target"]


async def test_a_download_writes_through_a_link_with_a_name_of_255_bytes(target: Path) -> None:
    link = target.with_name("l" * 255)
    link.symlink_to(target)
    await fetch(link)
    assert link.is_symlink(), "the link was replaced"
    assert target.read_bytes() == CONTENT


async def test_a_range_header_of_the_caller_is_kept(transport: Transport, target: Path) -> None:
    async with scripted_server(answering(sends_rest(10, MODIFIED, total=110))) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.files.download_to(target, "posts", "id", "name", headers={"Range": "bytes=100-"})
    assert target.read_bytes() == CONTENT[100:110]


async def test_a_backup_and_its_token_share_one_timeout(transport: Transport) -> None:
    async def slow(connection: Connection) -> None:
        while True:
            await connection.request()
            await asyncio.sleep(0.15)
            await connection.respond_json('{"token": "t"}')

    async with scripted_server(slow) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[])
        with pytest.raises(PocketBaseTimeoutError):
            await pb.backups.download("a.zip", timeout=0.25)
