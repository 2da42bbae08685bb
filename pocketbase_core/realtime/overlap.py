"""Two connections at once."""

from collections import deque

OVERLAP = 1.0
"""Seconds for which a connection that was replaced stays open at least."""
SETTLE = 5.0
"""Seconds by which one connection may lag behind the other."""


class Overlap:
    """Tells which events are new while two connections bring the same ones, in almost the same order.

    Two events may have the same content, so each one is paired with the other connection's copy of it.
    """

    def __init__(self) -> None:
        self.ends = float("-inf")
        self.paired = False
        """Whether an event has come on both: then the older connection has brought all that came before the newer."""
        self._began = 0.0
        self._unpaired: dict[int, list[tuple[float, object, int]]] = {}
        self._arrivals: deque[tuple[float, object, int]] = deque()

    def begin(self, now: float) -> None:
        """From now on, the same events may come on two."""
        self._began, self.ends, self.paired = now, float("inf"), False

    def end(self, now: float) -> None:
        """Nothing comes on the older one any more, but the newer may lag behind it."""
        self.ends = min(self.ends, now + SETTLE)

    def proven_at(self, otherwise: float) -> float:
        """When the older connection is no longer needed, unless its server ends it before."""
        return self._began + OVERLAP if self.paired else otherwise

    def admit(self, source: object, content: int, now: float) -> bool:
        """Whether an event, known by the hash of its content, has not come on the other connection already."""
        while self._arrivals and self._arrivals[0][0] < now - SETTLE:
            arrival = self._arrivals.popleft()
            if arrival in (waiting := self._unpaired.get(arrival[2], [])):  # it had been on one connection only
                self._drop(waiting, arrival)
        waiting = self._unpaired.setdefault(content, [])
        # The newest: an older one of the same content may be from before the other connection.
        for arrival in reversed(waiting):
            if arrival[1] is not source:
                self._drop(waiting, arrival)
                self.paired = True
                return False
        arrival = (now, source, content)
        waiting.append(arrival)
        self._arrivals.append(arrival)
        return True

    def _drop(self, waiting: list[tuple[float, object, int]], arrival: tuple[float, object, int]) -> None:
        waiting.remove(arrival)
        if not waiting:
            del self._unpaired[arrival[2]]
