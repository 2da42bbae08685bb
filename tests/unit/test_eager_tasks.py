"""The library works with tasks that start at once."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import AsyncAuthStore, PocketBase, Request, Response, ServerSentEvent
from pocketbase_transports import MockTransport

from ..helpers.eager_tasks import FACTORY, start_at_once

ROOT = Path(__file__).parent.parent.parent


class FakeServer:
    """Responds without waiting, so that a task that starts at once also ends at once."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ServerSentEvent] = asyncio.Queue()
        self.submissions: list[Any] = []

    def respond(self, request: Request) -> Response:
        if request.method == "POST":
            self.submissions.append(request.body)
            return Response(204)
        page = int(str((request.params or {})["page"]))
        items = [{"id": f"{page}-{number}"} for number in range(2 if page < 9 else 1)]
        return Response(200, json={"page": page, "perPage": 2, "items": items, "totalItems": -1, "totalPages": -1})

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        yield ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "c"}))
        while True:
            yield await self.queue.get()


@pytest.mark.parametrize("factory", dict.fromkeys([FACTORY, start_at_once]))
def test_tasks_may_start_at_once(factory: Any) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        server, saved, received = FakeServer(), list[str](), list[Any]()

        async def save(text: str) -> None:
            saved.append(text)

        store = AsyncAuthStore(save)
        async with (
            asyncio.timeout(5),
            PocketBase("http://h", transport=MockTransport(server.respond, server.events), auth_store=store) as pb,
        ):
            assert len(await pb.collection("posts").get_full_list(batch=2)) == 17
            store.save("first")
            store.save("second")

            async def leave_at_once(message: Any) -> None:
                received.append(message)
                await unsubscribe()

            async def hook() -> None:
                received.append("connected")
                await pb.realtime.subscribe("b", received.append)

            pb.realtime.on_connect(hook)
            unsubscribe = await pb.realtime.subscribe("a", leave_at_once)
            server.queue.put_nowait(ServerSentEvent("a", "1"))
            async with pb.realtime.events("c") as events:
                server.queue.put_nowait(ServerSentEvent("c", "3"))
                assert await anext(events) == 3
                server.queue.put_nowait(ServerSentEvent("b", "2"))
                while 2 not in received:
                    await asyncio.sleep(0)
            await pb.realtime.unsubscribe()
            assert not pb.realtime.is_connected

            async def close(_: Any) -> None:
                await pb.aclose()
                received.append("closed")

            await pb.realtime.subscribe("d", close)
            server.queue.put_nowait(ServerSentEvent("d", "4"))
            while "closed" not in received:
                await asyncio.sleep(0)
        assert received[0] == "connected", "the hook was called after a message"
        assert 1 in received
        assert [json.loads(text)["token"] for text in saved] == ["first", "second"]
        assert len(asyncio.all_tasks()) == 1, "a task is still there"

    asyncio.run(main())


@pytest.mark.slow
async def test_the_suite_passes_with_tasks_that_start_at_once() -> None:
    """anyio does not support such tasks on Python 3.11."""
    libraries = [] if sys.version_info >= (3, 12) else ["-k", "not httpx and not session_of_the_user"]
    suite = ["-p", "tests.helpers.eager_tasks", "tests/unit", "tests/contract", *libraries]
    command = [sys.executable, "-m", "pytest", "-q", *suite]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
