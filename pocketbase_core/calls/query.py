"""Query parameters, as the server reads them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages.json_values import timestamp


def encode_query(params: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """Return query parameters as text. None is left out, and a sequence repeats its key.

    Raises:
        TypeError: If `params` is not a dict, or a value is of a type that a query cannot contain.
        ValueError: If a text is not valid Unicode.
    """
    if not isinstance(params, Mapping):
        raise PocketBaseInputTypeError(f"params must be a dict, not {type(params).__name__}")
    encoded: dict[str, str | tuple[str, ...]] = {}
    for name, value in params.items():
        key = to_text(name, name)
        if isinstance(value, (list, tuple)):
            encoded[key] = tuple(to_text(key, item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        elif value is not None:
            encoded[key] = to_text(key, value)
    return encoded


def option_to_query(key: str, value: Any) -> Any:
    """Return the query parameter of a named option; None is left out.

    PocketBase takes lists of relations, fields and sort keys as one text, and any value of `download` as true.

    Raises:
        TypeError: If the value is of the wrong type for the option.
    """
    if key == "download" and value is False:
        return None
    if value is None or isinstance(value, bool if key in ("skip_total", "download") else str):
        return value
    if key in ("expand", "fields", "sort") and isinstance(value, (list, tuple)):
        return ",".join(to_text(key, item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    raise PocketBaseInputTypeError(f"option {key!r} must not be {value!r}")


def to_text(key: str, value: Any) -> str:
    """Return a query parameter as text: `true` and `false`, numbers, and dates in UTC.

    Raises:
        TypeError: If the value is of another type.
        ValueError: If the value is a text that is not valid Unicode.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise PocketBaseInputError(
                f"parameter {key!r} holds a lone surrogate, which is not valid Unicode text"
            ) from error
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, date):
        return timestamp(value)
    raise PocketBaseInputTypeError(f"parameter {key!r} must not be of type {type(value).__name__}")
