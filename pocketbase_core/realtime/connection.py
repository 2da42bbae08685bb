"""One connection: a stream of events, and the task that reads it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from ..auth.store import AuthStore
from ..calls.call import Call
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError
from ..messages import ServerSentEvent
from ..pipeline import Pipeline
from .identity import has_changed
from .timing import CONNECT_TIMEOUT


class Connection:
    """A stream of events, read by a task of its own.

    Args:
        on_event: Called with the connection and each event after `PB_CONNECT`.
        on_closed: Called when the stream has ended. `close_error` is the reason then.
        yield_every: How many events to read before other tasks get a turn. Reading buffered events never suspends.
    """

    def __init__(
        self,
        on_event: Callable[["Connection", ServerSentEvent], None],
        on_closed: Callable[[], None],
        yield_every: int,
    ) -> None:
        now = asyncio.get_running_loop().time()
        self.client_id = ""
        """The server's id of the connection; `""` until the stream has begun."""
        self.first_event = ServerSentEvent(realtime.CONNECT_TOPIC)
        """The event with which the stream began. It has no data until then."""
        self.opened_at = now
        """The loop's time at which the stream began."""
        self.last_event_at = now
        """The loop's time at which the last event arrived."""
        self.complete_until = now
        """The loop's time up to which nothing is missing: that of the last event, or of a clean end."""
        self.close_error: Exception | None = None
        """The reason why the stream has ended."""
        self.closed_cleanly = False
        """True if the server has ended the stream itself, so that everything before has arrived."""
        self.sign_in = ""
        """The sign-in whose events the server sends; `""` for what a guest may see."""
        self._on_event = on_event
        self._on_closed = on_closed
        self._yield_every = yield_every
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    @property
    def is_open(self) -> bool:
        """True from `open` until the stream has ended."""
        return self._task is not None and not self._task.done()

    async def open(self, pipeline: Pipeline, call: Call[None]) -> None:
        """Connect, and wait for the client id. The caller has to close the connection even if this raises.

        Args:
            pipeline: Sends the call.
            call: The request for the stream.

        Raises:
            PocketBaseTimeoutError: If there was no response, or no client id.
            PocketBaseError: If the server cannot be reached, or the response is not such a stream.
        """
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._receive_loop(pipeline, call, ready), name="realtime connection")
        await ready

    def abort(self, reason: Exception) -> None:
        """Close an open connection without waiting. No event is received from now on.

        Args:
            reason: The error to keep as `close_error`.
        """
        if self.is_open and self._task is not None:
            self.close_error = reason
            self._cancel(self._task)

    async def close(self) -> None:
        """Close the connection, and wait until its task has ended."""
        if self._task is not None and not self._task.done():
            self._cancel(self._task)
            await asyncio.wait([self._task])

    def _cancel(self, task: "asyncio.Task[None]") -> None:
        if not self._cancelled:  # a second cancellation would interrupt the closing of the stream
            self._cancelled = True
            task.cancel()

    async def _receive_loop(self, pipeline: Pipeline, call: Call[None], ready: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        url = pipeline.build_url(realtime.PATH)
        try:
            async with pipeline.events(call) as events:
                first = await _first_event(events, url)
                if first is not None:
                    self.client_id = realtime.client_id(first, url)
                    self.first_event = first
                    self._note_event_time(loop.time())
                    self.opened_at = self.last_event_at
                    if not ready.done():
                        ready.set_result(None)
                await self._read_events(events, loop)
            self.closed_cleanly = True
            self.complete_until = loop.time()
            self.close_error = PocketBaseConnectionError(url, message="the server ended the stream", request_sent=True)
        except Exception as error:
            self.close_error = error
        finally:
            if loop.is_closed():  # the garbage collector ends this task
                pass
            elif self.close_error is None:
                ready.cancel()
            elif not ready.done():
                ready.set_exception(self.close_error)
            self._on_closed()

    async def _read_events(self, events: AsyncIterator[ServerSentEvent], loop: asyncio.AbstractEventLoop) -> None:
        remaining = self._yield_every
        async for event in events:
            self._note_event_time(loop.time())
            self._on_event(self, event)
            remaining -= 1
            if remaining <= 0:
                remaining = self._yield_every
                await asyncio.sleep(0)

    def _note_event_time(self, now: float) -> None:
        self.last_event_at = now
        self.complete_until = now


async def _first_event(events: AsyncIterator[ServerSentEvent], url: str) -> ServerSentEvent | None:
    """Return the first event, or None if the stream ends before it.

    The limit is `CONNECT_TIMEOUT` from the response on. It does not cover the response, for which some of many clients
    that connect at once wait long.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await anext(aiter(events), None)
    except TimeoutError as error:
        message = f"no PB_CONNECT within {CONNECT_TIMEOUT:.0f} s; the usual cause is a proxy that buffers it"
        raise PocketBaseTimeoutError(url, message=message) from error


class OpenConnections:
    """All connections that are not closed yet. The arguments are those of `Connection`."""

    def __init__(
        self,
        on_event: Callable[[Connection, ServerSentEvent], None],
        on_closed: Callable[[], None],
        yield_every: int,
    ) -> None:
        self._make = partial(Connection, on_event, on_closed, yield_every)
        self._all: set[Connection] = set()

    def new(self) -> Connection:
        """Return a new connection, which is not open yet."""
        connection = self._make()
        self._all.add(connection)
        return connection

    def abort_changed(self, store: AuthStore, reason: Exception) -> None:
        """Close the connections of users who are no longer signed in, without waiting.

        Args:
            store: The source of the present sign-in.
            reason: The error to keep as `close_error`.
        """
        for connection in self._all:
            if has_changed(connection.sign_in, store):
                connection.abort(reason)

    async def close(self, connection: Connection) -> None:
        """Close a connection, and wait until its task has ended."""
        await connection.close()
        self._all.discard(connection)

    async def close_all(self) -> None:
        """Close all connections, one after the other."""
        for connection in [*self._all]:
            await self.close(connection)
