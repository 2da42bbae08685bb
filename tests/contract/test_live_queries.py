"""Live queries on each transport: what they leave behind, however they end."""

import asyncio

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.testing.contract import MakeTransport

from ..helpers.realtime_server import RealtimeServer, realtime_server
from ..helpers.waiting import until


async def use(pb: PocketBase, server: RealtimeServer) -> None:
    """Use a live query until one change was read."""
    async with pb.collection("posts").live() as live:
        server.records.append({"id": f"r{len(server.records)}"})
        topic = server.submissions[-1][1][0]
        await server.emit(topic, {"action": "create", "record": server.records[-1]})
        change = await anext(live)
        assert change.action == "add"
        assert [*live.items] == server.records


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_live_query_that_is_cancelled_at_any_step_leaves_no_task_and_no_connection(
    make_transport: MakeTransport, times: int
) -> None:
    before = asyncio.all_tasks()
    async with realtime_server() as server:
        step = 0
        while True:
            async with PocketBase(server.url, transport=make_transport(), middleware=[]) as pb:
                task = asyncio.ensure_future(use(pb, server))
                for _ in range(step):
                    await asyncio.sleep(0)
                is_done = task.done()
                for _ in range(0 if is_done else times):
                    task.cancel()
                    await asyncio.sleep(0)
                await asyncio.wait([task])
                await until(lambda: not (server.streams or pb.realtime.is_connected))
                if is_done:
                    task.result()
                    break
            # pyreqwest connects even after the cancellation, and closes the connection then: its tasks come late
            await until(lambda: not server.server.open_connections and asyncio.all_tasks() == before)
            step += 7
        assert step > 35
