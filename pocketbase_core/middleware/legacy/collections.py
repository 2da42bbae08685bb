"""Collections in the current format, as PocketBase 0.22 takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...calls.legacy_expressions import to_legacy_expression
from ...calls.legacy_refusal import refuse
from ...endpoints.collections import unique_fields
from ...endpoints.legacy_fields import RULES
from .auth_options import AUTH_SETTINGS, auth_options, is_empty, section
from .fields import legacy_fields

_PLAIN = ("id", "name", "type", "system", "created", "updated")
_UNIQUE = frozenset(["email", "tokenKey", "username"])
"""The fields of auth collections that 0.22 makes unique without an index."""


def legacy_collection(body: Mapping[str, Any], current: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body that creates or updates a collection of PocketBase 0.22.

    It has only what the body names, which 0.22 merges with what the collection has. Fields get their ids, by which 0.22
    recognizes them. A new auth collection gets the options that newer servers give it. `options`, which newer servers
    do not know, are sent as they are.

    Args:
        body: The body in the current format.
        current: The collection as the server has it, in the format of 0.22. None: The body creates a collection.

    Raises:
        PocketBaseInputError: If the body asks for what 0.22 does not have.
        TypeError: If its fields are of the wrong type.
    """
    type_: str = body.get("type") or (current or {}).get("type") or "base"
    known = (*_PLAIN, *RULES, "fields", "indexes", "options", *_type_settings(type_))
    for key, value in body.items():
        if key not in known and not is_empty(value):
            raise refuse(f"{key!r} of a collection of type {type_!r}", "0.23")
    legacy = {key: body[key] for key in _PLAIN if key in body and body[key] is not None}
    if not legacy.get("id"):
        legacy.pop("id", None)
    for key in RULES:
        if key in body:
            rule = body[key]
            legacy[key] = to_legacy_expression(rule) if isinstance(rule, str) else rule
    options: dict[str, Any] = {}
    if type_ == "view":
        # The fields of a view follow from its query, on newer servers too.
        if "viewQuery" in body:
            options["query"] = body["viewQuery"]
    else:
        fields = body.get("fields")
        if type_ == "auth":
            options = auth_options(body, fields or (), current)
        if fields is not None or current is None:
            legacy["schema"] = legacy_fields(fields or (), type_, current)
            if not legacy["schema"] and type_ == "base":
                raise refuse("a collection without fields of its own", "0.23")
    if body.get("indexes") is not None:
        legacy["indexes"] = _indexes(body["indexes"], type_, (current or {}).get("indexes") or ())
    options = {**options, **section(body, "options")}
    return legacy | {"options": options} if options else legacy


def legacy_import(body: Mapping[str, Any], current: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a collection for an import into PocketBase 0.22, which resets what it does not name.

    The arguments and the errors are those of `legacy_collection`.
    """
    legacy = legacy_collection(body, current)
    if current is None:
        return legacy
    return {**current, **legacy, "options": {**section(current, "options"), **section(legacy, "options")}}


def _type_settings(type_: str) -> Iterable[str]:
    """Return the keys that collections of one type have."""
    return {"view": ["viewQuery"], "auth": AUTH_SETTINGS}.get(type_, ())


def _indexes(indexes: Iterable[str], type_: str, current: Iterable[str]) -> list[str]:
    """Return the indexes without those that 0.22 makes itself."""
    if type_ != "auth":
        return list(indexes)
    return [index for index in indexes if index in current or not unique_fields({"indexes": [index]}) & _UNIQUE]
