"""Writes rows, each exactly once, whatever gets lost.

Theory of operation: a batch succeeds or fails as a whole. The outcome decides what follows:

- A success: all rows are stored.
- A row is refused: the row has failed. The rows before it are sent again as a batch of their own, and so are those
  after it. So each row is sent about twice at most, however many fail.
- The batch is refused as such, because it is too long, too large or too slow: its halves are sent, one after the other.
  If batches are disabled, each row is a request.
- The response is lost, or is a server error: the batch is sent again. Rows that may not be stored twice have an id that
  this library made, or a key. If the server refuses such a row because it exists, the lost request was a success.
  Rows that have neither, or that add to stored values, are not repeated: they fail with the error of the request.

With a key, the records that exist are looked up before each batch. If another program stores a record between the
lookup and the batch, the server refuses the row, and the rows are looked up again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...auth import session
from ...backoff import full_jitter
from ...calls.call import Call
from ...calls.filters import build_filter
from ...calls.options import CommonOptions, FirstOptions, Options, RecordOptions, parse_options
from ...endpoints import batch, records
from ...endpoints.idempotent_create import ID_EXISTS, ID_EXISTS_OR_INVALID
from ...errors import (
    PocketBaseBadRequestError,
    PocketBaseBatchError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseRateLimitError,
    PocketBaseServerError,
    PocketBaseTransportError,
)
from ...input_errors import PocketBaseInputError
from ...messages.json_values import as_object
from ..flows.bound_pipeline import BoundPipeline
from .result import BulkResult, FailedRow
from .rows import Row, build_call
from .target import Target

ATTEMPTS = 18
"""Failures in a row after which the writing ends, about a minute after the first one."""
BACKOFF = 0.2
MAX_DELAY = 10.0
"""The base and the maximum of the delays between attempts, in seconds."""
MAX_RETRY_AFTER = 60.0
"""The longest delay that a server may ask for, in seconds. A longer one ends the writing."""
_LOOKUP_SIZE = 100
"""The number of keys in one filter."""
_UNSENDABLE = (OSError, TypeError, ValueError)
"""The errors of a body that cannot be read or encoded."""
_NO_RESPONSE = (PocketBaseTransportError, PocketBaseServerError, PocketBaseRateLimitError, PocketBaseDecodeError)
"""The errors after which a request is sent again. A response that is no JSON is as good as a lost one."""
_ONLY_ID = parse_options(RecordOptions, {"fields": "id"}, {})
_WHOLE_RECORD = parse_options(RecordOptions, None, {})

Confirm = Callable[[Sequence[Call[Any]]], Awaitable[list[Call[Any]]]]
"""Adds the second password that auth collections require."""


class Writer:
    """Writes rows into one collection.

    Args:
        bound: Sends the requests.
        target: The collection and the limits, which the writer lowers if the server does.
        confirm: Confirms the passwords of calls.
        result: What has become of the rows.
        sleep: Waits between attempts.
        jitter: Returns the random part of a delay, from 0 to 1.
    """

    def __init__(
        self,
        bound: BoundPipeline,
        target: Target,
        confirm: Confirm,
        result: BulkResult,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._bound = bound
        self._target = target
        self._confirm = confirm
        self._result = result
        self._sleep = sleep
        self._jitter = jitter

    async def write(self, rows: list[Row]) -> None:
        """Write rows, and record what has become of them.

        Raises:
            PocketBaseError: If the user may not write to the collection, or the server did not respond in the end.
        """
        if self._target.key is not None:
            await self._look_up(rows)
        waiting = [rows]
        while waiting:
            if group := waiting.pop():
                waiting += await self._send(group)

    async def _send(self, rows: list[Row]) -> list[list[Row]]:
        """Send rows in one request, and return the rows that are to be sent after it, the first ones last."""
        failures, lost = 0, False
        while True:
            is_sent = False
            try:
                calls = await self._confirm([build_call(self._target, row, self._options_of(row)) for row in rows])
                is_sent = True
                stored = await self._execute(calls)
            except _NO_RESPONSE as error:
                if is_sent and _may_have_succeeded(error):
                    lost = True
                    if not _are_repeatable(rows):
                        self._fail(rows, error)
                        return []
                failures += 1
                await self._wait(failures, error)
            except (PocketBaseError, *_UNSENDABLE) as error:
                return await self._handle_refusal(rows, error, lost)
            else:
                self._count(rows, calls, stored)
                return []

    def _options_of(self, row: Row) -> Options:
        """Return the options of the request of a row. Only the signed-in user's record is needed as it was stored."""
        own = self._bound.auth_store.record
        return _WHOLE_RECORD if own is not None and own.get("id") == row.record_id else _ONLY_ID

    async def _execute(self, calls: Sequence[Call[Any]]) -> list[Any]:
        if len(calls) == 1:
            return [await self._bound.execute(calls[0])]
        options = parse_options(CommonOptions, None, {})
        return [each.body for each in await self._bound.execute(batch.send(calls, options))]

    async def _handle_refusal(self, rows: list[Row], error: Exception, lost: bool) -> list[list[Row]]:
        """Return the rows that are to be sent after a refusal, the first ones last."""
        members = error.errors if isinstance(error, PocketBaseBatchError) else {}
        if not members and len(rows) > 1:
            if isinstance(error, (PocketBaseForbiddenError, PocketBaseNotFoundError)):  # there are no batches
                self._target.size = 1
                return [[row] for row in reversed(rows)]
            if isinstance(error, (PocketBaseBadRequestError, *_UNSENDABLE)) or _status(error) == 413:
                middle = len(rows) // 2
                return [rows[middle:], rows[:middle]]
            raise error
        index = min(members, default=0)
        refusal = members.get(index, error)
        row = rows[index]
        if await self._exists(rows, row, refusal, lost):
            return [rows] if row.exists else []
        if row.is_id_ours and "id" in _field_errors(refusal) and not lost:
            self._target.makes_ids = False
            for each in rows:
                each.forget_own_id()
            return [rows]
        if not _is_about_the_row(row, refusal):
            raise refusal
        self._fail([row], refusal)
        return [rows[index + 1 :], rows[:index]]

    async def _exists(self, rows: list[Row], row: Row, refusal: Exception, lost: bool) -> bool:
        """Return whether a row was refused because its record exists, which is then updated or known to be stored."""
        codes = {name: as_object(each).get("code") for name, each in _field_errors(refusal).items()}
        if row.exists or not {*codes.values()} & {ID_EXISTS, ID_EXISTS_OR_INVALID}:
            return False
        if row.is_id_ours and codes.get("id") == ID_EXISTS:  # an earlier request has stored all of the rows
            self._count(rows, (), ())
            return True
        new = [each.record_id for each in rows if not each.exists and each.record_id is not None]
        if lost and new and {*new} <= await self._find(new):
            self._count(rows, (), ())
            return True
        if self._target.key is not None:
            await self._look_up(rows)
        return row.exists

    async def _look_up(self, rows: Sequence[Row]) -> None:
        """Find the records that exist, by the key."""
        key = self._target.key or "id"
        new = [row for row in rows if not row.exists]
        for start in range(0, len(new), _LOOKUP_SIZE):
            chunk = new[start : start + _LOOKUP_SIZE]
            found = await self._list(" || ".join(row.lookup for row in chunk), f"id,{key}", len(chunk))
            by_key: dict[Any, str] = {}
            for record in found:
                value = record.get(key)  # the user may not see the field
                if isinstance(value, (str, int, float)) and by_key.setdefault(value, record["id"]) != record["id"]:
                    raise PocketBaseInputError(f"the key {key!r} is not unique: two records have {value!r:.100}")
            for row in chunk:
                if (record_id := by_key.get(row.key)) is not None:
                    row.record_id, row.exists, row.is_id_ours = record_id, True, False

    async def _find(self, ids: Sequence[str]) -> set[str]:
        """Return the ids of the records that exist."""
        found: set[str] = set()
        for start in range(0, len(ids), _LOOKUP_SIZE):
            chunk = ids[start : start + _LOOKUP_SIZE]
            expression = " || ".join(build_filter("id = {:id}", {"id": each}) for each in chunk)
            found.update(record["id"] for record in await self._list(expression, "id", len(chunk)))
        return found

    async def _list(self, expression: str, fields: str, count: int) -> list[dict[str, Any]]:
        options = parse_options(FirstOptions, {"filter": expression, "fields": fields}, {})
        call = records.get_page(self._target.collection, 1, count + 1, options)
        failures = 0
        while True:
            try:
                return (await self._bound.execute(call))["items"]
            except _NO_RESPONSE as error:
                failures += 1
                await self._wait(failures, error)

    async def _wait(self, failures: int, error: PocketBaseError) -> None:
        asked: float | None = getattr(error, "retry_after", None)
        if failures == ATTEMPTS or (asked is not None and asked > MAX_RETRY_AFTER):
            raise error
        await self._sleep(full_jitter(failures - 1, BACKOFF, MAX_DELAY, self._jitter()) if asked is None else asked)

    def _count(self, rows: Sequence[Row], calls: Sequence[Call[Any]], stored: Sequence[Any]) -> None:
        for row in rows:
            if row.exists:
                self._result.updated += 1
            else:
                self._result.created += 1
        for row, call, record in zip(rows, calls, stored, strict=bool(calls)):
            if row.exists:
                store, body = self._bound.auth_store, call.request.body
                session.record_changed(store, self._target.collection, row.record_id, body, as_object(record))

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        self._result.failed += [FailedRow(row.number, row.body, error) for row in rows]


def _are_repeatable(rows: Sequence[Row]) -> bool:
    """Return whether a request with these rows may be sent twice: the server refuses it, or the result is the same."""
    return any(row.is_guarded for row in rows) or all(row.exists and row.is_repeatable for row in rows)


def _may_have_succeeded(error: PocketBaseError) -> bool:
    """Return whether the server may have executed a request without its response."""
    if isinstance(error, PocketBaseTransportError):
        return error.request_sent is not False
    return not isinstance(error, PocketBaseRateLimitError)


def _is_about_the_row(row: Row, refusal: Exception) -> bool:
    """Return whether the reason of a refusal is the row, and not the collection or the user."""
    if isinstance(refusal, (PocketBaseBadRequestError, *_UNSENDABLE)) or _status(refusal) == 413:
        return True
    return row.exists and isinstance(refusal, (PocketBaseNotFoundError, PocketBaseForbiddenError))


def _status(error: Exception) -> int:
    return error.status if isinstance(error, PocketBaseError) else 0


def _field_errors(error: Exception) -> dict[str, Any]:
    return error.field_errors if isinstance(error, PocketBaseError) else {}
