"""Time limits for many blocks at once, by one timer."""

import asyncio
import threading

from ..concurrency.event_loops import running_loop

_thread_local = threading.local()


class Deadline:
    """A block that is cancelled after so many seconds, and tells that from another cancellation.

    `asyncio.timeout` sets a timer for each block and takes it back, which costs about as much as all else that this
    library does for a request. Nearly all of them end in time, and need none of their own.
    """

    __slots__ = ("_cancelling", "_expired", "_seconds", "_task", "_timer", "when")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False
        self.when = 0.0
        """On the loop's clock."""

    def start(self) -> None:
        """Begin the block: in so many seconds, the running task will be cancelled."""
        loop = running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a request is sent by a task")
        self._task = task
        self._cancelling = task.cancelling()
        watch: _LoopTimer | None = getattr(_thread_local, "watch", None)
        if watch is None or watch.loop is not loop:
            watch = _thread_local.watch = _LoopTimer(loop)
        self._timer = watch
        self.when = loop.time() + self._seconds
        watch.add(self)

    def postpone(self) -> None:
        """Begin the seconds anew."""
        self.when = self._timer.loop.time() + self._seconds

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def stop(self, kind: type[BaseException] | None) -> bool:
        """End the block, and return whether this deadline has ended it, and no other cancellation."""
        self._timer.blocks.discard(self)
        if not self._expired:
            return False
        return self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError


class _LoopTimer:
    """Looks at the blocks of one loop when the first of them may be due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.blocks: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, block: Deadline) -> None:
        self.blocks.add(block)
        if self._timer is None:
            self._timer = self.loop.call_at(block.when, self._check)
        elif block.when < self._timer.when():
            self._timer.cancel()
            self._timer = self.loop.call_at(block.when, self._check)

    def _check(self) -> None:
        self._timer = None
        now = self.loop.time()
        for block in [block for block in self.blocks if block.when <= now]:
            self.blocks.discard(block)
            block.expire()
        if self.blocks:
            self._timer = self.loop.call_at(min(block.when for block in self.blocks), self._check)
