"""The replacement of a connection by the next one."""

import asyncio
from collections.abc import Callable

from ..messages import ServerSentEvent
from .connection import Connection
from .deduplication import DEDUPLICATION_WINDOW, EventDeduplicator
from .identity import NEVER
from .timing import RealtimeSettings

SHARE = 0.05
"""The share of the server's limits by which one connection may lag behind the other."""


class Handover:
    """The older of two connections, kept until it has certainly brought everything."""

    def __init__(self, settings: RealtimeSettings, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._on_match = changed
        self._loop = asyncio.get_running_loop()
        self._deduplicator = EventDeduplicator(
            min(DEDUPLICATION_WINDOW, SHARE * settings.idle_limit, SHARE * settings.lifetime)
        )
        self._previous: Connection | None = None
        self._ended_early = False
        """True if the older connection ended before the newer one was subscribed."""

    @property
    def ends_at(self) -> float:
        """The loop's time at which to close the older connection."""
        old = self._previous
        return (
            NEVER
            if old is None
            else self._deduplicator.obsolete_at(self._settings.presumed_dead_at(old.opened_at, old.last_event_at))
        )

    def is_due(self, now: float) -> bool:
        """Return whether the older connection is to be closed, or has ended."""
        return self._previous is not None and (now >= self.ends_at or not self._previous.is_open)

    def start(self, fresh: Connection) -> None:
        """Note that the topics are about to be submitted on a new connection."""
        self._deduplicator.start(self._loop.time(), fresh)

    def cancel(self) -> None:
        """Note that the new connection has failed."""
        self._deduplicator.cancel(self._loop.time())

    def confirm(self, old: Connection) -> None:
        """Note that the server has confirmed the topics on the new connection."""
        self._deduplicator.confirm(self._loop.time())
        self._previous, self._ended_early = old, not old.is_open

    def finish(self) -> tuple[Connection | None, float | None]:
        """Return the older connection, and how many seconds ago the first event may have been lost.

        The first is None if there is no older connection, the second if nothing is lost.
        """
        old, self._previous = self._previous, None
        if old is None:
            return None, None
        now = self._loop.time()
        since = self._deduplicator.stop(now)
        losses = [] if since is None else [now - since]
        if self._ended_early or not (old.closed_cleanly or self._deduplicator.has_match):
            losses.append(now - old.complete_until)
        return old, max(losses, default=None)

    def is_new(self, line: Connection, event: ServerSentEvent) -> bool:
        """Return whether the event is no copy of one that came on the other connection."""
        if line.last_event_at > self._deduplicator.ends_at:
            return True
        was_paired = self._deduplicator.has_match
        is_new = self._deduplicator.is_new(line, hash(event[:2]), line.last_event_at)
        if self._deduplicator.has_match and not was_paired:
            self._on_match()
        return is_new
