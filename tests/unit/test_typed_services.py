"""Services that decode records."""

from typing import Any

import pytest

from pocketbase_core import PocketBase, PocketBaseDecodeError, Response
from pocketbase_core.typed import decoder
from pocketbase_transports import MockTransport

from .test_typed import ARTICLE, Article, Tag


async def test_every_method_decodes() -> None:
    def handler(request: Any) -> Response:
        if request.method == "GET" and request.url.endswith("/records"):
            return Response(200, json={"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1, "items": [ARTICLE]})
        return Response(200, json=ARTICLE)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    articles = pb.collection("articles", Article)
    expected = decoder(Article)(ARTICLE)
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
    with pytest.raises(PocketBaseDecodeError, match="record 'abc' is no Tag: field 'name': missing"):
        await batch.send()
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()
    assert len(sent) == 2
