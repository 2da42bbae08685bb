"""The fields of a collection in the current format, as PocketBase 0.22 takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...calls.legacy_refusal import refuse
from ...endpoints.legacy_fields import ACCOUNT_OPTIONS, NEWER_TYPES, OPTIONS, UNLIMITED, implicit_fields
from ...input_errors import PocketBaseInputTypeError
from .auth_options import is_empty, section

_PLAIN = ("name", "type", "system", "required", "presentable")
_NOT_COMPARED = ("id", "system")
_ANY_PATTERN = ("tokenKey", "username")
"""The system fields whose values may be generated in any way."""


def legacy_fields(fields: Iterable[Any], type_: str, current: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the schema of a collection in 0.22.

    Args:
        fields: The fields in the current format. Those that every collection of 0.22 has are left out.
        type_: The type of the collection.
        current: The collection as the server has it, in the format of 0.22, or None.

    Raises:
        PocketBaseInputError: If a field is not possible in 0.22.
        TypeError: If a field is not a dict.
    """
    before, after = implicit_fields(type_, {})
    implicit = {field["name"]: field for field in before + after}
    own: list[Mapping[str, Any]] = []
    for field in fields:
        if not isinstance(field, Mapping):
            raise PocketBaseInputTypeError(f"a field must be a dict, not {type(field).__name__}")
        name = str(field.get("name"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if name in implicit:
            _check_implicit(field, implicit[name])  # pyright: ignore[reportUnknownArgumentType]
        else:
            own.append(field)  # pyright: ignore[reportUnknownArgumentType]
    existing: list[Mapping[str, Any]] = list((current or {}).get("schema") or ())
    by_id = {field["id"]: field for field in existing}
    named = {field.get("id") for field in own}
    # Newer servers make an id of the type and the name, so a field of another type is a new one there too.
    by_name = {(field["name"], field["type"]): field for field in existing if field["id"] not in named}
    return [
        _legacy_field(field, by_id.get(field.get("id")) or by_name.get((field.get("name"), field.get("type"))))
        for field in own
    ]


def _legacy_field(field: Mapping[str, Any], existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a field in the format of 0.22, with the id of the existing one, which has its data."""
    name, type_ = field.get("name"), str(field.get("type"))
    if type_ in NEWER_TYPES:
        raise refuse(f"fields of type {type_!r}, such as {name!r}", NEWER_TYPES[type_])
    table = OPTIONS.get(type_, {})
    for key, value in field.items():
        if key not in ("id", "displayFields", *_PLAIN, *table) and not is_empty(value):
            raise refuse(f"{key!r} of the field {name!r}", "0.37" if key == "help" else "0.23")
    options = {option.legacy: option.legacy_value(field.get(key)) for key, option in table.items()}
    if type_ == "relation":
        if options["maxSelect"] == UNLIMITED:
            options["maxSelect"] = None
        kept = section(existing, "options").get("displayFields")
        options["displayFields"] = field.get("displayFields", kept)
    legacy = {key: field[key] for key in _PLAIN if field.get(key) is not None}
    id_ = existing["id"] if existing else field.get("id")
    return ({"id": id_} if id_ else {}) | legacy | {"options": options}


def _check_implicit(field: Mapping[str, Any], implicit: Mapping[str, Any]) -> None:
    """Refuse a system field that differs from that of 0.22. Options of the collection may say more about it."""
    name = implicit["name"]
    for key, value in field.items():
        if key in _NOT_COMPARED or key in ACCOUNT_OPTIONS.get(name, {}) or value is None:
            continue
        if key == "autogeneratePattern" and name in _ANY_PATTERN:
            continue
        if value != implicit.get(key) and (key in implicit or not is_empty(value)):
            raise refuse(f"{key} {value!r} of the field {name!r}", "0.37" if key == "help" else "0.23")
