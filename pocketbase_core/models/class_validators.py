"""Validators of classes: TypedDict, dataclass, pydantic model, msgspec Struct.

Theory of operation: the annotations of a class are read once, when its validator is made, and turned into a tree of
validators, one for each field. A class that no record can fill is a TypeError at that time and not at the first record.
Afterwards a record passes through the tree, without a look at the annotations.

The four kinds differ in who converts:

- A TypedDict is the record itself, so its fields are only checked (`convert=False`), and none can be a `datetime`.
- A dataclass is made here. Its fields are converted, and keys without a field are ignored.
- pydantic and msgspec validate for themselves; see `library_validators`. Both libraries are looked up in `sys.modules`:
  a model of theirs exists only if they were imported.

A class may contain itself, directly or through others. While its validator is being made, `cache` has a placeholder for
the class, and fields of this class look their validator up at the first record.
"""

import dataclasses
import sys
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, Union, get_args, get_origin

from .library_validators import msgspec_validator, pydantic_validator
from .validators import (
    ALLOWED_TYPES,
    CONVERTERS,
    ValidationError,
    Validator,
    any_of,
    anything,
    dict_of,
    list_of,
    member_of,
    of_type,
    one_of,
    require_type,
    validate_at,
)

_Cache = dict[type, Validator]
_WRAPPERS = (Annotated, Required, NotRequired, Final, getattr(typing, "ReadOnly", Annotated))


@lru_cache(maxsize=128)
def make_class_validator(model: Any) -> Validator | None:
    """Return the validator of a class; None if records cannot become instances of it.

    Raises:
        TypeError: If the class has a field that no value of a record can fill.
    """
    return _build_validator(model, {})


def _build_validator(model: Any, cache: _Cache) -> Validator | None:
    if not isinstance(model, type):
        return None
    if model in cache:  # perhaps the placeholder, so it is looked up later
        return lambda value: cache[model](value)
    cache[model] = anything
    if _is_typed_dict(model):
        cache[model] = _typed_dict(model, cache)
    elif (pydantic := sys.modules.get("pydantic")) is not None and issubclass(model, pydantic.BaseModel):
        cache[model] = pydantic_validator(model, pydantic)
    elif (msgspec := sys.modules.get("msgspec")) is not None and issubclass(model, msgspec.Struct):
        cache[model] = msgspec_validator(model, msgspec)
    elif dataclasses.is_dataclass(model):
        cache[model] = _dataclass(model, cache)
    else:
        del cache[model]
        return None
    return cache[model]


def _is_typed_dict(model: Any) -> bool:
    """Return whether a class is a TypedDict, of `typing` or, which `typing.is_typeddict` rejects, typing_extensions."""
    return isinstance(model, type) and dict in model.__mro__ and hasattr(model, "__required_keys__")


def _typed_dict(model: Any, cache: _Cache) -> Validator:
    hints = typing.get_type_hints(model, include_extras=True)
    fields = {name: _field(hint, f"{model.__name__}.{name}", cache, convert=False) for name, hint in hints.items()}
    # __required_keys__ ignores Required and NotRequired in annotations that are text.
    required = {
        name
        for name, hint in hints.items()
        if get_origin(hint) is Required or (name in model.__required_keys__ and get_origin(hint) is not NotRequired)
    }

    def validate(value: Any) -> Any:
        _validate_fields(value, fields, required)
        return value

    return validate


def _dataclass(model: Any, cache: _Cache) -> Validator:
    hints = typing.get_type_hints(model, include_extras=True)
    init_fields = [field for field in dataclasses.fields(model) if field.init]
    fields = {field.name: _field(hints[field.name], f"{model.__name__}.{field.name}", cache) for field in init_fields}
    missing = dataclasses.MISSING
    required = {field.name for field in init_fields if field.default is missing and field.default_factory is missing}

    def validate(value: Any) -> Any:
        values = _validate_fields(value, fields, required)
        try:
            return model(**values)
        except ValueError as error:  # raised by __post_init__
            raise ValidationError(str(error)) from error

    return validate


def _validate_fields(value: Any, fields: Mapping[str, Validator], required: set[str]) -> dict[str, Any]:
    require_type(dict, value)
    values: dict[str, Any] = {}
    for name, validate in fields.items():
        if name in value:
            values[name] = validate_at(name, validate, value[name])
        elif name in required:
            raise ValidationError("missing", name)
    return values


def _field(annotation: Any, name: str, cache: _Cache, *, convert: bool = True) -> Validator:
    """Return the validator of a field.

    Args:
        annotation: The annotation of the field, or of an item in it.
        name: The class and the name of the field, for errors.
        cache: The validators of classes.
        convert: Whether values may be converted; those of a TypedDict may not.

    Raises:
        TypeError: If no value of a record can match the annotation.
    """
    hint = _unwrap_annotation(annotation)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if hint is Any or hint is object:
        return anything
    if hint in ALLOWED_TYPES:
        return of_type(hint)
    if convert and hint in CONVERTERS:
        return CONVERTERS[hint]
    if convert and isinstance(hint, type) and issubclass(hint, Enum) and (validate := member_of(hint)) is not None:
        return validate
    if origin is Literal:
        return one_of(arguments)
    if origin is Union or origin is UnionType:
        members = {_unwrap_annotation(member): _field(member, name, cache, convert=convert) for member in arguments}
        return any_of(members, convert=convert)
    if origin is list or origin is Sequence:
        return list_of(_field((*arguments, Any)[0], name, cache, convert=convert))
    if origin is dict or origin is Mapping:
        return dict_of(_field((*arguments, Any, Any)[1], name, cache, convert=convert))
    if (convert or _is_typed_dict(hint)) and (validate := _build_validator(hint, cache)) is not None:
        return validate
    advice = "" if convert else "; only a dataclass or a model converts values"
    raise TypeError(f"{name} must not be annotated {annotation!r:.80}: no value of a record matches it{advice}")


def _unwrap_annotation(annotation: Any) -> Any:
    """Return the annotation without wrappers, NewType and aliases, which say nothing about the value."""
    while True:
        if get_origin(annotation) in _WRAPPERS:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):  # NewType
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation
