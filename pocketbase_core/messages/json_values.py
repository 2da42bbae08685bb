"""Python values as PocketBase writes them."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, cast

Dumps = Callable[[Any], str | bytes]
Loads = Callable[[str | bytes], Any]

json_text: Dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""A JSON value as text."""
_decode = json.JSONDecoder().raw_decode


def json_value(text: str | bytes) -> Any:
    """Parse JSON as `json.loads` does, without its search for encodings and spaces, which costs more than a record."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value, end = _decode(decoded)
    except ValueError:
        return json.loads(text)
    return json.loads(text) if decoded[end:].strip(" \t\r\n") else value


def read_json(text: str | bytes, loads: Loads) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, by whatever name `loads` calls that.
    """
    try:
        return loads(text)
    except (ValueError, RecursionError):
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def json_object(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one: a server may send anything."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def timestamp(value: date) -> str:
    """PocketBase's form of a moment: UTC, to the millisecond; a naive datetime is UTC, a date its midnight."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")


def frozen_json(value: Any, where: str | tuple[Any, Any] = "body") -> Any:
    """A deep read-only copy of a JSON value, with datetimes as text.

    `where` names the value in errors: by a word, or by that of what holds it and the key there.

    Raises:
        TypeError: something in it has no JSON form.
        ValueError: a number is NaN or infinite.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{_place(where)} is {value}, which JSON cannot hold")
        return value
    if isinstance(value, (list, tuple)):
        return tuple([frozen_json(item, (where, index)) for index, item in enumerate(value)])  # pyright: ignore
    if isinstance(value, Mapping):
        frozen: dict[str, Any] = {}
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise TypeError(f"{_place(where)} has the key {key!r}; keys must be text")
            frozen[key] = frozen_json(item, (where, key))
        return MappingProxyType(frozen)
    if isinstance(value, date):
        return timestamp(value)
    hint = "; files go in as FileUpload" if isinstance(value, (bytes, bytearray, memoryview)) else ""
    raise TypeError(f"{_place(where)} is of type {type(value).__name__}, which has no JSON form{hint}")  # pyright: ignore


def _place(where: str | tuple[Any, Any]) -> str:
    return where if isinstance(where, str) else f"{_place(where[0])}[{where[1]!r}]"


def thawed_json(value: Any) -> Any:
    """An editable deep copy of what `frozen_json` made."""
    if isinstance(value, MappingProxyType):
        return {key: thawed_json(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, tuple):
        return [thawed_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
