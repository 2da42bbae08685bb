"""The task that keeps a connection open."""

import asyncio
import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial

from ..auth.store import AuthStore, sign_in_of
from ..calls.call import Executor
from ..concurrency.background_tasks import ended
from ..concurrency.event_loops import OwnerLoop
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ..messages import ServerSentEvent
from .backoff import Backoff
from .callbacks import Hooks
from .connection import Line, Lines
from .gaps import Losses
from .handover import Handover
from .identity import Told, has_changed, is_refusal
from .registry import Subscriptions
from .submission import Submitter
from .subscription import Listener
from .timing import SOUND_AFTER, RealtimeSettings
from .verification import Verification

_logger = logging.getLogger("pocketbase_core")


class Driver:
    """A task that compares what is wanted with what the server was told, and does what is due next.

    The task lives as long as anything is subscribed, and keeps the client alive for as long.
    """

    def __init__(
        self,
        executor: Executor,
        store: AuthStore,
        settings: RealtimeSettings,
        timeout: float,
        hooks: Hooks,
    ) -> None:
        self.owner = OwnerLoop()
        self.loop = self.owner.loop
        self.subscriptions: Subscriptions[Listener] = Subscriptions()
        self.is_running = True
        self.trouble: Exception | None = None
        """The reason why there is no connection."""
        self._executor, self._store, self._settings, self._hooks = executor, store, settings, hooks
        self._wake = asyncio.Event()
        self._lines = Lines(self._receive, partial(self.owner.call, self._wake.set), settings.queue_size // 2)
        self._line: Line | None = None
        self._sign_in = sign_in_of(store)
        """The sign-in that events are delivered to."""
        self._told = Told()
        self._handover = Handover(settings, self._wake.set)
        self._losses = Losses(self.subscriptions)
        self._verification = Verification(executor, store, self._tell_revoked)
        self._submitter = Submitter(executor, store, self.subscriptions, self._verification, self.discard, timeout)
        self._not_before = 0.0
        self._reconnecting, self._retrying = Backoff(), Backoff()
        """For connections, and for requests while a connection is there."""
        self.forget = store.on_change(lambda token, record: self.owner.call(self._store_changed))
        """Stop listening to the store. Called from outside if the driver's loop is gone, so that its task cannot."""
        self._task = self.loop.create_task(self._run(), name="realtime")

    @property
    def client_id(self) -> str:
        return self._line.client_id if self._line is not None and self._line.is_open else ""

    def add(self, listener: Listener) -> None:
        if self.subscriptions.add(listener):
            listener.confirm()
        self._wake.set()

    def discard(self, listeners: Iterable[Listener], error: Exception | None = None) -> None:
        """Forget listeners, and end them. Those who wait for their confirmation get the error."""
        for listener in listeners:
            self.subscriptions.discard(listener)
            listener.end(error)
        self._wake.set()

    async def leave(self, choose: Callable[[list[Listener]], list[Listener]], error: Exception | None = None) -> None:
        """Discard the listeners that `choose` picks out of all. When none is left, end."""
        self.discard(choose(self.subscriptions.all), error)
        if self.is_running and not self.subscriptions:
            self.abandon()
            await ended(self._task)

    def abandon(self) -> None:
        """Cancel the task, without waiting for its end."""
        self.is_running = False
        self.forget()
        self._task.cancel()

    async def _run(self) -> None:
        was_left = False
        try:
            await self._wake.wait()  # for the first listener, as a task may start at once
            while self.subscriptions:
                self._wake.clear()
                await self._step(self.loop.time())
        except asyncio.CancelledError:
            if was_left := self.is_running:
                warnings.warn("realtime was not closed: `async with` the client, or aclose()", ResourceWarning, 2)
            raise
        finally:
            self.is_running = False
            self.forget()
            if not self.owner.is_gone:  # then it is the garbage collector that ends this, and nothing can be awaited
                self.discard(self.subscriptions.all, self._error("realtime was closed"))
                await self._verification.close()
                was_connected = self._line is not None
                await self._lines.close_all()
                if was_connected and not was_left:
                    self._hooks.disconnected.tell(None)

    async def _step(self, now: float) -> None:
        """Do the one thing that is due most, or wait."""
        if self._handover.is_due(now) and await self._end_handover():
            self.subscriptions.forgotten()  # the next response proves that the present connection is whole
        self._withdraw()  # for a store that tells nobody
        line = self._line
        if line is not None and has_changed(line.sign_in, self._store):
            await self._lose(line, line.ending)
            return
        if line is None:
            if now < self._not_before:
                await self._wait(self._not_before)
            else:
                await self._connect()
            return
        rotate_at = max(self._settings.rotate_at(line.opened, line.heard), self._not_before)
        dead_at = self._settings.dead_at(line.opened, line.heard)
        is_due = self.subscriptions.are_due or self._store.token != self._told.token
        resubmit_at = max(0.0 if is_due else self._told.renew_at, self._not_before)
        if not line.is_open:
            await self._fail(line, line.ending)
        elif now >= dead_at:
            await self._fail(line, self._error("the server's end of the stream is overdue", is_timeout=True))
        elif now >= resubmit_at:
            await self._resubmit(line)
        elif now >= rotate_at:
            await self._rotate(line)
        else:
            await self._wait(min(rotate_at, dead_at, resubmit_at, self._handover.ends_at))

    async def _wait(self, until: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()

    async def _connect(self) -> None:
        line = self._lines.new()
        asked = self.subscriptions.pending
        try:
            await line.open(self._executor, self._submitter.connecting)
            told = await self._submitter.submit(line)
        except Exception as error:
            await self._give_up(line)
            self.trouble = error
            if has_changed(line.sign_in, self._store):
                return
            if not (self._submitter.is_proven or self.subscriptions.live):
                self.discard(self.subscriptions.all, error)
            elif is_refusal(error):
                self.discard(asked, error)
            self._reconnect_later()
            return
        if not self.subscriptions or has_changed(line.sign_in, self._store):
            await self._give_up(line)
        else:
            self._take(line, told)
            self._hooks.connected.tell()

    async def _give_up(self, line: Line) -> None:
        """Close a connection that was never in use. The server may have confirmed some of the topics on it."""
        await self._lines.close(line)
        self._note_loss(line)
        self.subscriptions.forgotten()

    async def _resubmit(self, line: Line) -> None:
        try:
            self._take(line, await self._submitter.submit(line))
            self._retrying.reset()
        except Exception as error:
            if is_refusal(error) or getattr(error, "status", 0) == 404:  # of the connection, not of a topic
                await self._fail(line, error)
            else:
                self._retry_later()

    async def _rotate(self, line: Line) -> None:
        """Open the next connection, subscribe it, and let the present one end."""
        await self._end_handover()
        fresh = self._lines.new()
        try:
            await fresh.open(self._executor, self._submitter.connecting)
            self._handover.begin(fresh)
            told = await self._submitter.submit_live(fresh)
        except Exception:
            self._handover.cancel()
            await self._lines.close(fresh)
            self._retry_later()
            return
        self._handover.confirmed(line)
        if not line.is_open:
            await self._end_handover()
        self._take(fresh, told)
        self._retrying.reset()
        self._reconnecting.reset()

    async def _end_handover(self) -> bool:
        """Close the previous connection. Return whether events may be missing, which is noted as a loss."""
        old, silence = self._handover.end()
        if silence is not None:
            self._losses.note(silence)
        if old is not None:
            await self._lines.close(old)
        return silence is not None

    def _take(self, line: Line, told: Told) -> None:
        self._line, self._told = line, told
        self.trouble, self._not_before = None, 0.0
        if told.sign_in == self._sign_in:
            self._losses.tell()
        else:
            self._losses.note(0.0)  # also for those who were confirmed just now, as somebody else

    async def _lose(self, line: Line, reason: Exception | None) -> None:
        _logger.warning("realtime: the connection is lost: %s", reason)
        self.trouble = reason
        self.subscriptions.forgotten()
        await self._end_handover()
        await self._lines.close(line)
        self._line = None  # only now: until then an event may come
        self._note_loss(line)
        self._handover = Handover(self._settings, self._wake.set)
        self._not_before = 0.0
        self._hooks.disconnected.tell(reason)

    async def _fail(self, line: Line, reason: Exception | None) -> None:
        """Lose a connection by a failure, so that the next one has to wait."""
        await self._lose(line, reason)
        if self.loop.time() - line.opened >= SOUND_AFTER:
            self._reconnecting.reset()
        self._reconnect_later()

    def _note_loss(self, line: Line) -> None:
        self._losses.note(self.loop.time() - line.heard_all)

    def _receive(self, line: Line, event: ServerSentEvent) -> None:
        if has_changed(line.sign_in, self._store):
            return
        if not self._handover.is_new(line, event):
            return
        if self._line is None:  # the response to the submission is still on its way
            if line.sign_in != self._sign_in:
                return  # the gap is to come first, and lasts until the present user is submitted
            self._losses.tell()
        topic, data, _ = event
        for listener in self.subscriptions.of(topic):
            listener.deliver(data)

    def _store_changed(self) -> None:
        self._withdraw()
        self._wake.set()

    def _withdraw(self) -> None:
        """Note another sign-in, which has missed what the one before could not see. Deliver nothing of a user's."""
        before, self._sign_in = self._sign_in, sign_in_of(self._store)
        if before == self._sign_in:
            return
        since = self._verification.restart()
        if before:
            self._lines.cut(self._store, self._error("the user has changed"))
            self._losses.withdraw(since)
        else:
            self._losses.note(time.time() - since)

    def _tell_revoked(self, error: PocketBaseUnauthorizedError) -> None:
        _logger.warning("realtime: %s", error.message)
        self._hooks.failed.tell(error, None)
        self._losses.note(time.time() - self._verification.accepted_at)
        if self._line is not None:
            self._losses.tell()

    def _reconnect_later(self) -> None:
        self._not_before = self.loop.time() + self._reconnecting.wait()

    def _retry_later(self) -> None:
        self._not_before = self.loop.time() + self._retrying.wait()

    def _error(self, message: str, *, is_timeout: bool = False) -> Exception:
        kind = PocketBaseTimeoutError if is_timeout else PocketBaseConnectionError
        return kind(self._executor.build_url(realtime.PATH), message=message, request_sent=True)
