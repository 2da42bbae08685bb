"""What may be missing, until those concerned can be told."""

import time

from .inbox import Gap, moment
from .listeners import Listener
from .subscriptions import Subscriptions

LAG = 1.0
"""Seconds that an event may be under way."""


class Losses:
    """Becomes one gap, however many connections were lost in a row."""

    def __init__(self, subscriptions: Subscriptions[Listener]) -> None:
        self._subscriptions = subscriptions
        self._since: float | None = None
        self._listeners: list[Listener] = []

    def note(self, silence: float) -> None:
        """A connection was lost, of which nothing has been heard for so many seconds."""
        since = time.time() - LAG - silence
        if self._since is None:
            self._since, self._listeners = since, self._subscriptions.live
        self._since = min(self._since, since)

    def tell(self) -> None:
        """From here on nothing is missing."""
        if self._since is None:
            return
        live = [listener for listener in self._listeners if listener in self._subscriptions.of(listener.topic)]
        topics = tuple(dict.fromkeys(listener.name for listener in live))
        gap = Gap(moment(self._since), topics)
        self._since, self._listeners = None, []
        for listener in live:
            listener.deliver(gap)
