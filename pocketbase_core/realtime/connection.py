"""One connection."""

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

    `changed` is called when the stream ends. Then `ending` is the reason, and `whole` is True if the server ended the
    stream itself. After each `breath` events other tasks get a turn, as many may be in memory, where reading never
    waits.
    """

    def __init__(
        self, receive: Callable[["Connection", ServerSentEvent], None], changed: Callable[[], None], breath: int
    ) -> None:
        self.client_id = ""
        self.opened_at = self.last_event_at = asyncio.get_running_loop().time()
        self.complete_until = self.last_event_at
        """The time up to which nothing is missing: that of the last event, or of a clean end."""
        self.close_error: Exception | None = None
        self.closed_cleanly = False
        self.sign_in = ""
        """The sign-in whose events the server sends; `""` for what a guest may see."""
        self._on_event = receive
        self._on_closed = changed
        self._yield_every = breath
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    @property
    def is_open(self) -> bool:
        return self._task is not None and not self._task.done()

    async def open(self, pipeline: Pipeline, call: Call[None]) -> None:
        """Connect, and wait for the client id. Whoever opens a line closes it in any case.

        Raises:
            PocketBaseTimeoutError: If there was no response, or no client id.
            PocketBaseError: If the server cannot be reached, or the response is no such stream.
        """
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._receive_loop(pipeline, call, ready), name="realtime connection")
        await ready

    def abort(self, reason: Exception) -> None:
        """Close the open connection without waiting. No event comes any more."""
        if self.is_open and self._task is not None:
            self.close_error = reason
            self._cancel(self._task)

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._cancel(self._task)
            await asyncio.wait([self._task])

    def _cancel(self, task: "asyncio.Task[None]") -> None:
        if not self._cancelled:  # another cancellation would interrupt the closing of the connection
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
                    self.opened_at = self.last_event_at = self.complete_until = loop.time()
                    if not ready.done():
                        ready.set_result(None)
                left = self._yield_every
                async for event in events:
                    self.last_event_at = self.complete_until = loop.time()
                    self._on_event(self, event)
                    left -= 1
                    if left <= 0:
                        left = self._yield_every
                        await asyncio.sleep(0)
            self.closed_cleanly, self.complete_until = True, loop.time()
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


async def _first_event(events: AsyncIterator[ServerSentEvent], url: str) -> ServerSentEvent | None:
    """Return the first event, or None if the stream ends before it.

    Only the wait for the event is limited here: of many clients that connect at once, some wait long for a response.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await anext(aiter(events), None)
    except TimeoutError as error:
        message = f"no PB_CONNECT within {CONNECT_TIMEOUT:.0f} s; the usual cause is a proxy that buffers it"
        raise PocketBaseTimeoutError(url, message=message) from error


class OpenConnections:
    """All connections that are not closed yet."""

    def __init__(
        self, receive: Callable[[Connection, ServerSentEvent], None], changed: Callable[[], None], breath: int
    ) -> None:
        self._make = partial(Connection, receive, changed, breath)
        self._all: set[Connection] = set()

    def new(self) -> Connection:
        line = self._make()
        self._all.add(line)
        return line

    def abort_changed(self, store: AuthStore, reason: Exception) -> None:
        """Close the connections of users who are no longer signed in, without waiting."""
        for line in self._all:
            if has_changed(line.sign_in, store):
                line.abort(reason)

    async def close(self, line: Connection) -> None:
        await line.close()
        self._all.discard(line)

    async def close_all(self) -> None:
        for line in [*self._all]:
            await self.close(line)
