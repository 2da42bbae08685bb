"""Many records on a real server: each row is stored once, and each failure is told by its number."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import (
    AuthStore,
    BulkResult,
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseForbiddenError,
    PocketBaseServerError,
    Request,
    Response,
)
from pocketbase_core.middleware import Handler
from pocketbase_core.ports import Transport
from pocketbase_core.services.bulk import writer
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.lost_responses import LostResponses
from ..helpers.shared_collections import IS_LEGACY, OPEN, VERSION, allow_batches, client_of
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces

FIELDS: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "required": True},
    {"name": "k", "type": "text"},
    {"name": "n", "type": "number"},
    {"name": "docs", "type": "file", "maxSelect": 3},
]
IDS_OF_NUMBERS = {
    "name": "id",
    "type": "text",
    "primaryKey": True,
    "required": True,
    "system": True,
    "min": 1,
    "max": 10,
    "pattern": "^[0-9]+$",
    "autogeneratePattern": "[0-9]{10}",
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BACKOFF", 0.0)


@pytest_asyncio.fixture
async def transport() -> AsyncGenerator[Transport]:
    """One transport: the requests are those of batches and lists, which are tested on all of them."""
    transport = AiohttpTransport()
    yield transport
    await transport.aclose()


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncGenerator[LocalServer]:
    """A server that takes batches, unless it is PocketBase 0.22: there, each row is a request."""
    async with LocalServer(VERSION) as running, client_of(running.url) as pb:
        await pb.admins.auth.with_password(*running.superuser)
        await allow_batches(pb, maxRequests=100, timeout=20)
        yield running


@pytest_asyncio.fixture(scope="module")
async def superuser(server: LocalServer) -> AuthStore:
    async with client_of(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        return pb.auth_store


@pytest_asyncio.fixture
async def items(pb: PocketBase, name: str) -> AsyncGenerator[str]:
    """The name of an open collection with a unique field `k`."""
    await pb.collections.create(
        {"name": name, "type": "base", **OPEN, "fields": FIELDS, "indexes": [unique(name, "k")]}
    )
    yield name
    await pb.collections.delete(name)


def unique(name: str, field: str) -> str:
    return f"CREATE UNIQUE INDEX `{field}_{name}` ON `{name}` (`{field}`) WHERE `{field}` != ''"


def rows(count: int) -> list[dict[str, Any]]:
    return [{"title": f"title {number}", "k": f"k{number}", "n": number} for number in range(1, count + 1)]


async def stored(pb: PocketBase, name: str) -> list[tuple[str, str]]:
    return sorted((each["k"], each["title"]) for each in await pb.collection(name).get_full_list())


def summary(result: BulkResult) -> tuple[int, int, list[int]]:
    return result.created, result.updated, [row.number for row in result.failed]


class Recorder:
    """Middleware that counts the writes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.method != "GET":
            self.sizes.append(len(request.body["requests"]) if request.url.endswith("/api/batch") else 1)
        return await call_next(request)


async def test_each_row_is_stored_and_those_that_cannot_be_are_told_by_number(pb: PocketBase, items: str) -> None:
    wrong: list[Any] = [
        {"title": "", "k": "a"},
        {"titel": "x"},
        5,
        {"title": "x", "n": float("nan")},
        {"title": "again", "k": "k1"},
        {"title": "x", "docs": FileUpload("/no/such/file")},
        None,
    ]
    given = [*rows(120), *wrong, {"title": "last", "k": "last", "docs": FileUpload(("a.txt", b"x"))}]
    result = await pb.collection(items).create_many(given, batch=50)
    assert summary(result) == (121, 0, [121, 122, 123, 124, 125, 126, 127])
    assert [row.body for row in result.failed] == wrong
    problems = [
        "Cannot be blank",
        "did you mean 'title'",
        "must be a dict",
        "is nan",
        "must be unique",
        "such",
        "must be",
    ]
    for row, problem in zip(result.failed, problems, strict=True):
        assert problem in str(row.error), row
    assert len(await stored(pb, items)) == 121


async def test_rows_may_come_from_any_iterable(pb: PocketBase, items: str) -> None:
    async def generate() -> AsyncIterator[dict[str, Any]]:
        for row in rows(30):
            await asyncio.sleep(0)
            yield row

    seen = list[tuple[int, int | None]]()

    def note(done: int, total: int | None) -> None:
        seen.append((done, total))

    collection = pb.collection(items)
    assert summary(await collection.create_many(generate(), on_progress=note)) == (30, 0, [])
    await collection.create_many([{"title": "x"}] * 7, batch=3, on_progress=note)
    assert (seen[0], seen[-1]) == ((1 if IS_LEGACY else 30, None), (7, 7))
    assert summary(await collection.create_many(iter([]))) == (0, 0, [])


