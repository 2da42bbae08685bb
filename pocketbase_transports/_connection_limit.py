"""A limit to the connections that are in use, or opened, at the same time."""

import asyncio
from types import TracebackType

MAX_OPENING_STREAMS = 100
"""Streams of events that are opened at the same time. Thousands at once would delay every request, and each other."""
TOO_MANY_OPENING = f"{MAX_OPENING_STREAMS} streams of events are being opened already"


def describe_full_pool(limit: int | None, streams: int, advice: str) -> str:
    """Return the reason why a pool has no free connection.

    Args:
        limit: The pool's limit. None: unknown.
        streams: The number of its connections that streams of events hold.
        advice: What the user can do.
    """
    connections = f"all {limit} of the pool are" if limit else "all of the pool are"
    held_by_streams = f", {streams} of them by streams of events" if streams else ""
    return f"{connections} in use{held_by_streams}; {advice}"


class ConnectionLimit:
    """A limit to the blocks that run at the same time, first come, first served.

    The limit holds for the event loop on which a block first has to wait. None is no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._slots = None if limit is None else asyncio.Semaphore(limit)

    async def __aenter__(self) -> None:
        if self._slots is not None:
            await (wait_for_slot(self._slots) if self._slots.locked() else self._slots.acquire())

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._slots is not None:
            self._slots.release()


async def wait_for_slot(slots: asyncio.Semaphore) -> None:
    """Wait for a free slot. The adapters' `POOL_WAIT` finds this function's name in the traceback of a timeout."""
    await slots.acquire()
