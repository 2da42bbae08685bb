"""The styles of classes of records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .source import Imports, closing, indented, kept, quote


class Attribute(NamedTuple):
    """A field in the source."""

    key: str
    """The name in the JSON."""
    annotation: str
    may_be_missing: bool = False
    """True if the JSON may lack the key."""
    is_forward: bool = False
    """True if the annotation names classes that may follow."""
    name: str = ""
    """The name of the attribute, which differs where Python or a library has taken the field's name."""


@dataclass(frozen=True)
class ClassStyle:
    """A kind of class, whose attributes are converted: dates are `datetime`, and an empty select is None."""

    base: tuple[str, str]
    """The module and name of the base class, or of the decorator."""
    header: str
    field: tuple[str, str]
    """The function that describes an attribute."""
    key: str
    """The argument of the function that is the name in the JSON."""
    missing: tuple[str, str]
    """The type and the value of an attribute that is missing, unless it is what `expand` adds, which is None."""
    reserved: frozenset[str]
    """Names that no attribute may have."""
    reserved_prefixes: tuple[str, ...] = ("_",)
    """Beginnings that no name of an attribute may have."""

    def is_reserved(self, name: str) -> bool:
        """Return whether no attribute may have a name."""
        return name in self.reserved or name.startswith(self.reserved_prefixes)

    def write(self, class_name: str, doc: str, attributes: Sequence[Attribute], imports: Imports) -> list[str]:
        """Return the class."""
        imports.use(*self.base)
        body = [kept(self._declaration(attribute, imports), 4) for attribute in attributes]
        return [*map(kept, self.header.format(class_name).splitlines()), *_body(doc, body)]

    def _declaration(self, attribute: Attribute, imports: Imports) -> str:
        annotation, default, arguments = attribute.annotation, "", list[str]()
        if attribute.may_be_missing:
            missing, default = ("None", "None") if attribute.is_forward else self.missing
            annotation = f"{annotation} | {missing}"
            if default != "None":
                imports.use(self.base[0], missing)
                imports.use(self.base[0], default)
            arguments.append(f"default={default}")
        if attribute.key != attribute.name:
            default = f"{imports.use(*self.field)}({', '.join([*arguments, self.key.format(quote(attribute.key))])})"
        return f"{attribute.name}: {annotation}{f' = {default}' if default else ''}"


DATACLASS = ClassStyle(
    base=("dataclasses", "dataclass"),
    header="@dataclass(kw_only=True)\nclass {}:",
    field=("dataclasses", "field"),
    key='metadata={{"pocketbase": {}}}',
    missing=("None", "None"),
    reserved=frozenset({"field"}),
)
PYDANTIC = ClassStyle(
    base=("pydantic", "BaseModel"),
    header="class {}(BaseModel):",
    field=("pydantic", "Field"),
    key="alias={}",
    missing=("None", "None"),
    reserved=frozenset(
        {
            "construct",
            "copy",
            "dict",
            "from_orm",
            "json",
            "parse_file",
            "parse_obj",
            "parse_raw",
            "schema",
            "schema_json",
            "update_forward_refs",
            "validate",
        }
    ),
    reserved_prefixes=("_", "model_"),
)
MSGSPEC = ClassStyle(
    base=("msgspec", "Struct"),
    header="class {}(Struct, kw_only=True):",
    field=("msgspec", "field"),
    key="name={}",
    missing=("UnsetType", "UNSET"),
    reserved=frozenset({"field"}),
)


def write_typed_dict(class_name: str, doc: str, attributes: Sequence[Attribute], imports: Imports) -> list[str]:
    """Return a TypedDict. Keys that cannot be written as an attribute are those of a base of the TypedDict."""
    imports.use("typing", "TypedDict")
    is_total = not all(each.may_be_missing for each in attributes)
    if not is_total:
        attributes = [each._replace(may_be_missing=False) for each in attributes]
    declared = [each for each in attributes if each.key == each.name]
    others = [each for each in attributes if each.key != each.name]
    lines: list[str] = []
    base, total = "TypedDict", "" if is_total else ", total=False"
    if others:
        base = f"_{class_name}Keys"
        entries = [f"{quote(each.key)}: {_value_type(each, imports)}" for each in others]
        statement = [f"{base} = TypedDict(", f'    "{base}",', "    {"]
        statement += [*(f"        {entry}," for entry in entries), "    },"]
        lines += [*statement, *([] if is_total else ["    total=False,"]), closing(")", statement), "", ""]
    body = [kept(f"{each.name}: {_value_type(each, imports)}", 4) for each in declared]
    return [*lines, kept(f"class {class_name}({base}{total}):"), *_body(doc, body)]


def _value_type(attribute: Attribute, imports: Imports) -> str:
    annotation = attribute.annotation
    if attribute.is_forward and attribute.key != attribute.name:  # it is evaluated at once
        annotation = quote(annotation)
    return f"{imports.use('typing', 'NotRequired')}[{annotation}]" if attribute.may_be_missing else annotation


def _body(doc: str, body: Sequence[str]) -> list[str]:
    return indented([f'"""{doc}"""', *([""] if body else ()), *body])
