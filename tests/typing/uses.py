"""What type checkers know about records; a line that ends in `# wrong` is one that they must report."""

from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import msgspec
import pydantic

from pocketbase_core import (
    AuthStore,
    Batch,
    Gap,
    Handler,
    Middleware,
    Page,
    PocketBase,
    Queued,
    RecordEvent,
    RecordService,
    Request,
    RequestDraft,
    Response,
    Transport,
)
from pocketbase_core.middleware import Logging, Retry


class Post(TypedDict):
    id: str
    title: str


@dataclass
class Article:
    id: str
    title: str


class Model(pydantic.BaseModel):
    n: int


class Struct(msgspec.Struct):
    n: int


async def plain(pb: PocketBase) -> None:
    posts = pb.collection("posts")
    assert_type(await posts.get_one("a"), dict[str, Any])
    assert_type(await posts.get_list(), Page[dict[str, Any]])
    assert_type(await pb.admins.get_full_list(), list[dict[str, Any]])
    (await posts.get_one("a")).title  # wrong
    (await posts.get_list())["total"]  # wrong


async def typed_dict(pb: PocketBase) -> None:
    posts = pb.collection("posts", Post)
    assert_type(await posts.get_one("a"), Post)
    assert_type(await posts.get_first(filter="n > 1"), Post)
    assert_type(await posts.get_first("n > 1", {"expand": "author"}), Post)
    assert_type(await posts.get_first({"filter": "n > 1"}), Post)
    assert_type(await posts.get_full_list(200, sort="n"), list[Post])
    await posts.get_first(3)  # wrong
    await posts.get_full_list("n > 1")  # wrong
    assert_type(await posts.create({"title": "x"}), Post)
    assert_type(await posts.update("a", {"title": "x"}), Post)
    assert_type(await posts.get_full_list(), list[Post])
    assert_type((await posts.get_list())["items"], list[Post])
    assert_type([post async for post in posts.iterate()], list[Post])
    (await posts.get_one("a"))["titel"]  # wrong
    (await posts.get_list())["items"][0]["n"]  # wrong
    number: int = (await posts.create({}))["title"]  # wrong
    async for post in posts.iterate():
        post["n"]  # wrong
    assert_type(number, int)


async def classes(pb: PocketBase) -> None:
    article = await pb.collection("articles", Article).get_one("a")
    assert_type(article, Article)
    assert_type(await pb.collection("articles", Model).get_full_list(), list[Model])
    assert_type((await pb.collection("articles", Struct).get_list())["items"], list[Struct])
    article["title"]  # wrong
    article.titel  # wrong
    (await pb.collection("articles", Model).get_one("a")).m  # wrong
    (await pb.collection("articles", Struct).update("a", {})).m  # wrong
    pb.collection("articles", Article("a", "b"))  # wrong
    pb.collection(Article)  # wrong
    assert_type(pb.files.get_url(article, "a.png", thumb="9x9"), str)
    pb.files.get_url("articles", "a")  # wrong
    pb.files.get_url(await pb.collection("articles", Struct).get_one("a"), "a.png")  # wrong


async def bodies(pb: PocketBase, post: Post, article: Article, model: Model, struct: Struct) -> None:
    posts, batch = pb.collection("posts", Post), pb.create_batch().collection("posts", Article)
    await posts.create({"title": "x", "n": 1, "tags": ["a"]})
    await posts.create(post)
    await posts.create(article)
    await posts.update("a", model)
    assert_type(await posts.update("a", struct), Post)
    assert_type(batch.upsert(article).body, Article)
    batch.create(struct)
    await pb.send("/api/custom", method="POST", body=article)
    await posts.create("title")  # wrong
    await posts.create(["title"])  # wrong
    await posts.update("a", None)  # wrong
    batch.upsert(3)  # wrong
    batch.update("a", {1: "x"})  # wrong
    pb.filter("a = {:a} && b = {:b-c}", {"b-c": 1}, a="x")
    pb.filter(raw="a = 1")  # wrong


async def batches(pb: PocketBase) -> None:
    batch = pb.create_batch()
    article = batch.collection("articles", Article).create({})
    post = batch.collection("posts", Post).upsert({"id": "a"})
    plain = batch.collection("posts").update("a", {})
    await batch.send()
    assert_type(article.body, Article)
    assert_type(post.body, Post)
    assert_type(plain.body, dict[str, Any])
    article.body.titel  # wrong
    post.body["titel"]  # wrong
    assert_type(batch.collection("posts", Post).delete("a").body, None)


