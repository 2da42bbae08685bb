"""After a gap, a long live query is what the server has, and little was read for it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import LiveQuery, PocketBase, Request, Response
from pocketbase_core.middleware import Handler
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import VERSION, allow_batches, client_of
from ..helpers.waiting import until

LENGTH = 2_500
FIELDS = [
    {"name": "n", "type": "number"},
    {"name": "text", "type": "text"},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
HOOK = """
routerAdd("POST", "/age", (e) => {
  const request = typeof e.request === "function" ? e.request() : e.request  // a function in 0.22
  const db = $app.dao ? $app.dao().db() : $app.db()
  const name = request.url.query().get("name")
  db.newQuery("UPDATE " + name + " SET updated = '2020-01-01 00:00:00.000Z' WHERE n > 0").execute()
  return e.json(200, {})
})
"""
"""A route that lets most records of a collection have been changed long ago."""
OPTIONS = {"filter": "n >= 0", "sort": "-n"}


class Network:
    """Counts what is read, and keeps realtime from connecting while `is_up` is not set."""

    def __init__(self) -> None:
        self.is_up = asyncio.Event()
        self.is_up.set()
        self.records_read = 0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.url.endswith("/api/realtime"):
            await self.is_up.wait()
        response = await call_next(request)
        if request.url.endswith("/records"):
            self.records_read += len(response.json().get("items", []))
        return response


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION, hooks=HOOK) as running:
        yield running


@asynccontextmanager
async def superuser_of(server: LocalServer) -> AsyncGenerator[PocketBase, None]:
    async with client_of(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        yield pb


@asynccontextmanager
async def long_list(server: LocalServer, name: str, **more: Any) -> AsyncGenerator[tuple[PocketBase, list[str]], None]:
    """Yield a superuser's client and the ids of a new collection, most of which was changed long ago."""
    async with superuser_of(server) as pb:
        await allow_batches(pb, maxRequests=500, timeout=30)
        await pb.collections.create(
            {"name": name, "type": "base", "listRule": "", "viewRule": "", "fields": FIELDS, **more}
        )
        await pb.collection(name).create_many({"n": number} for number in range(LENGTH))
        ids = [record["id"] for record in await pb.collection(name).get_full_list(sort="n", fields="id")]
        await pb.send("/age", method="POST", params={"name": name})
        yield pb, ids


@asynccontextmanager
async def gap_of(server: LocalServer, network: Network, live: LiveQuery[Any]) -> AsyncGenerator[PocketBase, None]:
    """Yield a superuser's client while realtime is not connected. At the end, wait until the live query is current."""
    network.is_up.clear()
    await server.restart()
    await until(lambda: not live.is_current)
    async with superuser_of(server) as pb:
        yield pb
    network.records_read = 0
    network.is_up.set()
    await until(lambda: live.is_current)


async def make_changes(pb: PocketBase, name: str, ids: list[str]) -> None:
    records = pb.collection(name)
    await records.update(ids[3], {"text": "changed"})
    await records.update(ids[1_000], {"n": LENGTH + 1})
    await records.update(ids[5], {"n": -1})
    await records.update(ids[2_000], {"n": -1})
    for number in (7, 1_500, 1_501, LENGTH - 1):
        await records.delete(ids[number])
    for number in range(3):
        await records.create({"n": 100.5 + number})


async def test_after_a_gap_a_long_list_is_complete_and_little_was_read(
    server: LocalServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketbase_core.live.state.CHECK_AFTER", 1_000.0)  # so that only the gap is a reason to read
    network = Network()
    async with long_list(server, name) as (_, ids), client_of(server.url, middleware=[network]) as guest:
        async with guest.collection(name).live(OPTIONS) as live:
            async with gap_of(server, network, live) as pb:
                await make_changes(pb, name, ids)
            assert network.records_read < LENGTH / 2
            assert live.items == await guest.collection(name).get_full_list(OPTIONS)


@pytest.mark.parametrize("options", [{"sort": "-n", "expand": "n"}, {"sort": "-n", "fields": "id,n"}])
async def test_a_list_whose_changes_cannot_be_told_is_read_as_a_whole(
    server: LocalServer, name: str, options: dict[str, str]
) -> None:
    network = Network()
    async with long_list(server, name) as (_, ids), client_of(server.url, middleware=[network]) as guest:
        async with guest.collection(name).live(options) as live:
            async with gap_of(server, network, live) as pb:
                await make_changes(pb, name, ids)
            assert network.records_read >= LENGTH - 4
            assert live.items == await guest.collection(name).get_full_list(options)
