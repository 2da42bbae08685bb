"""The replacement of a connection by the next one, without a loss."""

import asyncio
import math
from collections.abc import Callable

from ..messages import ServerSentEvent
from .connection import Connection
from .deduplication import DEDUPLICATION_WINDOW, EventDeduplicator
from .timing import RealtimeSettings

MAX_LAG_SHARE = 0.05
"""The share of the server's limits by which one connection may lag behind the other."""


class Handover:
    """The previous connection, kept until it has certainly brought everything that the newer one may not.

    Args:
        settings: The server's limits.
        on_match: Called when an event has arrived on both connections for the first time, which changes
            `close_previous_at`.
    """

    def __init__(self, settings: RealtimeSettings, on_match: Callable[[], None]) -> None:
        self._settings = settings
        self._on_match = on_match
        self._loop = asyncio.get_running_loop()
        max_lag = min(DEDUPLICATION_WINDOW, MAX_LAG_SHARE * settings.idle_limit, MAX_LAG_SHARE * settings.lifetime)
        self._deduplicator = EventDeduplicator(max_lag)
        self._previous: Connection | None = None
        self._ended_early = False
        """True if the previous connection ended before the topics were confirmed on the newer one."""

    @property
    def close_previous_at(self) -> float:
        """The loop's time at which to close the previous connection.

        `math.inf` if there is none, 0.0 if the server has ended it.
        """
        previous = self._previous
        if previous is None:
            return math.inf
        if not previous.is_open:
            return 0.0
        return self._deduplicator.obsolete_at(
            self._settings.presumed_dead_at(previous.opened_at, previous.last_event_at)
        )

    def start(self, newer: Connection) -> None:
        """Note that the topics are about to be submitted on a new connection."""
        self._deduplicator.start(self._loop.time(), newer)

    def cancel(self) -> None:
        """Note that the new connection has failed."""
        self._deduplicator.cancel(self._loop.time())

    def confirm(self, previous: Connection) -> None:
        """Note that the server has confirmed the topics on the new connection, which takes the place of this one."""
        self._deduplicator.confirm(self._loop.time())
        self._previous = previous
        self._ended_early = not previous.is_open

    def finish(self) -> tuple[Connection | None, float | None]:
        """End the handover.

        Events may be lost if the deduplicator may have dropped one that was not a copy, or if the previous connection
        did not end cleanly and no event has shown that it still worked.

        Returns:
            The previous connection, or None if there is none, and the loop's time since which events may be lost, or
            None if nothing is lost.
        """
        previous, self._previous = self._previous, None
        if previous is None:
            return None, None
        ambiguous_since = self._deduplicator.stop(self._loop.time())
        losses = [] if ambiguous_since is None else [ambiguous_since]
        if self._ended_early or not (previous.closed_cleanly or self._deduplicator.has_match):
            losses.append(previous.complete_until)
        return previous, min(losses, default=None)

    def is_new(self, connection: Connection, event: ServerSentEvent) -> bool:
        """Return False if the event is a copy of one that arrived on the other connection."""
        if connection.last_event_at > self._deduplicator.ends_at:
            return True
        had_match = self._deduplicator.has_match
        is_new = self._deduplicator.is_new(connection, hash(event[:2]), connection.last_event_at)
        if self._deduplicator.has_match and not had_match:
            self._on_match()
        return is_new
