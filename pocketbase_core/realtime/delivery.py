"""Delivery of events and gaps, each to the user whom the server sent them for."""

import asyncio
import time

from ..auth.store import sign_in_of
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError
from ..messages import ServerSentEvent
from ..pipeline import Pipeline
from .connection import OpenConnections
from .gaps import GapTracker
from .registry import SubscriptionRegistry
from .subscription import Subscription
from .verification import TokenVerification


class Delivery:
    """Delivers events to the subscriptions, and a gap before them if some may be missing.

    Another sign-in and a revoked token are gaps too: the server has sent what the sign-in before, or a guest, may see.

    Args:
        pipeline: Has the auth store.
        registry: The subscriptions.
        connections: The connections that are closed when the user changes.
        verification: Knows when the server last accepted the token.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        registry: SubscriptionRegistry[Subscription],
        connections: OpenConnections,
        verification: TokenVerification,
    ) -> None:
        self._pipeline = pipeline
        self._registry = registry
        self._connections = connections
        self._verification = verification
        self._gaps = GapTracker(registry)
        self._is_connected = False
        self._sign_in = sign_in_of(pipeline.auth_store)
        """The sign-in that events are delivered to."""

    def connected(self, sign_in: str) -> None:
        """Note that the server has confirmed the topics for this sign-in. Deliver the gap, if there is one."""
        self._is_connected = True
        if sign_in == self._sign_in:
            self._gaps.emit()
        else:
            self._gaps.record_loss(0.0)  # also for subscriptions that were confirmed just now, as another user's

    def disconnected(self) -> None:
        """Note that no connection is in use. Gaps wait for the next one."""
        self._is_connected = False

    def record_loss(self, since: float) -> None:
        """Note that events may be missing since this time, which is the loop's."""
        self._gaps.record_loss(asyncio.get_running_loop().time() - since)

    def deliver(self, event: ServerSentEvent, sign_in: str) -> None:
        """Deliver an event that the server has sent for this sign-in."""
        if not self._is_connected:  # the response to the submission has not arrived yet
            if sign_in != self._sign_in:
                return  # the gap has to come first, and lasts until the present user's submission
            self._gaps.emit()
        topic, data, _ = event
        for subscription in self._registry.for_topic(topic):
            subscription.deliver(data)

    def check_sign_in(self) -> None:
        """Look for another sign-in in the store. From then on nothing that was sent for the one before is delivered."""
        before, self._sign_in = self._sign_in, sign_in_of(self._pipeline.auth_store)
        if before == self._sign_in:
            return
        since = self._verification.restart()
        if before:
            url = self._pipeline.build_url(realtime.PATH)
            error = PocketBaseConnectionError(url, message="the user has changed", request_sent=True)
            self._connections.abort_changed(self._pipeline.auth_store, error)
            self._gaps.drop_pending(since)
        else:
            self._gaps.record_loss(time.time() - since)
