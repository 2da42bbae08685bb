"""The generic TypedDicts can be the types of responses in FastAPI, and of fields in pydantic models."""

from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pydantic
import pytest
from fastapi import FastAPI

from pocketbase_core import Page, RecordEvent

T = TypeVar("T")
PAGE: dict[str, Any] = {"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1}


@dataclass
class Post:
    id: str
    n: int = 0


class Model(pydantic.BaseModel):
    id: str


def page_of(item: T) -> Page[T]:
    return {"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1, "items": [item]}


async def test_a_page_is_the_type_of_a_response_in_fastapi() -> None:
    app = FastAPI()

    @app.get("/models")
    async def models() -> Page[Model]:
        return page_of(Model(id="a"))

    @app.get("/posts")
    async def posts() -> Page[Post]:
        return page_of(Post("a"))

    @app.get("/plain")
    async def plain() -> Page[dict[str, Any]]:
        return page_of({"id": "a"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as browser:
        assert (await browser.get("/models")).json() == PAGE | {"items": [{"id": "a"}]}
        assert (await browser.get("/posts")).json() == PAGE | {"items": [{"id": "a", "n": 0}]}
        assert (await browser.get("/plain")).json() == PAGE | {"items": [{"id": "a"}]}
        schemas = (await browser.get("/openapi.json")).json()["components"]["schemas"]
    assert {"Model", "Post"} < schemas.keys()


def test_the_items_of_a_page_are_validated() -> None:
    class Answer(pydantic.BaseModel):
        page: Page[Post]
        event: RecordEvent[Post]
        anything: Page[Any] | None = None

    event = {"action": "create", "record": {"id": "b"}}
    answer = Answer.model_validate({"page": PAGE | {"items": [{"id": "a", "n": "3"}]}, "event": event})
    assert answer.page["items"] == [Post("a", 3)]
    assert answer.event["record"] == Post("b")
    with pytest.raises(pydantic.ValidationError, match="items"):
        Answer.model_validate({"page": PAGE | {"items": [{}]}, "event": event})
    with pytest.raises(pydantic.ValidationError, match="action"):
        Answer.model_validate({"page": PAGE | {"items": []}, "event": event | {"action": "read"}})
    untyped: Any = Page
    assert pydantic.TypeAdapter(untyped).json_schema()["required"] == [*PAGE, "items"]
