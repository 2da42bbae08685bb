"""Services that decode records."""

import gc
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest

from pocketbase_core import PocketBase, PocketBaseDecodeError, Response
from pocketbase_core.models.decoders import event_decoder, make_decoder
from pocketbase_transports import MockTransport

from ...helpers.articles import ARTICLE, Article, Tag


async def test_every_method_decodes() -> None:
    def handler(request: Any) -> Response:
        if request.method == "GET" and request.url.endswith("/records"):
            return Response(200, json={"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1, "items": [ARTICLE]})
        return Response(200, json=ARTICLE)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    articles = pb.collection("articles", Article)
    expected = make_decoder(Article)(ARTICLE)
    assert (await articles.get_list())["items"] == [expected]
    assert await articles.get_full_list() == [expected]
    assert [article async for article in articles.iterate()] == [expected]
    assert await articles.get_first() == expected
    assert await articles.get_one("abc") == expected
    assert await articles.create({}) == expected
    assert await articles.update("abc", {}) == expected
    assert await pb.collection("articles").get_one("abc") == ARTICLE
    assert pb.collection("articles", Article) is articles
    assert len({id(service) for service in (articles, pb.collection("articles", Tag), pb.collection("articles"))}) == 3


async def test_the_error_tells_where_the_record_came_from() -> None:
    answer: Any = ARTICLE | {"title": 3}
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(201, json=answer)))
    with pytest.raises(PocketBaseDecodeError) as caught:
        await pb.collection("articles", Article).create({}, params={"token": "secret"})
    assert (caught.value.url, caught.value.status) == ("http://h/api/collections/articles/records", 201)
    answer = {"items": [ARTICLE, answer], "perPage": 30}
    with pytest.raises(PocketBaseDecodeError, match="'title'"):
        await pb.collection("articles", Article).get_list()


async def test_the_own_record_is_kept_even_where_it_does_not_decode() -> None:
    pb = PocketBase(
        "http://h", transport=MockTransport(lambda request: Response(200, json={"id": "u1", "name": "new"}))
    )
    pb.auth_store.save("t", {"id": "u1", "collectionName": "users", "name": "old"})
    assert await pb.collection("users", Tag).update("u1", {}) == Tag("new")
    assert pb.auth_store.record == {"id": "u1", "collectionName": "users", "name": "new"}
    pb.auth_store.save("t", {"id": "u1", "collectionName": "users", "name": "old"})
    with pytest.raises(PocketBaseDecodeError, match="'title'"):
        await pb.collection("users", Article).update("u1", {})
    assert (pb.auth_store.record or {})["name"] == "new"


async def test_a_batch_decodes_each_member_as_its_own() -> None:
    answers: list[dict[str, Any]] = [
        {"status": 200, "body": body} for body in (ARTICLE, {"id": "t", "name": "a"}, ARTICLE)
    ]
    answers.append({"status": 204, "body": None})
    sent: list[object] = []

    def handler(request: object) -> Response:
        sent.append(request)
        return Response(200, json=answers)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    batch = pb.create_batch()
    article = batch.collection("articles", Article).create({})
    tag = batch.collection("tags", Tag).upsert({"id": "t"})
    raw = batch.collection("articles").update("abc", {})
    batch.collection("tags", Tag).delete("t")
    with pytest.raises(RuntimeError, match="not sent yet"):
        print(article.body)
    results = await batch.send()
    assert (article.body.title, tag.body.name, raw.body["title"]) == ("x", "a", "x")
    assert [result["body"] for result in results] == [article.body, tag.body, ARTICLE, None]

    batch = pb.create_batch()
    batch.collection("articles", Tag).create({})
    answers[1:] = []
    with pytest.raises(PocketBaseDecodeError, match="record 'abc' is not a valid Tag: field 'name': missing"):
        await batch.send()
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()
    assert len(sent) == 2


@dataclass
class Node:
    id: str
    child: "Node | None" = None


class NodeDict(TypedDict):
    id: str
    child: "NodeDict | None"


class NodeModel(pydantic.BaseModel):
    id: str
    child: "NodeModel | None" = None


class NodeStruct(msgspec.Struct):
    id: str
    child: "NodeStruct | None" = None


@pytest.mark.parametrize("depth", [200, 900])
@pytest.mark.parametrize("kind", [Node, NodeDict, NodeModel, NodeStruct])
async def test_records_nested_without_an_end(kind: Any, depth: int) -> None:
    record: Any = {"id": "leaf", "child": None}
    for _ in range(depth):
        record = {"id": "node", "child": record}
    text = '{"id": "node", "child": ' * depth + '{"id": "leaf", "child": null}' + "}" * depth
    page = f'{{"perPage": 30, "items": [{text}]}}'
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(200, content=answer.encode())))
    nodes = pb.collection("nodes", kind)
    answer = text
    single: list[Any] = [nodes.get_one("node"), nodes.create({}), nodes.update("node", {})]
    for call in single:
        await decodes_or_says(call)
    answer = page
    lists: list[Any] = [nodes.get_list(), nodes.get_first(), nodes.get_full_list(), anext(nodes.iterate())]
    for call in lists:
        await decodes_or_says(call)
    decode = event_decoder(make_decoder(kind))
    assert decode is not None
    with suppress(PocketBaseDecodeError):
        decode({"action": "create", "record": record})
    if kind in (Node, NodeDict) and depth == 900:
        with pytest.raises(PocketBaseDecodeError, match="nested too deep"):
            await nodes.get_first()


async def decodes_or_says(call: Any) -> None:
    with suppress(PocketBaseDecodeError):
        await call


async def test_services_that_nobody_holds_go() -> None:
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(200, json={})))
    posts = pb.collection("posts")
    other = weakref.ref(pb.collection("other"))
    gone: list[Any] = []
    for number in range(300):
        kind: Any = dataclass(type(f"Kind{number}", (), {"__annotations__": {"id": str}}))
        service = pb.collection("posts", kind)
        assert pb.collection("posts", kind) is service
        gone += [weakref.ref(service), weakref.ref(kind)]
        del kind, service
    gc.collect()
    assert pb.collection("posts") is posts
    assert pb.admins is pb.collection("_superusers")
    assert other() is None
    assert len([ref for ref in gone if ref() is not None]) < 200, "classes that were used last may stay"
