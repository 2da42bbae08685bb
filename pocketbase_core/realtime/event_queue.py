"""The queue of messages and gaps of one subscription."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between messages where others may be missing, so that the program has to read again what it needs.

    A gap is delivered when a lost connection has been replaced, after the user has changed, and in place of events that
    did not fit the queue.
    """

    since: datetime
    """When the gap begins, in UTC and by this machine's clock: no earlier event is missing."""
    topics: tuple[str, ...]
    """The topics of which events may be missing, without their options."""


class EventQueue(deque[str | Gap]):
    """A bounded queue of messages and gaps.

    When the queue is full, one gap is appended, and later items are dropped until the consumer has removed that gap.
    The consumer calls `acknowledge_gap` with each gap that it removes. It may be a thread other than that of the loop,
    which puts items and drops them.

    Args:
        topic: The topic of the gaps that stand for dropped items.
        size: How many items the queue holds, without that gap.
        clock: Returns the time in seconds since the epoch.
    """

    def __init__(self, topic: str, size: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._topic = topic
        self._size = size
        self._clock = clock
        self._overflow: Gap | None = None
        self._waiting_since = 0.0

    def put(self, item: str | Gap) -> None:
        """Append a message or a gap, or drop it if the queue is full."""
        if self._overflow is not None:
            return
        if not self:
            self._waiting_since = self._clock()
        if len(self) >= self._size:
            since = item.since if isinstance(item, Gap) else utc_datetime(self._clock())
            item = self._overflow = Gap(since, (self._topic,))
        self.append(item)

    def drop_pending(self) -> float | None:
        """Drop all items.

        Returns:
            A time in seconds since the epoch that no dropped item is older than, or None if the queue was empty.
        """
        dropped: list[str | Gap] = []
        with suppress(IndexError):
            while True:
                dropped.append(self.popleft())
        self._overflow = None
        gaps = [item.since.timestamp() for item in dropped if isinstance(item, Gap)]
        return min([self._waiting_since, *gaps]) if dropped else None

    def acknowledge_gap(self, gap: Gap) -> Gap:
        """Note that the consumer has removed this gap. Return the gap."""
        if gap is self._overflow:
            self._overflow = None
        return gap


def utc_datetime(timestamp: float) -> datetime:
    """Return a time in seconds since the epoch as a datetime in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)
