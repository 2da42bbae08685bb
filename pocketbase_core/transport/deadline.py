"""Timeouts of many requests with one timer.

`asyncio.timeout` sets a timer for each block and cancels it again. That costs about as much as everything else that
this library does for a request, and nearly all requests end in time. So all deadlines of an event loop share one timer:

- `Deadline.start` adds the deadline to a set. The timer is only changed if this deadline is earlier than the timer.
- `Deadline.stop` removes the deadline from the set, and leaves the timer as it is.
- When the timer fires, the deadlines that are due expire, and the timer is set to the earliest of the others.

An expired deadline cancels its task. As with `asyncio.timeout`, `Task.uncancel` and the count of `Task.cancelling`
distinguish that from a cancellation by another task, which takes precedence.
"""

import asyncio
import threading
from math import inf

from ..concurrency.event_loops import running_loop

LIBRARY_HEAD_START = 0.25
"""The seconds by which a library's own timeout comes before the deadline that was left to the library."""


class _OfThread(threading.local):
    timer: "_LoopTimer | None" = None


_thread_local = _OfThread()


class Deadline:
    """A deadline for the running task, from `start` to `stop`.

    Args:
        seconds: The time after which the task is cancelled.
    """

    __slots__ = ("_cancelling", "_expired", "_seconds", "_task", "_timer", "when")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False
        self.when = 0.0
        """The loop's time at which the deadline expires."""

    def start(self) -> None:
        """Start the deadline for the running task.

        Raises:
            RuntimeError: If no task is running.
        """
        loop = running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a request has to be sent from a task")
        self._task = task
        self._cancelling = task.cancelling()
        timer = _thread_local.timer
        if timer is None or timer.loop is not loop:
            timer = _thread_local.timer = _LoopTimer(loop)
        self._timer = timer
        self.when = when = loop.time() + self._seconds
        timer.deadlines.add(self)
        if when < timer.when:
            timer.set(when)

    def postpone(self) -> None:
        """Start the time again from zero."""
        self.when = self._timer.loop.time() + self._seconds

    def leave_to_library(self) -> float:
        """Return the seconds that are left, and wait a little longer than that."""
        seconds = self.when - self._timer.loop.time()
        self.when += LIBRARY_HEAD_START
        return max(seconds, 0.001)

    def expire(self) -> None:
        """Cancel the task."""
        self._expired = True
        self._task.cancel()

    def stop(self, exc_type: type[BaseException] | None) -> bool:
        """Stop the deadline, and return whether the block ended because of it.

        Args:
            exc_type: The class of the exception that ended the block.
        """
        self._timer.deadlines.discard(self)
        if not self._expired:
            return False
        return self._task.uncancel() <= self._cancelling and exc_type is asyncio.CancelledError


class _LoopTimer:
    """The timer of one event loop, which fires when the first deadline may be due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.deadlines: set[Deadline] = set()
        self.when = inf
        """The loop's time at which the timer fires; infinity if it is not set."""
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float) -> None:
        """Set the timer to an earlier time."""
        if self._handle is not None:
            self._handle.cancel()
        self.when = when
        self._handle = self.loop.call_at(when, self._check)

    def _check(self) -> None:
        self.when, self._handle = inf, None
        now = self.loop.time()
        for deadline in [each for each in self.deadlines if each.when <= now]:
            self.deadlines.discard(deadline)
            deadline.expire()
        if self.deadlines:
            self.set(min(each.when for each in self.deadlines))
