"""Those who are sent events: a callback, or an iterator."""

import asyncio
import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from ..concurrency.background_tasks import BackgroundTasks
from ..concurrency.event_loops import running_loop
from .event_queue import EventQueue, Gap

T = TypeVar("T")
Decode = Callable[[str], Any]


class Subscription(ABC):
    """One subscription: its topic, and the inbox of what has arrived."""

    def __init__(self, topic: str, inbox: EventQueue, decode: Decode) -> None:
        self.topic = topic
        self.confirmed: asyncio.Future[None] = running_loop().create_future()
        """Done when the server has confirmed or refused the topic, or the subscription has ended before."""
        self._queue = inbox
        self._decode = decode

    @property
    def name(self) -> str:
        """The topic without its options."""
        return self.topic.partition("?")[0]

    @abstractmethod
    def deliver(self, item: str | Gap) -> None:
        """Put a message or a gap into the inbox, without waiting."""

    def drop_pending(self) -> float | None:
        """Drop everything that waits. Return the time of the earliest dropped item in seconds since the epoch."""
        return self._queue.drop_pending()

    def confirm(self) -> None:
        """Let those return who wait for the confirmation."""
        if not self.confirmed.done():
            self.confirmed.set_result(None)

    def end(self, error: Exception | None) -> None:
        """Take nothing any more. Raise the error, if there is one, for those who wait for the confirmation."""
        self.stop()
        if error is not None and not self.confirmed.done():
            self.confirmed.set_exception(copy.copy(error))
            self.confirmed.exception()  # nobody may be left to take it
        self.confirm()

    @abstractmethod
    def stop(self) -> None:
        """Take nothing any more."""


class CallbackSubscription(Subscription):
    """Calls a function with one message after the other, in a task that lives while there are any."""

    def __init__(
        self,
        topic: str,
        inbox: EventQueue,
        decode: Decode,
        callback: Callable[[Any], object],
        on_gap: Callable[[Gap], object] | None,
        failed: Callable[[BaseException, str], None],
        tasks: BackgroundTasks,
    ) -> None:
        super().__init__(topic, inbox, decode)
        self._callback = callback
        self._on_gap = on_gap
        self._on_error = failed
        self._tasks = tasks
        self._busy = False

    def stop(self) -> None:
        self._queue.clear()

    def deliver(self, item: str | Gap) -> None:
        self._queue.put(item)
        if not self._busy:
            self._busy = True
            self._tasks.create(self._run_callbacks(), "realtime callback")

    async def _run_callbacks(self) -> None:
        inbox, decode, callback = self._queue, self._decode, self._callback
        try:
            while inbox:
                item = inbox.popleft()
                try:
                    if not isinstance(item, Gap):
                        result = callback(decode(item))
                    else:
                        gap = inbox.acknowledge_gap(item)
                        result = None if self._on_gap is None else self._on_gap(gap)
                    if result is not None and inspect.isawaitable(result):
                        await result
                except (KeyboardInterrupt, SystemExit, GeneratorExit):
                    raise
                except BaseException as error:
                    task = asyncio.current_task()
                    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                        raise
                    self._on_error(error, self.name)
        finally:
            self._busy = False


class EventStream(Subscription, Generic[T]):
    """An iterator over the events of a topic, and the gaps between them."""

    def __init__(self, topic: str, inbox: EventQueue, decode: Decode) -> None:
        super().__init__(topic, inbox, decode)
        self._waiter: asyncio.Future[None] | None = None
        self._stopped = False

    def deliver(self, item: str | Gap) -> None:
        self._queue.put(item)
        self._wake()

    def stop(self) -> None:
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T | Gap:
        while not self._queue:
            if self._stopped:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("only one task at a time may wait for these events")
            if self.confirmed.get_loop() is not asyncio.get_running_loop():
                raise RuntimeError("these events are read on the event loop that has subscribed")
            self._waiter = self.confirmed.get_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self._queue.popleft()
        if isinstance(item, Gap):
            return self._queue.acknowledge_gap(item)
        message: T = self._decode(item)
        return message
