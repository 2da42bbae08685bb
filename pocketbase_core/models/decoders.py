"""Records as classes of the user's own: TypedDict, dataclass, pydantic model, msgspec Struct."""

import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import ModuleType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from ..calls.call import Call
from ..endpoints.pages import Page
from ..errors import PocketBaseDecodeError
from ..messages import Response
from .validators import (
    ALLOWED_TYPES,
    ValidationError,
    Validator,
    any_of,
    dict_of,
    list_of,
    of_type,
    one_of,
    parse_datetime,
    require_type,
    validate_at,
)

S = TypeVar("S")
T = TypeVar("T")
Record = dict[str, Any]
Decoder = Callable[[Record], T]
_Cache = dict[type, Validator]

_WRAPPERS = (Annotated, Required, NotRequired, Final, getattr(typing, "ReadOnly", Annotated))


def identity(record: Record) -> Record:
    """The decoder of records that stay what they are."""
    return record


def make_decoder(kind: type[T]) -> Decoder[T]:
    """Return the decoder from a record to `kind`. Its PocketBaseDecodeError names the record and the field.

    A TypedDict is the record itself, checked. A dataclass takes the keys that it has fields for, with dates as
    `datetime`. A pydantic model or a msgspec Struct decides for itself.

    Raises:
        TypeError: `kind` is none of these, or has a field that no record can fill.
    """
    read = _make_validator(cast("Any", kind))
    if read is None:
        raise TypeError(f"records become a TypedDict, dataclass, pydantic model or msgspec Struct, not {kind!r:.80}")

    def decode(record: Record) -> T:
        try:
            value: T = read(record)
        except ValidationError as wrong:
            message = f"{_describe(record)} is no {kind.__name__}: {wrong}"
            raise PocketBaseDecodeError(status=200, message=message) from wrong.__cause__
        except RecursionError as error:
            message = f"{_describe(record)} is no {kind.__name__}: it is nested too deep"
            raise PocketBaseDecodeError(status=200, message=message) from error
        return value

    return decode


@lru_cache(maxsize=128)
def _make_validator(kind: Any) -> Validator | None:
    return _build_validator(kind, {})


def decode_call(call: Call[S], decode: Callable[[S], T]) -> Call[T]:
    """Return the call with its answer decoded."""
    if decode is identity:
        return cast("Call[T]", call)

    def parse(response: Response) -> T:
        return decode_from(response.url, response.status_code, call.parse(response), decode)

    return call.with_parser(parse)


def decode_from(url: str, status: int, value: S, decode: Callable[[S], T]) -> T:
    """Decode what a response has brought.

    Raises:
        PocketBaseDecodeError: `decode` refuses the value. The error has the URL and the status of the response.
    """
    try:
        return decode(value)
    except PocketBaseDecodeError as error:
        raise PocketBaseDecodeError(url, status, message=error.message) from error.__cause__


def decode_page_call(call: Call[Page[Record]], decode: Decoder[T]) -> Call[Page[T]]:
    """The call, with the records of its page decoded."""
    return cast("Call[Page[T]]", call) if decode is identity else decode_call(call, lambda page: _page(page, decode))


def decode_list_call(call: Call[list[Record]], decode: Decoder[T]) -> Call[list[T]]:
    """The call, with the records of its list decoded."""
    return (
        cast("Call[list[T]]", call)
        if decode is identity
        else decode_call(call, lambda records: [*map(decode, records)])
    )


def _page(page: Page[Record], decode: Decoder[T]) -> Page[T]:
    items: list[Any] = page["items"]
    return cast("Page[T]", page) if decode is identity else {**cast("Page[T]", page), "items": [*map(decode, items)]}


class RecordEvent(TypedDict, Generic[T]):
    """An event of realtime: the action, and the record as it was then."""

    action: Literal["create", "update", "delete"]
    record: T


def event_decoder(decode: Decoder[T]) -> Callable[[Any], RecordEvent[T]] | None:
    """Return the decoder of the record in a realtime message; None if the record stays as it is."""
    if decode is identity:
        return None

    def decode_event(message: Any) -> RecordEvent[T]:
        if not isinstance(message, dict) or "record" not in message:
            raise PocketBaseDecodeError(status=200, message="a realtime message without a record")
        event = cast("RecordEvent[Any]", message)
        return {**event, "record": decode(event["record"])}

    return decode_event


def _describe(record: Record) -> str:
    if not isinstance(record, dict):
        return "a record"
    of = f" of {record['collectionName']!r:.80}" if "collectionName" in record else ""
    return f"record {record['id']!r:.80}{of}" if "id" in record else f"a record without id{of}"


