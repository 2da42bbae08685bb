"""The event loop that all blocking clients of a process share.

Theory of operation: the loop runs in a daemon thread, the portal. The portal starts with the first client that needs
it, and ends with the last one that used it. In a forked child there is no thread, so the portal of the parent is gone
there, and the next call starts another one.
"""

import asyncio
import atexit
import logging
import os
import sys
import threading
import warnings
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar

from ..concurrency.event_loops import CLOSE_TIMEOUT, start_lock
from .call import CLOSED, BlockingCall

T = TypeVar("T")
_logger = logging.getLogger("pocketbase_core")


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
                call.abandon(CLOSED)
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
                call.abandon(CLOSED)

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
