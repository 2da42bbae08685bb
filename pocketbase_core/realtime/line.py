"""One connection."""

import asyncio
from collections.abc import Callable

from ..api import realtime
from ..call import Executor
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError
from ..messages import ServerSentEvent
from .schedule import CONNECT_TIMEOUT


class Line:
    """A stream of events, read by a task of its own.

    `changed` is called when it ends: then `ending` tells why, and it is `whole` when the server had said all. After
    each `breath` events others get a turn: many may be in memory already, where reading never waits.
    """

    def __init__(
        self, receive: Callable[["Line", ServerSentEvent], None], changed: Callable[[], None], breath: int
    ) -> None:
        self.client_id = ""
        self.opened = self.heard = asyncio.get_running_loop().time()
        self.ending: Exception | None = None
        self.whole = False
        self._receive = receive
        self._changed = changed
        self._breath = breath
        self._task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._task is not None and not self._task.done()

    async def open(self, executor: Executor) -> None:
        """Connect, and wait for the client id.

        Whoever opens it closes it, whatever comes of that.

        Raises:
            PocketBaseTimeoutError: it did not come.
            PocketBaseError: there is no such stream.
        """
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._read(executor, ready), name="realtime connection")
        url = executor.build_url(realtime.PATH)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await ready
        except TimeoutError as error:
            message = f"no PB_CONNECT within {CONNECT_TIMEOUT:.0f} s; the usual cause is a proxy that buffers it"
            raise PocketBaseTimeoutError(url, message=message) from error

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _read(self, executor: Executor, ready: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        url = executor.build_url(realtime.PATH)
        try:
            async with executor.events(realtime.connect()) as events:
                del executor  # a client that nobody holds any more may go while its events are read
                async for event in events:
                    self.client_id = realtime.client_id(event, url)
                    self.opened = self.heard = loop.time()
                    if not ready.done():
                        ready.set_result(None)
                    break
                left = self._breath
                async for event in events:
                    self.heard = loop.time()
                    self._receive(self, event)
                    left -= 1
                    if left <= 0:
                        left = self._breath
                        await asyncio.sleep(0)
            self.whole = True
            self.ending = PocketBaseConnectionError(url, message="the server ended the stream", request_sent=True)
        except Exception as error:
            self.ending = error
        finally:
            if loop.is_closed():  # then it is the garbage collector that ends this
                pass
            elif self.ending is None:
                ready.cancel()
            elif not ready.done():
                ready.set_exception(self.ending)
            self._changed()
