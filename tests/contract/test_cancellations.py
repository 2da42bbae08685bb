"""Cancellation of calls, and of the closing of a client, at each step."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pocketbase_core import FileUpload, PocketBase
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.endpoints import custom
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract.scripted_server import scripted_server

from ..helpers.limited_pool import close_session, limited_transport, serve_json_or_events
from ..helpers.waiting import until


async def send(pb: PocketBase) -> None:
    await pb.send("/x")


async def upload(pb: PocketBase) -> None:
    await pb.collection("posts").create({"docs": FileUpload(("a.bin", bytes(100_000)))})


async def stream(pb: PocketBase) -> None:
    async with pb.files.stream("posts", "a", "b") as response:
        async for _ in response.aiter_bytes():
            pass


async def events(pb: PocketBase) -> None:
    async with pb.pipeline.events(custom.send("/events", parse_options(SendOptions, None, {}))) as stream_of_events:
        await anext(stream_of_events)


async def cancel_at(step: int, times: int, work: Awaitable[None]) -> bool:
    """Cancel work after so many turns of the loop, and wait for its end. Return True if it had ended before."""
    task = asyncio.ensure_future(work)
    for _ in range(step):
        await asyncio.sleep(0)
    is_done = task.done()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    return is_done


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("call", [send, upload, stream, events])
async def test_a_call_that_is_cancelled_at_any_step_gives_its_connection_back(
    library: str, call: Callable[[PocketBase], Awaitable[None]], times: int
) -> None:
    transport, session = limited_transport(library, is_handed=True, connections=1)
    async with scripted_server(serve_json_or_events) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=20)
        is_done = False
        step = 0
        while not is_done:
            is_done = await cancel_at(step, times, call(pb))
            assert await pb.send("/x", timeout=5) == {}, f"cancelled at step {step}"
            step += 1
    await close_session(session)


@pytest.mark.parametrize("times", [1, 2])
async def test_closing_that_is_cancelled_at_any_step_leaves_no_connection(
    make_transport: MakeTransport, times: int
) -> None:
    async with scripted_server(serve_json_or_events) as server:
        is_done = False
        step = 0
        while not is_done:
            pb = PocketBase(server.url, transport=make_transport(), middleware=[])
            await asyncio.gather(*(pb.send("/x") for _ in range(8)))
            is_done = await cancel_at(step, times, pb.aclose())
            await pb.aclose()
            await until(lambda: not server.open_connections)
            step += 1
