"""Distribution of events to the browsers that have the page open."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from aiohttp import web

WAITING = 100
"""Events that are queued for one browser. A browser that falls further behind reads the list again."""
PULSE = 20.0
"""Seconds without an event after which a comment is sent, to detect browsers that are gone."""
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Browsers:
    """Sends each event to all browsers as a server-sent event, without waiting for any of them."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes]] = set()

    def send(self, name: str, data: Any = None) -> None:
        chunk = encode(name, data)
        for queue in self._queues:
            if queue.full():
                replace(queue, encode("reload"))
            else:
                queue.put_nowait(chunk)

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            replace(queue, b"")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Stream events to a browser, from the moment when the response begins."""
        response = web.StreamResponse(headers=HEADERS)
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._queues.add(queue)
        try:
            with suppress(ConnectionResetError):  # the browser is gone
                await response.prepare(request)
                while chunk := await next_of(queue):
                    await response.write(chunk)
        finally:
            self._queues.discard(queue)
        return response


async def next_of(queue: asyncio.Queue[bytes]) -> bytes:
    try:
        return await asyncio.wait_for(queue.get(), PULSE)
    except TimeoutError:
        return b":\n\n"


def encode(name: str, data: Any = None) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def replace(queue: asyncio.Queue[bytes], chunk: bytes) -> None:
    """Replace all queued chunks by this one."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(chunk)
