"""Collections in the style before PocketBase 0.23: `schema`, with the settings of each field under `options`."""

import warnings
from collections.abc import Mapping
from typing import Any

from ..calls.legacy_expressions import from_legacy_expression
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .legacy_fields import (
    ACCOUNT_OPTIONS,
    IDENTITIES,
    NEWER_OPTIONS,
    OPTIONS,
    RULES,
    UNLIMITED,
    account_fields,
    autodate_fields,
    implicit_fields,
    username_index,
)

_AUTH_OPTIONS = frozenset(
    ["onlyVerified", "manageRule", "allowOAuth2Auth", *IDENTITIES.values()]
    + [option.legacy for options in ACCOUNT_OPTIONS.values() for option in options.values()]
)


def from_legacy_schema(body: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
    """Return the body of a collection in the current format, with flat `fields`.

    A body with a `schema` causes a DeprecationWarning. Any other body is returned as it is, as a copy.

    Args:
        body: The body.
        is_new: Whether the body creates a collection. If it does, and users may sign in with a user name, then it gets
            the index that this requires.

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
    # An update may come without the type.
    is_auth = body.get("type", "auth") == "auth"
    fields = _flat_fields(body["schema"])
    dropped = options.keys() - {"query"} - (_AUTH_OPTIONS if is_auth else set())
    dropped |= {"displayFields" for field in fields if field.pop("displayFields", None)}
    warnings.warn(
        "'schema' is the style before PocketBase 0.23; describe the collection by flat 'fields'"
        + (f"; these options have no counterpart and are left out: {', '.join(sorted(dropped))}" if dropped else ""),
        DeprecationWarning,
        stacklevel=5,  # the line that awaits the service
    )
    other = _translated_rules(body)
    if body.get("type") == "view":
        return other | {"viewQuery": options.get("query", "")}
    if is_auth:
        fields = [field for field in account_fields(options) if _is_named(field["name"], options)] + fields
        other |= _auth_settings(options)
        if options.get(IDENTITIES["username"]) and (is_new or "indexes" in body):
            name = body.get("name", "")
            other["indexes"] = [username_index(name, f"idx_username_{name}"), *(body.get("indexes") or ())]
    names = {field.get("name") for field in fields}
    return other | {"fields": fields + [each for each in autodate_fields() if each["name"] not in names]}


def current_collection(collection: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collection of a PocketBase 0.22 server as newer servers have it.

    The fields of a view do not include `created` and `updated`: 0.22 does not tell whether a view has them.
    What belongs to the settings in 0.22, such as templates and the duration of tokens, is not added.

    Args:
        collection: The collection. If it was read without its schema or its options, what they say is left out.
    """
    type_ = collection.get("type", "base")
    options: Mapping[str, Any] = collection.get("options") or {}
    current = _translated_rules(collection)
    if "schema" in collection:
        before, after = implicit_fields(type_, options)
        current["fields"] = [*before, *map(_complete_field, _flat_fields(collection["schema"])), *after]
    if type_ == "view" and "options" in collection:
        current["viewQuery"] = options.get("query", "")
    if type_ == "auth" and "options" in collection:
        mapped = {"id": "", "name": "", "username": "username", "avatarURL": ""}
        current |= {"oauth2": {}} | _auth_settings(options)
        current["oauth2"] |= {"providers": [], "mappedFields": mapped}
        current["mfa"] = {"enabled": False, "duration": 0, "rule": ""}
        current["otp"] = {"enabled": False, "duration": 0, "length": 0}
    if type_ == "auth" and {"id", "name", "indexes"} <= collection.keys():
        id_, name = collection["id"], collection["name"]
        current["indexes"] = [
            username_index(name, f"_{id_}_username_idx"),
            f"CREATE UNIQUE INDEX `_{id_}_email_idx` ON `{name}` (`email`) WHERE `email` != ''",
            f"CREATE UNIQUE INDEX `_{id_}_tokenKey_idx` ON `{name}` (`tokenKey`)",
            *(collection["indexes"] or ()),
        ]
    return current


def _translated_rules(collection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a collection, except for its schema and options. The API rules are translated."""
    return {
        key: from_legacy_expression(value) if key in RULES and isinstance(value, str) else value
        for key, value in collection.items()
        if key not in ("schema", "options")
    }


def _auth_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an auth collection that its options name, except for those of fields."""
    settings: dict[str, Any] = {}
    if "onlyVerified" in options:
        settings["authRule"] = "verified=true" if options["onlyVerified"] else ""
    if "manageRule" in options:
        rule = options["manageRule"]
        settings["manageRule"] = from_legacy_expression(rule) if isinstance(rule, str) and rule else None
    if not options.keys().isdisjoint(IDENTITIES.values()):
        allowed = [field for field, option in IDENTITIES.items() if options.get(option)]
        settings["passwordAuth"] = {"enabled": bool(allowed), "identityFields": allowed}
    if "allowOAuth2Auth" in options:
        settings["oauth2"] = {"enabled": bool(options["allowOAuth2Auth"])}
    return settings


def _is_named(name: str, options: Mapping[str, Any]) -> bool:
    """Return True if options say something about a field of every auth collection."""
    if name == "username":
        return bool(options.get(IDENTITIES[name]))
    return any(option.legacy in options for option in ACCOUNT_OPTIONS.get(name, {}).values())


def _flat_fields(schema: Any) -> list[dict[str, Any]]:
    if not isinstance(schema, (list, tuple)):
        raise PocketBaseInputTypeError(f"a schema must be a list, not {type(schema).__name__}")
    return [_flat_field(field) for field in schema]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _flat_field(field: Any) -> dict[str, Any]:
    """Return a field with its options beside its name. What is None, and so not set, is left out."""
    if not isinstance(field, Mapping):
        raise PocketBaseInputTypeError(f"a field must be a dict, not {type(field).__name__}")
    nested: Mapping[str, Any] = field.get("options") or {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    merged: dict[str, Any] = {**field, **nested}
    names = {option.legacy: name for name, option in OPTIONS.get(str(merged.get("type")), {}).items()}
    flat = {
        names.get(key, key): value
        for key, value in merged.items()
        if value is not None and key not in ("options", "unique")
    }
    if flat.get("type") == "relation":
        flat.setdefault("maxSelect", UNLIMITED)
    return flat


def _complete_field(field: dict[str, Any]) -> dict[str, Any]:
    """Return a flat field with all options that newer servers have for its type."""
    type_ = str(field.get("type"))
    unset = {name: option.current_value(None) for name, option in OPTIONS.get(type_, {}).items()}
    return {"hidden": False} | unset | NEWER_OPTIONS.get(type_, {}) | field
