"""Python values as PocketBase writes them."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, cast

JsonDumps = Callable[[Any], str | bytes]
JsonLoads = Callable[[str | bytes], Any]

default_dumps: JsonDumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""A JSON value as text."""
_decode = json.JSONDecoder().raw_decode


def default_loads(text: str | bytes) -> Any:
    """Parse JSON as `json.loads` does, without its search for encodings and spaces, which costs more than a record."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value, end = _decode(decoded)
    except ValueError:
        return json.loads(text)
    return json.loads(text) if decoded[end:].strip(" \t\r\n") else value


def decode_json(text: str | bytes, loads: JsonLoads) -> Any:
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


def as_object(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one: a server may send anything."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def timestamp(value: date) -> str:
    """PocketBase's form of a moment: UTC, to the millisecond; a naive datetime is UTC, a date its midnight."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")


def freeze_json(value: Any, path: str | tuple[Any, Any] = "body") -> Any:
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
            raise ValueError(f"{_format_path(path)} is {value}, which JSON cannot hold")
        return value
    if isinstance(value, (list, tuple)):
        return tuple([freeze_json(item, (path, index)) for index, item in enumerate(value)])  # pyright: ignore
    if isinstance(value, Mapping):
        frozen: dict[str, Any] = {}
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise TypeError(f"{_format_path(path)} has the key {key!r}; keys must be text")
            frozen[key] = freeze_json(item, (path, key))
        return MappingProxyType(frozen)
    if isinstance(value, date):
        return timestamp(value)
    hint = "; files go in as FileUpload" if isinstance(value, (bytes, bytearray, memoryview)) else ""
    raise TypeError(f"{_format_path(path)} is of type {type(value).__name__}, which has no JSON form{hint}")  # pyright: ignore


def _format_path(where: str | tuple[Any, Any]) -> str:
    return where if isinstance(where, str) else f"{_format_path(where[0])}[{where[1]!r}]"


def thaw_json(value: Any) -> Any:
    """An editable deep copy of what `frozen_json` made."""
    if isinstance(value, MappingProxyType):
        return {key: thaw_json(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, tuple):
        return [thaw_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
