"""Callbacks for connects, disconnects and errors."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..concurrency.background_tasks import BackgroundTasks
from ..concurrency.callbacks import call_safely

_logger = logging.getLogger("pocketbase_core")


class CallbackList:
    """The functions and coroutine functions to call on one occasion, in the order in which they were added.

    Args:
        tasks: The owner of the tasks in which coroutine functions run.
    """

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
        """Call all callbacks with these arguments, without awaiting coroutines. What the callbacks raise is logged."""
        for callback in [*self._callbacks]:
            result = call_safely("a realtime callback", callback, *arguments)
            if inspect.isawaitable(result):
                self._tasks.create(_finish(result), "realtime callback")


class RealtimeCallbacks:
    """The callbacks for connects, disconnects and errors of one `Realtime`."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self.on_connect = CallbackList(tasks)
        self.on_disconnect = CallbackList(tasks)
        self.on_error = CallbackList(tasks)


def callback_and_topic(first: Any, second: Any, usage: str) -> tuple[Callable[[Any], object], Any]:
    """Return the callback and the topic, which `subscribe` takes in either order.

    Args:
        first: The one or the other.
        second: The other one.
        usage: The message of the error.

    Raises:
        TypeError: If both are functions, or neither is.
    """
    if callable(first) == callable(second):
        raise TypeError(usage)
    return (first, second) if callable(first) else (second, first)


async def _finish(result: Awaitable[object]) -> None:
    try:
        await result
    except Exception:
        _logger.exception("a realtime callback failed")
