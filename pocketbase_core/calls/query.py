"""Query parameters, as the server reads them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..messages.json_values import timestamp


def encode_query(params: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """Query parameters as text: None is left out, a sequence repeats its key."""
    if not isinstance(params, Mapping):
        raise TypeError(f"params must be a dict, not {type(params).__name__}")
    encoded: dict[str, str | tuple[str, ...]] = {}
    for name, value in params.items():
        key = to_text(name, name)
        if isinstance(value, (list, tuple)):
            encoded[key] = tuple(to_text(key, item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        elif value is not None:
            encoded[key] = to_text(key, value)
    return encoded


def join_list(key: str, value: Any) -> Any:
    """PocketBase takes lists of relations, fields and sort keys as one text."""
    if key == "download" and value is False:
        return None
    if value is None or isinstance(value, bool if key in ("skip_total", "download") else str):
        return value
    if key in ("expand", "fields", "sort") and isinstance(value, (list, tuple)):
        return ",".join(to_text(key, item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    raise TypeError(f"option {key!r} cannot be {value!r}")


def to_text(key: str, value: Any) -> str:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"parameter {key!r} holds a lone surrogate, which is not valid Unicode text") from error
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, date):
        return timestamp(value)
    raise TypeError(f"parameter {key!r} cannot be of type {type(value).__name__}")
