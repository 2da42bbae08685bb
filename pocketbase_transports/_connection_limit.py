"""Places in a pool, handed out in the order in which they were asked for."""

import asyncio
from types import TracebackType

MAX_OPENING_STREAMS = 100
"""Streams of events: thousands that were opened at the same time would leave requests no time, and all get late."""
TOO_MANY_OPENING = f"{MAX_OPENING_STREAMS} streams of events are being opened already"


def describe_full_pool(limit: int | None, streams: int, advice: str) -> str:
    """Say why a pool has no connection left, how many of them belong to streams of events, and what to do."""
    connections = f"all {limit} of the pool are" if limit else "all of the pool are"
    listening = f", {streams} of them by streams of events" if streams else ""
    return f"{connections} in use{listening}; {advice}"


class ConnectionLimit:
    """At most so many blocks at a time on the loop that first has to wait; None is no limit."""

    def __init__(self, count: int | None) -> None:
        self._free = None if count is None else asyncio.Semaphore(count)

    async def __aenter__(self) -> None:
        if self._free is not None:
            await wait_for_slot(self._free)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._free is not None:
            self._free.release()


async def wait_for_slot(free: asyncio.Semaphore) -> None:
    """Wait for a place; an exchange finds the name of this function in the traceback of a request that waited here."""
    await free.acquire()
