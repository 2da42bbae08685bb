"""Jobs of live queries: how soon they show a change, and what a reconnection costs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median
from typing import Any

from pocketbase_core import PocketBase, Request, Response, ServerSentEvent, StreamedResponse
from pocketbase_core.middleware import Handler
from pocketbase_core.ports import Transport

from .worker import Job

CHANGED = 10
"""Records that are changed while no connection is open."""


class CutTransport:
    """A transport whose streams of events end when `cut` is called. New ones wait until `is_up` is set."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._cut = asyncio.Event()
        self.is_up = asyncio.Event()
        self.is_up.set()

    async def send(self, request: Request) -> Response:
        return await self._transport.send(request)

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        return self._transport.stream(request)

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        await self.is_up.wait()
        self._cut.clear()
        async with self._transport.events(request) as source:
            yield self._until_cut(source)

    async def _until_cut(self, source: AsyncIterator[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent, None]:
        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._cut.wait())]
        try:
            while True:
                tasks[1:] = [event := asyncio.ensure_future(anext(source))]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not event.done():
                    return
                yield await event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        self.is_up.clear()
        self._cut.set()

    async def aclose(self) -> None: ...


class LiveJobs:
    """The jobs, on one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def live_change(self, job: Job) -> dict[str, float]:
        """Return the median seconds from the response to a write until it is shown, and those of a `get_one`."""
        shown: list[float] = []
        read: list[float] = []
        clock = asyncio.get_running_loop().time
        writes = PocketBase(job.url, transport=self._transport).collection("writes")
        async with PocketBase(job.url, transport=self._transport).collection("writes").live(sort="-n") as live:
            for number in range(job.count):
                change = asyncio.ensure_future(anext(live))
                record = await writes.create({"n": number})
                began_at = clock()
                await change
                shown.append(clock() - began_at)
                began_at = clock()
                await writes.get_one(record["id"])
                read.append(clock() - began_at)
                await asyncio.sleep(0.02)  # the changes are no burst
        return {"shown": median(shown), "read": median(read)}

    async def live_enter(self, job: Job) -> int:
        """Enter the block of a live query of a whole list."""
        async with PocketBase(job.url, transport=self._transport).collection(f"list{job.count}").live() as live:
            return len(live)

    async def live_reconnect(self, job: Job) -> dict[str, float]:
        """Return the seconds from a reconnection until a list is current, and the bytes that were read."""
        transport, size, clock = CutTransport(self._transport), 0, asyncio.get_running_loop().time

        async def count_bytes(request: Request, call_next: Handler) -> Response:
            nonlocal size
            response = await call_next(request)
            size += len(response.content)
            return response

        name, connected_at = f"list{job.count}", 0.0
        records = PocketBase(job.url, transport=self._transport).collection(name)
        await records.update(f"r{1:014}", {"title": "changed"})
        pb = PocketBase(job.url, transport=transport, middleware=[count_bytes])

        def note_connection() -> None:
            nonlocal connected_at
            connected_at = clock()

        began_at = clock()
        async with pb, pb.collection(name).live(sort="-n") as live:
            await asyncio.sleep(clock() - began_at)  # the driver rests as long as the reading has taken
            pb.realtime.on_connect(note_connection)
            transport.cut()
            while live.is_current:
                await asyncio.sleep(0.001)
            for number in range(CHANGED):
                await records.update(f"r{job.count // CHANGED * number + 1:014}", {"title": "changed"})
            size = 0
            transport.is_up.set()
            while not live.is_current:
                await asyncio.sleep(0.001)
            return {"seconds": clock() - connected_at, "bytes": size}

    @property
    def all(self) -> list[Callable[[Job], Awaitable[object]]]:
        """All jobs."""
        return [self.live_change, self.live_enter, self.live_reconnect]
