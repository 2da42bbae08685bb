"""Many requests and users at a time leave nothing behind."""

import asyncio
import contextlib
import gc
import os
import sys

import pytest

from pocketbase_core import AuthStore, PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport

IN_FLIGHT = 512


def descriptors() -> int:
    """Return the number of open files and sockets."""
    count = 0
    for descriptor in range(4096):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            count += 1
    return count


def blocks() -> int:
    """Return the number of memory blocks of Python objects."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.slow
async def test_ten_thousand_requests_leave_nothing_behind(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport, library: str
) -> None:
    requests = 600 if library == "httpx" else 10_000  # the pool of httpx checks all waiting requests each time
    gc.collect()
    opened, tasks = descriptors(), len(asyncio.all_tasks())
    async with PocketBase(server.url, transport=make_transport(), timeout=120) as pb:
        pb.auth_store.save(superuser.token, superuser.record)

        async def burst(count: int) -> int:
            numbers = iter(range(count))

            async def work() -> int:
                return len([await pb.health.check() for _ in numbers])

            return sum(await asyncio.gather(*(work() for _ in range(IN_FLIGHT))))

        assert await burst(requests) == requests, "a request failed"
        before = blocks()
        assert await burst(requests) == requests
        assert blocks() - before < requests / 2, "nothing is kept of a request"
        assert len(asyncio.all_tasks()) <= tasks
        assert descriptors() <= opened + 110, "as many connections as the pool may have"
    async with asyncio.timeout(5):
        while descriptors() > opened:  # the loop closes the sockets in its next iterations
            gc.collect()
            await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= tasks, "closing left a task"


@pytest.mark.slow
async def test_a_hundred_users_on_one_transport_keep_their_own_tokens(superuser: AuthStore, pb: PocketBase) -> None:
    clients = [pb.with_auth_store(AuthStore()) for _ in range(100)]
    for number, client in enumerate(clients):
        if number % 2:
            client.auth_store.save(superuser.token, superuser.record)
    tasks = len(asyncio.all_tasks())

    async def can_backup(client: PocketBase) -> bool:
        return "canBackup" in (await client.health.check())["data"]

    for _ in range(3):
        results = await asyncio.gather(*map(can_backup, clients))
        assert results == [False, True] * 50, "each with the token of its own"
    for client in clients:
        await client.aclose()
    assert await can_backup(pb), "the transport is open"
    assert len(asyncio.all_tasks()) <= tasks
