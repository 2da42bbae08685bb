"""Creates whose responses are lost, on a real server: no record is lost or stored twice."""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseBatchError,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    Request,
    Response,
)
from pocketbase_core.middleware import Handler, Retry
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.lost_responses import LostResponses
from ..helpers.shared_collections import IS_LEGACY, OPEN, allow_batches, client_of

KEY = {"name": "id", "type": "text", "primaryKey": True, "required": True, "system": True, "min": 1}
NUMBERS = {**KEY, "max": 10, "pattern": "^[0-9]+$", "autogeneratePattern": "[0-9]{10}"}
TITLE = {"name": "title", "type": "text"}


Client = Callable[[LostResponses], PocketBase]


async def at_once(_: float) -> None:
    pass


@pytest.fixture
def lossy(pb: PocketBase, server: LocalServer, transport: Transport) -> Client:
    def make(losing: LostResponses) -> PocketBase:
        client = client_of(
            server.url, transport=transport, middleware=[Retry(creates=True, attempts=4, sleep=at_once), losing]
        )
        client.auth_store.save(pb.auth_store.token)
        return client

    return make


@pytest_asyncio.fixture
async def hidden(pb: PocketBase) -> AsyncGenerator[str, None]:
    """A collection with unique titles that anybody may write to and only superusers may read."""
    name = f"hidden_{secrets.token_hex(4)}"
    index = f"CREATE UNIQUE INDEX `one_{name}` ON `{name}` (`title`) WHERE `title` != ''"
    rules = {**OPEN, "viewRule": None, "listRule": None}
    await pb.collections.create({"name": name, "type": "base", **rules, "fields": [TITLE], "indexes": [index]})
    yield name
    await pb.collections.delete(name)


@pytest.mark.parametrize("losing", [LostResponses(), LostResponses(3), LostResponses(status=503), LostResponses(0)])
async def test_a_create_whose_response_was_lost_is_stored_once(
    pb: PocketBase, lossy: Client, losing: LostResponses
) -> None:
    losing, title = LostResponses(losing.remaining, losing.status), secrets.token_hex(8)
    body = {"title": title, "docs": FileUpload(("a.txt", "text"))}
    created = await lossy(losing).collection("posts").create(body, fields="id,title,docs")
    (found,) = await pb.collection("posts").get_full_list(filter=pb.filter("title = {:title}", title=title))
    assert created == {key: found[key] for key in ("id", "title", "docs")}
    assert len(found["docs"]) == 1, "the file was stored once for each attempt"
    assert {request.body["id"] for request in losing.sent if request.method == "POST"} == {created["id"]}, (
        "attempts with different ids make two records"
    )


async def test_a_create_that_is_read_again_has_its_expand(pb: PocketBase, lossy: Client) -> None:
    post = await pb.collection("posts").create({"title": "expanded"})
    comment = await lossy(LostResponses()).collection("comments").create({"post": post["id"]}, expand="post")
    assert comment["expand"]["post"]["title"] == "expanded"


async def test_a_create_with_an_id_of_the_caller_is_sent_once(pb: PocketBase, lossy: Client) -> None:
    losing, mine = LostResponses(), "".join(secrets.choice("abc") for _ in range(15))
    with pytest.raises(PocketBaseConnectionError, match="lost"):
        await lossy(losing).collection("posts").create({"id": mine})
    assert len(losing.sent) == 1, "an id of the caller's may exist already"
    await pb.collection("posts").delete(mine)


async def test_without_the_option_a_create_is_sent_once_and_has_no_id(pb: PocketBase, transport: Transport) -> None:
    losing = LostResponses()
    client = client_of(pb.base_url, transport=transport, middleware=[Retry(), losing])
    with pytest.raises(PocketBaseConnectionError, match="lost"):
        await client.collection("posts").create({"title": "x"})
    assert [dict(request.body) for request in losing.sent] == [{"title": "x"}], "the body changed"


async def test_a_stored_record_that_cannot_be_viewed_is_an_error(pb: PocketBase, lossy: Client, hidden: str) -> None:
    client = lossy(LostResponses())
    client.auth_store.clear()
    with pytest.raises(PocketBaseDecodeError, match="the record was stored, but cannot be read: 403"):
        await client.collection(hidden).create({})
    assert len(await pb.collection(hidden).get_full_list()) == 1, "the record is there once"
    client = lossy(LostResponses())
    client.auth_store.clear()
    if IS_LEGACY:  # which checks the id first
        with pytest.raises(PocketBaseDecodeError, match="the record was stored"):
            await client.collection(hidden).create({"title": "x"})
        return
    # Newer servers check the title before the id, so the existing record may belong to somebody else.
    with pytest.raises(PocketBaseConnectionError, match=r"unknown whether the first attempt.*title") as caught:
        await client.collection(hidden).create({"title": "x"})
    assert caught.value.request_sent is None, "the first attempt may have arrived"