async def test_rows_with_a_key_update_what_exists_and_the_last_one_remains(pb: PocketBase, items: str) -> None:
    collection = pb.collection(items)
    await collection.create_many(rows(40), key="k")
    given = [{"title": "one", "k": "k1"}, {"title": "two", "k": "k1"}, {"title": "new", "k": "x"}, {"title": "no key"}]
    result = await collection.create_many([*given, {"title": "three", "k": "k1"}], key="k", batch=2)
    assert summary(result) == (1, 3, [4])
    assert "no value for its key 'k'" in str(result.failed[0].error)
    titles = dict(await stored(pb, items))
    assert (titles["k1"], titles["k2"], titles["x"]) == ("three", "title 2", "new")
    assert len(titles) == 41


async def test_rows_with_an_id_as_key_are_upserted(pb: PocketBase, items: str) -> None:
    collection = pb.collection(items)
    first = [{"id": f"{number:015}", "title": "a", "k": f"{number}"} for number in range(5)]
    assert summary(await collection.create_many(first, key="id")) == (5, 0, [])
    assert summary(await collection.create_many([row | {"title": "b"} for row in first], key="id")) == (0, 5, [])
    assert summary(await collection.create_many(first)) == (0, 0, [1, 2, 3, 4, 5]), "without a key, an id that exists"
    assert {title for _, title in await stored(pb, items)} == {"b"}


@pytest.mark.asynchronous_only(reason="the writer does not know which face has called it, and this takes a while")
@pytest.mark.parametrize("status", [None, 502])
@pytest.mark.parametrize("batch", [1, 20])
@pytest.mark.parametrize("key", [None, "k", "id"])
async def test_a_lost_response_stores_nothing_twice(
    pb: PocketBase, items: str, transport: Transport, status: int | None, batch: int, key: str | None
) -> None:
    lossy = LostResponses(3, status)
    client = client_of(pb.base_url, transport=transport, middleware=[lossy])
    client.auth_store = pb.auth_store
    given = rows(60)
    if key == "id":
        given = [row | {"id": f"{row['n']:015}"} for row in given]
    result = await client.collection(items).create_many(given, key=key, batch=batch)
    assert not lossy.remaining, "responses were lost"
    assert result.failed == []
    assert result.created + result.updated == 60
    assert await stored(pb, items) == sorted((row["k"], row["title"]) for row in given)


async def test_what_adds_to_a_stored_value_is_not_repeated(
    pb: PocketBase, items: str, transport: Transport, make_client: MakeClient
) -> None:
    await pb.collection(items).create_many(rows(2))
    client = make_client(
        pb.base_url,
        transport=transport,
        middleware=[LostResponses(2, method="PATCH") if IS_LEGACY else LostResponses()],
    )
    client.auth_store = pb.auth_store
    result = await client.collection(items).create_many([{"k": "k1", "n+": 5}, {"k": "k2", "n+": 5}], key="k")
    assert summary(result) == (0, 0, [1, 2])
    assert all(isinstance(row.error, PocketBaseConnectionError) for row in result.failed)
    numbers = [each["n"] for each in await pb.collection(items).get_full_list(sort="k")]
    assert numbers == [6, 7], "each row was sent once"


async def test_a_server_that_stays_down_ends_the_call(
    pb: PocketBase, items: str, transport: Transport, make_client: MakeClient
) -> None:
    client = make_client(pb.base_url, transport=transport, middleware=[LostResponses(10_000, 503)])
    client.auth_store = pb.auth_store
    with pytest.raises(PocketBaseServerError):
        await client.collection(items).create_many(rows(500), batch=20)
    assert {*asyncio.all_tasks()} == {asyncio.current_task()}


async def test_many_refused_rows_cost_two_requests_each(
    pb: PocketBase, items: str, transport: Transport, make_client: MakeClient
) -> None:
    recorder = Recorder()
    client = make_client(pb.base_url, transport=transport, middleware=[recorder])
    client.auth_store = pb.auth_store
    given = [row | {"title": ""} if row["n"] % 10 == 0 else row for row in rows(100)]
    result = await client.collection(items).create_many(given, batch=50)
    assert summary(result) == (90, 0, [*range(10, 101, 10)])
    assert len(recorder.sizes) <= (100 if IS_LEGACY else 2 * 10 + 2)


@pytest.mark.refused_by_legacy("ids of another form")
async def test_ids_of_another_form_are_left_to_the_server(
    pb: PocketBase, name: str, transport: Transport, make_client: MakeClient
) -> None:
    await pb.collections.create({"name": name, "type": "base", **OPEN, "fields": [IDS_OF_NUMBERS, *FIELDS]})
    guest = make_client(pb.base_url, transport=transport)
    for client in (pb, guest):
        result = await client.collection(name).create_many(rows(20), batch=5)
        assert summary(result) == (20, 0, []), client
    assert all(each["id"].isdigit() for each in await pb.collection(name).get_full_list())


