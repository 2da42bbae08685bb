"""The waits of realtime after failures in a row."""

import random

from .timing import BACKOFF_MAX, reconnect_delay


class Backoff:
    """A counter of failures in a row, which says how long to wait: a random time of up to `longest` seconds."""

    def __init__(self, longest: float = BACKOFF_MAX) -> None:
        self._longest = longest
        self._failures = 0

    def wait(self) -> float:
        """Count a failure and return the seconds to wait before the next attempt."""
        seconds = reconnect_delay(self._failures, random.random(), self._longest)
        self._failures += 1
        return seconds

    def reset(self) -> None:
        """Count a success: the next failure is the first one in a row."""
        self._failures = 0
