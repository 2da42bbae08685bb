"""Tests: a call can be cancelled at any await, and leaves no task, connection or file open."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ... import FileUpload, PocketBase, PocketBaseConnectionError
from ...messages import Request
from ...ports import Transport
from .scripted_server import Connection, ScriptedServer, scripted_server

Use = Callable[[Transport, str], Awaitable[object]]


async def send(transport: Transport, url: str) -> object:
    """Send a request with a large body."""
    return await transport.send(Request("POST", f"{url}/", body={"a": "x" * 100_000}, timeout=5))


async def upload(transport: Transport, url: str) -> object:
    """Send a request with a file."""
    body = {"file": FileUpload(("a.bin", bytes(300_000)), __file__)}
    return await PocketBase(url, transport=transport).collection("posts").create(body)


async def stream(transport: Transport, url: str) -> object:
    """Read a streamed response."""
    async with transport.stream(Request("GET", f"{url}/", timeout=5)) as response:
        return [chunk async for chunk in response.aiter_bytes()]


async def events(transport: Transport, url: str) -> object:
    """Read a stream of events."""
    async with transport.events(Request("GET", f"{url}/events", timeout=5)) as received:
        return [event async for event in received]


async def script(connection: Connection) -> None:
    """Respond to each of these uses in several steps."""
    while True:
        request = await connection.request()
        if request.target == "/events":
            await connection.start_stream()
            for number in range(3):
                await connection.chunk(f"data:{number}\n\n".encode())
                await asyncio.sleep(0.001)
            await connection.send(b"0\r\n\r\n")
        else:
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n")
            await asyncio.sleep(0.001)
            await connection.send(b'{"a":1}')


async def cancel_after(steps: int, work: Awaitable[object]) -> bool:
    """Cancel the work after so many turns of the loop. Return whether the work was still running then."""
    task = asyncio.ensure_future(work)
    for _ in range(steps):
        await asyncio.sleep(0)
    if task.done():
        task.result()
        return False
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return True


@pytest.mark.parametrize("use", [send, upload, stream, events])
async def test_a_call_can_be_cancelled_at_each_await_and_leaves_no_task(transport: Transport, use: Use) -> None:
    before = asyncio.all_tasks()
    async with scripted_server(script) as server:
        steps = 0
        while await cancel_after(steps, use(transport, server.url)):
            steps += 1
            assert steps < 5000
        assert steps > 5
        await use(transport, server.url)
        await transport.aclose()
        await wait_for_disconnects(server)
        await asyncio.sleep(0)
        remaining = {task for task in asyncio.all_tasks() - before if task not in server.open_connections}
        assert not remaining, "no task is left"


@pytest.mark.parametrize("cancel", [True, False])
async def test_a_file_is_closed_at_once_when_its_upload_ends_early(
    transport: Transport, tmp_path: Path, cancel: bool
) -> None:
    path = tmp_path / "big.bin"
    with path.open("wb") as sparse:
        sparse.truncate(256 * 1024 * 1024)  # more than the buffers between client and server can hold

    def is_open() -> bool:
        for descriptor in range(4096):
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return True
        return False

    async def stall(connection: Connection) -> None:
        await connection.head()
        reading.set()
        await stop.wait()
        connection.reset()

    reading, stop = asyncio.Event(), asyncio.Event()
    async with scripted_server(stall) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        task = asyncio.create_task(posts.create({"file": FileUpload(path)}))
        await reading.wait()
        while not is_open():
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)  # until the buffers are full
        assert is_open()
        if cancel:
            task.cancel()
        stop.set()
        with pytest.raises((asyncio.CancelledError, PocketBaseConnectionError)) as caught:
            await task
        assert caught.tb, "the traceback refers to everything that was running"
        assert not is_open(), "the file is closed although the traceback is kept"


async def wait_for_disconnects(server: ScriptedServer) -> None:
    """Wait until the client has closed all connections."""
    if server.open_connections:
        await asyncio.wait_for(asyncio.wait([*server.open_connections]), 5)
