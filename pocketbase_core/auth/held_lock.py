"""Hold a lock of the user, such as one of Redis, for a block.

A task of its own enters the lock and leaves it, for two reasons: many locks must be left by the task that entered them,
and a caller that is cancelled does not interrupt the task while it enters or leaves. A lock that cannot be obtained or
released is logged, and never an error of the block.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from ..concurrency.background_tasks import wait_until_done

_logger = logging.getLogger("pocketbase_core")


@asynccontextmanager
async def hold(lock: Callable[[], AbstractAsyncContextManager[object]], seconds: float) -> AsyncGenerator[None, None]:
    """Hold a lock for a block. If the lock cannot be obtained in time, run the block without it.

    Args:
        lock: Returns the lock.
        seconds: The longest time to wait for the lock, and then for its release.
    """
    loop = asyncio.get_running_loop()
    is_held: asyncio.Future[None] = loop.create_future()
    leave = asyncio.Event()
    task = loop.create_task(_hold(lock, is_held, leave), name="auth store lock")
    try:
        await asyncio.wait([task, is_held], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and not is_held.done():
            _logger.warning("the lock of the auth store was not obtained within %g s; going on without it", seconds)
            task.cancel()
        yield
    finally:
        leave.set()
        if not is_held.done() and not task.cancelling():
            task.cancel()
        timer = loop.call_later(seconds, _give_up, task, seconds)
        task.add_done_callback(lambda _: timer.cancel())
        await wait_until_done(task)


async def _hold(
    lock: Callable[[], AbstractAsyncContextManager[object]], is_held: "asyncio.Future[None]", leave: asyncio.Event
) -> None:
    try:
        async with lock():
            is_held.set_result(None)
            await leave.wait()
    except Exception as error:
        step = "released" if is_held.done() else "obtained"
        _logger.warning("the lock of the auth store was not %s: %s: %.200r", step, type(error).__name__, str(error))


def _give_up(task: "asyncio.Task[None]", seconds: float) -> None:
    _logger.warning("the lock of the auth store was not released within %g s", seconds)
    task.cancel()
