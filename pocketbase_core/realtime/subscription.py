"""One subscription: a callback or an iterator with its queue, or the base of another kind."""

import asyncio
import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from ..concurrency.background_tasks import BackgroundTasks
from ..concurrency.event_loops import running_loop
from ..messages.json_values import JsonLoads, decode_json
from .event_queue import EventQueue, Gap

T = TypeVar("T")
Decode = Callable[[str], Any]
"""Turns the text of a message into what the consumer gets."""


class Subscription(ABC):
    """One subscription.

    Args:
        topic: The topic with its options, as the server knows it.
    """

    is_listed = True
    """True if the subscription is the user's own, so that `unsubscribe(topic)` ends it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.confirmed: asyncio.Future[None] = running_loop().create_future()
        """Done when the server has confirmed or refused the topic, or the subscription has ended before that."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"  # the options of the topic may have a header with a token

    @property
    def name(self) -> str:
        """The topic without its options."""
        return self.topic.partition("?")[0]

    @abstractmethod
    def deliver(self, item: str | Gap) -> None:
        """Take a message or a gap, without waiting."""

    @abstractmethod
    def note_loss(self) -> None:
        """Note that messages may be missing from now on, until the next gap."""

    def drop_pending(self) -> float | None:
        """Drop all messages and gaps that the consumer has not got yet.

        Returns:
            A time in seconds since the epoch that no dropped item is older than, or None if there were none.
        """
        return None

    def confirm(self) -> None:
        """Note that the server has confirmed the topic."""
        if not self.confirmed.done():
            self.confirmed.set_result(None)

    def end(self, error: Exception | None) -> None:
        """Stop, and end the wait for the confirmation, with the error if there is one."""
        self.stop()
        if error is not None and not self.confirmed.done():
            self.confirmed.set_exception(copy.copy(error))
            self.confirmed.exception()  # marks it as retrieved: perhaps no task waits for it any more
        self.confirm()

    @abstractmethod
    def stop(self) -> None:
        """Accept no more messages and gaps."""


class QueuedSubscription(Subscription):
    """A subscription with a queue of messages and gaps.

    Args:
        topic: The topic with its options, as the server knows it.
        queue: The queue of messages and gaps.
        decode: Turns the text of a message into what the consumer gets.
    """

    def __init__(self, topic: str, queue: EventQueue, decode: Decode) -> None:
        super().__init__(topic)
        self._queue = queue
        self._decode = decode

    def note_loss(self) -> None:
        """Do nothing: the consumer gets the gap."""

    def drop_pending(self) -> float | None:
        """Drop all messages and gaps that are queued."""
        return self._queue.drop_pending()


class CallbackSubscription(QueuedSubscription):
    """A subscription that calls a function with one message after the other, in a task that ends with the last one.

    Args:
        topic: The topic with its options, as the server knows it.
        queue: The queue of messages and gaps.
        decode: Turns the text of a message into the argument of `callback`.
        callback: A function or coroutine function, called with each message.
        on_gap: A function or coroutine function, called with each gap in its place between the messages.
        on_error: Called with what one of these has raised, and the name of the topic.
        tasks: The owner of the task.
    """

    def __init__(
        self,
        topic: str,
        queue: EventQueue,
        decode: Decode,
        callback: Callable[[Any], object],
        on_gap: Callable[[Gap], object] | None,
        on_error: Callable[[BaseException, str], None],
        tasks: BackgroundTasks,
    ) -> None:
        super().__init__(topic, queue, decode)
        self._callback = callback
        self._on_gap = on_gap
        self._on_error = on_error
        self._tasks = tasks
        self._busy = False

    def stop(self) -> None:
        """Drop what is queued. A callback that is running goes on."""
        self._queue.clear()

    def deliver(self, item: str | Gap) -> None:
        """Queue a message or a gap, and start the task unless it is running."""
        self._queue.put(item)
        if not self._busy:
            self._busy = True
            self._tasks.create(self._run_callbacks(), "realtime callback")

    async def _run_callbacks(self) -> None:
        queue, decode, callback = self._queue, self._decode, self._callback
        try:
            while queue:
                item = queue.popleft()
                try:
                    if not isinstance(item, Gap):
                        result = callback(decode(item))
                    else:
                        gap = queue.acknowledge_gap(item)
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


class EventStream(QueuedSubscription, Generic[T]):
    """An asynchronous iterator over the messages of a topic, with a `Gap` where some may be missing.

    Only one task at a time may iterate, on the event loop that has subscribed. The iterator ends when the subscription
    does.
    """

    def __init__(self, topic: str, queue: EventQueue, decode: Decode) -> None:
        super().__init__(topic, queue, decode)
        self._waiter: asyncio.Future[None] | None = None
        self._stopped = False

    def deliver(self, item: str | Gap) -> None:
        """Queue a message or a gap, and wake the iterating task."""
        self._queue.put(item)
        self._wake()

    def stop(self) -> None:
        """End the iterator once it has returned what is queued."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T | Gap:
        return self.decode_item(self._queue.popleft() if self._queue else await self.wait_for_item())

    def take_item(self) -> str | Gap:
        """Take the next item that has arrived, as `decode_item` takes it. Any thread may call both.

        Raises:
            IndexError: If there is none.
        """
        return self._queue.popleft()

    async def wait_for_item(self) -> str | Gap:
        """Wait for the next item, and take it.

        Raises:
            StopAsyncIteration: If the subscription has ended.
        """
        while not self._queue:
            if self._stopped:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("only one task at a time may iterate over these events")
            if self.confirmed.get_loop() is not asyncio.get_running_loop():
                raise RuntimeError("these events can be read only on the event loop that has subscribed")
            self._waiter = self.confirmed.get_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    def decode_item(self, item: str | Gap) -> T | Gap:
        """Return the message or the gap that an item is."""
        if isinstance(item, Gap):
            return self._queue.acknowledge_gap(item)
        message: T = self._decode(item)
        return message


def decode_message(loads: JsonLoads, text: str) -> Any:
    """Return the decoded JSON of a message, or the text if it is not JSON: a hook of the server may send any text."""
    try:
        return decode_json(text, loads)
    except (ValueError, RecursionError):
        return text
