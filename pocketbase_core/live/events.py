"""The notes that a live query takes of its events: they lead to what is read next."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from .mirror import Mirror
from .plan import MAX_IDS, Plan
from .reader import ListReader
from .relations import Related, event_ids
from .state import LiveState

MAX_COMMIT_TIME = timedelta(seconds=60)
"""How much older than the last change of the list a change may be that is not in the list. The server sets `updated`
before it commits, and its clock may be set back."""


class EventNotes:
    """Notes events in the state, without waiting, and wakes the task that reads.

    Args:
        plan: What is read.
        mirror: The list.
        state: The state.
        reader: Knows whether single records can be read.
        wake: Set after each note.
        on_end: Called with the error when no events come any more.
    """

    def __init__(
        self,
        plan: Plan,
        mirror: Mirror[Any],
        state: LiveState,
        reader: ListReader,
        wake: asyncio.Event,
        on_end: Callable[[Exception], None],
    ) -> None:
        self.complete_until: datetime | None = None
        """When the list was complete, by the server's clock, before events were lost; None if that is not known."""
        self._plan = plan
        self._mirror = mirror
        self._state = state
        self._reader = reader
        self._wake = wake
        self._on_end = on_end
        self._now = asyncio.get_running_loop().time
        self._meanwhile: set[str] = set()
        """The ids in events since the last request began, whose result may show these records as they were before."""

    def begin_request(self) -> None:
        """Note that a request begins."""
        self._meanwhile.clear()

    def end_request(self) -> None:
        """Note that the result of a request is in the list.

        The items that show a record that has changed since the request began are read again.
        """
        if self._meanwhile:
            self._note_shown(self._meanwhile)

    def note_event(self, related: Related, message: object) -> None:
        """Note an event of a collection."""
        event = cast("Mapping[str, object]", message if isinstance(message, dict) else {})
        record = event.get("record")
        if not isinstance(record, dict) or related.collection in self._plan.watched:
            self._state.note_unknown(self._now())
        else:
            ids = event_ids(cast("dict[str, Any]", record), related.fields)
            if related.collection == self._plan.collection and not related.fields:
                for each in ids:
                    self._state.note_event(each, self._now(), created=event.get("action") == "create")
            if self._plan.paths:
                self._note_shown(ids)
                self._meanwhile |= ids
                if len(self._meanwhile) > 10 * MAX_IDS:  # reading everything covers them
                    self._meanwhile.clear()
                    self._state.note_unknown(self._now())
        self._wake.set()

    def note_loss(self) -> None:
        """Note that events may be missing from now on, until the next gap."""
        if self._plan.reads_changes and self.complete_until is None and (last_change := self._mirror.last_change()):
            self.complete_until = last_change - MAX_COMMIT_TIME
        self._state.note_loss(self._now())
        self._wake.set()

    def note_gap(self) -> None:
        """Note that events were missing, and that from now on they are not."""
        self._state.note_gap(self._now())
        self._wake.set()

    def note_end(self, error: Exception) -> None:
        """Note that no events come any more."""
        self._on_end(error)

    def _note_shown(self, ids: set[str]) -> None:
        """Note that these records have changed, which items may show."""
        shown = self._mirror.showing(ids)
        if self._plan.shows_ids and self._reader.asks_by_id:
            self._state.note_related(shown, self._now())
        elif shown or not self._plan.shows_ids:
            self._state.note_unknown(self._now())
