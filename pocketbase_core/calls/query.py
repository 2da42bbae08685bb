"""Query parameters, as the server reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages.scalars import PLAIN_TYPES, number_text, plain_scalar


def encode_query(params: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """Return query parameters as text. None is left out, in a sequence too, and a sequence repeats its key.

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
            encoded[key] = _to_texts(key, value)  # pyright: ignore[reportUnknownArgumentType]
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
    is_flag, is_list = key in ("skip_total", "download"), key in ("expand", "fields", "sort")
    if value is None or isinstance(value, bool if is_flag else str):
        return value
    if is_list and isinstance(value, (list, tuple)):
        return ",".join(_to_texts(key, value))  # pyright: ignore[reportUnknownArgumentType]
    expected = "True or False" if is_flag else "text or a list of texts" if is_list else "text"
    raise PocketBaseInputTypeError(f"option {key!r} must be {expected}, not {value!r:.100}")


def to_text(key: str, value: Any) -> str:
    """Return a query parameter as text: `true` and `false`, numbers, and dates in UTC.

    Raises:
        TypeError: If the value is of another type.
        ValueError: If the value is a text that is not valid Unicode, or a number or date that cannot be written.
    """
    scalar = value
    if type(value) not in PLAIN_TYPES:
        scalar = plain_scalar(value, _name(key), "which a query cannot contain")
    if isinstance(scalar, str):
        try:
            scalar.encode()
        except UnicodeEncodeError as error:
            raise PocketBaseInputError(
                f"{_name(key)} holds a lone surrogate, which is not valid Unicode text"
            ) from error
        return scalar
    if scalar is None:
        raise PocketBaseInputTypeError(f"{_name(key)} is None, which a query cannot contain")
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return number_text(scalar, _name, key)


def _name(key: str) -> str:
    return f"parameter {key!r}"


def _to_texts(key: str, values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(to_text(key, value) for value in values if value is not None)
