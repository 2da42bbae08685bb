"""Sends a call that makes the server restart, and waits for the restart.

The server responds to the call before it stops, and may be away for too short a time for a poll to notice. So a stream
of events is opened before the call: its end shows that the server has stopped. Proxies and the server itself end a
stream on which nothing is sent; therefore each stream is replaced by a newer one in time.
"""

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
"""The default limit in seconds for a restore, which unpacks the backup first."""
STREAM_LIFETIME = 45.0
"""Seconds after which a stream is replaced: many proxies end an idle stream after 60 s, PocketBase after 300 s."""
SHUTDOWN_GRACE = 0.5
"""Seconds after the end of the streams within which the old server may still accept connections."""
POLL_INTERVAL = 0.2


async def restart_server(pipeline: Pipeline, call: Call[None], options: Options) -> None:
    """Send the call, and return when the server has stopped and responds again.

    The timeout of `options` limits all of this.

    Raises:
        PocketBaseTimeoutError: If the restart took longer than the timeout.
        PocketBaseUnauthorizedError: If another user signed in before the call could be sent.
        PocketBaseError: If the call failed.
    """
    timeout = options.timeout_or(RESTORE_TIMEOUT)
    bound = BoundPipeline(pipeline, options)
    url = pipeline.build_url(call.request.url)
    try:
        async with asyncio.timeout(timeout):
            await _wait_until_stopped(pipeline, partial(bound.execute, call), url)
            await asyncio.sleep(SHUTDOWN_GRACE)
            while not await _is_healthy(pipeline):
                await asyncio.sleep(POLL_INTERVAL * (0.5 + random.random()))
    except TimeoutError as error:
        message = f"the server did not come back within {timeout:g} s"
        raise PocketBaseTimeoutError(url, message=message) from error


async def _wait_until_stopped(pipeline: Pipeline, send: Callable[[], Awaitable[None]], url: str) -> None:
    """Send a call, and return when the server that received the call has stopped."""
    async with AsyncExitStack() as streams:
        current = await streams.enter_async_context(_Stream(pipeline, url))
        await asyncio.wait([current.opened, current.reading], return_when=asyncio.FIRST_COMPLETED)
        if not current.opened.done():
            current.reading.result()
        await send()
        lifetime = STREAM_LIFETIME
        while not await current.ends_within(lifetime):
            lifetime = POLL_INTERVAL
            async with AsyncExitStack() as stack:
                newer = await stack.enter_async_context(_Stream(pipeline, url))
                opening = [newer.opened, newer.reading, current.reading]
                await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
                # The server may stop in the meantime; then the newer stream may belong to the restarted server.
                if newer.opened.done() and not await current.ends_within(SHUTDOWN_GRACE):
                    await streams.aclose()
                    streams.push_async_exit(stack.pop_all())
                    current, lifetime = newer, STREAM_LIFETIME


class _Stream:
    """A stream of events, opened and read to its end by a task of its own.

    `opened` is done when the stream has started. `reading` is done when it has ended; it raises the error if the
    stream did not start.
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
