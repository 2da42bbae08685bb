"""What type checkers know about generated models; a line that ends in `# wrong` is one that they must report."""

from datetime import UTC, date, datetime
from typing import Any, assert_type

import models
from models import (
    Comments,
    Posts,
    PostsCreate,
    PostsFields,
    PostsKind,
    PostsLevel,
    PostsUpdate,
    Stats,
    StatsFields,
    Tags,
    TagsFields,
    Users,
    UsersCreate,
    UsersFields,
    UsersUpdate,
)

from pocketbase_core import FileUpload, GeoPoint, PocketBase
from pocketbase_core.fields import NOW, TODAY_START, WEEKDAY, Condition, Field, geo_distance

LEVEL: PostsLevel = "as important as all the others are"
NAME = FileUpload(("a.txt", b"x"))


async def records(pb: PocketBase) -> None:
    post = await pb.collection("posts", Posts).get_one("a", expand="author,tags,comments_via_post")
    assert_type(post.n, float)
    assert_type(post.count, int)
    assert_type(post.due, datetime | None)
    assert_type(post.kind, PostsKind | None)
    assert_type(post.docs, list[str])
    assert_type(post.data, Any)
    assert_type(post.secret, str | None)
    assert_type(post.place, GeoPoint)
    post.kind = "it's"
    post.kinds.append("b")
    post.due = None
    post.titel  # wrong
    post["title"]  # wrong
    post.n + "x"  # wrong
    post.due.year  # wrong
    post.kind = "c"  # wrong
    post.kinds.append("c")  # wrong
    post.secret.upper()  # wrong
    post.count = 1.5  # wrong
    post.tags = "a"  # wrong
    post.place["lng"]  # wrong
    post.created = "2026-01-31"  # wrong
    post.expand.author  # wrong
    if post.expand is not None:
        assert_type(post.expand.author, Users | None)
        assert_type(post.expand.tags, list[Tags] | None)
        assert_type(post.expand.comments_via_post, list[Comments] | None)
        post.expand.author.email  # wrong
        post.expand.tags[0]  # wrong
        post.expand.stats  # wrong
    Posts(title="x")  # wrong


async def other_records(pb: PocketBase, tag: Tags, stats: Stats) -> None:
    user = await pb.collection("users", Users).get_one("a")
    assert_type(user.email, str | None)
    user.email.upper()  # wrong
    user.password  # wrong
    user.tokenKey  # wrong
    assert_type(tag.class_, str)
    assert_type(tag.field_2fa, bool)
    tag.class_ = 3  # wrong
    stats.expand  # wrong
    models.StatsCreate  # wrong
    if user.expand is not None and user.expand.comments_via_parent is not None:
        assert_type(user.expand.comments_via_parent, Comments)
        user.expand.comments_via_parent[0]  # wrong


async def created(pb: PocketBase) -> None:
    body: PostsCreate = {"title": "x", "level": LEVEL}
    body = {"title": "x", "level": LEVEL, "due": date(2026, 1, 31), "kind": "a", "kinds": ("a",), "n": 1, "count": 2}
    body = {"title": "x", "level": LEVEL, "due": datetime.now(UTC), "kind": None, "tags": ["a"], "data": {"a": [1]}}
    body = {"title": "x", "level": LEVEL, "cover": NAME, "docs": [NAME, "a.txt"], "place": {"lon": 1, "lat": 2}}
    assert_type(await pb.collection("posts", Posts).create(body), Posts)
    body = {"title": "x"}  # wrong
    body = {"title": 1, "level": LEVEL}  # wrong
    body = {"title": None, "level": LEVEL}  # wrong
    body = {"title": "x", "level": "y"}  # wrong
    body = {"title": "x", "level": None}  # wrong
    body = {"title": "x", "level": LEVEL, "titel": "x"}  # wrong
    body = {"title": "x", "level": LEVEL, "created": "2026-01-31"}  # wrong
    body = {"title": "x", "level": LEVEL, "kind": "c"}  # wrong
    body = {"title": "x", "level": LEVEL, "kinds": ["c"]}  # wrong
    body = {"title": "x", "level": LEVEL, "n": "1"}  # wrong
    body = {"title": "x", "level": LEVEL, "count": 1.5}  # wrong
    body = {"title": "x", "level": LEVEL, "n+": 1}  # wrong
    body = {"title": "x", "level": LEVEL, "place": {"lon": 1}}  # wrong
    body = {"title": "x", "level": LEVEL, "author": 3}  # wrong
    body = {"title": "x", "level": LEVEL, "tags": "a"}  # wrong
    body = {"title": "x", "level": LEVEL, "docs": [b"x"]}  # wrong
    body = {"title": "x", "level": LEVEL, "due": 3}  # wrong
    user: UsersCreate = {"email": "a@example.com", "password": "x", "passwordConfirm": "x"}
    user = {"email": "a@example.com"}  # wrong
    user = {"email": "a@example.com", "password": "x", "tokenKey": "x"}  # wrong
    print(body, user)


async def updated(pb: PocketBase) -> None:
    body: PostsUpdate = {}
    body = {"title": "x", "due": None, "kind": None, "n+": 1.5, "count-": 1, "docs+": NAME, "docs-": ["a.txt"]}
    body = {"kinds+": "a", "+kinds": ["a", "b"], "tags-": "a", "cover": None, "author": None}
    assert_type(await pb.collection("posts", Posts).update("a", body), Posts)
    body = {"title": None}  # wrong
    body = {"level": None}  # wrong
    body = {"id": "x"}  # wrong
    body = {"updated": "2026-01-31"}  # wrong
    body = {"n+": "x"}  # wrong
    body = {"count+": 1.5}  # wrong
    body = {"+n": 1}  # wrong
    body = {"title+": "x"}  # wrong
    body = {"docs-": NAME}  # wrong
    body = {"docs+": "a.txt"}  # wrong
    body = {"kinds+": "c"}  # wrong
    body = {"kind+": "a"}  # wrong
    body = {"tags+": 3}  # wrong
    user: UsersUpdate = {"password": "x", "oldPassword": "y"}
    user = {"oldpassword": "y"}  # wrong
    print(body, user)


async def filters(pb: PocketBase, done: bool, kind: PostsKind | None) -> None:
    posts, tags, stats = (pb.collection("posts", Posts), pb.collection("tags"), pb.collection("stats"))
    condition = PostsFields.title.contains("x") & (PostsFields.n > 3) | (PostsFields.done == done)
    assert_type(condition, Condition)
    assert_type(PostsFields.n != 3, Condition)
    await posts.get_list(filter=condition)
    await posts.get_first(filter=PostsFields.kind == "a")
    await posts.get_first(filter=PostsFields.kind == kind)
    await posts.get_first(filter=PostsFields.kinds.each == "a")
    await posts.get_first(filter=PostsFields.kinds.length > 1)
    await posts.get_first(filter=PostsFields.due >= TODAY_START)
    await posts.get_first(filter=PostsFields.due < datetime.now(UTC))
    await posts.get_first(filter=PostsFields.author == "abc")
    await posts.get_first(filter=PostsFields.author.email == PostsFields.mail)
    await posts.get_first(filter=PostsFields.comments_via_post.parent.email.any == "a@example.com")
    await posts.get_first(filter=PostsFields.data.at("a.0") == 3)
    await posts.get_first(filter=geo_distance(PostsFields.place.lon, PostsFields.place.lat, 23.3, 42) < 10)
    await posts.get_first(filter=Field("title") == 3)
    await tags.get_first(filter=(TagsFields.class_ == "x") & (TagsFields.length_ > 2))
    await stats.get_first(filter=StatsFields.kind != "a")
    async with posts.live(filter=PostsFields.n > 3):
        pass
    await posts.get_first(filter=PostsFields.titel == "x")  # wrong
    await posts.get_first(filter=PostsFields.n == "x")  # wrong
    await posts.get_first(filter=PostsFields.n != "x")  # wrong
    await posts.get_first(filter=PostsFields.title > 3)  # wrong
    await posts.get_first(filter=PostsFields.title == 3)  # wrong
    await posts.get_first(filter=PostsFields.kind == "c")  # wrong
    await posts.get_first(filter=PostsFields.done == "x")  # wrong
    await posts.get_first(filter=PostsFields.due > 3)  # wrong
    await posts.get_first(filter=PostsFields.due == WEEKDAY)  # wrong
    await posts.get_first(filter=PostsFields.n < NOW)  # wrong
    await posts.get_first(filter=PostsFields.n > None)  # wrong
    await posts.get_first(filter=PostsFields.n.contains("x"))  # wrong
    await posts.get_first(filter=PostsFields.title.contains(3))  # wrong
    await posts.get_first(filter=PostsFields.title.each == "x")  # wrong
    await posts.get_first(filter=PostsFields.kinds.each == "c")  # wrong
    await posts.get_first(filter=PostsFields.kinds.length > "x")  # wrong
    await posts.get_first(filter=PostsFields.author == 3)  # wrong
    await posts.get_first(filter=PostsFields.author.title == "x")  # wrong
    await posts.get_first(filter=PostsFields.comments_via_post == "x")  # wrong
    await posts.get_first(filter=PostsFields.place.lng > 3)  # wrong
    await posts.get_first(filter=PostsFields.place.lon == "x")  # wrong
    await posts.get_first(filter=PostsFields.title)  # wrong
    await posts.get_first(filter=(PostsFields.n > 3) & "n < 5")  # wrong
    await posts.get_first(filter=(PostsFields.n == "x") & (PostsFields.n > 3))  # wrong
    await posts.get_first(filter=UsersFields.password == "x")  # wrong
    await posts.get_first(filter=geo_distance("1", 2, 3, 4) < 10)  # wrong
    await tags.get_first(filter=TagsFields.length > 2)  # wrong
    async with posts.live(filter=PostsFields.n == "x"):  # wrong
        pass


async def sorts(pb: PocketBase) -> None:
    posts = pb.collection("posts", Posts)
    await posts.get_list(sort=PostsFields.title.asc())
    await posts.get_list(sort=[PostsFields.n.desc(), PostsFields.author.email.asc()])
    await posts.get_list(sort=PostsFields.title)  # wrong
    await posts.get_list(sort=[PostsFields.title])  # wrong
    await posts.get_list(sort=PostsFields.title.desc)  # wrong
    await posts.get_list(sort=PostsFields.title.descending())  # wrong
    await posts.get_list(sort=PostsFields.comments_via_post.desc())  # wrong
    await posts.get_list(sort=-PostsFields.n)  # wrong