async def test_a_key_that_is_not_unique_is_refused(
    pb: PocketBase, items: str, transport: Transport, make_client: MakeClient
) -> None:
    collection = pb.collection(items)
    await collection.create_many([{"title": "same"}, {"title": "same"}])
    with pytest.raises(ValueError, match="the field 'title' has no unique index, so that it cannot be a key"):
        await collection.create_many([{"title": "same"}], key="title")
    guest = make_client(pb.base_url, transport=transport)  # cannot read the indexes
    with pytest.raises(ValueError, match="the key 'title' is not unique: two records have 'same'"):
        await guest.collection(items).create_many([{"title": "same"}], key="title")
    assert len(await stored(pb, items)) == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"rows": {"title": "x"}}, "rows must be an iterable of bodies, not dict"),
        ({"rows": "title"}, "not str"),
        ({"rows": 5}, "not int"),
        ({"key": "a b"}, "must be the name of a field"),
        ({"key": "missing"}, "has no field 'missing'"),
        ({"batch": 0}, "must be 1 or more"),
        ({"batch": True}, "must be an integer"),
        ({"on_progress": 5}, "on_progress must be"),
    ],
)
async def test_a_wrong_argument_is_an_error_before_anything_is_written(
    pb: PocketBase, items: str, arguments: dict[str, Any], problem: str
) -> None:
    given: dict[str, Any] = {"rows": rows(1), **arguments}
    with pytest.raises((TypeError, ValueError), match=problem):
        await pb.collection(items).create_many(**given)
    assert await stored(pb, items) == []


async def test_a_user_without_permission_gets_the_error_of_the_first_request(
    pb: PocketBase, name: str, transport: Transport, make_client: MakeClient
) -> None:
    await pb.collections.create({"name": name, "type": "base", "fields": FIELDS})
    with pytest.raises((PocketBaseForbiddenError, PocketBaseBadRequestError)) as caught:
        await make_client(pb.base_url, transport=transport).collection(name).create_many(rows(3))
    assert caught.value.status == 403


async def test_an_error_of_the_rows_ends_the_call(pb: PocketBase, items: str) -> None:
    async def generate() -> AsyncIterator[dict[str, Any]]:
        yield {"title": "x"}
        raise LookupError("the source is broken")

    with pytest.raises(LookupError, match="the source is broken"):
        await pb.collection(items).create_many(generate())
    assert {*asyncio.all_tasks()} == {asyncio.current_task()}


@pytest.mark.asynchronous_only(reason="a blocking call has no task to cancel")
async def test_a_cancelled_call_leaves_no_task(pb: PocketBase, items: str) -> None:
    started = asyncio.Event()

    async def generate() -> AsyncIterator[dict[str, Any]]:
        for row in rows(100):
            yield row
        started.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(pb.collection(items).create_many(generate(), batch=10))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert {*asyncio.all_tasks()} == {asyncio.current_task()}


async def test_a_callback_that_raises_is_logged(pb: PocketBase, items: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail(done: int, total: int | None) -> None:
        raise LookupError("broken callback")

    with caplog.at_level(logging.ERROR, "pocketbase_core"):
        assert summary(await pb.collection(items).create_many(rows(3), on_progress=fail)) == (3, 0, [])
    assert "broken callback" in caplog.text


async def test_users_get_their_password_twice_and_the_signed_in_one_follows(
    pb: PocketBase, name: str, transport: Transport, make_client: MakeClient
) -> None:
    await pb.collections.create({"name": name, "type": "auth", **OPEN, "fields": [{"name": "nick", "type": "text"}]})
    users = pb.collection(name)
    given = [{"email": f"{name}{number}@example.com", "password": "12345678"} for number in range(4)]
    assert summary(await users.create_many(given, key="email")) == (4, 0, [])
    client = make_client(pb.base_url, transport=transport)
    await client.collection(name).auth.with_password(given[0]["email"], "12345678")
    assert client.auth_store.record is not None
    changed = {"id": client.auth_store.record["id"], "nick": "Ann"}
    assert summary(await client.collection(name).create_many([changed], key="id")) == (0, 1, [])
    assert client.auth_store.record["nick"] == "Ann"


@pytest.mark.asynchronous_only(reason="the writer does not know which face has called it, and this takes a while")
@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({"enabled": True, "maxRequests": 20}, {20, 25, 50}),
        ({"enabled": False, "maxRequests": 50}, {50, 1}),
    ],
)
async def test_a_user_who_cannot_read_the_limits_finds_them(
    transport: Transport, settings: dict[str, Any], sizes: set[int]
) -> None:
    async with LocalServer(VERSION) as server, client_of(server.url, transport=transport) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        if not IS_LEGACY:
            await pb.settings.update({"batch": settings | {"timeout": 10}})
        await pb.collections.create({"name": "items", "type": "base", **OPEN, "fields": FIELDS})
        recorder = Recorder()
        guest = client_of(server.url, transport=transport, middleware=[recorder])
        assert summary(await guest.collection("items").create_many(rows(100))) == (100, 0, [])
        assert len(await stored(pb, "items")) == 100
        assert IS_LEGACY or {*recorder.sizes} <= sizes | {12, 13}
        recorder.sizes.clear()
        superuser = client_of(server.url, transport=transport, middleware=[recorder])
        superuser.auth_store = pb.auth_store
        await superuser.collection("items").create_many(rows(40))
        assert {*recorder.sizes} == ({20} if settings["enabled"] and not IS_LEGACY else {1}), "a superuser reads them"
