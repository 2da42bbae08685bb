"""Decoders: functions from a record, which is a dict, to an instance of the user's class."""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypedDict, TypeVar, cast

from ..calls.call import Call
from ..concurrency.event_loops import start_lock
from ..endpoints.pages import Page
from ..errors import PocketBaseDecodeError
from ..messages import Response
from ..pydantic_support import support_pydantic

S = TypeVar("S")
T = TypeVar("T")
Record = dict[str, Any]
Decoder = Callable[[Record], T]


class RecordEvent(TypedDict, Generic[T]):
    """A realtime event: a record was created, updated or deleted."""

    action: Literal["create", "update", "delete"]
    """The change of the record."""
    record: T
    """The record at that time, as a dict or as an instance of the collection's class."""


support_pydantic(RecordEvent)


def identity(record: Record) -> Record:
    """Return the record: the decoder of collections without a class."""
    return record


def make_decoder(model: type[T]) -> Decoder[T]:
    """Return the decoder from a record to `model`. Its PocketBaseDecodeError names the record and the field.

    Args:
        model: A TypedDict, which is the record itself, checked; a dataclass, which takes the keys that it has fields
            for, with dates as `datetime`; a pydantic model or msgspec Struct, which decide for themselves.

    Raises:
        TypeError: If `model` is none of these, or has a field that no value of a record can fill.
    """
    with start_lock:
        from .class_validators import make_class_validator
        from .validators import ValidationError
    validate = make_class_validator(cast("Any", model))
    if validate is None:
        raise TypeError(
            f"the class of records must be a TypedDict, dataclass, pydantic model or msgspec Struct, not {model!r:.80}"
        )

    def decode(record: Record) -> T:
        try:
            value: T = validate(record)
        except ValidationError as error:
            message = f"{_describe(record)} is not a valid {model.__name__}: {error}"
            raise PocketBaseDecodeError(status=200, message=message) from error.__cause__
        except RecursionError as error:
            message = f"{_describe(record)} is not a valid {model.__name__}: it is nested too deep"
            raise PocketBaseDecodeError(status=200, message=message) from error
        return value

    decode.__name__ = model.__name__  # for the repr of a service
    return decode


def decode_call(call: Call[S], decode: Callable[[S], T]) -> Call[T]:
    """Return the call with a parser that decodes its value."""
    if decode is identity:
        return cast("Call[T]", call)

    def parse(response: Response) -> T:
        return decode_from(response.url, response.status_code, call.parse(response), decode)

    return call.with_parser(parse)


def decode_from(url: str, status: int, value: S, decode: Callable[[S], T]) -> T:
    """Return the decoded value of a response.

    Raises:
        PocketBaseDecodeError: If the value cannot be decoded. The error has the URL and the status of the response.
    """
    try:
        return decode(value)
    except PocketBaseDecodeError as error:
        raise PocketBaseDecodeError(url, status, message=error.message) from error.__cause__


def decode_page_call(call: Call[Page[Record]], decode: Decoder[T]) -> Call[Page[T]]:
    """Return the call with a parser that decodes the records of its page."""
    if decode is identity:
        return cast("Call[Page[T]]", call)

    def decode_page(page: Page[Record]) -> Page[T]:
        return {**cast("Page[T]", page), "items": [*map(decode, page["items"])]}

    return decode_call(call, decode_page)


def event_decoder(decode: Decoder[T]) -> Callable[[Any], RecordEvent[T]] | None:
    """Return the decoder of the data of a realtime event; None if records stay dicts."""
    if decode is identity:
        return None

    def decode_event(message: Any) -> RecordEvent[T]:
        if not isinstance(message, dict) or "record" not in message:
            raise PocketBaseDecodeError(status=200, message="the realtime event has no record")
        event = cast("RecordEvent[Any]", message)
        return {**event, "record": decode(event["record"])}

    return decode_event


def _describe(record: Record) -> str:
    if not isinstance(record, dict):
        return "a record"
    collection = f" of {record['collectionName']!r:.80}" if "collectionName" in record else ""
    return f"record {record['id']!r:.80}{collection}" if "id" in record else f"a record without id{collection}"
