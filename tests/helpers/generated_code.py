"""Validators of classes with and without generated code, and what they do."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from unittest.mock import patch

from pocketbase_core.models import class_validators
from pocketbase_core.models.class_validators import make_class_validator
from pocketbase_core.models.validators import Validator

calls: list[str] = []
"""What was called of the classes of the tests, in order."""


def build(model: Any) -> Validator:
    validate: Validator = cast("Any", make_class_validator).__wrapped__(model)  # without the cache
    return validate


def build_both(model: Any) -> tuple[Validator, Validator]:
    """Return the validator of a class, and the one that contains no generated code."""

    def interpreted(*arguments: Any) -> Any:
        return arguments[-1]

    generated = build(model)
    with (
        patch.object(class_validators, "generate_constructor", interpreted),
        patch.object(class_validators, "generate_check", interpreted),
    ):
        return generated, build(model)


def is_generated(validate: Validator) -> bool:
    return (validate.__doc__ or "").startswith("def validate(record):")


def assert_alike(model: Any, record: Any) -> None:
    generated, interpreted = build_both(model)
    before = repr(record)
    assert outcome(generated, record) == outcome(interpreted, record)
    assert repr(record) == before


def outcome(validate: Validator, record: Any) -> tuple[object, ...]:
    """Return all that can be observed of a value or of an error, and what was called."""
    calls.clear()
    try:
        value = validate(record)
    except Exception as error:
        return type(error), str(error), repr(error.__cause__), type(error.__context__), calls.copy()
    return shape(value, containers(record)), calls.copy()


def type_of(value: object) -> type[object]:
    return type(value)


def containers(value: Any) -> set[int]:
    """Return the ids of all lists and dicts in a value."""
    kind = type_of(value)
    if not issubclass(kind, (list, dict)):
        return set()
    return {id(value)}.union(*map(containers, value.values() if issubclass(kind, dict) else value))


def shape(value: Any, of_record: set[int]) -> object:
    """Return a value as comparable parts: its types, and which of its lists and dicts are those of the record."""
    kind = type_of(value)
    name, same = kind.__qualname__, id(value) if id(value) in of_record else None
    if dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind)]
        return name, [(each, shape(getattr(value, each), of_record)) for each in names if hasattr(value, each)]
    if issubclass(kind, dict):
        return name, same, [(key, shape(item, of_record)) for key, item in value.items()]
    if issubclass(kind, (list, tuple)):
        return name, same, [shape(item, of_record) for item in value]
    return name, repr(value)


@dataclass
class Checked:
    name: str
    when: datetime | None = None

    def __post_init__(self) -> None:
        calls.append(f"Checked {self.name!r}")
        if self.name == "forbidden":
            raise ValueError("this name is taken")
        if self.name == "missing":
            raise KeyError("an error in the code of the user")
