"""Typed records, on a real server."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

import msgspec
import pydantic
import pytest

from pocketbase_core import FileUpload, Gap, PocketBase, PocketBaseDecodeError, RecordEvent

pytestmark = pytest.mark.both_faces


class Post(TypedDict):
    id: str
    title: str
    n: float
    yes: bool
    docs: list[str]
    created: str
    data: NotRequired[dict[str, int] | None]


@dataclass
class Comment:
    id: str
    post: str
    expand: "Expand | None" = None


@dataclass
class Expand:
    post: "Article"


@dataclass
class Article:
    title: str
    created: datetime
    when: datetime | None


class Model(pydantic.BaseModel):
    title: str
    created: datetime


class Struct(msgspec.Struct):
    title: str
    created: datetime


async def test_records_are_decoded_to_each_kind_of_class(pb: PocketBase) -> None:
    posts, mark = pb.collection("posts", Post), secrets.token_hex(8)
    mine = pb.filter("title = {:mark}", mark=mark)
    post = await posts.create({"title": mark, "n": 1, "data": {"a": 1}})
    assert (await posts.update(post["id"], {"n": 1.5}))["n"] == 1.5
    assert (await posts.get_first(filter=mine)).get("data") == {"a": 1}
    for record_class in (Article, Model, Struct):
        value = (await pb.collection("posts", record_class).get_list(filter=mine))["items"][0]
        assert isinstance(value, record_class)
        assert value.title == mark
        assert abs((datetime.now(UTC) - value.created).total_seconds()) < 60, "the date was read in another time zone"
    assert (await pb.collection("posts", Article).get_one(post["id"])).when is None
    comment = await pb.collection("comments", Comment).create({"post": post["id"]}, expand="post")
    assert comment.expand is not None
    assert comment.expand.post.title == mark


async def test_a_record_of_another_shape_is_an_error_that_names_record_and_field(pb: PocketBase) -> None:
    post = await pb.collection("posts").create({"title": "x", "data": {"a": "b"}})
    message = rf"'{post['id']}' of 'posts' is not a valid Post: field 'data\.a': expected int, got str"
    with pytest.raises(PocketBaseDecodeError, match=message) as caught:
        await pb.collection("posts", Post).get_one(post["id"])
    assert caught.value.url.endswith(post["id"])
    for record_class in (Post, Article, Model, Struct):
        with pytest.raises(
            PocketBaseDecodeError, match=rf"record '{post['id']}' is not a valid {record_class.__name__}: .*created"
        ):
            await pb.collection("posts", record_class).get_one(post["id"], fields="id,title,n,yes,docs,data")


@dataclass
class Stored:
    """A record with all that the server adds to it, and with what it was read with."""

    id: str
    collectionId: str
    collectionName: str
    title: str
    docs: list[str]
    when: datetime | None
    created: datetime
    data: object = None
    expand: dict[str, object] | None = None


class StoredModel(pydantic.BaseModel):
    id: str = ""
    collection_id: str = pydantic.Field(default="", alias="collectionId")
    collection_name: str = pydantic.Field(default="", alias="collectionName")
    title: str
    docs: list[str] = []
    when: datetime | None = None
    created: datetime | None = None
    data: object = None
    expand: dict[str, object] | None = None


class StoredStruct(msgspec.Struct, rename="camel"):
    id: str
    collection_id: str
    collection_name: str
    title: str
    docs: list[str]
    when: datetime | None
    created: datetime
    data: object = None
    expand: dict[str, object] | None = None


@pytest.mark.parametrize("record_class", [Stored, StoredModel, StoredStruct])
@pytest.mark.parametrize("who", ["guest", "user", "superuser"])
async def test_a_record_that_was_read_can_be_changed_and_sent_back(
    pb: PocketBase, guest: PocketBase, who: str, record_class: type[Stored]
) -> None:
    client = pb if who == "superuser" else guest
    if who == "user":
        await client.collection("users").auth.with_password("user@example.com", "password123")
    posts = client.collection("posts", record_class)
    body = {"title": "read", "data": {"a": [1]}, "docs": FileUpload(("a.txt", b"x"))}
    post_id = (await client.collection("posts").create(body))["id"]
    await client.collection("comments").create({"post": post_id})
    post = await posts.get_one(post_id, expand="comments_via_post")
    assert post.expand, "the record that is sent back has its relations in it"
    post.title = "changed"
    post.when = datetime(2024, 1, 2, tzinfo=UTC)
    changed = await posts.update(post_id, post, expand="comments_via_post")
    assert changed == post, "the server must keep all the rest, also the file"


async def test_a_class_with_an_id_may_describe_a_new_record_and_a_change(pb: PocketBase) -> None:
    posts = pb.collection("posts", StoredModel)
    post = await posts.create(StoredModel(title="new"))
    assert (post.id != "", post.when) == (True, None)
    assert (await posts.update(post.id, StoredModel(title="changed"))).title == "changed"


@pytest.mark.refused_by_legacy("batches")
async def test_a_batch_creates_or_updates_by_the_id_of_a_class(pb: PocketBase) -> None:
    post = await pb.collection("posts", StoredModel).create(StoredModel(title="new"))
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": 50}})
    async with pb.create_batch() as batch:
        records = batch.collection("posts", StoredModel)
        created = records.upsert(StoredModel(title="upserted"))
        updated = records.upsert(StoredModel(id=post.id, title="again"))
    assert created.body.title == "upserted"
    assert (updated.body.id, updated.body.title) == (post.id, "again")


async def test_the_signed_in_user_can_send_their_record_back(guest: PocketBase) -> None:
    @dataclass
    class User:
        id: str
        collectionName: str
        email: str
        emailVisibility: bool
        verified: bool
        name: str
        created: datetime
        updated: datetime

    result = await guest.collection("users").auth.with_password("user@example.com", "password123")
    users, name = guest.collection("users", User), secrets.token_hex(4)
    user = await users.get_one(result["record"]["id"])
    user.name = name
    assert (await users.update(user.id, user)).name == name
    assert guest.auth_store.record is not None
    assert guest.auth_store.record["name"] == name


async def test_the_stored_record_stays_a_dict(guest: PocketBase) -> None:
    @dataclass
    class User:
        name: str

    result = await guest.collection("users").auth.with_password("user@example.com", "password123")
    name = secrets.token_hex(4)
    assert await guest.collection("users", User).update(result["record"]["id"], {"name": name}) == User(name)
    assert guest.auth_store.record is not None
    assert guest.auth_store.record == result["record"] | {"name": name, "updated": guest.auth_store.record["updated"]}


@pytest.mark.refused_by_legacy("batches")
async def test_a_batch_decodes_each_record_to_its_class(pb: PocketBase) -> None:
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": 50}})
    async with pb.create_batch() as batch:
        post = batch.collection("posts", Post).create({"title": "one"})
        article = batch.collection("posts", Article).create({"title": "two"})
    assert (post.body["title"], article.body.title) == ("one", "two")


async def test_realtime_events_are_decoded_and_wrong_ones_are_reported(pb: PocketBase) -> None:
    articles, received, errors = pb.collection("posts", Article), list[Article](), list[object]()

    def on_event(event: RecordEvent[Article]) -> None:
        received.append(event["record"])

    pb.realtime.on_error(lambda error, topic: errors.append(error))
    await articles.subscribe_all(on_event)
    await articles.subscribe_all(on_event, fields="id,title")
    async with articles.events() as events:
        await articles.create({"title": "typed"})
        event = await anext(events)
    assert not isinstance(event, Gap)
    assert (event["action"], event["record"].title) == ("create", "typed")
    async with asyncio.timeout(5):
        while not (received and errors):
            await asyncio.sleep(0.01)
    assert [article.title for article in received] == ["typed"]
    assert "is not a valid Article" in str(errors[0])
    await pb.realtime.close()