async def test_a_create_is_recognized_although_a_unique_field_refuses_the_second_attempt(
    lossy: Client, hidden: str
) -> None:
    record = await lossy(LostResponses()).collection(hidden).create({"title": "one"})
    assert record["title"] == "one"
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await lossy(LostResponses(0)).collection(hidden).create({"title": "one"})
    assert caught.value.field_errors["title"]["code"] == "validation_not_unique"


async def test_a_user_is_stored_once(pb: PocketBase, lossy: Client) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    user = await lossy(LostResponses()).collection("users").create({"email": email, "password": "password123"})
    assert user["email"] == email
    await pb.collection("users").delete(user["id"])


@pytest.mark.refused_by_legacy("ids of another form")
async def test_a_collection_with_ids_of_another_form_is_an_error_with_a_hint(
    pb: PocketBase, lossy: Client, batches: None
) -> None:
    name = f"numbers_{secrets.token_hex(4)}"
    await pb.collections.create({"name": name, "type": "base", "fields": [NUMBERS, TITLE]})
    with pytest.raises(PocketBaseBadRequestError, match=r"Retry\(creates=True\).*ids of another form"):
        await lossy(LostResponses()).collection(name).create({"title": "x"})
    batch = lossy(LostResponses(0)).create_batch()
    batch.collection(name).create({"title": "x"})
    with pytest.raises(PocketBaseBatchError) as caught:
        await batch.send()
    assert "Retry(creates=True)" in str(caught.value.errors[0])
    assert await lossy(LostResponses(0)).collection(name).create({"id": "123", "title": "x"})
    await pb.collections.delete(name)


@pytest_asyncio.fixture
async def batches(pb: PocketBase) -> None:
    await allow_batches(pb, maxRequests=600, timeout=30)


@pytest.mark.refused_by_legacy("batches")
async def test_a_batch_whose_response_was_lost_is_done_once(pb: PocketBase, lossy: Client, batches: None) -> None:
    title = secrets.token_hex(8)
    posts = pb.collection("posts")
    old, gone = await posts.create({"title": "old"}), await posts.create({"title": "gone"})
    losing = LostResponses(2)
    batch = lossy(losing).create_batch()
    queue = batch.collection("posts")
    queue.create({"title": title, "docs": FileUpload(("a.txt", "text"))}, fields="id,docs")
    queue.delete(gone["id"])
    queue.update(old["id"], {"title": title, "n": 1})
    queue.upsert({"title": title})
    queue.upsert({"id": old["id"], "n": 2})
    results = await batch.send()
    assert [result["status"] for result in results] == [200, 204, 200, 200, 200]
    found = {each["id"]: each for each in await posts.get_full_list(filter=pb.filter("title = {:title}", title=title))}
    assert len(found) == 3, "two creates and one update"
    assert results[0]["body"] == {key: found[results[0]["body"]["id"]][key] for key in ("id", "docs")}
    assert results[2]["body"] == results[4]["body"] == found[old["id"]]
    assert found[old["id"]]["n"] == 2
    assert results[3]["body"] == found[results[3]["body"]["id"]]
    assert [request.method for request in losing.sent] == ["POST"] * 3 + ["GET"] * 4, (
        "three attempts, and a lookup of each member but the delete"
    )


@pytest.mark.refused_by_legacy("batches")
async def test_a_batch_that_cannot_be_viewed_is_not_sent_again(lossy: Client, hidden: str, batches: None) -> None:
    client = lossy(LostResponses())
    client.auth_store.clear()
    batch = client.create_batch()
    batch.collection(hidden).create({})
    with pytest.raises(PocketBaseDecodeError, match="the batch succeeded, but"):
        await batch.send()
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()


def own_id() -> str:
    return "".join(secrets.choice("abc") for _ in range(15))


