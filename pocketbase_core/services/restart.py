"""A call that has the server restart."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from ..api import health, realtime
from ..call import Call, Executor
from ..errors import PocketBaseConnectionError, PocketBaseError, PocketBaseTimeoutError, PocketBaseTransportError
from ..messages import ServerSentEvent
from ..options import CommonOptions, read

RESTORE_TIMEOUT = 300.0
"""Seconds for a restore, whose backup is unpacked first."""
LIFE = 45.0
"""Seconds after which a stream is replaced: proxies end one that brings nothing for a minute, PocketBase after five."""
GRACE = 0.5
"""Seconds from the end of the streams to when the old server certainly accepts no more connections."""
PAUSE = 0.2


async def through_restart(executor: Executor, call: Call[None], patience: float | None) -> None:
    """Send the call, and return when the server has gone and answers again.

    That it goes is seen by a stream of events, which then ends: it may be away for too short a time to be missed.

    Raises:
        PocketBaseTimeoutError: that was not within `patience` seconds.
        PocketBaseError: the call failed.
    """
    url = executor.build_url(call.request.url)
    try:
        async with asyncio.timeout(patience), AsyncExitStack() as streams:
            events = await streams.enter_async_context(executor.events(realtime.connect()))
            if await anext(events, None) is None:
                raise PocketBaseConnectionError(url, message="the stream of events ended at once", request_sent=False)
            await executor.execute(call)
            while not await _ends(events):
                async with streams.pop_all():
                    events = await streams.enter_async_context(executor.events(realtime.connect()))
            await asyncio.sleep(GRACE)
            while not await _answers(executor):
                await asyncio.sleep(PAUSE * (0.5 + random.random()))
    except TimeoutError as error:
        message = f"the server did not come back within {patience:.0f} s"
        raise PocketBaseTimeoutError(url, message=message) from error


async def _ends(events: AsyncIterator[ServerSentEvent]) -> bool:
    """Whether the stream ended before its life was over."""
    try:
        async with asyncio.timeout(LIFE):
            async for _ in events:
                pass
    except TimeoutError:
        return False
    except PocketBaseTransportError:
        pass
    return True


async def _answers(executor: Executor) -> bool:
    try:
        await executor.execute(health.check(read(CommonOptions, {"timeout": 5}, {})))
    except PocketBaseError:
        return False
    return True
