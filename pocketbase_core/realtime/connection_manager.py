"""The task that keeps a connection open and all topics submitted on it.

Theory of operation
===================

A `ConnectionManager` exists while anything is subscribed. Its task works in steps: `next_action` in `state.py` decides
what is most urgent, `ConnectionActions` performs it, and the task starts over. Only this task opens, replaces and
closes connections. Everything else (a subscription, the auth store, the end of a stream) changes the state and wakes
the task.
"""

import asyncio
import warnings
from collections.abc import Callable, Iterable
from functools import partial

from ..concurrency.background_tasks import wait_until_done
from ..concurrency.event_loops import OwnerLoop
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError
from .client_parts import ClientParts
from .connection_actions import ConnectionActions
from .registry import SubscriptionRegistry
from .subscription import Subscription
from .timing import RealtimeSettings


class ConnectionManager:
    """The subscriptions, and the task that serves them.

    The task ends with the last subscription, and keeps the client alive until then. Call the methods on the event loop
    that the manager was made on; `unwatch_store`, `watch_store` and `note_revoked` may be called on any.
    """

    def __init__(
        self,
        client: ClientParts,
        settings: RealtimeSettings,
        timeout: float,
    ) -> None:
        self.owner = OwnerLoop()
        self.loop = self.owner.loop
        self.registry: SubscriptionRegistry[Subscription] = SubscriptionRegistry()
        self.is_running = True
        self._pipeline = client.pipeline
        self._wake = asyncio.Event()
        self._actions = ConnectionActions(client, settings, timeout, self.owner, self.registry, self.remove, self._wake)
        self.unwatch_store = self._pipeline.auth_store.on_change(self._notice_store_change)
        """Stop following the store. Others call this if the manager's loop is gone and its task cannot."""
        self._task = self.loop.create_task(self._run(), name="realtime")

    @property
    def client_id(self) -> str:
        """The server's id of the connection in use; `""` if there is none."""
        return self._actions.client_id

    @property
    def last_error(self) -> Exception | None:
        """The reason why no connection is in use."""
        return self._actions.last_error

    def watch_store(self) -> None:
        """Follow the store that the pipeline has now, in place of the one that it had."""
        self.unwatch_store()
        self.unwatch_store = self._pipeline.auth_store.on_change(self._notice_store_change)
        self._notice_store_change()

    def note_revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        self.owner.call(partial(self._actions.note_revoked, token))

    def add(self, subscription: Subscription) -> None:
        """Add a subscription. Confirm it at once if the server knows its topic."""
        if self.registry.add(subscription):
            subscription.confirm()
        self._wake.set()

    def remove(self, subscriptions: Iterable[Subscription], error: Exception | None = None) -> None:
        """Remove subscriptions and end them. Callers that wait for their confirmation get the error."""
        for subscription in subscriptions:
            self.registry.discard(subscription)
            subscription.end(error)
        self._wake.set()

    async def unsubscribe(
        self, choose: Callable[[list[Subscription]], list[Subscription]], error: Exception | None = None
    ) -> None:
        """Remove the subscriptions that `choose` picks out of all. If none is left, end the task and wait for it."""
        self.remove(choose(self.registry.all), error)
        if not self.registry:
            if self.is_running:
                self.cancel()
            await wait_until_done(self._task)  # it may be ending by itself

    def cancel(self) -> None:
        """Cancel the task, without waiting for its end."""
        self.is_running = False
        self.unwatch_store()
        self._task.cancel()

    async def _run(self) -> None:
        was_abandoned = False
        try:
            await self._wake.wait()  # for the first subscription, because an eager task starts at once
            while self.registry:
                self._wake.clear()
                await self._actions.step(self.loop.time())
        except asyncio.CancelledError:
            if was_abandoned := self.is_running:
                warnings.warn("realtime was not closed: `async with` the client, or aclose()", ResourceWarning, 2)
            raise
        finally:
            self.is_running = False
            self.unwatch_store()
            if not self.owner.is_gone:  # else the garbage collector ends this coroutine, and nothing can be awaited
                url = self._pipeline.build_url(realtime.PATH)
                error = PocketBaseConnectionError(url, message="realtime was closed", request_sent=True)
                self.remove(self.registry.all, error)
                await self._actions.close(is_abandoned=was_abandoned)

    def _notice_store_change(self, *_: object) -> None:
        self.owner.call(self._actions.notice_store_change)
