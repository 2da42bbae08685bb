"""Waiting after failures."""

import random

from .timing import BACKOFF_MAX, reconnect_delay


class Backoff:
    """Waits of up to `longest` seconds, which grow with each failure in a row until a success."""

    def __init__(self, longest: float = BACKOFF_MAX) -> None:
        self._longest = longest
        self._failures = 0

    def wait(self) -> float:
        """Count a failure. Return the seconds to wait before the next attempt."""
        seconds = reconnect_delay(self._failures, random.random(), self._longest)
        self._failures += 1
        return seconds

    def reset(self) -> None:
        """Count a success."""
        self._failures = 0
