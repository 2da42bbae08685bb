"""Generated code, which decodes records that match their class.

Theory of operation: a validator that walks through a list of fields decides anew, for each value of each record, what
to do with the value. So a function is generated once for each class, as `dataclasses` generates `__init__`. For

    @dataclass
    class Post:
        title: str
        created: datetime
        tags: list[str]
        author: Author | None = None

the function is

    def validate(record):
        if type(record) is dict:
            try:
                value_title = record["title"]
                value_created = record["created"]
                value_tags = record["tags"]
            except KeyError:
                pass
            else:
                if type(value_title) is not str:
                    value_title = at("title", validate_title, value_title)
                try:
                    moment = fromisoformat(value_created) if value_created else naive
                except (TypeError, ValueError):
                    moment = naive
                value_created = moment if moment.tzinfo is not None else at("created", validate_created, value_created)
                for item in value_tags if type(value_tags) is list else (unfit,):
                    if type(item) is not str:
                        value_tags = at("tags", validate_tags, value_tags)
                        break
                else:
                    value_tags = value_tags[:]
                if "author" in record:
                    value_author = record["author"]
                    if value_author is not None:
                        try:
                            value_author = validate_author(value_author)
                        except ValidationError as error:
                            error.prefix_path("author")
                            raise
                else:
                    value_author = default_author
                try:
                    return model(value_title, value_created, value_tags, value_author)
                except ValueError as error:
                    raise ValidationError(str(error)) from error
        return interpret(record)

The function accepts a value if its type is enough to accept it, and a datetime if it can be parsed and has a time zone
(`naive` is a datetime without one; `unfit` is an object of a type that no field accepts). `at` passes any other value
to the validator of its field: `validate_title` and so on. `interpret` validates the whole record if the record is not a
dict or if a field is missing. All other rules and all errors are those of these validators, which are not generated.
Fields are validated in their order, and the user's code is never called twice.

Only the names of fields become part of the source, and only if they are ASCII identifiers, and their names in the JSON
are ASCII words. The prefixes `value_`, `validate_` and `default_` separate them from each other and from other names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from inspect import Parameter, signature
from types import FunctionType, NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from .annotations import is_typed_dict, union_members, unwrap_annotation
from .validators import ALLOWED_TYPES, CONVERTERS, ValidationError, Validator, anything, validate_at

_JSON_NAME = re.compile("[A-Za-z0-9_]+")


class Field(NamedTuple):
    """A field of a dataclass, or a key of a TypedDict."""

    key: str
    """The name in the JSON."""
    annotation: Any
    validate: Validator
    required: bool


_VALIDATE = """
def validate(record):
    if type(record) is dict:
        try:
            {reads}
        except KeyError:
            pass
        else:
            {checks}
            {result}
    return interpret(record)
"""
_NOT_REQUIRED = """
if "{key}" in record:
    {read}
    {check}
else:
    {default}
"""
_PLAIN = """
if {mismatch}:
    value_{name} = at("{key}", validate_{name}, value_{name})
"""
_DATETIME = """
try:
    moment = fromisoformat(value_{name}) if value_{name} else naive
except (TypeError, ValueError):
    moment = naive
value_{name} = moment if moment.tzinfo is not None else at("{key}", validate_{name}, value_{name})
"""
_LIST = """
for item in value_{name} if type(value_{name}) is list else (unfit,):
    if {mismatch}:
        value_{name} = at("{key}", validate_{name}, value_{name})
        break
else:
    value_{name} = value_{name}[:]
"""
_OTHER = """
try:
    value_{name} = validate_{name}(value_{name})
except ValidationError as error:
    error.prefix_path("{key}")
    raise
"""
_OPTIONAL = """
if value_{name} is not None:
    {check}
"""
_INSTANCE = """
try:
    return model({arguments})
except ValueError as error:
    raise ValidationError(str(error)) from error
