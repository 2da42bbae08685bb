"""JSON: encoding, decoding, and the deep copies that make a body immutable."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, cast

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError

JsonDumps = Callable[[Any], str | bytes]
"""An encoder such as `json.dumps` or `orjson.dumps`."""
JsonLoads = Callable[[str | bytes], Any]
"""A decoder such as `json.loads` or `orjson.loads`."""

default_dumps: JsonDumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""Return a JSON value as compact text. NaN and infinity are a ValueError."""
_decode = json.JSONDecoder().raw_decode


def default_loads(text: str | bytes) -> Any:
    """Return the value of a JSON text, as `json.loads` does.

    The fast path leaves out the encoding detection and whitespace scan of `json.loads`, which cost more than parsing a
    small record.

    Raises:
        ValueError: If the text is not JSON.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value, end = _decode(decoded)
    except ValueError:
        return json.loads(text)
    return json.loads(text) if decoded[end:].strip(" \t\r\n") else value


def decode_json(text: str | bytes, loads: JsonLoads) -> Any:
    """Return the value of a JSON text, decoded by `loads`.

    Raises:
        ValueError: If the text is not JSON. Other exceptions of `loads` are converted.
        RecursionError: If the text is nested too deep.
    """
    try:
        return loads(text)
    except (ValueError, RecursionError):
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def as_object(value: object) -> dict[str, Any]:
    """Return the value if it is a dict, else `{}`: a server may send any JSON in place of an object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def timestamp(value: date) -> str:
    """Return a datetime as PocketBase writes it: `2026-01-31 12:00:00.000Z`.

    A naive datetime is taken as UTC, a date as its midnight. Microseconds are cut off.
    """
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")


def freeze_json(value: Any, path: str | tuple[Any, Any] = "body") -> Any:
    """Return a deep read-only copy of a JSON value, with datetimes as text.

    Args:
        value: Dicts, lists, tuples, text, numbers, booleans, None, dates and datetimes.
        path: The name of the value in errors, or the path of the container and the key in it.

    Raises:
        TypeError: If a value has no JSON form, or a key is not text.
        ValueError: If a number is NaN or infinite, or the value is nested too deep.
    """
    try:
        return _freeze(value, path)
    except RecursionError as error:
        raise PocketBaseInputError(f"{_format_path(path)} is nested too deep") from error


def _freeze(value: Any, path: str | tuple[Any, Any]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PocketBaseInputError(f"{_format_path(path)} is {value}, which JSON cannot represent")
        return value
    if isinstance(value, (list, tuple)):
        return tuple([_freeze(item, (path, index)) for index, item in enumerate(value)])  # pyright: ignore
    if isinstance(value, Mapping):
        frozen: dict[str, Any] = {}
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise PocketBaseInputTypeError(f"{_format_path(path)} has the key {key!r}; keys must be text")
            frozen[key] = _freeze(item, (path, key))
        return MappingProxyType(frozen)
    if isinstance(value, date):
        return timestamp(value)
    hint = "; pass files as FileUpload" if isinstance(value, (bytes, bytearray, memoryview)) else ""
    raise PocketBaseInputTypeError(
        f"{_format_path(path)} is of type {type(value).__name__}, which has no JSON form{hint}"
    )  # pyright: ignore


def _format_path(path: str | tuple[Any, Any]) -> str:
    return path if isinstance(path, str) else f"{_format_path(path[0])}[{path[1]!r}]"


def thaw_json(value: Any) -> Any:
    """Return an editable deep copy of a value that `freeze_json` returned."""
    if isinstance(value, MappingProxyType):
        return {key: thaw_json(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, tuple):
        return [thaw_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