def _build_validator(kind: Any, known: _Cache) -> Validator | None:
    """The reader of a class; None when records cannot become one."""
    if not isinstance(kind, type):
        return None
    if kind in known:  # a class that holds itself comes by before its reader is done
        return lambda value: known[kind](value)
    known[kind] = identity
    if _is_typed_dict(kind):
        known[kind] = _typed_dict(kind, known)
    elif (pydantic := sys.modules.get("pydantic")) is not None and issubclass(kind, pydantic.BaseModel):
        known[kind] = _pydantic(kind, pydantic)
    elif (msgspec := sys.modules.get("msgspec")) is not None and issubclass(kind, msgspec.Struct):
        known[kind] = _msgspec(kind, msgspec)
    elif dataclasses.is_dataclass(kind):
        known[kind] = _dataclass(kind, known)
    else:
        del known[kind]
        return None
    return known[kind]


def _is_typed_dict(kind: Any) -> bool:
    """Also that of typing_extensions, which `typing.is_typeddict` does not know."""
    return isinstance(kind, type) and dict in kind.__mro__ and hasattr(kind, "__required_keys__")


def _typed_dict(kind: Any, known: _Cache) -> Validator:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {name: _field(hint, f"{kind.__name__}.{name}", known, checked=True) for name, hint in hints.items()}
    # Markers in annotations that are text are missing from __required_keys__.
    required = {
        name
        for name, hint in hints.items()
        if get_origin(hint) is Required or (name in kind.__required_keys__ and get_origin(hint) is not NotRequired)
    }

    def read(value: Any) -> Any:
        _validate_fields(value, fields, required)
        return value

    return read


def _dataclass(kind: Any, known: _Cache) -> Validator:
    hints = typing.get_type_hints(kind, include_extras=True)
    own = [field for field in dataclasses.fields(kind) if field.init]
    fields = {field.name: _field(hints[field.name], f"{kind.__name__}.{field.name}", known) for field in own}
    missing = dataclasses.MISSING
    required = {field.name for field in own if field.default is missing and field.default_factory is missing}

    def read(value: Any) -> Any:
        values = _validate_fields(value, fields, required)
        try:
            return kind(**values)
        except ValueError as error:  # of its __post_init__
            raise ValidationError(str(error)) from error

    return read


def _validate_fields(value: Any, fields: Mapping[str, Validator], required: set[str]) -> Record:
    require_type(dict, value)
    values: Record = {}
    for name, read in fields.items():
        if name in value:
            values[name] = validate_at(name, read, value[name])
        elif name in required:
            raise ValidationError("missing", name)
    return values


def _pydantic(kind: Any, pydantic: ModuleType) -> Validator:
    def read(value: Any) -> Any:
        try:
            return kind.model_validate(value)
        except pydantic.ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            raise ValidationError(wrong["msg"], ".".join(map(str, wrong["loc"]))) from error

    return read


def _msgspec(kind: Any, msgspec: ModuleType) -> Validator:
    def read(value: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$")
            raise ValidationError(what, path.strip(".`")) from error

    return read


def _field(annotation: Any, where: str, known: _Cache, *, checked: bool = False) -> Validator:
    """The reader of a field's values, which in a TypedDict are only `checked`."""
    hint = _unwrap_annotation(annotation)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if hint is Any or hint is object:
        return lambda value: value
    if hint in ALLOWED_TYPES:
        return of_type(hint)
    if hint is datetime and not checked:
        return parse_datetime
    if origin is Literal:
        return one_of(arguments)
    if origin is Union or origin is UnionType:
        members = {_unwrap_annotation(member): _field(member, where, known, checked=checked) for member in arguments}
        return any_of(members)
    if origin is list or origin is Sequence:
        return list_of(_field((*arguments, Any)[0], where, known, checked=checked))
    if origin is dict or origin is Mapping:
        return dict_of(_field((*arguments, Any, Any)[1], where, known, checked=checked))
    if (not checked or _is_typed_dict(hint)) and (read := _build_validator(hint, known)) is not None:
        return read
    hint = "; only a dataclass or a model converts" if checked else ""
    raise TypeError(f"{where} is annotated {annotation!r:.80}, which no value of a record can be{hint}")


def _unwrap_annotation(hint: Any) -> Any:
    """An annotation without what says nothing about the value."""
    while True:
        if get_origin(hint) in _WRAPPERS:
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint
