"""Waiting after failures."""

import random

from .schedule import reconnect_wait


class Backoff:
    """Waits that grow with each failure in a row, until a success."""

    def __init__(self) -> None:
        self._failures = 0

    def wait(self) -> float:
        """Count a failure. Returns the seconds to wait before the next attempt."""
        seconds = reconnect_wait(self._failures, random.random())
        self._failures += 1
        return seconds

    def reset(self) -> None:
        """Count a success."""
        self._failures = 0
