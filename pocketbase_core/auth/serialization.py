"""A token and its record as JSON text, and copies of records."""

import copy
import json
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

from .token import is_sendable_token

_logger = logging.getLogger("pocketbase_core")
_ESSENTIAL_FIELDS = ("id", "email", "collectionId", "collectionName", "verified")


class SignIn(NamedTuple):
    """The sign-in that a token comes from, as far as processes that share a store know it."""

    id: str
    """A name that stays the same while the token is refreshed; `""` for a guest."""
    lifetime: float | None = None
    """The seconds that the token had to live when the server issued it; None if that is not known."""


def parse_stored(text: str | bytes, source: str) -> tuple[str, dict[str, Any] | None]:
    """Parse the JSON of a store or cookie. Invalid JSON is an empty store, and a warning is logged.

    Args:
        text: The JSON, `{"token", "record"?}`; an empty text is an empty store. Old releases of the JS SDK, and other
            SDKs, wrote `model` instead of `record`.
        source: The subject of the warning.

    Returns:
        The token and the record; `("", None)` for an empty store.
    """
    if not text:
        return "", None
    try:
        data: Any = json.loads(text)
        token, record = data["token"], data.get("record")
        if record is None:
            record = data.get("model")
        if is_sendable_token(token) and isinstance(record, dict | None):
            return token, cast("dict[str, Any] | None", record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    _logger.warning("%s has no readable token and counts as empty", source)
    return "", None


def parse_sign_in(text: str | bytes) -> SignIn | None:
    """Return the sign-in of the JSON of a store; None if the JSON has none."""
    try:
        sign_in: Any = json.loads(text)["signIn"]
        return SignIn(str(sign_in["id"]), float(sign_in["lifetime"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def dump_stored(
    token: str, record: Mapping[str, Any] | None, *, sign_in: SignIn | None = None, ensure_ascii: bool = True
) -> str:
    """Return compact JSON that `parse_stored` parses. A record nested too deeply is cut to its essential fields.

    A sign-in whose token has no known lifetime is left out.

    Raises:
        TypeError: If the record holds a value that JSON cannot represent.
    """
    dumps = partial(json.dumps, ensure_ascii=ensure_ascii, separators=(",", ":"))
    stored: dict[str, Any] = {"token": token, "record": record}
    if sign_in is not None and sign_in.lifetime is not None:
        stored["signIn"] = sign_in._asdict()
    try:
        return dumps(stored)
    except RecursionError:
        _logger.warning("a record is nested too deeply to be stored; only its essential fields were kept")
        return dumps(stored | {"record": essential_fields(record or {})})


def essential_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record that identify its user."""
    return {name: record[name] for name in _ESSENTIAL_FIELDS if isinstance(record.get(name), (str, bool))}


def copy_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of a record of any depth.

    `copy.deepcopy` calls itself for each level, and exceeds Python's recursion limit at some hundred levels.
    """
    top = dict(record)
    copies: dict[int, Any] = {id(record): top}
    pending: list[dict[Any, Any] | list[Any]] = [top]
    while pending:
        node = pending.pop()
        pairs: Iterable[tuple[Any, Any]] = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            if type(value) not in (dict, list):
                node[key] = copy.deepcopy(value)
                continue
            if id(value) not in copies:
                copies[id(value)] = value.copy()
                pending.append(copies[id(value)])
            node[key] = copies[id(value)]
    return top
