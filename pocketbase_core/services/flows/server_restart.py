"""A call that makes the server restart."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

from ...calls.call import Call
from ...calls.options import CommonOptions, Options, parse_options
from ...endpoints import health, realtime
from ...errors import PocketBaseConnectionError, PocketBaseError, PocketBaseTimeoutError, PocketBaseTransportError
from ...pipeline import Pipeline
from .bound_pipeline import BoundPipeline

RESTORE_TIMEOUT = 300.0
"""Seconds for a restore, whose backup is unpacked first."""
STREAM_LIFETIME = 45.0
"""Seconds after which a stream is replaced: proxies end one that brings nothing for a minute, PocketBase after five."""
SHUTDOWN_GRACE = 0.5
"""Seconds from the end of the streams to when the old server certainly accepts no more connections."""
POLL_INTERVAL = 0.2


async def restart_server(pipeline: Pipeline, call: Call[None], options: Options) -> None:
    """Send the call, and return when the server has stopped and answers again.

    A stream of events shows the stop by its end: the server may be away for too short a time to be missed otherwise.

    The timeout of `options` is for all of that.

    Raises:
        PocketBaseTimeoutError: the restart took longer than the timeout.
        PocketBaseUnauthorizedError: somebody else signed in before the call could be sent.
        PocketBaseError: the call failed.
    """
    patience = options.timeout_or(RESTORE_TIMEOUT)
    bound = BoundPipeline(pipeline, options)
    url = pipeline.build_url(call.request.url)
    try:
        async with asyncio.timeout(patience):
            await _wait_until_stopped(pipeline, partial(bound.execute, call), url)
            await asyncio.sleep(SHUTDOWN_GRACE)
            while not await _is_healthy(pipeline):
                await asyncio.sleep(POLL_INTERVAL * (0.5 + random.random()))
    except TimeoutError as error:
        message = f"the server did not come back within {patience:.0f} s"
        raise PocketBaseTimeoutError(url, message=message) from error


async def _wait_until_stopped(pipeline: Pipeline, send: Callable[[], Awaitable[None]], url: str) -> None:
    """Send a call, and return when the server that got the call has stopped."""
    async with AsyncExitStack() as streams:
        current = await streams.enter_async_context(_Stream(pipeline, url))
        await asyncio.wait([current.opened, current.reading], return_when=asyncio.FIRST_COMPLETED)
        if not current.opened.done():
            current.reading.result()
        await send()
        life = STREAM_LIFETIME
        while not await current.ends_within(life):
            life = POLL_INTERVAL
            async with AsyncExitStack() as stack:
                newer = await stack.enter_async_context(_Stream(pipeline, url))
                opening = [newer.opened, newer.reading, current.reading]
                await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
                # The server may go meanwhile, and the newer stream be one of the restarted server.
                if newer.opened.done() and not await current.ends_within(SHUTDOWN_GRACE):
                    await streams.aclose()
                    streams.push_async_exit(stack.pop_all())
                    current, life = newer, STREAM_LIFETIME


class _Stream:
    """A stream of events, opened and read to its end by a task of its own.

    `opened` is done when the stream has begun. `reading` is done when the stream has ended, or raises why it did not
    begin.
    """

    def __init__(self, pipeline: Pipeline, url: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reading = asyncio.create_task(self._read(pipeline, url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)

    async def ends_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self.reading], timeout=seconds)
        return bool(done)

    async def _read(self, pipeline: Pipeline, url: str) -> None:
        try:
            async with pipeline.events(realtime.connect()) as events:
                if await anext(events, None) is None:
                    message = "the stream of events ended at once"
                    raise PocketBaseConnectionError(url, message=message, request_sent=False)
                self.opened.set_result(None)
                async for _ in events:
                    pass
        except PocketBaseTransportError:
            if not self.opened.done():
                raise


async def _is_healthy(pipeline: Pipeline) -> bool:
    try:
        await pipeline.execute(health.check(parse_options(CommonOptions, {"timeout": 5}, {})))
    except PocketBaseError:
        return False
    return True
