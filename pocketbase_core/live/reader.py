"""The requests of a live query, which are sent as the user who is signed in at the time."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ..endpoints.keyset import KeysetPages, NumberedPages
from ..endpoints.pages import is_last
from ..errors import (
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
)
from ..input_errors import PocketBaseInputError
from ..pipeline import Pipeline
from .differences import Range, find_differences
from .plan import SORTS_OF_TABLES, Plan, is_askable

Record = dict[str, Any]


class Reading(NamedTuple):
    """The whole list, as it was read."""

    records: list[Record]
    in_order: bool
    """True if the records are in the order of the list."""
    is_snapshot: bool
    """True if they are in the state of a single moment."""


class ListReader:
    """Reads the list, or parts of it.

    Args:
        plan: What to read.
        pipeline: Sends the requests.
    """

    def __init__(self, plan: Plan, pipeline: Pipeline) -> None:
        self._plan = plan
        self._pipeline = pipeline
        self._is_view = False
        self._has_row_order = True

    @property
    def asks_by_id(self) -> bool:
        """True if single records can be read again. A view may have several of one id, and has no rows to sort by."""
        return self._plan.asks_by_id and not self._is_view

    @property
    def sorts_by_row(self) -> bool:
        """True if the ids of a list can be read in the order of the rows. PocketBase 0.22 cannot sort by it."""
        return self.asks_by_id and self._has_row_order

    async def probe(self) -> list[Record]:
        """Return some records with all their fields.

        Raises:
            PocketBaseError: If the server refuses the collection or the filter.
            ValueError: If the collection is a view, and no other collection is watched.
        """
        plan, pipeline = self._plan, self._pipeline
        by_row, by_time = SORTS_OF_TABLES
        try:
            try:
                page = await pipeline.execute(plan.probe(by_row))
            except PocketBaseInputError:
                self._has_row_order = False
                page = await pipeline.execute(plan.probe(by_time))
        except PocketBaseBadRequestError:
            page = await pipeline.execute(plan.probe(""))
            self._is_view = True
            if not plan.watched:
                raise ValueError(
                    f"{plan.collection!r} is a view, for which the server sends no events: name the collections that "
                    "it reads with watch="
                ) from None
        return page["items"]

    async def read_all(self, changed: Callable[[], Sequence[str]]) -> Reading:
        """Read the whole list.

        A list of one page comes in order. A longer one with plain sort keys is read in the order of the ids, because
        each page of a sorted list makes the server sort all. Pages by number miss a record for each one that leaves an
        earlier page. So the records of events are read again, and then those that are missing are found by their count.

        Args:
            changed: Returns the ids of events since the reading began.
        """
        plan = self._plan
        page = await self._pipeline.execute(plan.page(1))
        if is_last(page) or len(page["items"]) == plan.limit:
            return Reading(page["items"], in_order=True, is_snapshot=True)
        asks_by_id = self.asks_by_id
        if plan.sort_keys and asks_by_id:
            return Reading(await self._read(plan.reader()), in_order=False, is_snapshot=False)
        records = await self._read(plan.numbered_reader())
        if not asks_by_id:
            return Reading(records, in_order=True, is_snapshot=False)
        read = {str(record["id"]): record for record in records}
        has_new = await self._read_again(read, changed())
        has_new |= await self._read_again(read, await find_differences(read, self._count, self._read_ids))
        return Reading([*read.values()], in_order=not has_new, is_snapshot=False)

    async def read_some(self, ids: Sequence[str]) -> tuple[Sequence[str], list[Record]]:
        """Return as many of the ids as one request can ask for, and their records that are in the list."""
        asked, call = self._plan.records(ids)
        return asked, (await self._pipeline.execute(call))["items"]

    async def read_changes(self, ids: Collection[str], since: datetime) -> tuple[set[str], list[Record]]:
        """Read the records that were changed since some time, and those that have left the list or come into it.

        Args:
            ids: The ids of the records that the list had.
            since: The time, by the server's clock.

        Returns:
            The ids that were read, and their records that are in the list.
        """
        read = {str(record["id"]): record for record in await self._read(self._plan.changes(since))}
        differences = await find_differences(read.keys() | {*ids}, self._count, self._read_ids)
        asked = read.keys() | differences
        await self._read_again(read, differences)
        return asked, [*read.values()]

    async def _read_again(self, read: dict[str, Record], ids: Iterable[str]) -> bool:
        """Put the present records of some ids among those that were read. Return whether one of them is new."""
        remaining = [each for each in ids if is_askable(each)]
        has_new = False
        while remaining:
            asked, records = await self.read_some(remaining)
            found = {str(record["id"]): record for record in records}
            has_new |= bool(found.keys() - read.keys())
            read |= found
            for each in {*asked} - found.keys():
                read.pop(each, None)
            del remaining[: len(asked)]
        return has_new

    async def _count(self, ids: Range) -> int:
        page = await self._pipeline.execute(self._plan.count(ids))
        return page["totalItems"]

    async def _read_ids(self, ids: Range) -> list[str]:
        return [str(record["id"]) for record in await self._read(self._plan.ids(ids))]

    async def read_order(self, *, by_row: bool) -> list[str]:
        """Return all ids in the order of the list, or of the rows."""
        return [str(record["id"]) for record in await self._read(self._plan.order_reader(by_row=by_row))]

    async def read_order_of(self, ids: Sequence[str]) -> list[str] | None:
        """Return those of the ids that are in the list by row; None if they are too many for one request."""
        asked, call = self._plan.records(ids, in_order=True)
        if len(asked) < len(ids):
            return None
        return [str(record["id"]) for record in (await self._pipeline.execute(call))["items"]]

    async def _read(self, reader: KeysetPages | NumberedPages) -> list[Record]:
        records: list[Record] = []
        limit = self._plan.limit
        while not reader.is_done and (limit is None or len(records) < limit):
            records += reader.accept(await self._pipeline.execute(reader.next_call()))
        return records[:limit]


def sees_nothing(error: Exception) -> bool:
    """Return whether the user may not see any record: PocketBase itself refuses the list, not a proxy before it."""
    if isinstance(error, PocketBaseSessionExpiredError):
        return True
    refusals = PocketBaseUnauthorizedError | PocketBaseForbiddenError | PocketBaseNotFoundError
    return isinstance(error, PocketBaseError) and isinstance(error, refusals) and "message" in error.data
