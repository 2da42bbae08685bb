"""The losses that the listeners are not told of yet."""

import time

from .event_queue import Gap, moment
from .registry import Subscriptions
from .subscription import Listener

LAG = 1.0
"""Seconds that an event may take from the server to here."""


class Losses:
    """All losses since the last gap, which become one gap, and those who have to be told."""

    def __init__(self, subscriptions: Subscriptions[Listener]) -> None:
        self._subscriptions = subscriptions
        self._since: float | None = None
        self._listeners: dict[Listener, None] = {}

    def note(self, silence: float) -> None:
        """Note that the live listeners may have missed events of the last `silence` seconds."""
        since = time.time() - LAG - silence
        self._since = since if self._since is None else min(self._since, since)
        self._listeners.update(dict.fromkeys(self._subscriptions.live))

    def withdraw(self, since: float) -> None:
        """Drop what waits for the listeners. A gap begins then or with the first dropped item, whichever is earlier."""
        waiting = [dropped for each in self._subscriptions.all if (dropped := each.withdraw()) is not None]
        self.note(time.time() - min([since, *waiting]))

    def tell(self) -> None:
        """Deliver one gap for all losses that were noted. From here on nothing is missing."""
        if self._since is None:
            return
        live = [listener for listener in self._listeners if listener in self._subscriptions.of(listener.topic)]
        topics = tuple(dict.fromkeys(listener.name for listener in live))
        gap = Gap(moment(self._since), topics)
        self._since, self._listeners = None, {}
        for listener in live:
            listener.deliver(gap)
