"""Functions that check one value of a record, and convert it where a class asks for that."""

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any

Validator = Callable[[Any], Any]
"""Makes what a class wants of a JSON value, or raises `Wrong`."""

ALLOWED_TYPES: dict[Any, set[type]] = {str: {str}, int: {int}, float: {float, int}, bool: {bool}, NoneType: {NoneType}}


class ValidationError(Exception):
    """A value of another shape, and the keys that lead to it."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.path = path

    def prefix_path(self, key: object) -> None:
        self.path = f"{key}.{self.path}" if self.path else str(key)

    def __str__(self) -> str:
        what = super().__str__()
        return f"field {self.path!r}: {what}" if self.path else what


class TypeMismatch(ValidationError):
    """Something else than was expected."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {'None' if value is None else type(value).__name__}")
        self.expected = expected


def require_type(kind: type, value: object) -> None:
    if type(value) is not kind:
        raise TypeMismatch(kind.__name__, value)


def of_type(kind: type) -> Validator:
    kinds = ALLOWED_TYPES[kind]
    expected = "None" if kind is NoneType else kind.__name__

    def read(value: Any) -> Any:
        if type(value) not in kinds:  # True is an int to isinstance
            raise TypeMismatch(expected, value)
        return value

    return read


def parse_datetime(value: Any) -> datetime:
    if not isinstance(value, str):
        raise TypeMismatch("a date", value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise ValidationError(f"expected a date with its zone, got {value!r:.40}")
    return moment


def one_of(choices: tuple[Any, ...]) -> Validator:
    allowed: set[Any] = {(type(choice), choice) for choice in choices}

    def read(value: Any) -> Any:
        if not isinstance(value, (str, int, NoneType)) or (type(value), value) not in allowed:
            raise ValidationError(f"expected {' or '.join(map(repr, choices))}, got {value!r:.40}")
        return value

    return read


def any_of(members: dict[Any, Validator]) -> Validator:
    empty_is_none = NoneType in members and parse_datetime in members.values()

    def read(value: Any) -> Any:
        failures: list[ValidationError] = []
        for member in members.values():
            try:
                return member(value)
            except ValidationError as wrong:
                failures.append(wrong)
        if empty_is_none and value == "":  # a date that is not set
            return None
        # One that got further than the value itself met the member that was meant.
        further = [wrong for wrong in failures if not isinstance(wrong, TypeMismatch) or wrong.path]
        if further:
            raise further[0]
        raise TypeMismatch(" or ".join(wrong.expected for wrong in failures if isinstance(wrong, TypeMismatch)), value)

    return read


def list_of(read_item: Validator) -> Validator:
    def read(value: Any) -> Any:
        require_type(list, value)
        return [validate_at(index, read_item, item) for index, item in enumerate(value)]

    return read


def dict_of(read_item: Validator) -> Validator:
    def read(value: Any) -> Any:
        require_type(dict, value)
        return {key: validate_at(key, read_item, item) for key, item in value.items()}

    return read


def validate_at(key: object, read: Validator, value: Any) -> Any:
    try:
        return read(value)
    except ValidationError as wrong:
        wrong.prefix_path(key)
        raise
