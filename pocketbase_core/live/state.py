"""Decisions of a live query: what to read next, made without a clock and without I/O.

Theory of operation
===================

An event only says which record may have changed. Its id is kept until the next request, so that a burst of events
becomes one request. `next_action` is a table that is read from top to bottom; its first row that holds is the action.
One request is under way at a time, so what a response says is never older than what the list has.

- After a gap, what has changed since is read, where that takes less than to read everything.
- After a change of the user, `refresh`, or an event whose records cannot be told, everything is read.
- Else, the records with the kept ids are read. Those that the server does not return have left the list.
- Else, if the place of a record is not known, the ids are read in order.
- Some changes cause no event: a record that its user may not see any more, another rule, SQL. So everything is read
  again from time to time: `CHECK_AFTER` seconds after the last event, then after twice as long, and so on up to
  `CHECK_EVERY` seconds.

Requests keep a distance: `MIN_INTERVAL` from the start of one to the next, and from the end of one to the next of the
same kind as long as the first has taken. Everything is read again by itself only after `CHECK_COST` times the duration
of the last time, and the ids in order after `ORDER_COST` times it. So a long list is read more seldom.

Moments are the event loop's time in seconds.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import inf

from ..backoff import full_jitter
from .plan import MAX_IDS, PAGE_SIZE, is_askable

MIN_INTERVAL = 0.005
"""The least time in seconds from the start of a request to that of the next."""
CHECK_AFTER = 1.0
"""Seconds without an event after which everything is read again."""
CHECK_EVERY = 30.0
"""Seconds after which everything is read again at the latest, unless that takes long."""
CHECK_COST = 20.0
"""How many times its duration passes before everything is read again by itself."""
ORDER_COST = 5.0
"""How many times its duration passes before the ids are read in order again."""
MAX_RETRY_DELAY = 30.0


@dataclass(frozen=True, slots=True)
class ReadAll:
    """Read the whole list."""


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """Read what may have changed since the list was current."""


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """Read the records with these ids."""

    ids: tuple[str, ...]
    created: frozenset[str]
    """Those that an event has called created."""


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """Read all ids in order."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep until this moment, or until something changes."""

    until: float


Action = ReadAll | ReadChanges | ReadRecords | ReadOrder | Wait


