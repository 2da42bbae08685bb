"""Instances of the user's classes as bodies: dataclasses, pydantic models and msgspec Structs.

Fields are sent under their names in the JSON, and none is copied: a `FileUpload` stays itself. A field of a dataclass
gets another name in the JSON by its metadata: `class_: str = field(metadata={"pocketbase": "class"})`.
"""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol


class Dataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


class PydanticModel(Protocol):
    """An instance of a pydantic model."""

    def model_dump(self, *, by_alias: bool, warnings: bool) -> Any:
        """Return the fields by their names in the JSON."""
        ...


class MsgspecStruct(Protocol):
    """An instance of a msgspec Struct."""

    __struct_fields__: ClassVar[tuple[str, ...]]


Body = Mapping[str, Any] | Dataclass | PydanticModel | MsgspecStruct
"""The body of a record: a dict, or an instance of a dataclass, a pydantic model or a msgspec Struct."""


def fields_of(value: Any, *, only_set: bool = False) -> Any:
    """Return the fields of an instance by their names in the JSON; None if the value is not such an instance.

    Fields of a Struct that are `msgspec.UNSET` are left out. A pydantic RootModel may be a list, or any other value.

    Args:
        value: The instance.
        only_set: Whether to leave out the fields of a pydantic model that were not set and have their defaults.
    """
    if isinstance(value, type):
        return None  # the class itself, whose attributes are descriptors
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if hasattr(kind, "__struct_fields__"):
        return _struct_fields(value)
    if dataclasses.is_dataclass(kind):
        return {json_name(field): getattr(value, field.name) for field in dataclasses.fields(kind)}
    if hasattr(kind, "model_dump"):  # checked last, as a field of the other classes may have this name
        unset = kind.model_fields.keys() - value.model_fields_set if only_set else None
        return value.model_dump(by_alias=True, warnings=False, exclude=unset or None)
    return None


def json_name(field: "dataclasses.Field[Any]") -> str:
    """Return the name of a dataclass's field in the JSON."""
    name: str = field.metadata.get("pocketbase", field.name)
    return name


def _struct_fields(struct: Any) -> dict[str, Any]:
    unset, config = sys.modules["msgspec"].UNSET, struct.__struct_config__
    fields = {} if config.tag is None else {config.tag_field: config.tag}
    for attribute, name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        if (value := getattr(struct, attribute)) is not unset:
            fields[name] = value
    return fields
