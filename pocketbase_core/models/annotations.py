"""Read annotations: members of unions, and types without their wrappers."""

import typing
from types import UnionType
from typing import Annotated, Any, Final, NotRequired, Required, Union, get_args, get_origin

_WRAPPERS = (Annotated, Required, NotRequired, Final, getattr(typing, "ReadOnly", Annotated))


def unwrap_annotation(annotation: Any) -> Any:
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


def union_members(annotation: Any) -> list[Any]:
    """Return the members of a union, in their order. Any other annotation is the only member of itself."""
    annotation = unwrap_annotation(annotation)
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]
    return [*map(unwrap_annotation, members)]


def is_typed_dict(model: Any) -> bool:
    """Return whether a class is a TypedDict, of `typing` or, which `typing.is_typeddict` rejects, typing_extensions."""
    return isinstance(model, type) and dict in model.__mro__ and hasattr(model, "__required_keys__")