"""
_GLOBALS: dict[str, Any] = {
    "at": validate_at,
    "fromisoformat": datetime.fromisoformat,
    "naive": datetime.min,
    "unfit": object(),
    "ValidationError": ValidationError,
}


def generate_check(fields: Mapping[str, Field], interpret: Validator) -> Validator:
    """Return a function that does what `interpret` does: check the fields of a record, and return the record."""
    if not _are_names(fields):
        return interpret
    return _generate(fields, {"interpret": interpret}, "return record")


def generate_constructor(model: Any, fields: Mapping[str, Field], interpret: Validator) -> Validator:
    """Return a function that does what `interpret` does: make an instance of the dataclass `model` of a record."""
    parameters = _constructor_parameters(model, fields)
    if parameters is None or not _are_names(fields):
        return interpret
    names: dict[str, Any] = {"interpret": interpret, "model": model}
    arguments: list[str] = []
    for name, parameter in parameters.items():
        names[f"default_{name}"] = parameter.default
        arguments.append(f"{name}=value_{name}" if parameter.kind is Parameter.KEYWORD_ONLY else f"value_{name}")
    return _generate(fields, names, _fill(_INSTANCE, arguments=", ".join(arguments)))


def _are_names(fields: Mapping[str, Field]) -> bool:
    """Return whether the source can contain the names of the fields, and their names in the JSON."""
    return all(
        name.isidentifier() and name.isascii() and _JSON_NAME.fullmatch(field.key) for name, field in fields.items()
    )


def _constructor_parameters(model: Any, fields: Mapping[str, Field]) -> dict[str, Parameter] | None:
    """Return the parameters of a dataclass; None unless an argument that is left out can be replaced by its default."""
    is_ordinary = type(model).__call__ is type.__call__ and model.__new__ is object.__new__
    if not is_ordinary or not isinstance(model.__init__, FunctionType):
        return None
    parameters = dict([*signature(model.__init__, follow_wrapped=False).parameters.items()][1:])
    if parameters.keys() != fields.keys():  # for example, there is an InitVar
        return None
    for name, parameter in parameters.items():
        if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            return None
        if parameter.default is Parameter.empty and not fields[name].required:
            return None
    return parameters


def _generate(fields: Mapping[str, Field], names: dict[str, Any], result: str) -> Validator:
    reads: list[str] = []
    checks: list[str] = []
    for name, field in fields.items():
        names[f"validate_{name}"] = field.validate
        read, check = f'value_{name} = record["{field.key}"]', _check(name, field)
        if field.required:
            reads.append(read)
            checks.append(check)
        else:
            default = f"value_{name} = default_{name}" if f"default_{name}" in names else "pass"
            checks.append(_fill(_NOT_REQUIRED, key=field.key, read=read, check=check, default=default))
    source = _fill(_VALIDATE, reads="\n".join(reads) or "pass", checks="\n".join(checks), result=result)
    names |= _GLOBALS
    exec(source, names)
    validate: Validator = names["validate"]
    validate.__doc__ = source  # for those who want to read it
    return validate


def _check(name: str, field: Field) -> str:
    """Return the code that validates the value of a field."""
    hint = unwrap_annotation(field.annotation)
    members = union_members(hint)
    if field.validate is anything:
        return ""
    if _are_plain(members):
        return _fill(_PLAIN, name=name, key=field.key, mismatch=_mismatch(f"value_{name}", members))
    if datetime in members and {*members} <= {datetime, NoneType}:
        return _fill(_DATETIME, name=name, key=field.key)
    if get_origin(hint) in (list, Sequence) and _are_plain(items := union_members(get_args(hint)[0])):
        return _fill(_LIST, name=name, key=field.key, mismatch=_mismatch("item", items))
    if NoneType in members and all(map(_refuses_none, members)):
        return _fill(_OPTIONAL, name=name, check=_fill(_OTHER, name=name, key=field.key))
    return _fill(_OTHER, name=name, key=field.key)


def _are_plain(members: Iterable[Any]) -> bool:
    return all(member in ALLOWED_TYPES for member in members)


def _mismatch(value: str, members: Iterable[Any]) -> str:
    """Return the expression that is true unless a value has a type that one of the plain members allows."""
    kinds = dict.fromkeys(kind for member in members for kind in ALLOWED_TYPES[member])
    return " and ".join(
        f"{value} is not None" if kind is NoneType else f"type({value}) is not {kind.__name__}" for kind in kinds
    )


def _refuses_none(member: Any) -> bool:
    """Return whether a member of a union certainly does not make something else of None."""
    if member in ALLOWED_TYPES or member in CONVERTERS or is_dataclass(member) or is_typed_dict(member):
        return True
    return get_origin(member) in (list, Sequence, dict, Mapping, Literal)


def _fill(template: str, **values: str) -> str:
    """Return the template with the values in their places. Each line of a value is indented like its placeholder."""
    lines: list[str] = []
    for line in template.strip().splitlines():
        code = line.lstrip(" ")
        lines += [line[: -len(code)] + part for part in code.format(**values).splitlines()]
    return "\n".join(lines)
