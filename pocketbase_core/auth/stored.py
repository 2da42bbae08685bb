"""A token and its record as JSON text, and their copies."""

import copy
import json
import logging
from collections.abc import Mapping
from typing import Any, cast

from .token import is_token

_logger = logging.getLogger("pocketbase_core")
_ESSENTIAL = ("id", "email", "collectionId", "collectionName", "verified")


def from_text(text: str | bytes, source: str) -> tuple[str, dict[str, Any] | None]:
    """Token and record out of the JSON that stores and cookies hold; empty, with a warning, when it is broken."""
    if not text:
        return "", None
    try:
        data: Any = json.loads(text)
        token, record = data["token"], data.get("record")
        if is_token(token) and isinstance(record, dict | None):
            return token, cast("dict[str, Any] | None", record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    _logger.warning("%s holds no token that can be read; it counts as empty", source)
    return "", None


def to_text(token: str, record: Mapping[str, Any] | None, *, ensure_ascii: bool = True) -> str:
    """The JSON that `from_text` reads. A record that is nested too deeply for JSON is cut to its essential fields.

    Raises:
        TypeError: the record holds a value that has no JSON form.
    """
    try:
        return json.dumps({"token": token, "record": record}, ensure_ascii=ensure_ascii)
    except RecursionError:
        _logger.warning("a record is nested too deeply to be stored; only what tells who it is was kept")
        return json.dumps({"token": token, "record": essential(record or {})}, ensure_ascii=ensure_ascii)


def essential(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that tell who a record is."""
    return {name: record[name] for name in _ESSENTIAL if isinstance(record.get(name), (str, bool))}


def copied(record: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of a record, however deeply its dicts and lists are nested: `copy.deepcopy` ends at some hundred."""
    top = dict(record)
    copies: dict[int, Any] = {id(record): top}
    pending: list[Any] = [top]
    while pending:
        node: Any = pending.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):  # pyright: ignore
            if type(value) not in (dict, list):  # pyright: ignore[reportUnknownArgumentType]
                node[key] = copy.deepcopy(value)  # pyright: ignore[reportUnknownArgumentType]
                continue
            if id(value) not in copies:  # pyright: ignore[reportUnknownArgumentType]
                copies[id(value)] = value.copy()  # pyright: ignore
                pending.append(copies[id(value)])  # pyright: ignore
            node[key] = copies[id(value)]  # pyright: ignore
    return top
