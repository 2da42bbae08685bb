"""Which events are new while two connections bring the same ones.

Theory of operation
===================

While a connection is replaced, the server sends each event on both connections, so the second copy has to be dropped.
Events have no id: two events may have the same content, and content is all there is to compare.

An event is matched with the oldest unmatched event of the same content that arrived on the other connection. A matched
event is a copy and is dropped; an event without a match is new and waits for its copy for `DEDUPLICATION_WINDOW`
seconds. An event that arrived before the newer connection was being subscribed has no copy there, so no event is
matched with it. It may also have arrived on a connection that was closed since.

One mistake is possible. An event X1 may have been sent on the older connection alone, just before the newer one was
subscribed. A later event X2 of the same content is then dropped when it arrives on the newer connection, as if it were
the copy of X1. That mistake corrects itself when X2 arrives on the older connection too, where it finds no match and is
delivered. So each content that the older connection may have brought alone is *ambiguous* until it has not arrived for
a while, and the older connection must stay open as long as any content is ambiguous. If it ends before that, `stop`
reports that events may be lost.

All of this holds if an event that is sent on both connections arrives on both within the window.
"""

import math
from collections import deque

DEDUPLICATION_WINDOW = 5.0
"""Seconds by which one connection may lag behind the other."""


class EventDeduplicator:
    """A filter of copies while two connections bring the same events, in almost the same order.

    Args:
        window: Seconds for which a content stays ambiguous after its last arrival.
    """

    def __init__(self, window: float = DEDUPLICATION_WINDOW) -> None:
        self.ends_at = -math.inf
        """When the last copy may arrive. After that, every event is new."""
        self.has_match = False
        """True once an event has arrived on both connections, which proves that the older one works."""
        self._window = window
        self._newer: object = None
        self._started_at = 0.0
        self._confirmed_at = -math.inf
        self._unmatched: dict[int, deque[tuple[float, object, int]]] = {}
        """By content: the time, connection and content of each arrival that has no copy yet."""
        self._arrivals: deque[tuple[float, object, int]] = deque()
        """All arrivals of the window that were new, in the order of time."""
        self._ambiguous: dict[int, float] = {}
        """Contents that the older connection may have brought alone, and when they arrived last."""

    def start(self, now: float, newer: object) -> None:
        """Note that the topics are being submitted on another connection, which may bring copies from now on."""
        self._newer = newer
        self._started_at = now
        self._confirmed_at = math.inf
        self.ends_at = math.inf
        self.has_match = False
        self._ambiguous.clear()

    def confirm(self, now: float) -> None:
        """Note that the server has confirmed the topics on the newer connection."""
        self._confirmed_at = now

    def cancel(self, now: float) -> None:
        """Note that one of the two connections is closed. Copies of events that have arrived may still come."""
        self.ends_at = min(self.ends_at, now + DEDUPLICATION_WINDOW)

    def stop(self, now: float) -> float | None:
        """Note that the older connection is closed. The newer one may still deliver copies of its last events.

        Returns:
            The time from which on events may have been dropped by mistake, or None if that is impossible.
        """
        self.cancel(now)
        self._forget(now)
        if not self._ambiguous:
            return None
        for content in self._ambiguous:
            self._unmatched.pop(content, None)
        self._ambiguous.clear()
        return self._started_at

    def obsolete_at(self, latest: float) -> float:
        """Return when the older connection is no longer needed, at the latest `latest`.

        Within the window after the confirmation, an event may still arrive on the older connection alone. Within the
        window after the last event of an ambiguous content, a mistake may still be corrected.
        """
        if not self.has_match:
            return latest
        last = next(reversed(self._ambiguous.values()), self._confirmed_at)
        return min(latest, max(self._confirmed_at, last) + self._window)

    def is_new(self, connection: object, content: int, now: float) -> bool:
        """Return False if the event is a copy of one that arrived on the other connection.

        Args:
            connection: The connection on which the event arrived.
            content: A hash of the event's content.
            now: The time of the arrival.
        """
        self._forget(now)
        is_newer = connection is self._newer
        if content in self._ambiguous or (not is_newer and now <= self._confirmed_at + self._window):
            self._ambiguous.pop(content, None)  # to keep the contents in the order of their last arrivals
            self._ambiguous[content] = now
        unmatched = self._unmatched.setdefault(content, deque())
        candidates = [
            arrival for arrival in unmatched if arrival[1] is not connection and arrival[0] >= self._started_at
        ]
        if not candidates:
            arrival = (now, connection, content)
            unmatched.append(arrival)
            self._arrivals.append(arrival)
            return True
        self._drop(candidates[0])
        self.has_match = True
        return False

    def _forget(self, now: float) -> None:
        """Forget arrivals whose copies can no longer come, and contents that are no longer ambiguous."""
        while self._arrivals and self._arrivals[0][0] < now - DEDUPLICATION_WINDOW:
            arrival = self._arrivals.popleft()
            if arrival in self._unmatched.get(arrival[2], ()):
                self._drop(arrival)
        while self._ambiguous and (first := next(iter(self._ambiguous.items())))[1] + self._window <= now:
            del self._ambiguous[first[0]]
            if self._window < DEDUPLICATION_WINDOW:  # the arrivals are kept longer: a later event would be dropped
                self._unmatched.pop(first[0], None)

    def _drop(self, arrival: tuple[float, object, int]) -> None:
        unmatched = self._unmatched[arrival[2]]
        unmatched.remove(arrival)
        if not unmatched:
            del self._unmatched[arrival[2]]
