"""The task that keeps a connection open."""

import asyncio
import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial

from ..auth.store import AuthStore, sign_in_of
from ..concurrency.background_tasks import wait_until_done
from ..concurrency.event_loops import OwnerLoop
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ..messages import ServerSentEvent
from ..pipeline import Pipeline
from .backoff import Backoff
from .callbacks import RealtimeCallbacks
from .connection import Connection, OpenConnections
from .gaps import GapTracker
from .handover import Handover
from .identity import SubmittedIdentity, has_changed, is_permanent_error
from .registry import SubscriptionRegistry
from .submission import Submitter
from .subscription import Subscription
from .timing import STABLE_AFTER, RealtimeSettings
from .verification import TokenVerification

_logger = logging.getLogger("pocketbase_core")


class ConnectionManager:
    """A task that compares what is wanted with what the server was told, and does what is due next.

    The task lives as long as anything is subscribed, and keeps the client alive for as long.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        store: AuthStore,
        settings: RealtimeSettings,
        timeout: float,
        hooks: RealtimeCallbacks,
    ) -> None:
        self.owner = OwnerLoop()
        self.loop = self.owner.loop
        self.registry: SubscriptionRegistry[Subscription] = SubscriptionRegistry()
        self.is_running = True
        self.last_error: Exception | None = None
        """The reason why there is no connection."""
        self._pipeline, self._store, self._settings, self._callbacks = pipeline, store, settings, hooks
        self._wake = asyncio.Event()
        self._connections = OpenConnections(
            self._on_event, partial(self.owner.call, self._wake.set), settings.queue_size // 2
        )
        self._connection: Connection | None = None
        self._sign_in = sign_in_of(store)
        """The sign-in that events are delivered to."""
        self._identity = SubmittedIdentity()
        self._handover = Handover(settings, self._wake.set)
        self._gaps = GapTracker(self.registry)
        self._verification = TokenVerification(pipeline, store, self._on_token_revoked)
        self._submitter = Submitter(pipeline, store, self.registry, self._verification, self.remove, timeout)
        self._next_attempt_at = 0.0
        self._reconnect_backoff, self._retry_backoff = Backoff(), Backoff()
        """For connections, and for requests while a connection is there."""
        self.unwatch_store = store.on_change(lambda token, record: self.owner.call(self._on_store_change))
        """Stop listening to the store. Called from outside if the driver's loop is gone, so that its task cannot."""
        self._task = self.loop.create_task(self._run(), name="realtime")

    @property
    def client_id(self) -> str:
        return self._connection.client_id if self._connection is not None and self._connection.is_open else ""

    def add(self, listener: Subscription) -> None:
        if self.registry.add(listener):
            listener.confirm()
        self._wake.set()

    def remove(self, listeners: Iterable[Subscription], error: Exception | None = None) -> None:
        """Forget listeners, and end them. Those who wait for their confirmation get the error."""
        for listener in listeners:
            self.registry.discard(listener)
            listener.end(error)
        self._wake.set()

    async def unsubscribe(
        self, choose: Callable[[list[Subscription]], list[Subscription]], error: Exception | None = None
    ) -> None:
        """Discard the listeners that `choose` picks out of all. When none is left, end."""
        self.remove(choose(self.registry.all), error)
        if self.is_running and not self.registry:
            self.cancel()
            await wait_until_done(self._task)

    def cancel(self) -> None:
        """Cancel the task, without waiting for its end."""
        self.is_running = False
        self.unwatch_store()
        self._task.cancel()

    async def _run(self) -> None:
        was_left = False
        try:
            await self._wake.wait()  # for the first listener, as a task may start at once
            while self.registry:
                self._wake.clear()
                await self._step(self.loop.time())
        except asyncio.CancelledError:
            if was_left := self.is_running:
                warnings.warn("realtime was not closed: `async with` the client, or aclose()", ResourceWarning, 2)
            raise
        finally:
            self.is_running = False
            self.unwatch_store()
            if not self.owner.is_gone:  # then it is the garbage collector that ends this, and nothing can be awaited
                self.remove(self.registry.all, self._error("realtime was closed"))
                await self._verification.close()
                was_connected = self._connection is not None
                await self._connections.close_all()
                if was_connected and not was_left:
                    self._callbacks.on_disconnect.notify(None)

    async def _step(self, now: float) -> None:
        """Do the one thing that is due most, or wait."""
        if self._handover.is_due(now) and await self._end_handover():
            self.registry.reset()  # the next response proves that the present connection is whole
        self._check_sign_in()  # for a store that tells nobody
        line = self._connection
        if line is not None and has_changed(line.sign_in, self._store):
            await self._handle_disconnect(line, line.close_error)
            return
        if line is None:
            if now < self._next_attempt_at:
                await self._wait(self._next_attempt_at)
            else:
                await self._connect()
            return
        rotate_at = max(self._settings.replace_at(line.opened_at, line.last_event_at), self._next_attempt_at)
        dead_at = self._settings.presumed_dead_at(line.opened_at, line.last_event_at)
        is_due = self.registry.needs_submission or self._store.token != self._identity.token
        resubmit_at = max(0.0 if is_due else self._identity.refresh_at, self._next_attempt_at)
        if not line.is_open:
            await self._handle_failure(line, line.close_error)
        elif now >= dead_at:
            await self._handle_failure(line, self._error("the server's end of the stream is overdue", is_timeout=True))
        elif now >= resubmit_at:
            await self._resubmit(line)
        elif now >= rotate_at:
            await self._replace(line)
        else:
            await self._wait(min(rotate_at, dead_at, resubmit_at, self._handover.ends_at))

    async def _wait(self, until: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()

    async def _connect(self) -> None:
        line = self._connections.new()
        asked = self.registry.pending
        try:
            await line.open(self._pipeline, self._submitter.connect_call)
            told = await self._submitter.submit(line)
        except Exception as error:
            await self._give_up(line)
            self.last_error = error
            if has_changed(line.sign_in, self._store):
                return
            if not (self._submitter.has_succeeded or self.registry.confirmed):
                self.remove(self.registry.all, error)
            elif is_permanent_error(error):
                self.remove(asked, error)
            self._reconnect_later()
            return
        if not self.registry or has_changed(line.sign_in, self._store):
            await self._give_up(line)
        else:
            self._activate(line, told)
            self._callbacks.on_connect.notify()

    async def _give_up(self, line: Connection) -> None:
        """Close a connection that was never in use. The server may have confirmed some of the topics on it."""
        await self._connections.close(line)
        self._record_loss(line)
        self.registry.reset()

    async def _resubmit(self, line: Connection) -> None:
        try:
            self._activate(line, await self._submitter.submit(line))
            self._retry_backoff.reset()
        except Exception as error:
            if is_permanent_error(error) or getattr(error, "status", 0) == 404:  # of the connection, not of a topic
                await self._handle_failure(line, error)
            else:
                self._retry_later()

    async def _replace(self, line: Connection) -> None:
        """Open the next connection, subscribe it, and let the present one end."""
        await self._end_handover()
        fresh = self._connections.new()
        try:
            await fresh.open(self._pipeline, self._submitter.connect_call)
            self._handover.start(fresh)
            told = await self._submitter.submit_confirmed(fresh)
        except Exception:
            self._handover.cancel()
            await self._connections.close(fresh)
            self._retry_later()
            return
        self._handover.confirm(line)
        if not line.is_open:
            await self._end_handover()
        self._activate(fresh, told)
        self._retry_backoff.reset()
        self._reconnect_backoff.reset()

    async def _end_handover(self) -> bool:
        """Close the previous connection. Return whether events may be missing, which is noted as a loss."""
        old, silence = self._handover.finish()
        if silence is not None:
            self._gaps.record_loss(silence)
        if old is not None:
            await self._connections.close(old)
        return silence is not None

    def _activate(self, line: Connection, told: SubmittedIdentity) -> None:
        self._connection, self._identity = line, told
        self.last_error, self._next_attempt_at = None, 0.0
        if told.sign_in == self._sign_in:
            self._gaps.emit()
        else:
            self._gaps.record_loss(0.0)  # also for those who were confirmed just now, as somebody else

    async def _handle_disconnect(self, line: Connection, reason: Exception | None) -> None:
        _logger.warning("realtime: the connection is lost: %s", reason)
        self.last_error = reason
        self.registry.reset()
        await self._end_handover()
        await self._connections.close(line)
        self._connection = None  # only now: until then an event may come
        self._record_loss(line)
        self._handover = Handover(self._settings, self._wake.set)
        self._next_attempt_at = 0.0
        self._callbacks.on_disconnect.notify(reason)

    async def _handle_failure(self, line: Connection, reason: Exception | None) -> None:
        """Lose a connection by a failure, so that the next one has to wait."""
        await self._handle_disconnect(line, reason)
        if self.loop.time() - line.opened_at >= STABLE_AFTER:
            self._reconnect_backoff.reset()
        self._reconnect_later()

    def _record_loss(self, line: Connection) -> None:
        self._gaps.record_loss(self.loop.time() - line.complete_until)

    def _on_event(self, line: Connection, event: ServerSentEvent) -> None:
        if has_changed(line.sign_in, self._store):
            return
        if not self._handover.is_new(line, event):
            return
        if self._connection is None:  # the response to the submission is still on its way
            if line.sign_in != self._sign_in:
                return  # the gap is to come first, and lasts until the present user is submitted
            self._gaps.emit()
        topic, data, _ = event
        for listener in self.registry.for_topic(topic):
            listener.deliver(data)

    def _on_store_change(self) -> None:
        self._check_sign_in()
        self._wake.set()

    def _check_sign_in(self) -> None:
        """Note another sign-in, which has missed what the one before could not see. Deliver nothing of a user's."""
        before, self._sign_in = self._sign_in, sign_in_of(self._store)
        if before == self._sign_in:
            return
        since = self._verification.restart()
        if before:
            self._connections.abort_changed(self._store, self._error("the user has changed"))
            self._gaps.drop_pending(since)
        else:
            self._gaps.record_loss(time.time() - since)

    def _on_token_revoked(self, error: PocketBaseUnauthorizedError) -> None:
        _logger.warning("realtime: %s", error.message)
        self._callbacks.on_error.notify(error, None)
        self._gaps.record_loss(time.time() - self._verification.accepted_at)
        if self._connection is not None:
            self._gaps.emit()

    def _reconnect_later(self) -> None:
        self._next_attempt_at = self.loop.time() + self._reconnect_backoff.wait()

    def _retry_later(self) -> None:
        self._next_attempt_at = self.loop.time() + self._retry_backoff.wait()

    def _error(self, message: str, *, is_timeout: bool = False) -> Exception:
        kind = PocketBaseTimeoutError if is_timeout else PocketBaseConnectionError
        return kind(self._pipeline.build_url(realtime.PATH), message=message, request_sent=True)