# Each adds 10 to the n of a record that exists.
FILLS: dict[str, Callable[[Any, str], tuple[object, ...]]] = {
    "an upsert first": lambda queue, old: (queue.upsert({"n": 1}), queue.update(old, {"n+": 10})),
    "an upsert of an id first": lambda queue, old: (
        queue.upsert({"id": own_id()}),
        queue.create({"n": 2}),
        queue.update(old, {"n+": 10}),
    ),
    "an update first": lambda queue, old: (queue.update(old, {"n+": 10}), queue.create({"n": 1})),
    "an id of the caller's first": lambda queue, old: (
        queue.create({"id": own_id()}),
        queue.update(old, {"n+": 10}),
    ),
    "an update that adds": lambda queue, old: (
        queue.create({"n": 1}),
        queue.update(old, {"n+": 10, "docs+": FileUpload(("a.txt", "text"))}),
    ),
    "an upsert that adds": lambda queue, old: (queue.create({"n": 1}), queue.upsert({"id": old, "n+": 10})),
    "an upsert that subtracts": lambda queue, old: (queue.create({"n": 1}), queue.upsert({"id": old, "n-": -10})),
}


@pytest.mark.refused_by_legacy("batches")
@pytest.mark.parametrize("name", FILLS)
async def test_a_batch_that_could_be_done_twice_is_sent_once(
    pb: PocketBase, lossy: Client, batches: None, name: str
) -> None:
    posts, losing = pb.collection("posts"), LostResponses()
    old = await posts.create({"title": "old"})
    batch = lossy(losing).create_batch()
    FILLS[name](batch.collection("posts"), old["id"])
    with pytest.raises(PocketBaseConnectionError, match="lost") as caught:
        await batch.send()
    assert caught.value.request_sent is None
    assert len(losing.sent) == 1
    found = await posts.get_one(old["id"])
    assert (found["n"], len(found["docs"])) == (10, 1 if name == "an update that adds" else 0), (
        "the batch was done once"
    )


class Deleting(LostResponses):
    """Also deletes the first record that a batch created, before the response is lost."""

    def __init__(self, pb: PocketBase) -> None:
        super().__init__()
        self._pb = pb

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        async def delete_first(request: Request) -> Response:
            response = await call_next(request)
            if request.method == "POST" and self.remaining:
                await self._pb.collection("posts").delete(response.json()[0]["body"]["id"])
            return response

        return await super().__call__(request, delete_first)


@pytest.mark.refused_by_legacy("batches")
async def test_nothing_is_done_twice_when_somebody_deletes_the_new_record_meanwhile(
    pb: PocketBase, lossy: Client, batches: None
) -> None:
    posts, title = pb.collection("posts"), secrets.token_hex(8)
    old, gone = await posts.create({"title": "old"}), await posts.create({"title": "gone"})
    batch = lossy(Deleting(pb)).create_batch()
    batch.collection("posts").create({"title": title, "n+": 1})
    batch.collection("posts").update(old["id"], {"title": title, "n": 10})
    batch.collection("posts").upsert({"title": title, "n": 1})
    await batch.send()
    found = await posts.get_full_list(filter=pb.filter("title = {:title}", title=title))
    assert sorted(each["n"] for each in found) == [1, 1, 10]

    batch = lossy(Deleting(pb)).create_batch()
    batch.collection("posts").create({"title": title})
    batch.collection("posts").update(old["id"], {"n+": 10})
    with pytest.raises(PocketBaseConnectionError, match="lost"):
        await batch.send()
    assert (await posts.get_one(old["id"]))["n"] == 20

    batch = lossy(Deleting(pb)).create_batch()
    batch.collection("posts").create({"title": "new"})
    batch.collection("posts").delete(gone["id"])
    with pytest.raises(PocketBaseConnectionError, match="unknown whether the first attempt succeeded") as caught:
        await batch.send()
    assert caught.value.request_sent is None
    assert not await posts.get_full_list(filter="title = 'new'")


@pytest.mark.refused_by_legacy("batches")
async def test_a_body_that_is_no_batch_is_refused_by_the_server(lossy: Client, batches: None) -> None:
    for requests in ([3], 3, [{"method": "POST", "url": "/api/collections/posts/records", "body": [1]}]):
        with pytest.raises(PocketBaseBadRequestError):
            await lossy(LostResponses(0)).send("/api/batch", method="POST", body={"requests": requests})


async def test_a_create_that_cannot_be_read_again_is_an_error(pb: PocketBase, transport: Transport) -> None:
    losing = LostResponses()

    async def no_reads(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Any:
        if request.method == "GET":
            raise PocketBaseConnectionError(request.url, message="gone")
        return await call_next(request)

    retry = Retry(creates=True, sleep=at_once)
    client = client_of(pb.base_url, transport=transport, middleware=[retry, no_reads, losing])
    with pytest.raises(PocketBaseDecodeError, match="was stored, but cannot be read: gone"):
        await client.collection("posts").create({"title": "unread"})
