"""Calls that a thread waits for.

Theory of operation: a thread that makes a call starts a task on the loop of the portal, and waits. While it waits, it
also runs the user's functions that belong to its calls: hooks, middleware, rows of `create_many`, reports of progress.
So a user's function runs on the thread that made the call, with its thread locals and its context, it may make blocking
calls itself, and it never blocks the loop.

Each thread has one inbox. The loop puts functions to run there, and None to wake the thread when a call is done. A
function may make a call, so calls nest: the innermost call that waits takes everything from the inbox, also what is
for the calls around it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..concurrency.callbacks import hand_over
from ..concurrency.event_loops import CLOSE_TIMEOUT

if TYPE_CHECKING:
    from .portal import Portal

T = TypeVar("T")
Job = Callable[[], object]
WAKE_INTERVAL = 0.5
"""Seconds after which a waiting thread looks for signals. On Windows, and rarely elsewhere, they do not end a wait."""
CLOSED = "the client was closed before the call was done"


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.inbox: SimpleQueue[Job | None] = SimpleQueue()


_of_thread = _OfThread()


class BlockingCall(Generic[T]):
    """A coroutine on the loop for which a thread waits.

    Args:
        portal: The portal.
        coroutine: What runs on the loop.
        context: The context of the task; None for a copy of the thread's own.
    """

    def __init__(self, portal: "Portal", coroutine: Coroutine[Any, Any, T], context: Context | None) -> None:
        self.portal = portal
        self.is_done = False
        self._coroutine = coroutine
        self._context = copy_context() if context is None else context
        self._inbox = _of_thread.inbox
        self._task: asyncio.Task[None] | None = None
        self._has_begun = False
        self._values: list[T] = []
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the task. Called on the loop."""
        if self.is_done:
            return
        self._context.run(current_call.set, self)
        self._context.run(hand_over.set, self._hand_over)
        self._task = self.portal.loop.create_task(self._run(), context=self._context)

    def wait(self) -> T:
        """Return the value of the coroutine, or raise its error. Run the user's functions until then."""
        while not (self.is_done and self._inbox.empty()):
            with suppress(Empty):
                if job := self._inbox.get(timeout=WAKE_INTERVAL):
                    job()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # else the error and its traceback refer to each other
        (value,) = self._values
        return value

    def put(self, job: Job) -> None:
        """Have a function run on the waiting thread."""
        self._inbox.put(job)

    def cancel(self) -> None:
        """Cancel the task, and wait a moment for its end, so that it leaves no connection behind."""
        with suppress(RuntimeError):  # the loop may be closed by now
            self.portal.loop.call_soon_threadsafe(self._cancel_task)
        with suppress(Empty):
            while True:  # until the task has ended, and nothing is left for this thread
                if job := self._inbox.get(not self.is_done, CLOSE_TIMEOUT):
                    threading.Thread(target=job, name="pocketbase-callback", daemon=True).start()

    def abandon(self, reason: str) -> None:
        """End the wait of the thread, if the loop has ended before the task."""
        if not self.is_done:
            self._end(RuntimeError(reason))
            if not self._has_begun:
                self._coroutine.close()

    async def _run(self) -> None:
        self._has_begun = True
        try:
            self._values.append(await self._coroutine)
        except asyncio.CancelledError:
            self._end(RuntimeError(CLOSED))
        except BaseException as error:  # also those that would end the loop
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        self._error = error
        self.is_done = True
        self.portal.calls.discard(self)
        self._inbox.put(None)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if not self._has_begun:
            self.abandon(CLOSED)

    def _hand_over(self, notify: Job) -> None:
        if self.is_done:
            notify()
        else:
            self.put(notify)


async def invoke(function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Call an asynchronous function once the loop runs this, so that nothing is left unawaited if it never does."""
    return await function(*arguments)


current_call: ContextVar[BlockingCall[Any] | None] = ContextVar("pocketbase_blocking_call", default=None)
"""The call of the running task."""
