"""Where rows are written: the collection, as far as the user may see it, and the limits of the server."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...calls.options import CommonOptions, RecordOptions, parse_options
from ...endpoints import collections, settings
from ...endpoints.batch import MAX_REQUESTS
from ...errors import PocketBaseForbiddenError, PocketBaseSessionExpiredError, PocketBaseUnauthorizedError
from ...input_errors import PocketBaseInputError
from ...messages.json_values import as_object
from ..flows.bound_pipeline import BoundPipeline

DEFAULT_SIZE = 50
"""The number of requests that a server allows in a batch by default."""
Check = Callable[[str], object]
"""Raises ValueError for a text that the server would replace by an empty value without an error."""
_ID_PATTERN = "[a-z0-9]{15}"


@dataclass
class Target:
    """The collection and the limits."""

    collection: str
    key: str | None
    size: int = DEFAULT_SIZE
    """The number of rows in a batch. 1: each row is a request."""
    fields: frozenset[str] | None = None
    """The names of the fields; None if the user may not see them."""
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])
    """The checks of texts for fields of other types, by the names of the fields."""
    makes_ids: bool = True
    """True if this library gives ids to new records, by which a repeated request is recognized."""


async def find_target(bound: BoundPipeline, collection: str, key: str | None, size: int | None) -> Target:
    """Return the target. Only a superuser can read the limits and the fields; others get the defaults.

    Args:
        bound: Sends the requests.
        collection: The collection.
        key: The name of a unique field, by which rows that exist are found.
        size: The largest number of rows in a batch that the caller allows.

    Raises:
        ValueError: If the collection has no field of the key's name, or is a view.
    """
    target = Target(collection, key, min(size or DEFAULT_SIZE, MAX_REQUESTS))
    try:
        limits = as_object(
            (await bound.execute(settings.get_all(parse_options(RecordOptions, {"fields": "batch"}, {})))).get("batch")
        )
        schema = await bound.execute(collections.get_one(collection, parse_options(CommonOptions, None, {})))
    except PocketBaseSessionExpiredError:
        raise
    except (PocketBaseForbiddenError, PocketBaseUnauthorizedError):
        return target
    most = limits.get("maxRequests")
    most = most if isinstance(most, int) and limits.get("enabled") is True else 1
    target.size = max(1, min(size or most, most, MAX_REQUESTS))
    _read_fields(target, schema)
    return target


def _read_fields(target: Target, schema: dict[str, Any]) -> None:
    by_name = {str(field.get("name")): field for field in map(as_object, schema.get("fields") or ())}
    if schema.get("type") == "view":
        raise PocketBaseInputError(f"{target.collection!r} is a view, which has no records of its own")
    if target.key is not None and target.key not in by_name:
        raise PocketBaseInputError(f"the collection {target.collection!r} has no field {target.key!r}")
    if target.key not in (None, "id", *collections.unique_fields(schema)):
        raise PocketBaseInputError(f"the field {target.key!r} has no unique index, so that it cannot be a key")
    passwords = ("passwordConfirm", "oldPassword") if schema.get("type") == "auth" else ()
    target.fields = frozenset([*by_name, *passwords])
    target.checks = {
        name: _CHECKS[kind] for name, field in by_name.items() if (kind := str(field.get("type"))) in _CHECKS
    }
    target.makes_ids = by_name.get("id", {}).get("autogeneratePattern") == _ID_PATTERN


def _check_number(text: str) -> None:
    if text and not math.isfinite(float(text)):
        raise ValueError(f"not a finite number: {text!r:.100}")


def _check_bool(text: str) -> None:
    if text.lower() not in ("", "true", "false", "t", "f", "1", "0"):
        raise ValueError(f"not true or false: {text!r:.100}")


def _check_date(text: str) -> None:
    if text:
        datetime.fromisoformat(text)


_CHECKS: dict[str, Check] = {"number": _check_number, "bool": _check_bool, "date": _check_date}
