"""Scalars: the text, booleans, numbers and dates in bodies, filters and query parameters.

Which values can be sent is decided by `plain_scalar`, for all three. Numbers are what `numbers` and `decimal` say, so
those of numpy are included. A value is never changed to fit: a number without an equal 64-bit float is an error.
"""

import math
import operator
from collections.abc import Callable, Iterator, Set, ValuesView
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from os import PathLike
from types import NoneType
from typing import Any
from uuid import UUID

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError

Scalar = str | bool | int | float | Decimal | None
Path = str | tuple[Any, Any]
"""The name of a value in errors, or the path of a container and the key in it."""

PLAIN_TYPES = frozenset({str, int, bool, NoneType})
"""The types of scalars that can be sent as they are. A float may be NaN."""
_ALTERNATIVES: tuple[tuple[Any, str], ...] = (
    ((bytes, bytearray, memoryview), "pass text as str, and files as FileUpload"),
    ((Set, Iterator, ValuesView, range), "pass a list"),
    (timedelta, "pass its total_seconds()"),
    (time, "pass its isoformat()"),
    (PathLike, "pass its text, or a FileUpload to send the file"),
)
_METHODS = {"get_secret_value": "pass its get_secret_value()", "tolist": "pass its tolist()"}


def plain_scalar(value: object, path: Path, refusal: str) -> Scalar:
    """Return a scalar as a value of a built-in type.

    An Enum is its value, a UUID its text, and a date PocketBase's text for it. A Decimal stays one, because only some
    of its users need a float.

    Args:
        value: Text, a boolean, a number, a date, a UUID, an Enum, a scalar of an array library, or None.
        path: The path of the value, for errors.
        refusal: What an error says of a value that cannot be sent, such as "which a filter cannot contain".

    Raises:
        TypeError: If the value is of another type. The error names what to pass instead.
        ValueError: If a number is NaN, infinite or not a 64-bit float, or a date cannot be written in UTC.
    """
    if isinstance(value, Enum):
        return plain_scalar(value.value, path, refusal)
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        with suppress(TypeError):  # numpy.timedelta64 is registered as an integer, and is not one
            return operator.index(value)
    elif isinstance(value, (Real, Decimal)):
        return _plain_number(value, path, refusal)
    if isinstance(value, date):
        return _plain_date(value, path, refusal)
    if isinstance(value, UUID):
        return str(value)
    # numpy.bool_ and numpy.datetime64 belong to no ABC. An int is not taken: datetime64[ns] would be its nanoseconds.
    if getattr(value, "ndim", None) == 0 and isinstance(item := getattr(value, "item")(), (bool, float, date)):
        return plain_scalar(item, path, refusal)
    raise PocketBaseInputTypeError(
        f"{format_path(path)} is of type {type(value).__name__}, {refusal}{_alternative(value)}"
    )


def exact_float(number: Decimal, path: Path) -> int | float:
    """Return the int of at most 64 bits, or the float with the same digits, of a Decimal that `plain_scalar` returned.

    Raises:
        ValueError: If the Decimal has more digits than a float, as which PocketBase stores numbers.
    """
    as_float = float(number)
    if -(2**63) <= number < 2**63 and number == int(number):
        return int(number)
    if Decimal(repr(as_float)) == number:
        return as_float
    raise PocketBaseInputError(
        f"{format_path(path)} is {number!s:.50}, which has more digits than PocketBase stores; "
        "pass a float, or text for a text field"
    )


def number_text(number: float | Decimal, describe: Callable[[str], str], name: str) -> str:
    """Return a finite number as decimal text without an exponent.

    Args:
        number: The number.
        describe: Returns the words for the value of this name, for errors.
        name: The name of the value.

    Raises:
        ValueError: If the number is an integer that Python does not write as text, because it is too long.
    """
    if isinstance(number, int):
        try:
            return str(number)
        except ValueError as error:
            raise PocketBaseInputError(f"{describe(name)} is too long a number: {error}") from error
    return format(Decimal(repr(number)) if isinstance(number, float) else number, "f")


def timestamp(value: date) -> str:
    """Return a datetime as PocketBase writes it: `2026-01-31 12:00:00.000Z`.

    A naive datetime is taken as UTC, a date as its midnight. Microseconds are cut off.
    """
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")


def format_path(path: Path) -> str:
    """Return a path as the code that leads to the value: `body['a'][0]`."""
    return path if isinstance(path, str) else f"{format_path(path[0])}[{path[1]!r}]"


def _plain_number(number: Real | Decimal, path: Path, refusal: str) -> float | Decimal | int:
    try:
        as_float = float(number)
    except (OverflowError, ValueError):  # a Fraction beyond a float; a signaling NaN
        as_float = math.nan
    if not math.isfinite(as_float):
        raise PocketBaseInputError(f"{format_path(path)} is {number!s:.50}, {refusal}")
    if isinstance(number, Decimal):
        if number and not as_float:
            raise PocketBaseInputError(f"{format_path(path)} is {number!s:.50}, {refusal}: it is too close to 0")
        return number if number else 0
    if number != as_float:
        raise PocketBaseInputError(f"{format_path(path)} is {number}, {refusal} exactly; pass a float of it, or text")
    return as_float


def _plain_date(value: date, path: Path, refusal: str) -> str:
    try:
        return timestamp(value)
    except (ValueError, OverflowError) as error:  # pandas.NaT; a time zone that leads beyond the year 1 or 9999
        raise PocketBaseInputError(f"{format_path(path)} is {value}, {refusal}: {error}") from error


def _alternative(value: object) -> str:
    for kinds, alternative in _ALTERNATIVES:
        if isinstance(value, kinds):
            return f"; {alternative}"
    return "".join(f"; {alternative}" for name, alternative in _METHODS.items() if hasattr(value, name))
