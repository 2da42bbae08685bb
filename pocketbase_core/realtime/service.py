"""The public methods of realtime."""

import asyncio
import logging
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from ..calls.options import Options, SubscribeOptions, parse_options
from ..concurrency.background_tasks import BackgroundTasks
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError
from ..faces import AsyncFace, ServiceMethods, Unsubscribe, method, overloaded_method, plain_method
from ..middleware.token_provider import TokenProvider
from ..pipeline import Pipeline
from .callbacks import CallbackList, RealtimeCallbacks, callback_and_topic
from .client_parts import ClientParts
from .current_manager import CurrentManager
from .event_queue import EventQueue
from .subscribing import TopicSubscription
from .subscription import CallbackSubscription, EventStream, Subscription, decode_message
from .timing import RealtimeSettings

_logger = logging.getLogger("pocketbase_core")
_USAGE = 'subscribe takes a topic and a function: subscribe("posts/*", callback), or subscribe(callback, "posts/*")'


class RealtimeMethods(ServiceMethods):
    """The methods of realtime, and what they work on."""

    settings: RealtimeSettings
    """The server's limits and the size of the queues. Change it while nothing is subscribed."""
    tasks: BackgroundTasks
    """The tasks that `close` ends."""
    _callbacks: RealtimeCallbacks
    _manager: CurrentManager

    @property
    def is_connected(self) -> bool:
        """True while a connection is open on which the server has confirmed the subscriptions."""
        return bool(self.client_id)

    @property
    def client_id(self) -> str:
        """The server's id of the connection; `""` if there is none."""
        return self._manager.client_id

    async def _subscribe(
        self,
        topic: Any = None,
        callback: Any = None,
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> Unsubscribe:
        """Call a function with each message of a topic, in order. Return once the server has confirmed the topic.

        A message is the decoded JSON, for records `{"action", "record"}`, or the text if it is not JSON. What a
        callback raises is logged and passed to `on_error`. The callback may also come before the topic.

        The message of the topic `PB_CONNECT` is `{"clientId"}`. Its callback is called once for each new connection
        from then on, when all topics are subscribed there: for the first, after a loss, and for a replacement.

        Options: `filter`, `expand`, `fields`, `on_gap`, `params`, `headers`, `timeout`.

        Args:
            topic: The topic, such as `posts/*` or `posts/RECORD_ID`.
            callback: A function or coroutine function. The next message waits until a coroutine has ended.
            options: The options as a dict.
            decode: Turns each message into the argument of `callback`.
            **keywords: The options as keyword arguments. `on_gap` is called with each `Gap` in its place between the
                messages; `timeout` limits the wait for the confirmation.

        Returns:
            A coroutine function that ends the subscription.

        Raises:
            PocketBaseTimeoutError: If the topic was not confirmed within `timeout`.
            PocketBaseError: If the server refuses the topic, or cannot be reached and there was no connection yet.
            PocketBaseSessionExpiredError: If the token has expired or was revoked, and the client has no credentials.
            RuntimeError: If subscriptions exist on another event loop.
            TypeError: If not one of two arguments is a function, or an option has the wrong type.
            ValueError: If the server would not understand the topic, or there are 1,000 topics already.
        """
        callback, topic = callback_and_topic(topic, callback, _USAGE)
        request_options = parse_options(SubscribeOptions, options, keywords)
        encoded = realtime.encode_topic(topic, request_options)
        on_gap = request_options.method_options.get("on_gap")
        on_error = partial(_report_callback_error, self._callbacks.on_error)
        if not (on_gap is None or callable(on_gap)):
            raise TypeError(f"on_gap must be a function, not {on_gap!r}")
        subscription = CallbackSubscription(
            encoded, self._make_queue(topic), self._decoder(decode), callback, on_gap, on_error, self.tasks
        )
        await self.start([subscription], request_options)
        return partial(self.stop, [subscription])

    subscribe: TopicSubscription = overloaded_method(_subscribe)

    @method
    @asynccontextmanager
    async def events(
        self,
        topic: str,
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> AsyncGenerator[EventStream[Any], None]:
        """Iterate over the messages of a topic: `async with pb.realtime.events(topic) as events: async for …`.

        The block begins once the server has confirmed the topic, and its end ends the subscription. A message is the
        decoded JSON, for records `{"action", "record"}`, or the text if it is not JSON; a `Gap` stands where some may
        be missing.

        Options: `filter`, `expand`, `fields`, `on_gap`, `params`, `headers`, `timeout`.

        Args:
            topic: The topic, such as `posts/*` or `posts/RECORD_ID`.
            options: The options as a dict.
            decode: Turns each message into what the iterator returns.
            **keywords: The options as keyword arguments. `timeout` limits the wait for the confirmation. `on_gap` is
                for callbacks only.

        Yields:
            The iterator, for one task at a time.

        Raises:
            PocketBaseTimeoutError: If the topic was not confirmed within `timeout`.
            PocketBaseError: If the server refuses the topic, or cannot be reached and there was no connection yet.
            PocketBaseSessionExpiredError: If the token has expired or was revoked, and the client has no credentials.
            RuntimeError: If subscriptions exist on another event loop.
            TypeError: If an option has the wrong type.
            ValueError: If the server would not understand the topic, or there are 1,000 topics already.
        """
        request_options = parse_options(SubscribeOptions, options, keywords)
        encoded = realtime.encode_topic(topic, request_options)
        subscription = EventStream[Any](encoded, self._make_queue(topic), self._decoder(decode))
        await self.start([subscription], request_options)
        try:
            yield subscription
        finally:
            await self.stop([subscription])

    @method
    async def unsubscribe(self, topic: str | None = None) -> None:
        """End all subscriptions of a topic.

        Args:
            topic: The topic without options: subscriptions with any options end. None ends those of all topics.
        """
        await self._manager.unsubscribe(
            lambda existing: [each for each in existing if each.is_listed and topic in (None, each.name)]
        )

    @method
    async def unsubscribe_by_prefix(self, prefix: str) -> None:
        """End the subscriptions of all topics that start with `prefix`."""
        await self._manager.unsubscribe(
            lambda existing: [each for each in existing if each.is_listed and each.topic.startswith(prefix)]
        )

    @plain_method
    def on_connect(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Register a callback for connects: the first connection, and each one after a loss.

        Args:
            callback: A function or coroutine function without arguments, called once all topics are subscribed.

        Returns:
            A function that removes the callback.
        """
        return self._callbacks.on_connect.add(callback)

    @plain_method
    def on_disconnect(self, callback: Callable[[Exception | None], object]) -> Callable[[], None]:
        """Register a callback for disconnects. It is not called when a connection is replaced before its end.

        Args:
            callback: A function or coroutine function, called with the reason: None if the client has closed the
                connection.

        Returns:
            A function that removes the callback.
        """
        return self._callbacks.on_disconnect.add(callback)

    @plain_method
    def on_error(self, callback: Callable[[BaseException, str | None], object]) -> Callable[[], None]:
        """Register a callback for errors of subscriptions' callbacks, and for the end of the session.

        The topic is None if the error concerns the session. Without credentials, that is one
        `PocketBaseSessionExpiredError` for each token that has expired or was revoked. With credentials, it is one
        `PocketBaseUnauthorizedError` for each revoked token, and the error of a sign-in that has failed, but not again
        while the same error repeats.

        Args:
            callback: A function or coroutine function, called with the error and the topic.

        Returns:
            A function that removes the callback.
        """
        return self._callbacks.on_error.add(callback)

    @method
    async def close(self) -> None:
        """End all subscriptions and cancel running callbacks. Subscribing again opens a new connection."""
        message = "realtime was closed"
        closed = PocketBaseConnectionError(self._pipeline.build_url(realtime.PATH), message=message, request_sent=None)
        await self._manager.unsubscribe(lambda existing: existing, closed)
        await self.tasks.aclose()
        self._manager.forget_stopped_loop()

    if not TYPE_CHECKING:  # checkers would accept any assignment

        def __setattr__(self, name: str, value: object) -> None:
            """Refuse `pb.realtime.on_disconnect = callback`, which would have no effect."""
            if name.lower().startswith("on"):
                raise AttributeError(f"{name} cannot be set; use on_connect, on_disconnect or on_error(callback)")
            super().__setattr__(name, value)

    def _make_queue(self, topic: str) -> EventQueue:
        return EventQueue(topic, self.settings.queue_size, time.time)

    def _decoder(self, decode: Callable[[Any], Any] | None) -> Callable[[str], Any]:
        decode_text = partial(decode_message, self._pipeline.json_loads)
        return decode_text if decode is None else lambda text: decode(decode_text(text))

    async def start(self, subscriptions: Sequence[Subscription], options: Options) -> None:
        """Add subscriptions, and wait until the server has confirmed their topics. `subscribe` names the errors."""
        manager = self._manager.get(self.settings)
        timeout = options.timeout_or(self._pipeline.timeout)
        try:
            for subscription in subscriptions:
                manager.add(subscription)
            async with asyncio.timeout(timeout):
                for subscription in subscriptions:
                    await subscription.confirmed
        except TimeoutError as error:
            await self.stop(subscriptions)
            reason = manager.last_error
            message = f"not subscribed within {timeout:g} s" + (f": {reason}" if reason else "")
            raise PocketBaseTimeoutError(self._pipeline.build_url(realtime.PATH), message=message) from error
        except BaseException:
            await self.stop(subscriptions)
            raise

    async def stop(self, subscriptions: Sequence[Subscription]) -> None:
        """End these subscriptions."""
        await self._manager.unsubscribe(lambda _: [*subscriptions])


class Realtime(RealtimeMethods, AsyncFace):
    """Realtime subscriptions, as `pb.realtime`.

    All subscriptions share one connection, which is opened with the first and closed with the last of them. The
    connection is replaced before the server ends it, without losing an event. After a lost connection, new ones are
    attempted until one succeeds; then each subscription receives a `Gap`.
    """

    def __init__(self, pipeline: Pipeline, settings: RealtimeSettings, tokens: Callable[[], TokenProvider]) -> None:
        super().__init__(pipeline)
        self.settings = settings
        self.tasks = BackgroundTasks()
        self._callbacks = RealtimeCallbacks(self.tasks)
        self._manager = CurrentManager(ClientParts(pipeline, tokens, self._callbacks))

    def follow_store(self) -> None:
        """Follow the store that the client has now. Called after the client was given another one."""
        self._manager.follow_store()

    def note_revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token. Called after a check of the client, on any loop."""
        self._manager.note_revoked(token)

    def __del__(self) -> None:
        manager: CurrentManager | None = getattr(self, "_manager", None)
        if manager is not None and manager.cancel():
            warnings.warn("realtime was not closed: `async with` the client, or aclose()", ResourceWarning, 2)


def _report_callback_error(on_error: CallbackList, error: BaseException, topic: str) -> None:
    _logger.error("the callback of %r failed", topic, exc_info=error)
    on_error.notify(error, topic)
