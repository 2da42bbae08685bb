"""Validators of classes: TypedDict, dataclass, pydantic model, msgspec Struct.

Theory of operation: the annotations of a class are read once, when its validator is made, and turned into a tree of
validators, one for each field. A class that no record can fill is a TypeError at that time and not at the first record.
Afterwards a record passes through the tree, without a look at the annotations. For a TypedDict and a dataclass,
`generated_code` handles what is frequent.

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
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from ..messages.instances import json_name
from .annotations import is_typed_dict, unwrap_annotation
from .generated_code import Field, generate_check, generate_constructor
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
    if (known := cache.get(model)) is not None:
        return known if known is not anything else lambda value: cache[model](value)
    cache[model] = anything
    if is_typed_dict(model):
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


def _typed_dict(model: Any, cache: _Cache) -> Validator:
    fields: dict[str, Field] = {}
    for name, hint in typing.get_type_hints(model, include_extras=True).items():
        # __required_keys__ ignores Required and NotRequired in annotations that are text.
        origin = get_origin(hint)
        required = origin is Required or (name in model.__required_keys__ and origin is not NotRequired)
        fields[name] = Field(name, hint, _field(hint, f"{model.__name__}.{name}", cache, convert=False), required)

    def validate(value: Any) -> Any:
        _validate_fields(value, fields)
        return value

    return generate_check(fields, validate)


def _dataclass(model: Any, cache: _Cache) -> Validator:
    hints = typing.get_type_hints(model, include_extras=True)
    fields: dict[str, Field] = {}
    for each in dataclasses.fields(model):
        if each.init:
            required = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
            hint = hints[each.name]
            validate_field = _field(hint, f"{model.__name__}.{each.name}", cache)
            fields[each.name] = Field(json_name(each), hint, validate_field, required)

    def validate(value: Any) -> Any:
        values = _validate_fields(value, fields)
        try:
            return model(**values)
        except ValueError as error:  # raised by __post_init__
            raise ValidationError(str(error)) from error

    return generate_constructor(model, fields, validate)


def _validate_fields(value: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    require_type(dict, value)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if field.key in value:
            values[name] = validate_at(field.key, field.validate, value[field.key])
        elif field.required:
            raise ValidationError("missing", field.key)
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
    hint = unwrap_annotation(annotation)
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
        members = {unwrap_annotation(member): _field(member, name, cache, convert=convert) for member in arguments}
        return any_of(members, convert=convert)
    if origin is list or origin is Sequence:
        return list_of(_field((*arguments, Any)[0], name, cache, convert=convert))
    if origin is dict or origin is Mapping:
        return dict_of(_field((*arguments, Any, Any)[1], name, cache, convert=convert))
    if (convert or is_typed_dict(hint)) and (validate := _build_validator(hint, cache)) is not None:
        return validate
    advice = "" if convert else "; only a dataclass or a model converts values"
    raise TypeError(f"{name} must not be annotated {annotation!r:.80}: no value of a record matches it{advice}")
