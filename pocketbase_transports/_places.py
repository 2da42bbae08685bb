"""Places in a pool, handed out in the order in which they were asked for."""

import asyncio
from types import TracebackType

OPENED_AT_A_TIME = 100
"""Streams of events: thousands that were opened at the same time would leave requests no time, and all get late."""


class Places:
    """At most so many blocks at a time on the loop that first has to wait; None is no limit."""

    def __init__(self, count: int | None) -> None:
        self._free = None if count is None else asyncio.Semaphore(count)

    async def __aenter__(self) -> None:
        if self._free is not None:
            await self._free.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._free is not None:
            self._free.release()
