"""Run code on the event loop to which a task or a connection belongs.

A task or a connection can only be used on its own event loop. A client may be used from several loops, in several
threads, and in a process that forks. So each owner of such objects keeps an `OwnerLoop`, and closes them by
`OwnerLoop.run`, from whatever loop the user calls `aclose`:

- On the same loop, the work is awaited.
- On another loop that is running, the work is scheduled there. The caller waits, but at most `CLOSE_TIMEOUT` seconds,
  because the other loop may be blocked.
- On another loop that is stopped, the work is scheduled, and done if the loop runs again. The caller does not wait.
- If the loop is closed, or was copied from the parent process by a fork, it never runs again. Nothing is done.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable

CLOSE_TIMEOUT = 2.0
"""The maximum wait for another event loop, in seconds."""
_logger = logging.getLogger("pocketbase_core")

start_lock = threading.RLock()
"""Held while a thread starts or imports what all threads share, so that the process is not forked at that moment.

In a child that was forked in the middle of an import, the module would stay locked by a thread that does not exist.
"""
# `dict` is a substitute on Windows, which has no fork.
getattr(os, "register_at_fork", dict)(
    before=start_lock.acquire, after_in_parent=start_lock.release, after_in_child=start_lock.release
)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        RuntimeError: If no loop of asyncio is running, as under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "asyncio is required, but none of its event loops is running: start the program with asyncio.run(main()); "
            "trio is not supported"
        ) from None


class OwnerLoop:
    """The running event loop and the process in which it was created."""

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
        """Call a function on this loop, at once if the caller runs on this loop. If the loop is gone, do nothing."""
        if self.is_current:
            callback()
        elif not self.is_gone:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self.loop.call_soon_threadsafe(callback)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` on this loop, and wait until it is done.

        If the loop is gone, do nothing. If the loop is stopped, do not wait: the work is done when the loop runs again.
        Wait at most `CLOSE_TIMEOUT` seconds.
        """
        if self.is_current:
            await work()
            return
        caller_loop = asyncio.get_running_loop()
        finished: asyncio.Future[None] = caller_loop.create_future()
        started: list[asyncio.Future[None]] = []  # keeps the task alive: a loop refers to its tasks weakly

        def start() -> None:
            started.append(asyncio.ensure_future(work()))
            started[0].add_done_callback(finish)

        def finish(task: "asyncio.Future[None]") -> None:
            with contextlib.suppress(RuntimeError):  # the caller's loop may be closed by now
                caller_loop.call_soon_threadsafe(_pass_on, task, finished)

        self.call(start)
        if self.loop.is_running() and not self.is_gone:  # a copy of the parent's loop also reports that it is running
            await asyncio.wait([finished], timeout=CLOSE_TIMEOUT)
            if finished.done():
                finished.result()
            else:
                _logger.warning(
                    "another event loop is blocked or slow; closing goes on there, but is not waited for any longer"
                )


def _pass_on(task: "asyncio.Future[None]", finished: "asyncio.Future[None]") -> None:
    """Pass the outcome of a task to a future. If the future is not awaited, asyncio logs an error."""
    error = None if task.cancelled() else task.exception()
    if error is None:
        finished.set_result(None)
    else:
        finished.set_exception(error)
