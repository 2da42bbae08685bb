"""Callbacks that are told about the connection."""

import inspect
import logging
from collections.abc import Awaitable, Callable

from ..concurrency.background_tasks import BackgroundTasks
from ..concurrency.callbacks import notify

_logger = logging.getLogger("pocketbase_core")


class CallbackList:
    """Functions and coroutine functions that are told of one thing, in the order in which they were added."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._callbacks: list[Callable[..., object]] = []
        self._tasks = tasks

    def add(self, callback: Callable[..., object]) -> Callable[[], None]:
        """Add a callback. Return a function that removes it."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def notify(self, *arguments: object) -> None:
        """Call all callbacks, without waiting for them. What they raise is logged."""
        for callback in [*self._callbacks]:
            result = notify("a realtime hook", callback, *arguments)
            if inspect.isawaitable(result):
                self._tasks.create(_finish(result), "realtime hook")


class RealtimeCallbacks:
    """Those who are told of connections that are there, of connections that are lost, and of errors."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self.on_connect, self.on_disconnect, self.on_error = (
            CallbackList(tasks),
            CallbackList(tasks),
            CallbackList(tasks),
        )


async def _finish(result: Awaitable[object]) -> None:
    try:
        await result
    except Exception:
        _logger.exception("a realtime hook failed")
