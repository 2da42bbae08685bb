"""Rows: what is to be written, checked one by one before anything of it is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from ...calls.call import Call
from ...calls.filters import build_filter
from ...calls.options import Options
from ...calls.record_body import body_fields
from ...endpoints import batch, records
from ...input_errors import PocketBaseInputError
from ...messages.json_values import freeze_json
from ...suggestions import closest
from .target import Check, Target

_IGNORED = frozenset({"collectionId", "collectionName", "expand"})
"""Keys of a record that was read, which the server ignores."""
_MODIFIER = re.compile(r"\+(.+)|(.+)[+-]")


@dataclass
class Row:
    """A row that can be sent."""

    number: int
    body: Any
    """The row as it was given."""
    fields: Mapping[str, Any]
    """The body as a mapping."""
    key: Any = None
    """The value of the key field; None without a key."""
    record_id: str | None = None
    """The id of the record: of the existing one, or the one that a new record gets. None if the server makes the id."""
    exists: bool = False
    """True if the record exists, so that it is updated."""
    is_id_ours: bool = False
    """True if this library made the id."""

    lookup: str = ""
    """The filter that finds the record by its key."""

    def forget_own_id(self) -> None:
        """Let the server make the id of a new record."""
        if self.is_id_ours:
            self.record_id, self.is_id_ours = None, False

    @property
    def is_repeatable(self) -> bool:
        """True if sending the row again does no harm, because the server refuses it or the result is the same."""
        return not self.exists or not any(map(_MODIFIER.fullmatch, self.fields))

    @property
    def is_guarded(self) -> bool:
        """True if the server refuses the row when its record was stored before."""
        return not self.exists and (self.record_id is not None or self.key is not None)


def make_row(target: Target, number: int, body: Any) -> Row:
    """Return a row that can be sent.

    Raises:
        TypeError: If the row is not a body, or holds a value that cannot be sent.
        ValueError: If the row has a field that the collection lacks, or no value for the key.
    """
    fields = body_fields(body)
    if target.fields is not None:
        for name in fields.keys() - target.fields:
            _check_name(name, target.fields)
    for name, check in target.checks.items():
        if isinstance(value := fields.get(name), str):
            _check_text(name, value, check)
    row = Row(number, body, fields)
    record_id = fields.get("id")
    if isinstance(record_id, str) and record_id:
        row.record_id = record_id
    if target.key is not None:
        row.key = freeze_json(fields.get(target.key), target.key)
        if row.key is None or row.key == "" or not isinstance(row.key, (str, int, float)):
            raise PocketBaseInputError(f"the row has no value for its key {target.key!r}")
        row.lookup = build_filter(f"{target.key} = {{:{target.key}}}", {target.key: row.key})
    if row.record_id is None and target.makes_ids:
        row.record_id, row.is_id_ours = token_hex(8)[:15], True
    return row


def build_call(target: Target, row: Row, options: Options) -> Call[Any]:
    """Return the call that creates or updates the record of a row, and returns its id.

    Raises:
        TypeError: If a value cannot be sent.
        ValueError: The same.
    """
    if row.exists and row.record_id is not None:
        changed = body_fields(row.body, only_set=True)
        changed = {name: value for name, value in changed.items() if name != "id" or value != row.record_id}
        return batch.sub_request(records.update(target.collection, row.record_id, changed, options))
    fields = row.fields if row.record_id is None else {**row.fields, "id": row.record_id}
    return batch.sub_request(records.create(target.collection, fields, options))


def _check_text(name: str, value: str, check: Check) -> None:
    try:
        check(value)
    except ValueError as error:
        raise PocketBaseInputError(f"the server would store nothing for {name!r}: {error}") from error


def _check_name(name: str, known: frozenset[str]) -> None:
    modified = _MODIFIER.fullmatch(name) if isinstance(name, str) else None
    field = str(name) if modified is None else modified[1] or modified[2]
    if field not in known and name not in _IGNORED:
        similar = closest(field, known)
        hint = f"; did you mean {similar!r}?" if similar else ""
        raise PocketBaseInputError(f"the collection has no field {field!r:.100}{hint}")
