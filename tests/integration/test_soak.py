"""Thousands of operations through a network that breaks: confirmed records exist, and none exists twice."""

import asyncio
import os
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase, PocketBaseError, PocketBaseNotFoundError
from pocketbase_core.middleware import Retry
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_transports import AiohttpTransport

from ..helpers.fault_proxy import fault_proxy
from ..helpers.shared_collections import OPEN, VERSION

IN_FLIGHT = 32
FIELDS = [{"name": "title", "type": "text"}, {"name": "n", "type": "number"}]
SHARES = {"create": 5, "update": 3, "get": 4, "list": 2, "delete": 1, "batch": 1}


class Model:
    """The state of the server as far as the client knows."""

    def __init__(self, pb: PocketBase, operations: int, seed: int) -> None:
        source = random.Random(seed)
        self.plan = source.choices([*SHARES], [*SHARES.values()], k=operations)
        self.source = source
        self.records = pb.collection("things")
        self.pb = pb
        self.known: dict[str, tuple[str, set[int]]] = {}
        """Confirmed records: their title, and the numbers that they may have."""
        self.at_rest: list[str] = []
        """Records that no operation is changing or has left in doubt."""
        self.gone: set[str] = set()
        self.doubtful: set[str] = set()
        """Records that may have been deleted."""
        self.maybe: dict[str, int] = {}
        """Titles that may have been stored, with the number of their operation."""
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, number: int) -> None:
        operation = self.plan[number]
        if operation not in ("create", "batch") and not self.at_rest:
            operation = "create"
        step: Callable[[int], Awaitable[None]] = getattr(self, f"_{operation}")
        try:
            await step(number)
            self.outcomes["confirmed"] += 1
        except PocketBaseError as error:
            self.outcomes[type(error).__name__] += 1

    async def _create(self, number: int) -> None:
        title = f"t{number}"
        self.maybe[title] = number
        self._stored(await self.records.create({"title": title, "n": number}), title, number)

    async def _batch(self, number: int) -> None:
        batch = self.pb.create_batch()
        titles = [f"b{number}-{index}" for index in range(3)]
        for title in titles:
            self.maybe[title] = number
            batch.collection("things").create({"title": title, "n": number})
        for result, title in zip(await batch.send(), titles, strict=True):
            self._stored(result["body"], title, number)

    async def _update(self, number: int) -> None:
        record_id = self._take()
        title, numbers = self.known[record_id]
        before = {*numbers}
        numbers.add(number)
        response = await self.records.update(record_id, {"n": number})
        self._check(response, record_id, title, {number})
        numbers -= before
        self.at_rest.append(record_id)

    async def _delete(self, number: int) -> None:
        record_id = self._take()
        self.doubtful.add(record_id)
        try:
            await self.records.delete(record_id)
        except PocketBaseNotFoundError:
            self.outcomes["deleted by an attempt whose answer was lost"] += 1
        self.gone.add(record_id)

    async def _get(self, number: int) -> None:
        record_id = self._take()
        self.at_rest.append(record_id)
        title, numbers = self.known[record_id]
        before = {*numbers}
        try:
            response = await self.records.get_one(record_id)
        except PocketBaseNotFoundError:
            if record_id not in self.doubtful:
                self.wrong.append(f"get of {record_id}: 404")
            return
        self._check(response, record_id, title, before | numbers)

    async def _list(self, number: int) -> None:
        record_id = self._take()
        self.at_rest.append(record_id)
        title, _ = self.known[record_id]
        page = await self.records.get_list(1, 30, filter=self.pb.filter("title = {:title}", title=title))
        found = [item["id"] for item in page["items"]]
        if found != [record_id] and not (found == [] and record_id in self.doubtful):
            self.wrong.append(f"list of {title}: {found}")

    def _take(self) -> str:
        index = self.source.randrange(len(self.at_rest))
        self.at_rest[index], self.at_rest[-1] = self.at_rest[-1], self.at_rest[index]
        return self.at_rest.pop()

    def _stored(self, record: dict[str, Any], title: str, number: int) -> None:
        self._check(record, record.get("id", ""), title, {number})
        del self.maybe[title]
        self.known[record["id"]] = title, {number}
        self.at_rest.append(record["id"])

    def _check(self, record: dict[str, Any], record_id: str, title: str, numbers: set[int]) -> None:
        if (record.get("id"), record.get("title")) != (record_id, title) or record.get("n") not in numbers:
            self.wrong.append(f"{record} for {record_id} {title} {numbers}")


