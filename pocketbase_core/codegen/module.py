"""The module: for each collection the classes of its records, of its bodies and of its fields."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..fields.collection_fields import METHODS
from .names import Names, pascal_case
from .schema import CollectionSchema, FieldSchema, Relation, relations_of
from .source import Imports, bracketed, indented, kept, quote
from .styles import DATACLASS, MSGSPEC, PYDANTIC, Attribute, ClassStyle, write_typed_dict

STYLES: Mapping[str, ClassStyle | None] = {
    "dataclass": DATACLASS,
    "pydantic": PYDANTIC,
    "msgspec": MSGSPEC,
    "typeddict": None,
}
"""The styles by name. A TypedDict is the record itself."""


class _Model(NamedTuple):
    """A collection, and the names of its classes."""

    collection: CollectionSchema
    class_name: str
    relations: list[Relation]
    selects: dict[str, str]
    """The name of the type of each select."""


def write_module(collections: Sequence[CollectionSchema], style: str, names: Mapping[str, str], header: str) -> str:
    """Return the source of the module.

    Args:
        collections: The collections.
        style: One of `STYLES`.
        names: The names of classes that differ from the collection's name, by the names of collections.
        header: The comment at the top, without its `# `.

    Raises:
        SchemaError: If two classes get the same name.
    """
    return _Module(collections, STYLES[style], names).write(header)


class _Module:
    def __init__(
        self, collections: Sequence[CollectionSchema], style: ClassStyle | None, names: Mapping[str, str]
    ) -> None:
        self._style = style
        self._imports = Imports()
        self._names = Names()
        chosen = {name: self._names.take_chosen(chosen) for name, chosen in names.items()}
        self._class_names = {
            each.id: chosen.get(each.name) or self._names.take_class(pascal_case(each.name)) for each in collections
        }
        self._targets = {field.collection_id for each in collections for field in each.relations}
        self._models = [
            _Model(
                each,
                class_name := self._class_names[each.id],
                relations_of(each, [*collections]),
                {
                    field.name: self._names.take(f"{class_name}{pascal_case(field.name)}")
                    for field in each.fields
                    if field.type == "select" and field.values
                },
            )
            for each in collections
        ]

    def write(self, header: str) -> str:
        body = self._select_types()
        for model in self._models:
            for block in self._blocks(model):
                body += ["", "", *block]
        top = [f"# {header}", "", "from __future__ import annotations", "", *self._imports.lines()]
        return "\n".join([*top, *body, ""])

    def _blocks(self, model: _Model) -> list[list[str]]:
        blocks = [self._record(model)]
        if model.relations:
            blocks.append(self._expand(model))
        if model.collection.type != "view":
            blocks += [self._create(model), self._update(model)]
        blocks.append(self._fields(model))
        if model.collection.id in self._targets:
            blocks.append(self._relation(model))
        return blocks

    def _select_types(self) -> list[str]:
        lines: list[str] = []
        for model in self._models:
            for field in model.collection.fields:
                if name := model.selects.get(field.name):
                    literal = self._imports.use("typing", "Literal")
                    lines += bracketed(f"{name} = {literal}[", [*map(quote, field.values)], "]")
        return ["", *lines] if lines else []

    def _record(self, model: _Model) -> list[str]:
        attributes = [Attribute("collectionId", "str"), Attribute("collectionName", "str")]
        attributes += [
            Attribute(field.name, self._value_type(model, field), _may_be_missing(model.collection, field))
            for field in model.collection.fields
            if field.name != "tokenKey" and field.type != "password"
        ]
        if model.relations:
            attributes.append(Attribute("expand", f"{model.class_name}Expand", True, True))
        doc = f"A record of the {_kind(model.collection)} `{model.collection.name}`."
        return self._write_class(model.class_name, doc, attributes)

    def _expand(self, model: _Model) -> list[str]:
        attributes = [Attribute(each.name, self._expanded_type(each), True, True) for each in model.relations]
        doc = f"The records that `expand` adds to a record of `{model.collection.name}`."
        return self._write_class(f"{model.class_name}Expand", doc, attributes)

    def _write_class(self, class_name: str, doc: str, attributes: Sequence[Attribute]) -> list[str]:
        if self._style is None:
            return self._write_typed_dict(class_name, doc, attributes)
        return self._style.write(class_name, doc, self._named(attributes, self._style.is_reserved), self._imports)

    def _write_typed_dict(self, class_name: str, doc: str, attributes: Sequence[Attribute]) -> list[str]:
        return write_typed_dict(class_name, doc, self._named(attributes, lambda _: False), self._imports)

    def _named(self, attributes: Sequence[Attribute], is_reserved: Callable[[str], bool]) -> list[Attribute]:
        names = self._names.attributes([each.key for each in attributes], is_reserved)
        return [each._replace(name=names[each.key]) for each in attributes]

    def _value_type(self, model: _Model, field: FieldSchema) -> str:
        """Return the type of a value of a record."""
        if field.type in ("date", "autodate"):
            return "str" if self._style is None else f"{self._imports.use('datetime', 'datetime')} | None"
        if (options := model.selects.get(field.name)) is not None and not field.is_list:
            literal = self._imports.use("typing", "Literal")
            return f'{options} | {literal}[""]' if self._style is None else f"{options} | None"
        item = options or self._plain_type(field)
        return f"list[{item}]" if field.is_list else item

    def _plain_type(self, field: FieldSchema) -> str:
        if field.type == "number":
            return "int" if field.only_int else "float"
        if field.type == "bool":
            return "bool"
        if field.type == "geoPoint":
            return self._imports.use("pocketbase_core", "GeoPoint")
        return "str" if field.type in _TEXTS else self._imports.use("typing", "Any")

    def _expanded_type(self, relation: Relation) -> str:
        if relation.collection is None:
            record = f"dict[str, {self._imports.use('typing', 'Any')}]"
        else:
            record = self._class_names[relation.collection.id]
        return f"list[{record}]" if relation.is_list else record

    def _create(self, model: _Model) -> list[str]:
        attributes: list[Attribute] = []
        for field in model.collection.fields:
            if field.type != "autodate" and field.name != "tokenKey":
                may_be_missing = not field.required or field.is_generated
                attributes.append(Attribute(field.name, self._body_type(model, field), may_be_missing))
                if field.type == "password":
                    attributes.append(Attribute(f"{field.name}Confirm", "str", True))
        doc = f"The body that creates a record of `{model.collection.name}`."
        return self._write_typed_dict(f"{model.class_name}Create", doc, attributes)

    def _update(self, model: _Model) -> list[str]:
        attributes: list[Attribute] = []
        for field in model.collection.fields:
            if field.type != "autodate" and field.name not in ("id", "tokenKey"):
                types = {field.name: self._body_type(model, field), **self._modifiers(model, field)}
                if field.type == "password":
                    types |= {f"{field.name}Confirm": "str", "oldPassword": "str"}
                attributes += [Attribute(key, annotation, True) for key, annotation in types.items()]
        doc = f"The body that changes a record of `{model.collection.name}`."
        return self._write_typed_dict(f"{model.class_name}Update", doc, attributes)

    def _body_type(self, model: _Model, field: FieldSchema) -> str:
        """Return the type of a value that the server takes."""
        options = model.selects.get(field.name)
        if field.type == "date":
            annotation = f"{self._imports.use('datetime', 'date')} | str"
        elif field.type == "file":
            upload = self._imports.use("pocketbase_core", "FileUpload")
            names = f"{self._sequence()}[{upload} | str]" if field.is_list else "str"
            annotation = f"{upload} | {names}"
        elif options is not None:
            annotation = f"{self._sequence()}[{options}]" if field.is_list else options
        elif field.type == "relation":
            annotation = "list[str]" if field.is_list else "str"
        else:
            return self._plain_type(field)
        return annotation if field.required else f"{annotation} | None"

    def _modifiers(self, model: _Model, field: FieldSchema) -> dict[str, str]:
        """Return the keys that add to a value and remove from it, and the types of what they take."""
        if field.type == "number":
            return {f"{field.name}{sign}": self._plain_type(field) for sign in "+-"}
        if not field.is_list:
            return {}
        added = removed = f"str | {self._sequence()}[str]"
        if options := model.selects.get(field.name):
            added = removed = f"{options} | {self._sequence()}[{options}]"
        elif field.type == "file":
            upload = self._imports.use("pocketbase_core", "FileUpload")
            added = f"{upload} | {self._sequence()}[{upload}]"
        return {f"{field.name}+": added, f"+{field.name}": added, f"{field.name}-": removed}

    def _sequence(self) -> str:
        return self._imports.use("collections.abc", "Sequence")

    def _fields(self, model: _Model) -> list[str]:
        collection = model.collection
        declared = [
            (field.name, self._field_type(model, field))
            for field in collection.fields
            if field.name != "tokenKey" and field.type != "password" and not field.name[0].isdigit()
        ]
        declared += [
            (each.name, f"{self._class_names[each.collection.id]}Fields")
            for each in model.relations
            if each.is_back and each.collection is not None
        ]
        names = self._names.attributes([name for name, _ in declared], _hides_a_method)
        lines: list[str] = []
        for name, annotation in declared:
            if names[name] != name:
                annotation = f"{self._imports.use('typing', 'Annotated')}[{annotation}, {quote(name)}]"
            lines.append(kept(f"{names[name]}: {annotation}", 4))
        base = self._imports.use("pocketbase_core.fields", "Fields")
        doc = f'"""The fields of `{collection.name}`, for filters and sorts."""'
        return [kept(f"class {model.class_name}Fields({base}):"), *indented([doc, "", *lines])]

    def _relation(self, model: _Model) -> list[str]:
        base = self._imports.use("pocketbase_core.fields", "Relation")
        doc = f'"""A relation to `{model.collection.name}`."""'
        return [kept(f"class {model.class_name}Relation({model.class_name}Fields, {base}):"), f"    {doc}"]

    def _field_type(self, model: _Model, field: FieldSchema) -> str:
        """Return the type of an attribute of the class of fields."""
        if field.type == "relation":
            relation = next(each for each in model.relations if each.name == field.name)
            if relation.collection is None:
                return self._imports.use("pocketbase_core.fields", "Relation")
            return f"{self._class_names[relation.collection.id]}Relation"
        name = _FIELD_TYPES.get(field.type, "JsonField")
        options = model.selects.get(field.name) or ("str" if field.is_list or field.type == "select" else "")
        if field.is_list:
            name = "ListField"
        self._imports.use("pocketbase_core.fields", name)
        return f"{name}[{options}]" if options else name


_TEXTS = frozenset({"text", "email", "url", "editor", "file", "relation", "select", "password"})
_FIELD_TYPES = {
    **dict.fromkeys(("text", "email", "url", "editor", "file"), "TextField"),
    **dict.fromkeys(("date", "autodate"), "DateField"),
    "number": "NumberField",
    "bool": "BoolField",
    "select": "SelectField",
    "geoPoint": "GeoPointField",
}


def _hides_a_method(name: str) -> bool:
    """Return whether no attribute of a class of fields may have a name."""
    return name in METHODS or name.startswith("_")


def _may_be_missing(collection: CollectionSchema, field: FieldSchema) -> bool:
    """Return whether the server leaves the field out for some users."""
    return field.hidden or (collection.type == "auth" and field.name == "email")


def _kind(collection: CollectionSchema) -> str:
    return {"auth": "auth collection", "view": "view"}.get(collection.type, "collection")
