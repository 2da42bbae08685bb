"""The messages and gaps that wait for one subscription."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between messages where others may be missing, so that the program has to read again what it needs.

    A gap comes once a lost connection is replaced, after a change of the user, and in place of events that did not fit
    the queue. Nothing from before `since`, by this machine's clock, is missing. `topics` are those concerned.
    """

    since: datetime
    topics: tuple[str, ...]


class EventQueue(deque[str | Gap]):
    """A bounded queue of messages and gaps.

    Messages that do not fit become one gap, which lasts until it is taken out. Call `taken` with each gap taken out.
    """

    def __init__(self, topic: str, size: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._topic = topic
        self._size = size
        self._clock = clock
        self._overflowed = False
        self._waiting_since = 0.0

    def put(self, item: str | Gap) -> None:
        if self._overflowed:
            return
        if not self:
            self._waiting_since = self._clock()
        if len(self) >= self._size:
            self._overflowed = True
            since = item.since if isinstance(item, Gap) else utc_datetime(self._clock())
            item = Gap(since, (self._topic,))
        self.append(item)

    def drop_pending(self) -> float | None:
        """Drop all items. Return a time, in seconds since the epoch, from before which nothing is dropped."""
        if not self:
            return None
        gaps = [item.since.timestamp() for item in self if isinstance(item, Gap)]
        self.clear()
        self._overflowed = False
        return min([self._waiting_since, *gaps])

    def acknowledge_gap(self, gap: Gap) -> Gap:
        """Note that a gap is taken out. Return the gap."""
        if not self:  # nothing is put in after a gap that stands for what did not fit
            self._overflowed = False
        return gap


def utc_datetime(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
