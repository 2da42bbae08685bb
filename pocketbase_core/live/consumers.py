"""The consumers of the changes of a live query: the iterator and the callbacks."""

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ..concurrency.background_tasks import BackgroundTasks, wait_until_done
from .changes import LiveChange, PendingChanges
from .item import Transition

T = TypeVar("T")
_logger = logging.getLogger("pocketbase_core")


class Consumer(ABC, Generic[T]):
    """Someone who gets the changes, merged to one for each record until they are read."""

    def __init__(self) -> None:
        self._pending: PendingChanges[T] = PendingChanges()
        self._has_ended = False

    def note(self, transitions: Iterable[Transition[T]]) -> None:
        """Take changes, without waiting, unless the consumer has ended."""
        for transition in transitions if not self._has_ended else ():
            self._pending.note(transition)
        if self._pending:
            self._wake()

    @abstractmethod
    def _wake(self) -> None:
        """Begin to read what is pending, unless that has begun."""

    @abstractmethod
    def end(self) -> None:
        """Note that no changes come any more."""


class ChangeIterator(Consumer[T]):
    """The changes for one task that waits for them."""

    def __init__(self) -> None:
        super().__init__()
        self._waiter: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()

    async def next(self) -> LiveChange[T]:
        """Wait for a change and return it.

        Raises:
            StopAsyncIteration: If no changes come any more.
            RuntimeError: If another task waits, or the task runs on another event loop.
        """
        while not self._pending:
            if self._has_ended:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("only one task at a time may iterate over the changes; use on_change in the others")
            if self._loop is not asyncio.get_running_loop():
                raise RuntimeError("the changes can be read only on the event loop on which the live query was entered")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._pending.take()

    def end(self) -> None:
        """End the iterator once it has returned what is pending."""
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ChangeCallback(Consumer[T]):
    """Calls a function with one change after the other, in a task that ends with the last one.

    Args:
        callback: A function or coroutine function.
        tasks: The owner of the task.
    """

    def __init__(self, callback: Callable[[LiveChange[T]], object], tasks: BackgroundTasks) -> None:
        super().__init__()
        self._callback = callback
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Forget what is pending. A coroutine that is running goes on: perhaps it has closed the client."""
        self._has_ended = True
        self._pending.clear()

    def cancel(self) -> None:
        """End, and cancel a coroutine that is running, unless the caller is that coroutine."""
        self.end()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def aclose(self) -> None:
        """Wait until a cancelled coroutine has ended."""
        if self._task is not None and self._task is not asyncio.current_task():
            await wait_until_done(self._task)

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._tasks.create(self._run(), "live query callback")

    async def _run(self) -> None:
        while self._pending:
            change = self._pending.take()
            try:
                result = self._callback(change)
                if inspect.isawaitable(result):
                    await result
            except (Exception, asyncio.CancelledError) as error:
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                    raise
                _logger.exception("a callback of a live query failed")
