"""Decoders of one record into each kind of class, by this library and by msgspec and pydantic alone."""

import dataclasses
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Any, NotRequired, TypedDict

import msgspec
import pydantic

from pocketbase_core.models.decoders import make_decoder

FIELDS: dict[str, Any] = {
    "id": str,
    "collectionId": str,
    "collectionName": str,
    "created": datetime,
    "updated": datetime,
    "title": str,
    "summary": str,
    "slug": str,
    "views": int,
    "rating": float,
    "published": bool,
    "tags": list[str],
}
AUTHOR: dict[str, Any] = {"id": str, "name": str, "verified": bool, "created": datetime}


def make_dataclass(name: str, fields: dict[str, Any], optional: dict[str, Any], *, frozen: bool = False) -> Any:
    """Return a dataclass with fields, and with fields that may be None and are so by default."""
    with_defaults = [(field, hint | None, None) for field, hint in optional.items()]
    return dataclasses.make_dataclass(name, [*fields.items(), *with_defaults], frozen=frozen)


def make_struct(name: str, fields: dict[str, Any], optional: dict[str, Any]) -> Any:
    """Return a Struct of msgspec with the same fields as `make_dataclass`."""
    with_defaults = [(field, hint | None, None) for field, hint in optional.items()]
    return msgspec.defstruct(name, [*fields.items(), *with_defaults])


def make_model(fields: dict[str, Any], optional: dict[str, Any]) -> Any:
    """Return a model of pydantic with the same fields as `make_dataclass`."""
    definitions: dict[str, Any] = {field: (hint, ...) for field, hint in fields.items()}
    definitions |= {field: (hint | None, None) for field, hint in optional.items()}
    return pydantic.create_model("Post", **definitions)


def make_typed_dict(fields: dict[str, Any], optional: dict[str, Any]) -> Any:
    """Return a TypedDict with the same fields as `make_dataclass`. Its dates are texts."""
    make: Any = TypedDict
    hints = {field: str if hint is datetime else hint for field, hint in fields.items()}
    return make("Post", hints | {field: NotRequired[hint | None] for field, hint in optional.items()})


EDITOR = {"editor": str}


def with_expand(make: Callable[[str, dict[str, Any], dict[str, Any]], Any]) -> Any:
    """Return a class of records that contain another record."""
    return make("Post", FIELDS, {**EDITOR, "expand": make("Expand", {}, {"author": make("Author", AUTHOR, {})})})


DECODERS: dict[str, Callable[[], Callable[[Any], object]]] = {
    "dataclass": lambda: make_decoder(make_dataclass("Post", FIELDS, EDITOR)),
    "frozen dataclass": lambda: make_decoder(make_dataclass("Post", FIELDS, EDITOR, frozen=True)),
    "dataclass with expand": lambda: make_decoder(with_expand(make_dataclass)),
    "msgspec": lambda: make_decoder(make_struct("Post", FIELDS, EDITOR)),
    "msgspec with expand": lambda: make_decoder(with_expand(make_struct)),
    "pydantic": lambda: make_decoder(make_model(FIELDS, EDITOR)),
    "TypedDict": lambda: make_decoder(make_typed_dict(FIELDS, EDITOR)),
    "msgspec.convert": lambda: partial(msgspec.convert, type=make_struct("Post", FIELDS, EDITOR)),
    "TypeAdapter.validate_python": lambda: pydantic.TypeAdapter(make_model(FIELDS, EDITOR)).validate_python,
}


@cache
def page(expand: bool) -> list[dict[str, Any]]:
    """Return 1,000 records as the server sends them."""
    author = {"id": "abcdefghijklmno", "name": "A name", "verified": True, "created": "2022-01-01 10:00:00.123Z"}
    return [
        {
            "id": f"r{number:014}",
            "collectionId": "pbc_1125843985",
            "collectionName": "posts",
            "created": f"2022-01-01 10:00:00.{number:03}Z",
            "updated": f"2023-01-01 10:00:00.{number:03}Z",
            "title": f"A title of the usual length {number}",
            "summary": f"A sentence or two about the post of the number {number}, as it is shown in a list.",
            "slug": f"a-title-of-the-usual-length-{number}",
            "views": number,
            "rating": number / 8,
            "published": number % 2 == 0,
            "tags": ["a", "b", "c"],
            "editor": "abcdefghijklmno" if number % 2 else None,
            **({"expand": {"author": author}} if expand else {}),
        }
        for number in range(1000)
    ]


def decode_pages(name: str, count: int) -> None:
    """Decode so many pages, as a list of records does."""
    decode, records = DECODERS[name](), page("expand" in name)
    for _ in range(count):
        list(map(decode, records))
