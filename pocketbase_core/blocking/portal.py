"""The event loop that all blocking clients of a process share.

Theory of operation: the loop runs in a daemon thread, the portal. A thread that makes a call starts a task there and
waits. While a thread waits, it also runs the user's functions that belong to its calls: hooks, middleware, rows of
`create_many`, reports of progress. So a user's function runs on the thread that made the call, with its thread locals
and its context, it may make blocking calls itself, and it never blocks the loop.

Each thread has one inbox. The loop puts functions to run there, and None to wake the thread when a call is done. A
function may make a call, so calls nest: the innermost call that waits takes everything from the inbox, also what is
for the calls around it.

A portal starts with the first client that needs it and ends with the last one that used it. In a forked child there is
no thread, so the portal of the parent is gone there, and the next call starts another one.
"""

import asyncio
import atexit
import logging
import os
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from ..concurrency.callbacks import hand_over
from ..concurrency.event_loops import CLOSE_TIMEOUT, start_lock

T = TypeVar("T")
Job = Callable[[], object]
_logger = logging.getLogger("pocketbase_core")
WAKE_INTERVAL = 0.5
"""Seconds after which a waiting thread looks for signals. On Windows, and rarely elsewhere, they do not end a wait."""
_CLOSED = "the client was closed before the call was done"


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
        self._value: T | None = None
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
        while not self.is_done:
            with suppress(Empty):
                if job := self._inbox.get(timeout=WAKE_INTERVAL):
                    job()
        with suppress(Empty):
            while True:
                if job := self._inbox.get_nowait():
                    job()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # else the error and its traceback refer to each other
        return self._value  # type: ignore[return-value]  # None is a value of T here

    def put(self, job: Job) -> None:
        """Have a function run on the waiting thread."""
        self._inbox.put(job)

    def cancel(self) -> None:
        """Cancel the task, and wait a moment for its end, so that it leaves no connection behind."""
        with suppress(RuntimeError):  # the loop may be closed by now
            self.portal.loop.call_soon_threadsafe(self._cancel_task)
        with suppress(Empty):
            while not self.is_done:
                if job := self._inbox.get(timeout=CLOSE_TIMEOUT):
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
            self._value = await self._coroutine
        except asyncio.CancelledError:
            self._end(RuntimeError(_CLOSED))
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
            self.abandon(_CLOSED)

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


class Portal:
    """An event loop in a daemon thread."""

    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self.is_gone = False
        """True once the loop is ending or has ended, and in a forked child of the process that it runs in."""
        self.users: dict[object, str] = {}
        """The clients that use the portal, with their names."""
        self.calls: set[BlockingCall[Any]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pocketbase-portal", daemon=True)
        self._thread.start()
        self._is_ready.wait()
        if self.is_gone:
            raise RuntimeError("the event loop of the blocking clients could not be started") from self._error

    @property
    def is_current(self) -> bool:
        """True if the caller runs on the loop."""
        return threading.current_thread() is self._thread

    def run(self, coroutine: Coroutine[Any, Any, T], context: Context | None = None) -> T:
        """Run a coroutine on the loop, and return its value."""
        call = BlockingCall(self, coroutine, context)
        try:
            self.calls.add(call)
            try:
                if self.is_gone:
                    raise RuntimeError
                self.loop.call_soon_threadsafe(call.start)
            except RuntimeError:
                call.abandon(_CLOSED)
            return call.wait()
        except BaseException:
            if not call.is_done:  # a KeyboardInterrupt above all, which a signal may raise anywhere here
                call.cancel()
            raise

    def close_later(self, closing: Coroutine[Any, Any, None], user: object) -> None:
        """Run a coroutine without waiting for it, and release the portal then."""

        async def close() -> None:
            try:
                await closing
            finally:
                release_portal(self, user)

        try:
            self.loop.call_soon_threadsafe(lambda: self._closing.add(self.loop.create_task(close())))
        except RuntimeError:  # the loop is closed
            closing.close()

    def stop(self) -> None:
        """End the loop, and wait for a moment until its thread has ended."""
        self.is_gone = True
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stopped.set)
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
            _logger.critical("the event loop of the blocking clients has ended", exc_info=error)
        finally:
            self.is_gone = True
            self._is_ready.set()
            for call in [*self.calls]:
                call.abandon(_CLOSED)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._is_ready.set()
        await self._stopped.wait()


_current: Portal | None = None


def acquire_portal(user: object, name: str) -> Portal:
    """Return the portal of this process for one more client. Start it if there is none.

    Args:
        user: Identifies the client.
        name: The name of the client in a warning.
    """
    global _current
    with start_lock:
        if _current is None or _current.is_gone:
            _current = Portal()
        _current.users[user] = name
        return _current


def release_portal(portal: Portal, user: object) -> None:
    """Stop the portal if no other client uses it."""
    global _current
    with start_lock:
        portal.users.pop(user, None)
        if portal.users or portal.is_gone:
            return
        portal.is_gone = True
        if _current is portal:
            _current = None
    portal.stop()


def _end_at_exit() -> None:
    """Stop the portal when the interpreter ends, with a warning for each client that was not closed."""
    if _current is None:
        return
    try:
        for name in _current.users.values():
            warn_unclosed(name)
    finally:
        _current.stop()


def warn_unclosed(name: str) -> None:
    """Warn of a client that was not closed."""
    warnings.warn(f"{name} was not closed: use `with`, or close()", ResourceWarning, stacklevel=3)


atexit.register(_end_at_exit)


def _forget_portal() -> None:
    global _current
    if _current is not None:
        _current.is_gone = True
        for call in [*_current.calls]:
            call.abandon("the process was forked during the call, whose result only the parent gets")
        _current = None


# `dict` is a substitute on Windows, which has no fork.
getattr(os, "register_at_fork", dict)(after_in_child=_forget_portal)


def check_no_running_loop() -> None:
    """Check that the caller may block.

    Raises:
        RuntimeError: If an event loop is running in this thread, but for that of a notebook, whose cells may block.
    """
    if asyncio._get_running_loop() is not None and not _is_in_notebook():
        raise RuntimeError(
            "pocketbase_core.blocking cannot be used where an event loop is running, which it would block: "
            "use pocketbase_core.PocketBase and `await` there"
        )


def _is_in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    thread = threading.current_thread()
    # Cells run on the main thread, or on the thread of a subshell.
    runs_cells = thread is threading.main_thread() or type(thread).__module__ == "ipykernel.subshell"
    return runs_cells and hasattr(shell, "kernel")
