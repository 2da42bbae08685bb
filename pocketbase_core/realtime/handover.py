"""The replacement of a connection by the next one."""

import asyncio
from collections.abc import Callable

from ..messages import ServerSentEvent
from .connection import Line
from .deduplication import SETTLE, Overlap
from .identity import NEVER
from .timing import RealtimeSettings

SHARE = 0.05
"""The share of the server's limits by which one connection may lag behind the other."""


class Handover:
    """The older of two connections, kept until it has certainly brought everything."""

    def __init__(self, settings: RealtimeSettings, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._overlap = Overlap(min(SETTLE, SHARE * settings.idle_limit, SHARE * settings.lifetime))
        self._old: Line | None = None
        self._ended_early = False
        """True if the older connection ended before the newer one was subscribed."""

    @property
    def ends_at(self) -> float:
        """The loop's time at which to close the older connection."""
        old = self._old
        return NEVER if old is None else self._overlap.obsolete_at(self._settings.dead_at(old.opened, old.heard))

    def is_due(self, now: float) -> bool:
        """Return whether the older connection is to be closed, or has ended."""
        return self._old is not None and (now >= self.ends_at or not self._old.is_open)

    def begin(self, fresh: Line) -> None:
        """Note that the topics are about to be submitted on a new connection."""
        self._overlap.begin(self._loop.time(), fresh)

    def cancel(self) -> None:
        """Note that the new connection has failed."""
        self._overlap.cancel(self._loop.time())

    def confirmed(self, old: Line) -> None:
        """Note that the server has confirmed the topics on the new connection."""
        self._overlap.confirmed(self._loop.time())
        self._old, self._ended_early = old, not old.is_open

    def end(self) -> tuple[Line | None, float | None]:
        """Return the older connection, and how many seconds ago the first event may have been lost.

        The first is None if there is no older connection, the second if nothing is lost.
        """
        old, self._old = self._old, None
        if old is None:
            return None, None
        now = self._loop.time()
        since = self._overlap.end(now)
        losses = [] if since is None else [now - since]
        if self._ended_early or not (old.whole or self._overlap.paired):
            losses.append(now - old.heard_all)
        return old, max(losses, default=None)

    def is_new(self, line: Line, event: ServerSentEvent) -> bool:
        """Return whether the event is no copy of one that came on the other connection."""
        if line.heard > self._overlap.ends:
            return True
        was_paired = self._overlap.paired
        is_new = self._overlap.admit(line, hash(event[:2]), line.heard)
        if self._overlap.paired and not was_paired:
            self._changed()
        return is_new