def on_article(event: RecordEvent[Article]) -> None:
    assert_type(event["record"], Article)


async def live_queries(pb: PocketBase) -> None:
    async with pb.collection("articles", Article).live(filter="n > 1", sort=["-title"], limit=5, watch="users") as live:
        assert_type(live.items[0], Article)
        assert_type(live.get("a"), Article | None)
        async for change in live:
            assert_type(change.record, Article)
            assert_type(change.previous, Article | None)
            if change.action == "replace":  # wrong
                break
        live.on_change(lambda change: print(change.record.title))
        live.items[0] = Article("a", "b")  # wrong
        live.items = []  # wrong
    async with pb.collection("posts").live() as records:
        assert_type(records.items[0], dict[str, Any])
    pb.collection("posts").live(batch=5)  # wrong
    pb.collection("posts").live(limit="5")  # wrong


async def events(pb: PocketBase) -> None:
    articles = pb.collection("articles", Article)
    await articles.subscribe_all(on_article)
    await articles.subscribe(on_article, "a", on_gap=print)
    await articles.subscribe("a", on_article, on_gap=print)
    await articles.subscribe(record_id="a", callback=on_article)
    await pb.realtime.subscribe("articles/*", on_article)
    await pb.realtime.subscribe(on_article, "articles/*")
    await articles.subscribe("a", "b")  # wrong
    await articles.subscribe(on_article, on_article)  # wrong
    await articles.subscribe(on_article)  # wrong
    await pb.realtime.subscribe("a", "b")  # wrong
    await pb.realtime.subscribe(on_article, on_article)  # wrong
    async with articles.events() as received:
        async for event in received:
            event["record"]  # wrong
            if not isinstance(event, Gap):
                assert_type(event["record"], Article)
                event["record"].titel  # wrong
    await pb.collection("articles").subscribe_all(on_article)  # wrong
    await pb.collection("posts", Post).subscribe(on_article, "a")  # wrong
    await pb.collection("posts", Post).subscribe("a", on_article)  # wrong
    pb.realtime.on_disconnect = print  # wrong


def cookies(store: AuthStore) -> None:
    assert_type(store.export_to_cookie(same_site="lax", expires=None), str)
    store.export_to_cookie(same_site="Laxx")  # wrong
    store.export_to_cookie(same_site=True)  # wrong
    store.export_to_cookie(expires="session")  # wrong


async def stopwatch(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


async def middleware(pb: PocketBase) -> None:
    PocketBase("http://h", middleware=[stopwatch, Retry(attempts=5), Logging()])
    layers: list[Middleware] = [stopwatch, Retry(attempts=5), Logging()]
    PocketBase("http://h", middleware=layers)
    PocketBase("http://h", middleware=[stopwatch, 3])  # wrong
    PocketBase("http://h", middleware=[Retry])  # wrong


async def hook(request: RequestDraft) -> RequestDraft:
    return request


class Hooked(PocketBase):
    async def before_send(self, request: RequestDraft) -> Request | RequestDraft | None:
        request.headers["X"] = "1"
        return await super().before_send(request)

    async def after_send(self, response: Response) -> None:
        assert_type(await super().after_send(response), Response | None)


async def hooks(pb: PocketBase) -> None:
    pb.before_send = hook
    pb.after_send = hook  # wrong


async def names(pb: PocketBase, posts: RecordService[Post], batch: Batch, transport: Transport) -> None:
    pb.auth_store = AuthStore()
    pb.lang = "de"
    pb.base_url = "http://h"  # wrong
    pb.files = pb.files  # wrong
    pb.timeout = 5  # wrong
    pb.authStore = AuthStore()  # wrong
    pb.authStore  # wrong
    posts.getFirstListItem  # wrong
    pb.auth_store.model  # wrong
    assert_type((await posts.get_list(per_page=3))["items"], list[Post])
    await posts.get_list(perPage=3)  # wrong
    PocketBase("http://h", transport=transport)
    assert_type(batch.collection("posts", Post).create({}), Queued[Post])
    if pb.auth_store.record is not None:
        print(pb.auth_store.record["email"])
    print(batch, AuthStore().record["email"])  # wrong
    pb.auth_store = None  # wrong
