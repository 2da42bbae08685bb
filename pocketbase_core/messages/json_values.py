"""JSON: encoding, decoding, and the deep copies that make a body immutable."""

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .instances import fields_of
from .scalars import PLAIN_TYPES, Path, exact_float, format_path, plain_scalar
from .uploads import FileUpload

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


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else `[]`."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def freeze_json(value: Any, path: Path = "body") -> Any:
    """Return a deep read-only copy of a value as JSON.

    Args:
        value: Dicts, lists, tuples, scalars (see `plain_scalar`), and instances of the user's classes.
        path: The name of the value in errors, or the path of the container and the key in it.

    Raises:
        TypeError: If JSON cannot represent a value, or a key is not text.
        ValueError: If JSON cannot represent a number, or the value is nested too deep.
    """
    try:
        return _freeze(value, path)
    except RecursionError as error:
        raise PocketBaseInputError(f"{format_path(path)} is nested too deep") from error


def _freeze(value: Any, path: Path) -> Any:
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in PLAIN_TYPES or (kind is float and math.isfinite(value)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple([_freeze(item, (path, index)) for index, item in enumerate(value)])  # pyright: ignore
    if kind is dict or isinstance(value, Mapping):
        frozen: dict[str, Any] = {}
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise PocketBaseInputTypeError(f"{format_path(path)} has the key {key!r}; keys must be text")
            frozen[key] = _freeze(item, (path, key))
        return MappingProxyType(frozen)
    if (fields := fields_of(value)) is not None:
        return _freeze(fields, path)
    if isinstance(value, FileUpload):
        raise PocketBaseInputTypeError(
            f"{format_path(path)} is a FileUpload, which only the fields of a record or of a custom route can hold"
        )
    scalar = plain_scalar(value, path, "which JSON cannot represent")
    return exact_float(scalar, path) if isinstance(scalar, Decimal) else scalar


def thaw_json(value: Any) -> Any:
    """Return an editable deep copy of a value that `freeze_json` returned.

    Raises:
        ValueError: If the value is nested too deep.
    """
    try:
        return _thaw(value)
    except RecursionError as error:
        raise PocketBaseInputError("body is nested too deep") from error


def _thaw(value: Any) -> Any:
    if isinstance(value, MappingProxyType):
        return {key: _thaw(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
