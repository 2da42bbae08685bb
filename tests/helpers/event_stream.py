"""The stream of events of a server in virtual time."""

import asyncio
import json
from collections.abc import AsyncGenerator
from math import inf

from pocketbase_core import PocketBaseConnectionError, ServerSentEvent

Events = asyncio.Queue[ServerSentEvent | None]


async def serve_events(
    url: str, client_id: str, queue: Events, *, lifetime: float = inf
) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield PB_CONNECT and the events of the queue, until the server ends the stream. None in the queue breaks it.

    The stream ends after 300 s without an event, and after its lifetime.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + lifetime
    try:
        yield ServerSentEvent("PB_CONNECT", json.dumps({"clientId": client_id}))
        while True:
            async with asyncio.timeout_at(min(ends_at, loop.time() + 300)):
                event = await queue.get()
            if event is None:
                raise PocketBaseConnectionError(url, message="reset")
            yield event
    except TimeoutError:
        return
