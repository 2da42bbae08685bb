"""Streams, events and downloads that did not begin are requested again, like every read."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseServerError,
)
from pocketbase_core.endpoints import realtime
from pocketbase_core.middleware import Retry
from pocketbase_core.ports import Transport
from pocketbase_core.realtime import backoff
from pocketbase_core.testing.contract.scripted_server import Connection, Script, scripted_server

from ..helpers.call_recorder import CallRecorder

CONTENT = b"content" * 100
CONNECT = b'event:PB_CONNECT\ndata:{"clientId":"x"}\n\n'
Trouble = Callable[[Connection], Awaitable[None]]


def responds(status: int, *headers: str) -> Trouble:
    async def respond(connection: Connection) -> None:
        lines = ("Content-Type: application/json", *headers)
        await connection.respond(status, b'{"message": "Away.", "data": {}}', *lines)

    return respond


async def resets(connection: Connection) -> None:
    connection.reset()
    raise EOFError


def in_trouble(trouble: Trouble, times: int, seen: list[str]) -> Script:
    """Return a script in which the first GETs fail. The paths of all GETs are appended to `seen`."""

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            path = request.target.partition("?")[0]
            if request.method == "POST":
                if path == "/api/realtime":
                    await connection.respond(204)
                else:
                    await connection.respond_json('{"token": "t"}')
                continue
            seen.append(path)
            if len(seen) <= times:
                await trouble(connection)
            elif path == "/api/realtime":
                await connection.start_stream()
                await connection.chunk(CONNECT)
                await connection.closed_by_client()
            else:
                await connection.respond(200, CONTENT)

    return script


async def stream(pb: PocketBase, path: Path) -> None:
    async with pb.files.stream("posts", "id", "name") as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == CONTENT


async def download_file(pb: PocketBase, path: Path) -> None:
    assert await pb.files.download_file("posts", "id", "name") == CONTENT


async def download_to(pb: PocketBase, path: Path) -> None:
    await pb.files.download_to(path, "posts", "id", "name")
    assert path.read_bytes() == CONTENT


async def backup(pb: PocketBase, path: Path) -> None:
    await pb.backups.download_to(path, "a.zip")
    assert path.read_bytes() == CONTENT


async def events(pb: PocketBase, path: Path) -> None:
    async with pb.pipeline.events(realtime.connect()) as received:
        assert (await anext(received)).event == "PB_CONNECT"


async def subscription(pb: PocketBase, path: Path) -> None:
    await pb.realtime.subscribe("a", print)


WAYS = [stream, download_file, download_to, backup, events, subscription]
TROUBLES = {
    "503": responds(503),
    "429 for a moment": responds(429, "Retry-After: 0"),
    "reset": resets,
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("way", WAYS)
async def test_a_stream_or_download_that_did_not_begin_is_requested_again(
    transport: Transport, tmp_path: Path, way: Callable[[PocketBase, Path], Awaitable[None]], trouble: str
) -> None:
    seen: list[str] = []
    async with scripted_server(in_trouble(TROUBLES[trouble], 2, seen)) as server:
        async with PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0)]) as pb:
            await way(pb, tmp_path / "target")
    assert seen == [seen[0]] * 3, "the same request, three times"


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (403, 1)])
@pytest.mark.parametrize("way", WAYS)
async def test_the_error_of_the_last_attempt_is_raised_when_none_began(
    transport: Transport,
    tmp_path: Path,
    way: Callable[[PocketBase, Path], Awaitable[None]],
    status: int,
    attempts: int,
) -> None:
    seen: list[str] = []
    async with scripted_server(in_trouble(responds(status), 99, seen)) as server:
        async with PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0)]) as pb:
            with pytest.raises(PocketBaseError, match=f"{status} Away") as caught:
                await way(pb, tmp_path / "target")
    assert isinstance(caught.value, PocketBaseForbiddenError if status == 403 else PocketBaseServerError)
    assert len(seen) == attempts, "a 403 is final, a 503 is not"


async def test_a_stream_that_began_is_not_requested_again(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(CONNECT)
        connection.reset()

    async with scripted_server(script) as server:
        async with PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0)]) as pb:
            with pytest.raises(PocketBaseConnectionError):
                async with pb.pipeline.events(realtime.connect()) as received:
                    async for _ in received:
                        pass
        assert server.connections == 1, "the stream was requested again"


async def test_realtime_reconnects_as_soon_as_the_server_is_back(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Realtime decides about attempts and waits; `Retry` adds none."""
    away, seen, waits = asyncio.Event(), list[str](), list[int]()

    def wait(failures: int, *_: float) -> float:
        waits.append(failures)
        return 0.0

    monkeypatch.setattr(backoff, "reconnect_delay", wait)

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if request.method == "POST":
                await connection.respond(204)
                continue
            seen.append(request.target)
            if 1 < len(seen) <= 7:
                await connection.respond(503)
                continue
            await connection.start_stream()
            await connection.chunk(CONNECT)
            if len(seen) == 1:
                await away.wait()
                await connection.send(b"0\r\n\r\n")
            else:
                await connection.closed_by_client()

    async with scripted_server(script) as server:
        async with PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0)]) as pb:
            connected: Any = CallRecorder()
            pb.realtime.on_connect(lambda: connected(1))
            await pb.realtime.subscribe("a", print)
            away.set()
            await connected.until(2)
    assert len(seen) == 8, "the first stream, six refusals, and the second stream"
    assert waits == [0, 1, 2, 3, 4, 5, 6], "only realtime counts the failures"
