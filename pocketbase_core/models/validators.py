"""Validators: functions that check one JSON value of a record, and convert the value where a class requires that."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

Validator = Callable[[Any], Any]
"""Returns what a class requires of a JSON value, or raises `ValidationError`."""

ALLOWED_TYPES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    NoneType: (NoneType,),
}
"""The types of JSON values that a plain annotation accepts."""


class ValidationError(Exception):
    """A value that does not match its annotation. `path` is the path of keys to the value, such as `"items.0.name"`."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path

    def prefix_path(self, key: object) -> None:
        """Put the key of the container in front of the path."""
        self.path = f"{key}.{self.path}" if self.path else str(key)

    def __str__(self) -> str:
        message = super().__str__()
        return f"field {self.path!r}: {message}" if self.path else message


class TypeMismatch(ValidationError):
    """A value of another type than expected."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {'None' if value is None else type(value).__name__}")
        self.expected = expected


def require_type(expected: type, value: object) -> None:
    """Check that a value is of exactly this type.

    Raises:
        TypeMismatch: If the value is of another type.
    """
    if type(value) is not expected:
        raise TypeMismatch(expected.__name__, value)


def anything(value: Any) -> Any:
    """Return the value: the validator of fields that accept any value."""
    return value


def of_type(annotation: type) -> Validator:
    """Return the validator of a field annotated with a key of `ALLOWED_TYPES`."""
    allowed = ALLOWED_TYPES[annotation]
    expected = "None" if annotation is NoneType else annotation.__name__

    def validate(value: Any) -> Any:
        if type(value) not in allowed:  # not isinstance, for which True is an int
            raise TypeMismatch(expected, value)
        return value

    return validate


def parse_datetime(value: Any) -> datetime:
    """Return the datetime of an ISO 8601 text with a time zone.

    Raises:
        ValidationError: If the value is no such text.
    """
    if not isinstance(value, str):
        raise TypeMismatch("a date", value)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        parsed = datetime.min
    if parsed.tzinfo is None:
        raise ValidationError(f"expected a date with a time zone, got {value!r:.40}")
    return parsed


def parse_date(value: Any) -> date:
    """Return the date of a text that `parse_datetime` accepts, or of a text such as `2026-01-31`.

    Raises:
        ValidationError: If the value is no such text.
    """
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_datetime(value).date()


def parse_decimal(value: Any) -> Decimal:
    """Return the Decimal of a number, or of a text that is a finite number.

    Raises:
        ValidationError: If the value is neither.
    """
    if type(value) not in (int, float, str):
        raise TypeMismatch("a number", value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValidationError(f"expected a number, got {value!r:.40}")
    return number


def parse_uuid(value: Any) -> UUID:
    """Return the UUID of a text.

    Raises:
        ValidationError: If the value is not the text of a UUID.
    """
    if not isinstance(value, str):
        raise TypeMismatch("a UUID", value)
    try:
        return UUID(value)
    except ValueError as error:
        raise ValidationError(f"expected a UUID, got {value!r:.40}") from error


CONVERTERS: dict[Any, Validator] = {
    datetime: parse_datetime,
    date: parse_date,
    Decimal: parse_decimal,
    UUID: parse_uuid,
}
"""The validators of classes whose instances are made of a text or a number."""


def member_of(enum: type[Enum]) -> Validator | None:
    """Return the validator that makes a member of an Enum of its value; None if no member has a value in JSON."""
    types: set[type] = {kind for member in enum for kind in ALLOWED_TYPES.get(type(member.value), ())}
    if not types:
        return None

    def validate(value: Any) -> Any:
        if type(value) in types:  # True is not 1
            try:
                return enum(value)
            except ValueError:
                pass
        raise ValidationError(f"expected {_choices(member.value for member in enum)}, got {value!r:.40}")

    return validate


def one_of(choices: tuple[Any, ...]) -> Validator:
    """Return the validator of a `Literal`."""
    allowed: set[Any] = {(type(choice), choice) for choice in choices}
    texts = {choice for choice in choices if type(choice) is str}

    def validate(value: Any) -> Any:
        if type(value) is str and value in texts:  # a shortcut for what is most frequent
            return value
        if not isinstance(value, (str, int, NoneType)) or (type(value), value) not in allowed:
            raise ValidationError(f"expected {_choices(choices)}, got {value!r:.40}")
        return value

    return validate


def _choices(choices: Iterable[Any]) -> str:
    return " or ".join(map(repr, choices))


def any_of(members: dict[Any, Validator], *, convert: bool) -> Validator:
    """Return the validator of a union, which takes the first member that accepts the value.

    Args:
        members: The validators by annotation.
        convert: Whether an empty text, which no member accepts, becomes None, which another accepts. PocketBase writes
            it for whatever has no value: a date, a select, a relation, a file.
    """
    first, *others = members.values()
    empty_is_none = convert and NoneType in members and all(map(_refuses_empty, members))

    def validate(value: Any) -> Any:
        if empty_is_none and value == "":
            return None
        try:
            return first(value)
        except ValidationError as error:
            failures = [error]
        for validate_member in others:
            try:
                return validate_member(value)
            except ValidationError as error:
                failures.append(error)
        # Prefer an error from inside a member: its top-level type matched, so that member was probably intended.
        inner = [error for error in failures if not isinstance(error, TypeMismatch) or error.path]
        expected = " or ".join(error.expected for error in failures if isinstance(error, TypeMismatch))
        failure = inner[0] if inner else TypeMismatch(expected, value)
        if value == "" and NoneType in members:
            if convert:
                return None
            raise ValidationError(
                f"{failure}; it is PocketBase's empty value, which a TypedDict keeps: annotate '' too"
            )
        raise failure

    return validate


def _refuses_empty(annotation: Any) -> bool:
    """Return whether a member of a union certainly does not accept an empty text."""
    if get_origin(annotation) is Literal:
        return "" not in get_args(annotation)
    return annotation in CONVERTERS or (annotation in ALLOWED_TYPES and annotation is not str)


def list_of(validate_item: Validator) -> Validator:
    """Return the validator of a list."""

    def validate(value: Any) -> Any:
        require_type(list, value)
        items: list[Any] = []
        try:
            for item in value:
                items.append(validate_item(item))  # not in a comprehension, which hides how many items were valid
        except ValidationError as error:
            error.prefix_path(len(items))
            raise
        return items

    return validate


def dict_of(validate_item: Validator) -> Validator:
    """Return the validator of a dict with values of one annotation."""

    def validate(value: Any) -> Any:
        require_type(dict, value)
        return {key: validate_at(key, validate_item, item) for key, item in value.items()}

    return validate


def validate_at(key: object, validate: Validator, value: Any) -> Any:
    """Return `validate(value)`; its error names the key of the value in its container.

    Raises:
        ValidationError: If the value does not match.
    """
    try:
        return validate(value)
    except ValidationError as error:
        error.prefix_path(key)
        raise
