"""What has arrived for one subscription and was not yet taken."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Events may be missing: read again what you need.

    It comes after a connection was lost and is whole again, and where more events waited than fit the queue. Nothing
    is missing from before `since`, by this machine's clock. `topics` are those concerned.
    """

    since: datetime
    topics: tuple[str, ...]


class Inbox(deque[str | Gap]):
    """A bounded queue of messages and gaps.

    What does not fit becomes a gap, which lasts until it is taken out; who does that calls `taken`.
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
            since = item.since if isinstance(item, Gap) else moment(self._clock())
            item = Gap(since, (self._topic,))
        self.append(item)

    def withdraw(self) -> float | None:
        """Drop all items. Returns a time, in seconds since the epoch, before which nothing is dropped."""
        if not self:
            return None
        gaps = [item.since.timestamp() for item in self if isinstance(item, Gap)]
        self.clear()
        self._overflowed = False
        return min([self._waiting_since, *gaps])

    def taken(self, gap: Gap) -> Gap:
        if not self:  # it was the last, and after one for want of room nothing is put in
            self._overflowed = False
        return gap


def moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
