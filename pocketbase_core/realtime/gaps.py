"""The losses that the listeners are not told of yet."""

import time

from .event_queue import Gap, utc_datetime
from .registry import SubscriptionRegistry
from .subscription import Subscription

MAX_DELIVERY_DELAY = 1.0
"""Seconds that an event may take from the server to here."""


class GapTracker:
    """All losses since the last gap, which become one gap, and those who have to be told."""

    def __init__(self, subscriptions: SubscriptionRegistry[Subscription]) -> None:
        self._registry = subscriptions
        self._since: float | None = None
        self._affected: dict[Subscription, None] = {}

    def record_loss(self, silence: float) -> None:
        """Note that the live listeners may have missed events of the last `silence` seconds."""
        since = time.time() - MAX_DELIVERY_DELAY - silence
        self._since = since if self._since is None else min(self._since, since)
        self._affected.update(dict.fromkeys(self._registry.confirmed))

    def drop_pending(self, since: float) -> None:
        """Drop what waits for the listeners. A gap begins then or with the first dropped item, whichever is earlier."""
        waiting = [dropped for each in self._registry.all if (dropped := each.drop_pending()) is not None]
        self.record_loss(time.time() - min([since, *waiting]))

    def emit(self) -> None:
        """Deliver one gap for all losses that were noted. From here on nothing is missing."""
        if self._since is None:
            return
        live = [listener for listener in self._affected if listener in self._registry.for_topic(listener.topic)]
        topics = tuple(dict.fromkeys(listener.name for listener in live))
        gap = Gap(utc_datetime(self._since), topics)
        self._since, self._affected = None, {}
        for listener in live:
            listener.deliver(gap)
