"""The result of writing many records."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FailedRow:
    """A row that was not stored."""

    number: int
    """The number of the row, from 1."""
    body: Any
    """The row. If a line of a file is no JSON, this is its text."""
    error: Exception
    """The reason. If no usable response came (`status` 0, 200 or 5xx), it is unknown whether the row was stored."""


@dataclass
class BulkResult:
    """The outcome of writing rows: how many were stored, and those that were not."""

    created: int = 0
    """The number of records that are new."""
    updated: int = 0
    """The number of records that existed."""
    failed: list[FailedRow] = field(default_factory=list[FailedRow])
    """The rows that were not stored, in the order of their numbers."""
