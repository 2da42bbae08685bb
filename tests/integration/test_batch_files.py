"""A batch does to records what single requests do, on a real server."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbase_core import (
    AuthStore,
    FileUpload,
    PocketBase,
    PocketBaseBatchError,
    PocketBaseError,
    PocketBaseInputError,
)
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import IS_LEGACY, allow_batches, client_of
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces

FIELDS: list[dict[str, Any]] = [
    {"name": "docs", "type": "file", "maxSelect": 9},
    {"name": "one", "type": "file", "maxSelect": 1},
    {"name": "data", "type": "json"},
    {"name": "n", "type": "number"},
]


def upload(*names: str) -> FileUpload:
    """Return files whose stored names begin with these letters."""
    return FileUpload(*((f"{name}.txt", name) for name in names))


def initials(names: str | list[str]) -> str:
    return "".join(name[0] for name in ([names] if isinstance(names, str) else names) if name)


@pytest_asyncio.fixture(scope="session")
async def papers(server: LocalServer, superuser: AuthStore) -> None:
    async with client_of(server.url, transport=AiohttpTransport(), auth_store=superuser) as pb:
        await pb.collections.create({"name": "papers", "type": "base", "fields": FIELDS})


@pytest_asyncio.fixture
async def pb(pb: PocketBase, papers: None) -> PocketBase:
    await allow_batches(pb, maxRequests=100, timeout=30)
    return pb


@pytest_asyncio.fixture
async def admin(
    server: LocalServer, superuser: AuthStore, papers: None, make_client: MakeClient
) -> AsyncGenerator[PocketBase, None]:
    """A superuser's client on one transport, because each sign-in of a user takes the server a while."""
    async with make_client(server.url, transport=AiohttpTransport(), auth_store=superuser) as client:
        await allow_batches(client)
        yield client


async def by_update(pb: PocketBase, record_id: str, body: dict[str, Any]) -> None:
    await pb.collection("papers").update(record_id, body)


async def by_batch(pb: PocketBase, record_id: str, body: dict[str, Any]) -> None:
    async with pb.create_batch() as batch:
        batch.collection("papers").create({"docs": upload("z")})
        batch.collection("papers").update(record_id, body)


async def by_upsert(pb: PocketBase, record_id: str, body: dict[str, Any]) -> None:
    async with pb.create_batch() as batch:
        batch.collection("papers").create({"docs": upload("z")})
        batch.collection("papers").upsert({"id": record_id, **body})


Way = Callable[[PocketBase, str, dict[str, Any]], Awaitable[None]]


class Outcome(NamedTuple):
    """A record after a change, and whether the server has refused the change."""

    docs: str = ""
    one: str = ""
    data: Any = None
    n: float = 0
    refused: bool = False


async def outcome(pb: PocketBase, way: Way, shape: Callable[[str, str], dict[str, Any]]) -> Outcome:
    """Return what a body does to a record whose `docs` are a and b, and whose `one` is o."""
    papers = pb.collection("papers")
    record = await papers.create({"docs": upload("a", "b"), "one": upload("o")})
    refused = False
    try:
        await way(pb, record["id"], shape(*record["docs"]))
    except PocketBaseError as error:
        assert error.status == 400, "only a refusal is comparable"
        refused = True
    after = await papers.get_one(record["id"])
    return Outcome(initials(after["docs"]), initials(after["one"]), after["data"], after["n"], refused)


SHAPES: dict[str, tuple[Callable[[str, str], dict[str, Any]], Outcome]] = {
    "uploads": (lambda a, b: {"docs": upload("x")}, Outcome("x", "o")),
    "several uploads": (lambda a, b: {"docs": [upload("x", "y"), upload("w")]}, Outcome("xyw", "o")),
    "kept and uploads": (lambda a, b: {"docs": [a, upload("x")]}, Outcome("ax", "o")),
    "uploads and kept": (lambda a, b: {"docs": [upload("x", "y"), b, a, upload("w")]}, Outcome("baxyw", "o")),
    "kept twice": (lambda a, b: {"docs": [a, a, upload("x")]}, Outcome("ax", "o")),
    "an empty name": (lambda a, b: {"docs": [None, "", upload("x")]}, Outcome("x", "o")),
    "an unknown name": (lambda a, b: {"docs": ["x.txt", upload("x")]}, Outcome("ab", "o", refused=True)),
    "appended": (lambda a, b: {"docs+": [upload("x"), upload("y")]}, Outcome("abxy", "o")),
    "prepended": (lambda a, b: {"+docs": upload("x")}, Outcome("xab", "o")),
    "removed": (lambda a, b: {"docs-": a}, Outcome("b", "o")),
    "all modifiers": (lambda a, b: {"docs+": upload("x"), "+docs": upload("y"), "docs-": [a]}, Outcome("ybx", "o")),
    "uploads, and removed": (lambda a, b: {"docs": upload("x"), "docs-": a}, Outcome("x", "o")),
    "kept and uploads, and appended": (
        lambda a, b: {"docs+": upload("y"), "docs": [a, upload("x")]},
        Outcome("axy", "o"),
    ),
    "kept and uploads, and prepended": (
        lambda a, b: {"+docs": upload("y"), "docs": [a, upload("x")]},
        Outcome("yax", "o"),
    ),
    "kept, and appended": (lambda a, b: {"docs": [b], "docs+": upload("y")}, Outcome("by", "o")),
    "emptied": (lambda a, b: {"docs": [], "one": None}, Outcome()),
    "emptied, and appended": (lambda a, b: {"docs": [], "docs+": upload("y")}, Outcome("y", "o")),
    "the only one is replaced": (lambda a, b: {"one": ["x.txt", upload("x")]}, Outcome("ab", "x")),
    "no file field": (lambda a, b: {"data": ["x", upload("x")], "n": [2, upload("x")]}, Outcome("ab", "o", ["x"])),
}