async def soak(make_transport: MakeTransport, operations: int, seed: int) -> None:
    async with LocalServer(VERSION) as server, PocketBase(server.url, transport=AiohttpTransport()) as direct:
        await direct.admins.auth.with_password(*server.superuser)
        await direct.collections.create({"name": "things", "type": "base", **OPEN, "fields": FIELDS})
        await direct.settings.update({"batch": {"enabled": True, "maxRequests": 50, "timeout": 3}})
        async with fault_proxy(int(server.url.rpartition(":")[2]), seed) as network:
            retry = Retry(attempts=4, backoff=0.05, creates=True)
            store = AuthStore()
            store.save(direct.auth_store.token)
            async with PocketBase(
                network.url, transport=make_transport(), auth_store=store, middleware=[retry], timeout=2
            ) as pb:
                model = Model(pb, operations, seed)
                numbers = iter(range(operations))

                async def work() -> None:
                    for number in numbers:
                        if number in (operations // 3, operations * 2 // 3):
                            if number > operations // 2:
                                server.kill()
                            await server.restart()
                        await model.run(number)

                async with asyncio.TaskGroup() as group:
                    for _ in range(IN_FLIGHT):
                        group.create_task(work())
        await server.restart()  # the restart ends operations that no client waits for any more
        found = {record["id"]: record for record in await direct.collection("things").get_full_list()}
    report(model, network.injected, found, operations, seed)


def report(model: Model, faults: Counter[str], found: dict[str, dict[str, Any]], operations: int, seed: int) -> None:
    lost = [
        record_id
        for record_id, (title, numbers) in model.known.items()
        if record_id not in model.doubtful
        and (record_id not in found or found[record_id]["title"] != title or found[record_id]["n"] not in numbers)
    ]
    titles = Counter(record["title"] for record in found.values())
    doubled = [title for title, count in titles.items() if count > 1]
    unknown = titles.keys() - {title for title, _ in model.known.values()} - model.maybe.keys()
    halves = {
        number
        for title, number in model.maybe.items()
        if title.startswith("b") and len([1 for index in range(3) if f"b{number}-{index}" in titles]) not in (0, 3)
    }
    print(f"\nseed {seed}: {operations} operations, {sum(faults.values())} faults {dict(faults)}")
    print(f"outcomes {dict(model.outcomes)}")
    print(f"confirmed {len(model.known)} records, {len(model.gone)} deletions; in doubt {len(model.maybe)}", end="; ")
    print(f"found {len(found)}; lost {len(lost)}, doubled {len(doubled)}, wrong {len(model.wrong)}")
    assert not lost, "confirmed records are gone or changed"
    assert not doubled, "a record is stored twice"
    assert not model.wrong, "a response belongs to another request"
    assert not unknown, "the server has records that nobody created"
    assert not halves, "a batch was done in part"
    assert not model.gone & found.keys(), "deleted records are back"
    assert model.outcomes["confirmed"] > operations / 2, "too few operations succeeded to prove anything"


@pytest.mark.slow
async def test_twenty_thousand_operations_lose_and_repeat_nothing(make_transport: MakeTransport) -> None:
    await soak(make_transport, 20_000, int(os.environ.get("SOAK_SEED", secrets.randbelow(10**6))))
