"""What type checkers know about the blocking face; a line that ends in `# wrong` is one that they must report."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import pocketbase_core
from pocketbase_core import (
    AuthStore,
    BulkResult,
    Gap,
    LiveChange,
    Page,
    PasswordCredentials,
    Queued,
    RecordEvent,
    Request,
    RequestDraft,
    Response,
    testing,
)
from pocketbase_core.blocking import (
    AuthService,
    Batch,
    EventStream,
    Handler,
    LiveQuery,
    LocalServer,
    Middleware,
    PocketBase,
    RecordService,
    StreamedResponse,
)
from pocketbase_core.middleware import Logging, Retry


class Post(TypedDict):
    id: str
    title: str


@dataclass
class Article:
    id: str
    title: str


def records(pb: PocketBase) -> None:
    plain, posts, articles = pb.collection("posts"), pb.collection("posts", Post), pb.collection("articles", Article)
    assert_type(plain, RecordService[dict[str, Any]])
    assert_type(posts, RecordService[Post])
    assert_type(pb.admins.get_one("a"), dict[str, Any])
    assert_type(plain.get_list(), Page[dict[str, Any]])
    assert_type(posts.get_list(1, 50, filter="n > 1"), Page[Post])
    assert_type(posts.get_full_list(200, sort="n"), list[Post])
    assert_type(posts.get_first("n > 1"), Post)
    assert_type(posts.get_first({"filter": "n > 1"}), Post)
    assert_type(articles.get_one("a", expand="author"), Article)
    assert_type(posts.create({"title": "x"}), Post)
    assert_type(articles.create(Article("a", "b")), Article)
    assert_type(posts.update("a", {"title": "x"}), Post)
    assert_type(posts.iterate(batch=100), Iterator[Post])
    assert_type([article.title for article in articles.iterate()], list[str])
    assert_type(posts.create_many([{"title": "x"}], key="title"), BulkResult)
    assert_type(posts.import_("posts.jsonl"), BulkResult)
    assert_type(posts.export("posts.jsonl"), int)
    posts.delete("a")
    posts.unsubscribe()
    deleted: Callable[[str], None] = posts.delete
    deleted("a")


async def wrong_waits(pb: PocketBase) -> None:
    posts = pb.collection("posts", Post)
    await posts.get_one("a")  # wrong
    await posts.get_full_list()  # wrong
    await pb.send_raw("/api/health")  # wrong
    await pb.health.check()  # wrong
    await pb.create_batch().send()  # wrong
    async with pb:  # wrong
        pass
    async with posts.events():  # wrong
        pass
    async with posts.live():  # wrong
        pass
    async with pb.stream("/a"):  # wrong
        pass
    async for _ in posts.iterate():  # wrong
        pass
    await pb.aclose()  # wrong


def wrong_records(pb: PocketBase) -> None:
    posts, articles = pb.collection("posts", Post), pb.collection("articles", Article)
    posts.get_one()  # wrong
    posts.get_one(3)  # wrong
    posts.get_one("a", filter="n > 1")  # wrong
    posts.get_list(perPage=3)  # wrong
    posts.get_first(3)  # wrong
    posts.create("title")  # wrong
    posts.create({}, {}, {})  # wrong
    posts.update("a")  # wrong
    posts.iterate(batch="all")  # wrong
    posts.create_many(5)  # wrong
    posts.export()  # wrong
    posts.get_one("a")["titel"]  # wrong
    articles.get_one("a").titel  # wrong
    number: int = posts.get_one("a")["title"]  # wrong
    next(articles.iterate())["title"]  # wrong
    posts.getFullList()  # wrong
    pb.collection(Article)  # wrong
    assert_type(number, int)


def auth(pb: PocketBase) -> None:
    users = pb.collection("users")
    assert_type(users.auth, AuthService)
    assert_type(users.auth.methods(), dict[str, Any])
    assert_type(users.auth.with_password("a@example.com", "secret", identity_field="email"), dict[str, Any])
    assert_type(users.auth.request_otp("a@example.com"), dict[str, Any])
    assert_type(users.auth.with_otp("a", "b", mfa_id="c"), dict[str, Any])
    assert_type(users.auth.with_oauth2({"provider": "google"}), dict[str, Any])
    assert_type(users.auth.with_oauth2_browser("google", print), dict[str, Any])
    assert_type(users.auth.refresh(), dict[str, Any])
    assert_type(users.auth.list_external_auths("a"), list[dict[str, Any]])
    assert_type(users.auth.impersonate("a", 60), PocketBase)
    assert_type(pb.with_auth_store(AuthStore()), PocketBase)
    with users.auth.impersonate("a") as acting:
        assert_type(acting, PocketBase)
    users.auth.with_password("a@example.com")  # wrong
    users.auth.with_password("a@example.com", "secret", identityField="email")  # wrong
    users.auth.impersonate("a", "60")  # wrong
    users.auth.impersonate("a").aclose()  # wrong
    pb.with_auth_store("token")  # wrong


def services(pb: PocketBase) -> None:
    assert_type(pb.files.get_url("posts", "a", "b.png"), str)
    assert_type(pb.files.get_token(), str)
    assert_type(pb.files.download_file("posts", "a", "b.png"), bytes)
    with pb.files.stream("posts", "a", "b.png") as response:
        assert_type(response, StreamedResponse)
        assert_type(b"".join(response.iter_bytes()), bytes)
        response.aiter_bytes()  # wrong
    assert_type(pb.collections.get_one("posts"), dict[str, Any])
    assert_type(pb.collections.get_full_list(), list[dict[str, Any]])
    assert_type(pb.collections.get_list(), Page[dict[str, Any]])
    assert_type(pb.collections.create({"name": "a"}), dict[str, Any])
    assert_type(pb.health.check(), dict[str, Any])
    assert_type(pb.settings.get_all(), dict[str, Any])
    assert_type(pb.backups.download("a.zip"), bytes)
    pb.files.download_to("b.png", "posts", "a", "b.png", on_progress=print)
    pb.files.download_file("posts", "a")  # wrong
    pb.files.download_to("b.png", "posts", "a", "b.png", on_progress=5)  # wrong
    pb.collections.create("posts")  # wrong
    pb.backups.restore("a.zip", wait="yes")  # wrong


def custom_routes(pb: PocketBase) -> None:
    assert_type(pb.send_raw("/a", method="POST", body={"n": 1}), Response)
    assert_type(pb.stream("/a"), AbstractContextManager[StreamedResponse])
    print(pb.send("/a").anything)
    pb.send("/a", verb="POST")  # wrong
    pb.send(path=5)  # wrong


def batches(pb: PocketBase) -> None:
    with pb.create_batch() as batch:
        assert_type(batch, Batch)
        article = batch.collection("articles", Article).create({})
        assert_type(article, Queued[Article])
        assert_type(batch.collection("posts").update("a", {}), Queued[dict[str, Any]])
        assert_type(batch.collection("posts", Post).delete("a"), Queued[None])
    assert_type(article.body, Article)
    assert_type(pb.create_batch().send(timeout=5), list[dict[str, Any]])
    article.body.titel  # wrong
    pb.create_batch().send(limit=5)  # wrong


def on_article(event: RecordEvent[Article]) -> None:
    assert_type(event["record"], Article)


def realtime(pb: PocketBase) -> None:
    articles = pb.collection("articles", Article)
    assert_type(articles.subscribe(on_article, "a", on_gap=print), Callable[[], None])
    assert_type(articles.subscribe("a", on_article), Callable[[], None])
    assert_type(articles.subscribe_all(on_article), Callable[[], None])
    assert_type(pb.realtime.subscribe("articles/*", on_article), Callable[[], None])
    assert_type(pb.realtime.on_connect(print), Callable[[], None])
    with articles.events() as events:
        assert_type(events, EventStream[RecordEvent[Article]])
        assert_type(events.next(timeout=5), RecordEvent[Article] | Gap)
        for event in events:
            event["record"]  # wrong
            if not isinstance(event, Gap):
                assert_type(event["record"], Article)
        events.next("5")  # wrong
    with pb.realtime.events("news") as news:
        assert_type(news, EventStream[Any])
    articles.subscribe(on_article, on_article)  # wrong
    articles.subscribe("a", "b")  # wrong
    articles.subscribe(on_article)  # wrong
    articles.subscribe_all("a")  # wrong
    pb.realtime.subscribe(on_article, on_article)  # wrong
    pb.collection("posts", Post).subscribe_all(on_article)  # wrong
    for _ in articles.events():  # wrong
        pass


def live_queries(pb: PocketBase) -> None:
    with pb.collection("articles", Article).live(filter="n > 1", limit=5) as live:
        assert_type(live, LiveQuery[Article])
        assert_type(live.items[0], Article)
        assert_type(live.get("a"), Article | None)
        assert_type(live.next(timeout=5), LiveChange[Article])
        assert_type([change.record.title for change in live], list[str])
        assert_type([*live.items], list[Article])
        live.refresh()
        live.on_change(lambda change: print(change.record.title))
        live.items[0] = Article("a", "b")  # wrong
        live.next(5, 6)  # wrong
    pb.collection("posts").live(batch=5)  # wrong


def of_async(client: pocketbase_core.PocketBase, posts: pocketbase_core.RecordService[Any]) -> None:
    print(client, posts)


def of_blocking(client: PocketBase, posts: RecordService[Any]) -> None:
    print(client, posts)


async def both_faces(pb: PocketBase, other: pocketbase_core.PocketBase) -> None:
    of_async(other, other.collection("posts"))
    of_blocking(pb, pb.collection("posts"))
    of_async(pb, other.collection("posts"))  # wrong
    of_async(other, pb.collection("posts"))  # wrong
    of_blocking(other, pb.collection("posts"))  # wrong
    of_blocking(pb, other.collection("posts"))  # wrong
    with other:  # wrong
        pass


def stopwatch(request: Request, call_next: Handler) -> Response:
    return call_next(request)


async def asynchronous(request: Request, call_next: pocketbase_core.Handler) -> Response:
    return await call_next(request)


def sign_in(client: PocketBase) -> None:
    client.admins.auth.with_password("a", "b")


def hook(request: RequestDraft) -> RequestDraft:
    return request


def clients() -> None:
    layers: list[Middleware] = [stopwatch, asynchronous, Retry(attempts=5), Logging()]
    PocketBase("http://h", middleware=layers, credentials=sign_in)
    PocketBase("http://h", middleware=[stopwatch, Logging()], credentials=PasswordCredentials("_superusers", "a", "b"))
    with PocketBase("http://h") as pb:
        assert_type(pb, PocketBase)
        pb.before_send = hook
        pb.after_send = hook  # wrong
        pb.timeout = 5  # wrong
    PocketBase("http://h", middleware=[Retry])  # wrong
    PocketBase("http://h", credentials=hook)  # wrong
    PocketBase("http://h", time_out=5)  # wrong
    PocketBase()  # wrong
    pocketbase_core.PocketBase("http://h", middleware=[stopwatch])  # wrong


async def servers() -> None:
    with LocalServer("0.30") as server:
        assert_type(server, LocalServer)
        assert_type(server.url, str)
        server.restart()
        await server.restart()  # wrong
    async with LocalServer():  # wrong
        pass
    with testing.LocalServer():  # wrong
        pass
    LocalServer(version=30)  # wrong
