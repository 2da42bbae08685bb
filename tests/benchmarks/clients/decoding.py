"""Decoders of one record into each kind of class, by this library and by msgspec and pydantic alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any, NotRequired, TypedDict

import msgspec
import pydantic

from pocketbase_core.models.decoders import make_decoder


@dataclass
class Post:
    id: str
    collectionId: str
    collectionName: str
    created: datetime
    updated: datetime
    title: str
    summary: str
    slug: str
    views: int
    rating: float
    published: bool
    tags: list[str]
    editor: str | None = None


@dataclass(frozen=True)
class FrozenPost:
    id: str
    collectionId: str
    collectionName: str
    created: datetime
    updated: datetime
    title: str
    summary: str
    slug: str
    views: int
    rating: float
    published: bool
    tags: list[str]
    editor: str | None = None


@dataclass
class Author:
    id: str
    name: str
    verified: bool
    created: datetime


@dataclass
class Expand:
    author: Author | None = None


@dataclass
class ExpandedPost(Post):
    expand: Expand | None = None


class PostStruct(msgspec.Struct):
    id: str
    collectionId: str
    collectionName: str
    created: datetime
    updated: datetime
    title: str
    summary: str
    slug: str
    views: int
    rating: float
    published: bool
    tags: list[str]
    editor: str | None = None


class AuthorStruct(msgspec.Struct):
    id: str
    name: str
    verified: bool
    created: datetime


class ExpandStruct(msgspec.Struct):
    author: AuthorStruct | None = None


class ExpandedPostStruct(PostStruct):
    expand: ExpandStruct | None = None


class PostModel(pydantic.BaseModel):
    id: str
    collectionId: str
    collectionName: str
    created: datetime
    updated: datetime
    title: str
    summary: str
    slug: str
    views: int
    rating: float
    published: bool
    tags: list[str]
    editor: str | None = None


class PostDict(TypedDict):
    id: str
    collectionId: str
    collectionName: str
    created: str
    updated: str
    title: str
    summary: str
    slug: str
    views: int
    rating: float
    published: bool
    tags: list[str]
    editor: NotRequired[str | None]


DECODERS: dict[str, Callable[[], Callable[[Any], object]]] = {
    "dataclass": lambda: make_decoder(Post),
    "frozen dataclass": lambda: make_decoder(FrozenPost),
    "dataclass with expand": lambda: make_decoder(ExpandedPost),
    "msgspec": lambda: make_decoder(PostStruct),
    "msgspec with expand": lambda: make_decoder(ExpandedPostStruct),
    "pydantic": lambda: make_decoder(PostModel),
    "TypedDict": lambda: make_decoder(PostDict),
    "msgspec.convert": lambda: partial(msgspec.convert, type=PostStruct),
    "TypeAdapter.validate_python": lambda: pydantic.TypeAdapter(PostModel).validate_python,
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
