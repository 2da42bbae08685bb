"""The task that keeps a connection open."""

import asyncio
import contextlib
import copy
import logging
import random
import warnings
import weakref
from collections.abc import Callable, Iterable
from functools import partial

from ..api import realtime
from ..auth.store import AuthStore
from ..call import Executor
from ..errors import PocketBaseConnectionError, PocketBaseError, PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ..loops import OwnerLoop
from ..messages import ServerSentEvent
from .hooks import Hooks
from .line import Line
from .listeners import Listener
from .losses import Losses
from .overlap import Overlap
from .schedule import SOUND_AFTER, RealtimeSettings, reconnect_wait
from .subscriptions import Subscriptions
from .tasks import ended
from .told import NEVER, Told, is_refusal

_logger = logging.getLogger("pocketbase_core")


class Driver:
    """Drives from one state to the next: what is wanted, what the server was told, and how the connection is.

    It lives as long as anything is subscribed. It does not keep the client alive.
    """

    def __init__(
        self,
        executor: "weakref.ref[Executor]",
        store: AuthStore,
        settings: RealtimeSettings,
        connected: Hooks,
        disconnected: Hooks,
        failed: Hooks,
    ) -> None:
        self.owner = OwnerLoop()
        self.loop = self.owner.loop
        self.subscriptions: Subscriptions[Listener] = Subscriptions()
        self.is_running = True
        self.trouble: Exception | None = None
        """Why there is no connection."""
        self._executor, self._store, self._settings = executor, store, settings
        self._connected, self._disconnected, self._failed = connected, disconnected, failed
        self._wake = asyncio.Event()
        self._lines: set[Line] = set()
        self._line: Line | None = None
        self._retiring: Line | None = None
        """The line before, until it is certain that it has brought everything."""
        self._told, self._overlap = Told(), Overlap()
        self._losses = Losses(self.subscriptions)
        self._proven, self._failures, self._not_before = False, 0, 0.0
        self.forget = store.on_change(lambda token, record: self.owner.call(self._wake.set))
        self._task = self.loop.create_task(self._run(), name="realtime")

    @property
    def client_id(self) -> str:
        return self._line.client_id if self._line is not None and self._line.is_open else ""

    def add(self, listener: Listener) -> None:
        if self.subscriptions.add(listener):
            listener.confirmed.set_result(None)
        self._wake.set()

    def discard(self, listeners: Iterable[Listener], error: Exception | None = None) -> None:
        """Forget listeners; `error` is why, for those who wait for their confirmation."""
        for listener in listeners:
            self.subscriptions.discard(listener)
            listener.stop()
            if not listener.confirmed.done():
                closed = PocketBaseConnectionError(message="realtime was closed", request_sent=None)
                listener.confirmed.set_exception(copy.copy(error) if error else closed)
                listener.confirmed.exception()  # it may have nobody left to take it
        self._wake.set()

    async def leave(self, choose: Callable[[list[Listener]], list[Listener]]) -> None:
        """Forget the listeners that `choose` takes out of all. When none is left, end at once."""
        self.discard(choose(self.subscriptions.all))
        if self.is_running and not self.subscriptions:
            self.abandon()
            await ended(self._task)

    def abandon(self) -> None:
        """End at once, whatever it is waiting for, without waiting for that."""
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
                self.discard(self.subscriptions.all)
                was_connected = self._line is not None
                for line in [*self._lines]:
                    await self._close(line)
                if was_connected and not was_left:
                    self._disconnected.tell(None)

    async def _step(self, now: float) -> None:
        """Do the one thing that is due most, or wait."""
        if self._retiring is not None and (now >= self._retire_at() or not self._retiring.is_open):
            await self._end_retiring()
        line = self._line
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
            await self._lose(line, line.ending)
        elif now >= dead_at:
            message = "the server's end of the stream is overdue"
            await self._lose(line, PocketBaseTimeoutError(self._url(), message=message, request_sent=True))
        elif now >= resubmit_at:
            await self._resubmit(line)
        elif now >= rotate_at:
            await self._rotate(line)
        else:
            await self._wait(min(rotate_at, dead_at, resubmit_at, self._retire_at()))

    async def _wait(self, until: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()

    async def _connect(self) -> None:
        line = self._new_line()
        asked = self.subscriptions.pending
        try:
            await line.open(self._client())
            told = await self._submit(line)
        except Exception as error:
            await self._close(line)
            self.trouble = error
            if not self._proven:
                self.discard(self.subscriptions.all, error)
            elif asked and is_refusal(error):
                self.discard(asked, error)
            else:
                self._back_off()
        else:
            self._take(line, told)
            self._connected.tell()

    async def _resubmit(self, line: Line) -> None:
        if self._told.user not in (None, Told.by(self._store).user):
            message = "the user has changed"  # of a connection, which the server refuses (403)
            await self._lose(line, PocketBaseConnectionError(self._url(), message=message, request_sent=True))
            self._not_before = 0.0
            return
        asked = self.subscriptions.pending
        try:
            self._take(line, await self._submit(line))
            self._failures = 0
        except Exception as error:
            if asked and is_refusal(error):
                self.discard(asked, error)
            elif isinstance(error, PocketBaseError) and error.status in (403, 404):
                await self._lose(line, error)
            else:
                self._back_off()

    async def _rotate(self, line: Line) -> None:
        """Open the next connection, subscribe it, and let the present one end."""
        await self._end_retiring()
        fresh = self._new_line()
        try:
            await fresh.open(self._client())
            self._overlap.begin(self.loop.time())
            told = await self._submit(fresh)
        except Exception:
            self._overlap.end(self.loop.time())
            await self._close(fresh)
            self._back_off()
            return
        if line.is_open:
            self._retiring = line
        else:
            self._note_loss(line)
            self._overlap.end(self.loop.time())
            await self._close(line)
        self._take(fresh, told)
        self._failures = 0

    def _retire_at(self) -> float:
        old = self._retiring
        return NEVER if old is None else self._overlap.proven_at(self._settings.dead_at(old.opened, old.heard))

    async def _end_retiring(self) -> None:
        """End the connection before. It has brought everything if something came on both, or its end was clean."""
        old, self._retiring = self._retiring, None
        if old is None:
            return
        self._overlap.end(self.loop.time())
        if not (old.whole or self._overlap.paired):
            self._note_loss(old)
            self.subscriptions.forgotten()  # the server's next answer proves that the present connection is whole
        await self._close(old)

    def _new_line(self) -> Line:
        line = Line(self._receive, partial(self.owner.call, self._wake.set), self._settings.queue_size // 2)
        self._lines.add(line)
        return line

    async def _close(self, line: Line) -> None:
        await line.close()
        self._lines.discard(line)

    async def _submit(self, line: Line) -> Told:
        """Tell the server what is wanted."""
        topics, told = self.subscriptions.topics, Told.by(self._store)
        if told.token and told.user is None:
            message = "the token is no longer valid: what is subscribed now is what a guest may see"
            _logger.warning("realtime: %s", message)
            self._failed.tell(PocketBaseUnauthorizedError(self._url(), message=message), None)
        await self._client().execute(realtime.subscribe(line.client_id, topics))
        for listener in self.subscriptions.told(topics):
            if not listener.confirmed.done():
                listener.confirmed.set_result(None)
        return told.until_renewal(self._store, self.loop.time())

    def _take(self, line: Line, told: Told) -> None:
        self._line, self._told = line, told
        self._proven, self.trouble, self._not_before = True, None, 0.0
        self._losses.tell()

    async def _lose(self, line: Line, reason: Exception | None) -> None:
        _logger.warning("realtime: the connection is lost: %s", reason)
        self.trouble = reason
        self.subscriptions.forgotten()
        await self._end_retiring()
        await self._close(line)
        self._line = None  # only now: until then an event may come
        self._note_loss(line)
        self._overlap = Overlap()
        if line.heard > line.opened or self.loop.time() - line.opened >= SOUND_AFTER:
            self._failures = 0
        self._back_off()
        self._disconnected.tell(reason)

    def _note_loss(self, line: Line) -> None:
        self._losses.note(0.0 if line.whole else self.loop.time() - line.heard)

    def _receive(self, line: Line, event: ServerSentEvent) -> None:
        if line.heard <= self._overlap.ends and self._came_already(line, event):
            return
        if self._line is None:
            self._losses.tell()  # the answer to the submission is still on its way
        topic, data, _ = event
        for listener in self.subscriptions.of(topic):
            listener.deliver(data)

    def _came_already(self, line: Line, event: ServerSentEvent) -> bool:
        was_paired = self._overlap.paired
        is_new = self._overlap.admit(line, hash(event[:2]), line.heard)
        if self._overlap.paired and not was_paired:
            self._wake.set()
        return not is_new

    def _back_off(self) -> None:
        self._not_before = self.loop.time() + reconnect_wait(self._failures, random.random())
        self._failures += 1

    def _client(self) -> Executor:
        client = self._executor()
        if client is None:
            self.is_running = False
            raise asyncio.CancelledError("nobody holds the client any more")
        return client

    def _url(self) -> str:
        return self._client().build_url(realtime.PATH)
