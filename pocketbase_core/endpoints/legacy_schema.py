"""Collections in the style before PocketBase 0.23: `schema`, with the settings of each field under `options`."""

import warnings
from collections.abc import Mapping
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError

# Fields like any other since 0.23. Before, every collection had them.
_AUTODATES: list[dict[str, Any]] = [
    {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
_RENAMED = {"noDecimal": "onlyInt", "convertUrls": "convertURLs"}
_REMOVED = {"displayFields", "unique"}


def from_legacy_schema(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a collection in the current format, with flat `fields`.

    A body with a `schema` causes a DeprecationWarning. Any other body is returned as it is, as a copy.

    Raises:
        TypeError: If the body, its schema or a field is of the wrong type.
        ValueError: If the body has both `schema` and `fields`.
    """
    if not isinstance(body, Mapping):
        raise PocketBaseInputTypeError(f"a collection must be a dict, not {type(body).__name__}")
    if "schema" not in body:
        return dict(body)
    if "fields" in body:
        raise PocketBaseInputError(
            "a collection must have either fields or, in the style before PocketBase 0.23, a schema"
        )
    options: Mapping[str, Any] = body.get("options") or {}
    dropped = sorted(options.keys() - {"query"})
    warnings.warn(
        "'schema' is the style before PocketBase 0.23; describe the collection by flat 'fields'"
        + (f"; these options have no counterpart and are left out: {', '.join(dropped)}" if dropped else ""),
        DeprecationWarning,
        stacklevel=5,  # the line that awaits the service
    )
    schema = body["schema"]
    if not isinstance(schema, (list, tuple)):
        raise PocketBaseInputTypeError(f"a schema must be a list, not {type(schema).__name__}")
    fields = [_flatten_field(field) for field in schema]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    names = {field.get("name") for field in fields}
    other = {key: value for key, value in body.items() if key not in ("schema", "options")}
    if body.get("type") == "view":
        return other | {"viewQuery": options.get("query", "")}
    return other | {"fields": fields + [each for each in _AUTODATES if each["name"] not in names]}


def _flatten_field(field: Any) -> dict[str, Any]:
    if not isinstance(field, Mapping):
        raise PocketBaseInputTypeError(f"a field must be a dict, not {type(field).__name__}")
    nested: Mapping[str, Any] = field.get("options") or {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    merged: dict[str, Any] = {**field, **nested}
    merged.pop("options", None)
    # None meant "no limit", which is expressed by leaving the key out since 0.23.
    return {_RENAMED.get(key, key): value for key, value in merged.items() if value is not None and key not in _REMOVED}
