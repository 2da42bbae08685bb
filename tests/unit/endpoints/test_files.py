"""The URLs of stored files."""

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest

from pocketbase_core import (
    PocketBase,
    Response,
)
from pocketbase_transports import MockTransport


@dataclass
class Post:
    id: str
    collectionId: str
    docs: list[str]


@dataclass
class Snake:
    id: str
    collection_name: str


class PostDict(TypedDict):
    id: str
    collectionName: str


class PostModel(pydantic.BaseModel):
    id: str
    collection: str = pydantic.Field(alias="collectionId")

    @property
    def collection_id(self) -> str:
        return self.collection


class PostStruct(msgspec.Struct, rename="camel"):
    id: str
    collection_id: str
    collection_name: str = ""


@pytest.mark.parametrize(
    "record",
    [
        Post("r1", "c1", ["a.png"]),
        Snake("r1", "c1"),
        PostDict(id="r1", collectionName="c1"),
        PostModel(id="r1", collectionId="c1"),
        msgspec.convert({"id": "r1", "collectionId": "c1", "collectionName": "posts"}, PostStruct),
        {"id": "r1", "collectionId": "c1", "collectionName": "posts"},
    ],
    ids=lambda record: type(record).__name__,
)
def test_the_url_of_a_file_is_built_from_a_record_of_any_class(record: Any) -> None:
    files = PocketBase("http://h", transport=MockTransport(lambda _: Response(500))).files
    assert files.get_url(record, "a.png") == "http://h/api/files/c1/r1/a.png"
    assert files.get_url(record, "a.png", thumb="9x9") == "http://h/api/files/c1/r1/a.png?thumb=9x9"
    assert files.get_url(record, "a.png", {"thumb": "9x9"}) == "http://h/api/files/c1/r1/a.png?thumb=9x9"
    assert files.get_url(record, "") == ""
