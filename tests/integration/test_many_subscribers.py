"""Thousands of users with subscriptions on one transport."""

import asyncio
import resource
import time
from collections.abc import Generator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport

USERS = 2000


@pytest.fixture
def many_files() -> Generator[None, None, None]:
    """Raise the limit of open files to the maximum, for this process and the server that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def seconds_of_requests(pb: PocketBase) -> float:
    """Return the processor seconds of one request in this process: the least of ten means of twenty.

    Other programs on the machine change the time on the clock, but hardly this one.
    """
    taken: list[float] = []
    for _ in range(10):
        started = time.process_time()
        for _ in range(20):
            await pb.health.check()
        taken.append((time.process_time() - started) / 20)
    return min(taken)


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
async def test_two_thousand_users_get_their_events_through_one_transport(make_transport: MakeTransport) -> None:
    received: list[str] = []
    all_received = asyncio.Event()

    def on_event(event: dict[str, dict[str, str]]) -> None:
        received.append(event["record"]["id"])
        if len(received) == USERS:
            all_received.set()

    async with LocalServer() as server, PocketBase(server.url, transport=make_transport(), timeout=120) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        things: dict[str, Any] = {"name": "things", "type": "base", "listRule": "", "viewRule": "", "fields": []}
        await pb.collections.create(things)
        alone = await seconds_of_requests(pb)
        before = memory()
        clients = [pb.with_auth_store(AuthStore()) for _ in range(USERS)]
        during: list[float] = []

        async def ask_meanwhile() -> None:
            while True:
                asked = time.perf_counter()
                await pb.health.check()
                during.append(time.perf_counter() - asked)

        asking = asyncio.create_task(ask_meanwhile())
        started = time.perf_counter()
        try:
            await asyncio.gather(*(client.collection("things").subscribe_all(on_event) for client in clients))
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        subscribed = time.perf_counter() - started
        each = (memory() - before) / USERS

        beside = await seconds_of_requests(pb)
        started = time.perf_counter()
        record = await pb.collection("things").create({})
        async with asyncio.timeout(60):
            await all_received.wait()
        delivered = time.perf_counter() - started
        await asyncio.gather(*(client.aclose() for client in clients))
    print(f"\nsubscribed in {subscribed:.1f} s, all have heard after {delivered:.2f} s, {each / 1024:.0f} KiB a user")
    print(f"a request takes {alone * 1000:.2f} ms of the processor alone, {beside * 1000:.2f} ms beside them")
    print(f"and while they subscribe {median(during) * 1000:.0f} ms, {max(during) * 1000:.0f} ms at the most")
    assert received == [record["id"]] * USERS, "each user gets the event once"
    assert beside < 2 * alone, "open streams slow down requests"
    assert each < 100 * 1024, "a user takes too much memory"