REFUSED_BY_LEGACY = {"prepended", "all modifiers", "kept and uploads, and prepended"}
"""The shapes that PocketBase 0.22 cannot do in one request."""


async def test_a_batch_does_with_files_what_a_single_request_does(pb: PocketBase) -> None:
    """PocketBase 0.22 has no batches: there, a single request does what it does on newer servers, or is refused."""
    ways: list[Way] = [by_update] if IS_LEGACY else [by_update, by_batch, by_upsert]
    for name, (shape, expected) in SHAPES.items():
        if IS_LEGACY and name in REFUSED_BY_LEGACY:
            with pytest.raises(PocketBaseInputError):
                await outcome(pb, by_update, shape)
            continue
        if IS_LEGACY and name == "the only one is replaced":
            expected = Outcome("ab", "o", refused=True)  # the server itself knows no file of the name
        seen = await asyncio.gather(*(outcome(pb, way, shape) for way in ways))
        assert seen == [expected] * len(ways), name


@pytest.mark.refused_by_legacy("batches")
async def test_members_with_fields_of_one_name_keep_their_own_files(pb: PocketBase) -> None:
    papers = pb.collection("papers")
    first, second = [await papers.create({"docs": upload(name, "b")}) for name in "ac"]
    async with pb.create_batch() as batch:
        batch.collection("papers").update(first["id"], {"docs": [first["docs"][0], upload("x")]})
        batch.collection("papers").upsert({"id": second["id"], "docs": [second["docs"][0], upload("y")]})
        batch.collection("papers").create({"docs": [upload("w")]})
    assert [initials(result["body"]["docs"]) for result in batch.results or []] == ["ax", "cy", "w"]
    with pytest.raises(PocketBaseBatchError) as caught:
        async with pb.create_batch() as batch:
            batch.collection("papers").create({"docs": [first["docs"][0], upload("x")]})
    assert "docs" in caught.value.errors[0].field_errors, "a new record has no stored files"


KEYS = st.sampled_from(["docs", "+docs", "docs+", "docs-", "one"])
ITEMS = st.sampled_from(["a", "b", "upload x", "upload y"])
PLANS = st.dictionaries(KEYS, st.lists(ITEMS, max_size=3), min_size=1, max_size=3)


def is_ordered(plan: dict[str, list[str]]) -> bool:
    """Return whether no two modifiers name stored files: the server applies those in an order that changes."""
    return sum(key not in ("docs", "one") and bool({"a", "b"} & {*items}) for key, items in plan.items()) < 2


async def test_a_batch_does_what_a_single_request_does_or_says_that_it_cannot(admin: PocketBase) -> None:
    loop = asyncio.get_running_loop()

    async def check(plan: dict[str, list[str]]) -> None:
        def shape(a: str, b: str) -> dict[str, Any]:
            stored = {"a": a, "b": b}
            return {key: [stored.get(item) or upload(item[-1]) for item in items] for key, items in plan.items()}

        try:
            batched = await outcome(admin, by_batch, shape)
        except ValueError:
            return
        assert batched == await outcome(admin, by_update, shape)

    @settings(max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(PLANS.filter(is_ordered))
    def run(plan: dict[str, list[str]]) -> None:
        asyncio.run_coroutine_threadsafe(check(plan), loop).result(60)

    await asyncio.to_thread(run)


@pytest.mark.parametrize("key", ["docs+", "+docs"])
def test_names_and_uploads_that_a_batch_cannot_add_at_once_are_refused(pb: PocketBase, key: str) -> None:
    batch = pb.create_batch()
    body = {key: ["a.txt", upload("x")]}
    with pytest.raises(ValueError, match="takes uploads or names of stored files, not both"):
        batch.collection("papers").update("x", body)
    with pytest.raises(ValueError, match="takes uploads or names of stored files, not both"):
        batch.collection("papers").upsert(body)
    assert not batch.queue
