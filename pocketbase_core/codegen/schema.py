"""The collections of a server, as far as models need them."""

import re
from dataclasses import dataclass
from typing import Any, cast

from ..endpoints.collections import unique_fields
from ..endpoints.legacy_schema import current_collection


class SchemaError(ValueError):
    """Collections that no models can be made of."""


@dataclass(frozen=True)
class FieldSchema:
    """A field of a collection."""

    name: str
    type: str
    required: bool = False
    hidden: bool = False
    max_select: int = 0
    values: tuple[str, ...] = ()
    collection_id: str = ""
    only_int: bool = False
    is_generated: bool = False
    """True if the server makes a text where the body has none."""

    @property
    def is_list(self) -> bool:
        """True if the field has a list of values."""
        return self.type in ("select", "file", "relation") and self.max_select > 1


@dataclass(frozen=True)
class CollectionSchema:
    """A collection."""

    id: str
    name: str
    type: str
    fields: tuple[FieldSchema, ...]
    unique: frozenset[str]
    """The fields that have an index which makes them unique."""
    is_system: bool
    """True for PocketBase's own collections."""

    @property
    def relations(self) -> list[FieldSchema]:
        """The fields that refer to records."""
        return [field for field in self.fields if field.type == "relation"]


@dataclass(frozen=True)
class Relation:
    """A name that `expand` and filters know for the way from one collection to another."""

    name: str
    collection: CollectionSchema | None
    """None if the other collection is not known."""
    is_list: bool
    is_back: bool = False
    """True if the relation is a field of the other collection."""


def parse_collections(document: Any) -> list[CollectionSchema]:
    """Return the collections of a decoded JSON document, in the order of their names.

    They may be those of PocketBase 0.22. Then the fields of views do not include `created` and `updated`.

    Raises:
        SchemaError: If the document is not a list of collections.
    """
    if not isinstance(document, list) or not document:
        raise SchemaError("a JSON list of collections was expected")
    items = cast("list[dict[str, Any]]", document)
    try:
        collections = [_collection(item) for item in items]
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise SchemaError("the JSON is not a list of PocketBase's collections") from error
    return sorted(collections, key=lambda collection: collection.name)


def relations_of(collection: CollectionSchema, known: list[CollectionSchema]) -> list[Relation]:
    """Return the relations of a collection, and those of other collections back to it."""
    by_id = {each.id: each for each in known}
    relations = [Relation(field.name, by_id.get(field.collection_id), field.is_list) for field in collection.relations]
    for other in known:
        for field in other.relations:
            if field.collection_id == collection.id:
                is_list = field.is_list or field.name not in other.unique
                relations.append(Relation(f"{other.name}_via_{field.name}", other, is_list, is_back=True))
    return relations


def _collection(item: Any) -> CollectionSchema:
    if "schema" in item:
        item = current_collection(item)
    fields = tuple(_field(field) for field in item["fields"])
    return CollectionSchema(
        _text(item["id"]),
        _word(item["name"]),
        _text(item["type"]),
        fields,
        unique_fields(item),
        bool(item.get("system")),
    )


def _field(item: Any) -> FieldSchema:
    return FieldSchema(
        _word(item["name"]),
        _text(item["type"]),
        bool(item.get("required")),
        bool(item.get("hidden")),
        int(item.get("maxSelect") or 0),
        tuple(map(_text, item.get("values") or ())),
        _text(item.get("collectionId") or ""),
        bool(item.get("onlyInt")),
        bool(item.get("autogeneratePattern")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _word(value: Any) -> str:
    """Return a name. Names become part of the source, so they must consist of letters, digits and underscores."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", name := _text(value)):
        raise ValueError(name)
    return name
