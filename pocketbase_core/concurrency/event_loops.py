"""The event loop that something belongs to, and the way to it from another loop."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable

CLOSE_TIMEOUT = 2.0
"""Seconds for which closing waits for another event loop, which may be blocked."""
_logger = logging.getLogger("pocketbase_core")

start_lock = threading.Lock()
"""Held, for a moment, while a thread starts what all threads share. No fork happens meanwhile."""
# `dict` stands in on Windows, which has no forks.
getattr(os, "register_at_fork", dict)(
    before=start_lock.acquire, after_in_parent=start_lock.release, after_in_child=start_lock.release
)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        RuntimeError: no asyncio loop is running, as under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError(
            "no asyncio event loop is running; this library needs asyncio, and runs on no other"
        ) from error


class OwnerLoop:
    """The event loop, of this process, that tasks or connections belong to."""

    __slots__ = ("_process", "loop")

    def __init__(self) -> None:
        self.loop = running_loop()
        self._process = os.getpid()

    @property
    def is_current(self) -> bool:
        """True if the caller runs on this loop."""
        try:
            return self.loop is asyncio.get_running_loop() and self._process == os.getpid()
        except RuntimeError:
            return False

    @property
    def is_gone(self) -> bool:
        """True if the loop will never run again: it is closed, or was copied from the parent process by a fork."""
        return self.loop.is_closed() or self._process != os.getpid()

    def call(self, callback: Callable[[], object]) -> None:
        """Call a function at once if the caller runs on this loop, else soon. If the loop is gone, do nothing."""
        if self.is_current:
            callback()
        elif not self.is_gone:
            with contextlib.suppress(RuntimeError):  # the loop was closed just now
                self.loop.call_soon_threadsafe(callback)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` on this loop, and wait until it is done.

        If the loop is gone, do nothing. If the loop is stopped, do not wait: the work is done when the loop runs again.
        Wait no longer than `PATIENCE` for a loop that is blocked.
        """
        if self.is_current:
            await work()
            return
        here = asyncio.get_running_loop()
        finished: asyncio.Future[None] = here.create_future()
        started: list[asyncio.Future[None]] = []  # as a loop itself holds its tasks weakly

        def start() -> None:
            started.append(asyncio.ensure_future(work()))
            started[0].add_done_callback(end)

        def end(task: "asyncio.Future[None]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop that waits may be closed by now
                here.call_soon_threadsafe(_pass_on, task, finished)

        self.call(start)
        if self.loop.is_running() and not self.is_gone:  # the copy of a parent's loop says that it is running
            await asyncio.wait([finished], timeout=CLOSE_TIMEOUT)
            if finished.done():
                finished.result()
            else:
                _logger.warning("another event loop is blocked or slow; its work goes on, and is waited for no longer")


def _pass_on(task: "asyncio.Future[None]", finished: "asyncio.Future[None]") -> None:
    """Pass the outcome of a task on to a future. If nobody awaits the future, asyncio logs an error."""
    error = None if task.cancelled() else task.exception()
    if error is None:
        finished.set_result(None)
    else:
        finished.set_exception(error)
