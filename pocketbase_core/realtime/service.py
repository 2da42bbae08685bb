"""The public side of realtime."""

import asyncio
import logging
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Unpack

from ..calls.options import Options, SubscribeOptions, parse_options
from ..concurrency.background_tasks import BackgroundTasks
from ..concurrency.event_loops import start_lock
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError
from ..messages.json_values import JsonLoads, decode_json
from ..pipeline import Pipeline
from .callbacks import CallbackList, RealtimeCallbacks
from .connection_manager import ConnectionManager
from .event_queue import EventQueue
from .subscription import CallbackSubscription, EventStream, Subscription
from .timing import RealtimeSettings, request_timeout

_logger = logging.getLogger("pocketbase_core")
Unsubscribe = Callable[[], Awaitable[None]]


class Realtime:
    """Subscriptions, all on one connection, which is opened with the first and closed with the last of them.

    The connection is replaced before the server ends it, without a loss. A lost connection is opened again, however
    long that takes, and each subscription is told of the `Gap`.
    """

    def __init__(self, pipeline: Pipeline, settings: RealtimeSettings) -> None:
        self.settings = settings
        """For connections that are opened from now on."""
        self._pipeline = pipeline
        self._manager: ConnectionManager | None = None
        self._tasks = BackgroundTasks()
        self._callbacks = RealtimeCallbacks(self._tasks)

    @property
    def is_connected(self) -> bool:
        """True while there is a connection whose subscriptions the server has confirmed."""
        return bool(self.client_id)

    @property
    def client_id(self) -> str:
        """The server's name for the connection; `""` if there is none."""
        return "" if self._manager is None or self._manager.owner.is_gone else self._manager.client_id

    async def subscribe(
        self,
        topic: str,
        callback: Callable[[Any], object],
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> Unsubscribe:
        """Call `callback`, a function or coroutine function, with each message of a topic, in order.

        Return a function that unsubscribes, once the server has confirmed the topic. A message is the decoded JSON,
        for records `{"action", "record"}`, or the text if it is not JSON; `decode` turns it into something else. What
        a callback raises is logged and passed to `on_error`. `on_gap` is called with each `Gap`, in its place between
        the messages.

        Raises:
            PocketBaseTimeoutError: If the topic was not confirmed within `timeout`.
            PocketBaseError: If the server refuses the topic, or cannot be reached and there was no connection yet.
        """
        settings = parse_options(SubscribeOptions, options, keywords)
        name = realtime.encode_topic(topic, settings)
        on_gap, failed = (
            settings.method_options.get("on_gap"),
            partial(_report_callback_error, self._callbacks.on_error),
        )
        if not callable(callback) or not (on_gap is None or callable(on_gap)):
            raise TypeError("callback and on_gap must be functions")
        listener = CallbackSubscription(
            name, self._make_queue(topic), self._decoder(decode), callback, on_gap, failed, self._tasks
        )
        await self._subscribe(listener, settings)

        async def unsubscribe() -> None:
            await self._unsubscribe(lambda _: [listener])

        return unsubscribe

    @asynccontextmanager
    async def events(
        self,
        topic: str,
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> AsyncGenerator[EventStream[Any], None]:
        """Iterate over the messages of a topic, with a `Gap` where some may be missing. Raises as `subscribe` does."""
        settings = parse_options(SubscribeOptions, options, keywords)
        listener = EventStream[Any](
            realtime.encode_topic(topic, settings), self._make_queue(topic), self._decoder(decode)
        )
        await self._subscribe(listener, settings)
        try:
            yield listener
        finally:
            await self._unsubscribe(lambda _: [listener])

    async def unsubscribe(self, topic: str | None = None) -> None:
        """End the subscriptions of a topic, whatever their options, or all subscriptions."""
        await self._unsubscribe(lambda known: [each for each in known if topic in (None, each.name)])

    async def unsubscribe_by_prefix(self, prefix: str) -> None:
        """End the subscriptions of all topics that start with `prefix`."""
        await self._unsubscribe(lambda known: [each for each in known if each.topic.startswith(prefix)])

    def on_connect(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback()` when the first connection, or one after a loss, is there and everything is subscribed.

        Return a function that removes the callback.
        """
        return self._callbacks.on_connect.add(callback)

    def on_disconnect(self, callback: Callable[[Exception | None], object]) -> Callable[[], None]:
        """Call `callback(reason)` when the connection is lost, with None when it was closed from here.

        Return a function that removes the callback.
        """
        return self._callbacks.on_disconnect.add(callback)

    def on_error(self, callback: Callable[[BaseException, str | None], object]) -> Callable[[], None]:
        """Call `callback(error, topic)` when a subscription's callback has raised.

        The topic is None when the token has expired or the server no longer accepts it: the error is a
        `PocketBaseUnauthorizedError`. Return a function that removes the callback.
        """
        return self._callbacks.on_error.add(callback)

    async def close(self) -> None:
        """End all subscriptions and callbacks. Subscribing again opens a new connection."""
        message = "realtime was closed"
        closed = PocketBaseConnectionError(self._pipeline.build_url(realtime.PATH), message=message, request_sent=None)
        await self._unsubscribe(lambda known: known, closed)
        await self._tasks.aclose()
        with start_lock:
            if self._manager is not None and not self._manager.loop.is_running():
                self._manager.unwatch_store()
                self._manager = None  # the task ends when its loop runs again, if ever

    def __del__(self) -> None:
        driver: ConnectionManager | None = getattr(self, "_manager", None)
        if driver is not None and driver.is_running and not driver.owner.is_gone:
            driver.owner.call(driver.cancel)
            warnings.warn("realtime was not closed: `async with` the client, or aclose()", ResourceWarning, 2)

    def _make_queue(self, topic: str) -> EventQueue:
        return EventQueue(topic, self.settings.queue_size, time.time)

    def _decoder(self, decode: Callable[[Any], Any] | None) -> Callable[[str], Any]:
        load = partial(_decode_json, self._pipeline.json_loads)
        return load if decode is None else lambda text: decode(load(text))

    async def _subscribe(self, listener: Subscription, options: Options) -> None:
        """Add a listener, and wait until the server knows its topic."""
        driver = self._running_manager()
        if not driver.owner.is_current:
            raise RuntimeError("realtime is in use on another event loop: close it, or use another client here")
        timeout = options.timeout_or(self._pipeline.timeout)
        driver.add(listener)
        try:
            async with asyncio.timeout(timeout):
                await listener.confirmed
        except TimeoutError as error:
            await driver.unsubscribe(lambda _: [listener])
            trouble = driver.last_error
            message = f"not subscribed within {timeout:g} s" + (f": {trouble}" if trouble else "")
            raise PocketBaseTimeoutError(self._pipeline.build_url(realtime.PATH), message=message) from error
        except BaseException:
            await driver.unsubscribe(lambda _: [listener])
            raise

    def _running_manager(self) -> ConnectionManager:
        with start_lock:
            if self._manager is not None and self._manager.owner.is_gone:
                self._manager.unwatch_store()
                self._manager = None
            if self._manager is None or not self._manager.is_running:
                timeout = request_timeout(self._pipeline.timeout)
                self._manager = ConnectionManager(
                    self._pipeline, self._pipeline.auth_store, self.settings, timeout, self._callbacks
                )
            return self._manager

    async def _unsubscribe(
        self, choose: Callable[[list[Subscription]], list[Subscription]], error: Exception | None = None
    ) -> None:
        driver = self._manager
        if driver is not None:
            await driver.owner.run(partial(driver.unsubscribe, choose, error))


def _report_callback_error(hook: CallbackList, error: BaseException, topic: str) -> None:
    _logger.error("the callback of %r failed", topic, exc_info=error)
    hook.notify(error, topic)


def _decode_json(loads: JsonLoads, text: str) -> Any:
    """Return a message's JSON, or the text if it is none: hooks of a server may send any text."""
    try:
        return decode_json(text, loads)
    except (ValueError, RecursionError):
        return text
