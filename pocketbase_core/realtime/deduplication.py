"""The events of two connections at once.

Each event arrives on both connections, so the second copy of a content is dropped. Events carry no identity, and two
events may have the same content. A copy is mistaken for another event in one case only: an event was sent on the older
connection alone, before the newer one was subscribed, and the newer one brings another event of the same content. The
older connection then makes up for it, because it brings a copy of that event too. So it must stay open until no such
mistake can be left, or its end counts as a loss.

All of it holds if an event that is sent on both connections arrives within `settle` seconds on both.
"""

from collections import deque

DEDUPLICATION_WINDOW = 5.0
"""Seconds by which one connection may lag behind the other."""


class EventDeduplicator:
    """A filter of copies while two connections bring the same events, in almost the same order."""

    def __init__(self, settle: float = DEDUPLICATION_WINDOW) -> None:
        self.ends_at = float("-inf")
        self.has_match = False
        """True once an event has arrived on both connections, which proves that the older one works."""
        self._window = settle
        self._newer: object = None
        self._started_at = 0.0
        self._confirmed_at = float("-inf")
        self._unmatched: dict[int, deque[tuple[float, object, int]]] = {}
        self._arrivals: deque[tuple[float, object, int]] = deque()
        self._ambiguous: dict[int, float] = {}
        """Contents of which the older connection may have brought an event alone, and when they arrived last."""

    def start(self, now: float, newer: object) -> None:
        """Note that the same events may arrive on another connection from now on, which is being subscribed."""
        self._newer, self._started_at, self._confirmed_at = newer, now, float("inf")
        self.ends_at, self.has_match = float("inf"), False
        self._ambiguous.clear()

    def confirm(self, now: float) -> None:
        """Note that the server has confirmed the subscriptions of the newer connection."""
        self._confirmed_at = now

    def cancel(self, now: float) -> None:
        """Note that one of the two connections is closed. Copies of what has arrived may still come."""
        self.ends_at = min(self.ends_at, now + DEDUPLICATION_WINDOW)

    def stop(self, now: float) -> float | None:
        """Note the end of the older connection. Return since when events may have been taken for copies, or None."""
        self.cancel(now)
        self._forget(now)
        if not self._ambiguous:
            return None
        for content in self._ambiguous:
            self._unmatched.pop(content, None)
        self._ambiguous.clear()
        return self._started_at

    def obsolete_at(self, otherwise: float) -> float:
        """Return when the older connection is no longer needed, at the latest `otherwise`.

        Within `settle` after the confirmation, an event may still come on the older one alone. A mistake is made up for
        within `settle` after the last event of the same content.
        """
        if not self.has_match:
            return otherwise
        last = next(reversed(self._ambiguous.values()), self._confirmed_at)
        return min(otherwise, max(self._confirmed_at, last) + self._window)

    def is_new(self, source: object, content: int, now: float) -> bool:
        """Return whether an event is no copy of one that came on the other connection. `content` is a hash of it."""
        self._forget(now)
        is_newer = source is self._newer
        if content in self._ambiguous or (not is_newer and now <= self._confirmed_at + self._window):
            self._ambiguous.pop(content, None)  # so that they stay in the order of time
            self._ambiguous[content] = now
        waiting = self._unmatched.setdefault(content, deque())
        others = [each for each in waiting if each[1] is not source and not (is_newer and each[0] < self._started_at)]
        if not others:
            arrival = (now, source, content)
            waiting.append(arrival)
            self._arrivals.append(arrival)
            return True
        self._drop(others[0])
        self.has_match = True
        return False

    def _forget(self, now: float) -> None:
        while self._arrivals and self._arrivals[0][0] < now - DEDUPLICATION_WINDOW:
            arrival = self._arrivals.popleft()
            if arrival in self._unmatched.get(arrival[2], ()):  # it had been on one connection only
                self._drop(arrival)
        while self._ambiguous and (first := next(iter(self._ambiguous.items())))[1] + self._window <= now:
            del self._ambiguous[first[0]]

    def _drop(self, arrival: tuple[float, object, int]) -> None:
        waiting = self._unmatched[arrival[2]]
        waiting.remove(arrival)
        if not waiting:
            del self._unmatched[arrival[2]]
