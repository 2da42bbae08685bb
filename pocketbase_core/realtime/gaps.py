"""The losses since the last gap.

A loss is a time in the past from which on events may be missing. Losses are recorded when they happen, and become one
gap when a connection is in use again: the gap begins with the earliest loss and goes to each subscription that was
confirmed at the time of one of them and still exists. What the server sent up to `MAX_DELIVERY_DELAY` before the loss
may have been on its way, so a gap begins that much earlier.
"""

import time

from ..endpoints.realtime import CONNECT_TOPIC
from .event_queue import Gap, utc_datetime
from .registry import SubscriptionRegistry
from .subscription import Subscription

MAX_DELIVERY_DELAY = 1.0
"""Seconds that an event may take from the server to here."""


class GapTracker:
    """The pending gap: when it begins, and the subscriptions that it concerns."""

    def __init__(self, registry: SubscriptionRegistry[Subscription]) -> None:
        self._registry = registry
        self._since: float | None = None
        self._affected: dict[Subscription, None] = {}

    def record_loss(self, seconds: float) -> None:
        """Note that the confirmed subscriptions may have missed events of the last `seconds` seconds.

        Those of `CONNECT_TOPIC` have missed nothing: while no connection is open, there is nothing to announce.
        """
        since = time.time() - MAX_DELIVERY_DELAY - seconds
        self._since = since if self._since is None else min(self._since, since)
        affected = (each for each in self._registry.confirmed if each.topic != CONNECT_TOPIC)
        for each in affected:
            self._affected[each] = None
            each.note_loss()

    def drop_pending(self, since: float) -> None:
        """Drop all undelivered messages, and record their loss.

        Args:
            since: The latest beginning of the gap in seconds since the epoch. It begins with the earliest dropped
                message if that is earlier.
        """
        dropped = [at for each in self._registry.all if (at := each.drop_pending()) is not None]
        self.record_loss(time.time() - min([since, *dropped]))

    def emit(self) -> None:
        """Deliver one gap for all recorded losses, if there are any. Events are complete again from now on."""
        if self._since is None:
            return
        remaining = [each for each in self._affected if each in self._registry.for_topic(each.topic)]
        topics = tuple(dict.fromkeys(subscription.name for subscription in remaining))
        gap = Gap(utc_datetime(self._since), topics)
        self._since = None
        self._affected = {}
        for subscription in remaining:
            subscription.deliver(gap)