class LiveState:
    """The knowledge of a live query about what it has to read.

    Args:
        asks_by_id: Whether single records can be read.
    """

    def __init__(self, *, asks_by_id: bool) -> None:
        self._asks_by_id = asks_by_id
        self._ids: dict[str, bool] = {}
        """The ids to read, in the order of their events, each with whether the record was created."""
        self._max_ids = MAX_IDS
        """How many ids are kept at most. With more of them, reading everything takes fewer requests."""
        self._reads_all = True
        self._is_current = False
        self._has_gap = False
        """True from a gap until the whole list is being read again."""
        self._has_loss = False
        """True from the loss of events to the gap that follows."""
        self._failures = 0
        self._free_at = 0.0
        """From when on the next request may be sent."""
        self._all_at = 0.0
        """From when on the whole list may be read again."""
        self._read_at, self._read_duration = 0.0, 0.0
        """When the whole list was read last, and how long that took."""
        self._quiet_since, self._quiet_delay = 0.0, CHECK_AFTER
        self._order_at = 0.0
        """From when on ids may be read in order."""

    @property
    def is_current(self) -> bool:
        """True if nothing is missing but changes that are on their way."""
        return self._is_current

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that are kept for the next request."""
        return tuple(self._ids)

    def next_action(
        self, now: float, *, length: int, order_is_certain: bool = True, can_read_changes: bool = False
    ) -> Action:
        """Return the most urgent action.

        Args:
            now: The loop's time.
            length: The number of items of the list.
            order_is_certain: Whether the place of each item is known.
            can_read_changes: Whether records tell when they were changed.
        """
        self._max_ids = MAX_IDS * (1 + length // PAGE_SIZE)
        is_all_due = self._reads_all or self._has_gap
        all_at = self._all_at if is_all_due else self._check_at
        order_at = inf if order_is_certain or is_all_due else self._order_at
        due_at = max(min(all_at, order_at, 0.0 if self._ids else inf), self._free_at)
        if now < due_at:
            return Wait(due_at)
        if now >= all_at:
            tells_changes = self._has_gap and not self._reads_all and can_read_changes and length > PAGE_SIZE
            return ReadChanges() if tells_changes else ReadAll()
        if self._ids:
            ids = tuple(self._ids)[:MAX_IDS]
            return ReadRecords(ids, frozenset(each for each in ids if self._ids[each]))
        return ReadOrder()

    def note_event(self, record_id: str, now: float, *, created: bool) -> None:
        """Note that a record of the collection was created, updated or deleted."""
        self._note_activity(now)
        if not (self._asks_by_id and is_askable(record_id)) or len(self._ids) >= self._max_ids:
            self._read_all()
        elif not self._reads_all:
            self._ids[record_id] = created or self._ids.get(record_id, False)

    def note_related(self, keys: Iterable[Hashable], now: float) -> None:
        """Note that these items show a record that has changed."""
        for key in keys:
            self.note_event(key if isinstance(key, str) else "", now, created=False)

    def note_unknown(self, now: float) -> None:
        """Note a change that may concern any item."""
        self._note_activity(now)
        self._read_all()

    def note_refresh(self, now: float) -> None:
        """Note that the caller wants everything to be read at once."""
        self.note_unknown(now)
        self._free_at = self._all_at = now

    def note_loss(self, now: float) -> None:
        """Note that events may be missing from now on, until the next gap."""
        self._is_current, self._has_loss = False, True
        self._note_activity(now)

    def note_gap(self, now: float) -> None:
        """Note that events were missing, and that from now on they are not.

        The server responds again, perhaps to another user, so the delay after a failure ends.
        """
        self._is_current, self._has_loss, self._has_gap = False, False, True
        if self._failures:
            self._failures, self._free_at = 0, now
        self._note_activity(now)

    def note_other_user(self, now: float) -> None:
        """Note that another user has signed in since the last request was sent."""
        self._is_current = False
        self.note_unknown(now)

    def note_other_order(self, now: float) -> None:
        """Note that the ids in order are not those of the list, although no event has told so."""
        self._note_activity(now)

    def begin(self, action: Action) -> None:
        """Note that an action begins. What is noted from now on is not covered by its result."""
        match action:
            case ReadAll():
                self._reads_all = self._has_gap = False
                self._ids.clear()
            case ReadChanges():
                self._has_gap = False
                self._ids.clear()
            case ReadRecords(ids):
                for each in ids:
                    self._ids.pop(each, None)
            case _:
                pass

    def succeed(self, action: Action, began_at: float, now: float) -> None:
        """Note that the result of an action was applied."""
        self._failures = 0
        duration = now - began_at
        self._free_at = began_at + MIN_INTERVAL
        if isinstance(action, ReadRecords):
            self._free_at = max(self._free_at, now + duration)
        if isinstance(action, ReadOrder):
            self._order_at = now + ORDER_COST * duration
        if isinstance(action, ReadAll):
            self._read_duration = duration
        if isinstance(action, ReadAll | ReadChanges):
            self._is_current = not (self._has_loss or self._has_gap)
            self._read_at, self._all_at = now, now + duration
            self._quiet_since, self._quiet_delay = now, min(2 * self._quiet_delay, CHECK_EVERY)

    def fail(self, now: float, fraction: float) -> None:
        """Note that an action has failed. It is repeated after a delay, which grows with each failure in a row.

        Args:
            now: The loop's time.
            fraction: A random number from 0 to 1.
        """
        self._is_current = False
        self._read_all()  # covers each action
        self._free_at = now + max(full_jitter(self._failures, 1.0, MAX_RETRY_DELAY, fraction), MIN_INTERVAL)
        self._failures += 1

    def _read_all(self) -> None:
        self._reads_all = True
        self._ids.clear()

    def _note_activity(self, now: float) -> None:
        self._quiet_since, self._quiet_delay = now, CHECK_AFTER

    @property
    def _check_at(self) -> float:
        least = CHECK_COST * self._read_duration
        return min(self._quiet_since + max(self._quiet_delay, least), self._read_at + max(CHECK_EVERY, least))
