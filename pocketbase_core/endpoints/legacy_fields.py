"""The fields and options of collections, as PocketBase 0.22 and newer servers have them.

Source: what the servers send, and the migration of PocketBase's databases from 0.22 to 0.23.
"""

import zlib
from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

UNLIMITED = 2147483647
"""The `maxSelect` of a relation without a limit. In 0.22 it is None."""
RULES = ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")
"""The API rules of every collection."""


class Option(NamedTuple):
    """An option of a field."""

    legacy: str
    """Its name in 0.22."""
    unset: Any
    """Its value on a newer server, where none is set."""
    legacy_unset: Any
    """Its value in 0.22, where none is set. It may be one that 0.22 requires."""

    def current_value(self, value: Any) -> Any:
        """Return a value of 0.22 as a newer server has it."""
        return copy(self.unset) if value is None else value

    def legacy_value(self, value: Any) -> Any:
        """Return a value of a newer server as 0.22 has it."""
        return self.legacy_unset if value is None or value == self.unset else value


_DOMAINS = {
    "exceptDomains": Option("exceptDomains", [], None),
    "onlyDomains": Option("onlyDomains", [], None),
}
OPTIONS: dict[str, dict[str, Option]] = {
    "bool": {},
    "text": {
        "min": Option("min", 0, None),
        "max": Option("max", 0, None),
        "pattern": Option("pattern", "", ""),
    },
    "number": {
        "min": Option("min", None, None),
        "max": Option("max", None, None),
        "onlyInt": Option("noDecimal", False, False),
    },
    "email": _DOMAINS,
    "url": _DOMAINS,
    "editor": {"convertURLs": Option("convertUrls", False, False)},
    "date": {"min": Option("min", "", ""), "max": Option("max", "", "")},
    "select": {"maxSelect": Option("maxSelect", 0, 1), "values": Option("values", [], [])},
    "json": {"maxSize": Option("maxSize", 0, 2000000)},
    "file": {
        "maxSelect": Option("maxSelect", 0, 1),
        "maxSize": Option("maxSize", 0, 5242880),
        "mimeTypes": Option("mimeTypes", [], None),
        "thumbs": Option("thumbs", [], None),
        "protected": Option("protected", False, False),
    },
    "relation": {
        "collectionId": Option("collectionId", "", ""),
        "cascadeDelete": Option("cascadeDelete", False, False),
        "minSelect": Option("minSelect", 0, None),
        "maxSelect": Option("maxSelect", 0, 1),
    },
}
"""The options of each type of fields, by their names on newer servers."""
NEWER_OPTIONS: dict[str, dict[str, Any]] = {
    "text": {"primaryKey": False, "autogeneratePattern": ""},
    "editor": {"maxSize": 0},
}
"""The options that newer servers add to the fields of a type, with their empty values."""
NEWER_TYPES = {"autodate": "0.23", "password": "0.23", "geoPoint": "0.27"}
"""The types that 0.22 does not have, each with the version that it came with."""
ACCOUNT_OPTIONS: dict[str, dict[str, Option]] = {
    "password": {"min": Option("minPasswordLength", 0, 0)},
    "email": {
        "required": Option("requireEmail", False, False),
        "exceptDomains": Option("exceptEmailDomains", [], None),
        "onlyDomains": Option("onlyEmailDomains", [], None),
    },
}
"""The options of an auth collection in 0.22 that belong to its system fields on newer servers."""
IDENTITIES = {"email": "allowEmailAuth", "username": "allowUsernameAuth"}
"""The fields that a user may sign in with, each with the option of 0.22 that allows it."""


def _implicit(type_: str, name: str, **more: Any) -> dict[str, Any]:
    field = {"id": f"{type_}{zlib.crc32(name.encode())}", "name": name, "type": type_, "system": True}
    return field | {"required": False, "presentable": False, "hidden": False} | more


def _implicit_text(name: str, least: int, most: int, **more: Any) -> dict[str, Any]:
    limits = {"min": least, "max": most, "pattern": "", "primaryKey": False}
    return _implicit("text", name, required=True, **limits | more)


_ID = _implicit_text("id", 15, 15, pattern="^[a-z0-9]+$", primaryKey=True, autogeneratePattern="[a-z0-9]{15}")
_DATES = [
    _implicit("autodate", name, system=False, onCreate=True, onUpdate=on_update)
    for name, on_update in (("created", False), ("updated", True))
]
_ACCOUNT = [
    _implicit("password", "password", required=True, hidden=True, pattern="", min=0, max=0, cost=0),
    _implicit_text("tokenKey", 30, 60, hidden=True, autogeneratePattern="[a-zA-Z0-9_]{50}"),
    _implicit("email", "email"),
    _implicit("bool", "emailVisibility"),
    _implicit("bool", "verified"),
    _implicit_text("username", 3, 150, system=False, pattern=r"^[\w][\w\.\-]*$", autogeneratePattern="users[0-9]{6}"),
]


def account_fields(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that every auth collection of 0.22 has, with what the options say about them."""
    return [
        field
        | {
            name: option.current_value(options.get(option.legacy))
            for name, option in ACCOUNT_OPTIONS.get(field["name"], {}).items()
        }
        for field in _ACCOUNT
    ]


def implicit_fields(type_: str, options: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the fields that 0.22 does not list, for a collection of a type: those before its own, and those after."""
    if type_ == "view":
        return [dict(_ID)], []
    return [dict(_ID), *(account_fields(options) if type_ == "auth" else [])], autodate_fields()


def autodate_fields() -> list[dict[str, Any]]:
    """Return `created` and `updated`, which every collection of 0.22 has, except for views."""
    return [dict(field) for field in _DATES]


def username_index(name: str, index: str) -> str:
    """Return the index that makes the user names of a collection unique."""
    return f"CREATE UNIQUE INDEX `{index}` ON `{name}` (username COLLATE NOCASE)"
