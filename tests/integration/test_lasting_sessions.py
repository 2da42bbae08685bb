"""A bot with credentials on a real server whose tokens live for ten seconds."""

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.fleet.processes import run_redis
from pocketbase_core import (
    PasswordCredentials,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseTransportError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
)
from pocketbase_core.middleware import Handler, default_middleware
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_transports import AiohttpTransport

from ..helpers.redis_server import needs_redis
from ..helpers.shared_collections import IS_LEGACY, VERSION, client_of

IN_FLIGHT = 32
TITLE = {"name": "title", "type": "text"}
IDENTITY, PASSWORD = "bot@example.com", "password123"


class Counting:
    """Middleware that counts the requests by the last part of their path."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.counts[request.url.rpartition("/")[2]] += 1
        return await call_next(request)


@asynccontextmanager
async def server_with_a_bot(transport: Transport) -> AsyncGenerator[tuple[LocalServer, PocketBase, str]]:
    """Yield a server, a superuser's client, and the id of a user. A guest sees no record of the collection `notes`."""
    async with LocalServer(VERSION) as server:
        admins = PasswordCredentials("_superusers", *server.superuser)
        async with client_of(server.url, transport=transport, credentials=admins) as admin:
            durations = {} if IS_LEGACY else {"authToken": {"duration": 10}}
            await admin.collections.create({"name": "bots", "type": "auth", **durations})
            if IS_LEGACY:
                await admin.settings.update({"recordAuthToken": {"duration": 10}})
            rule = '@request.auth.id != ""'
            rules = {"listRule": rule, "createRule": rule}
            await admin.collections.create({"name": "notes", "type": "base", **rules, "fields": [TITLE]})
            await admin.collection("notes").create({})
            body = {"email": IDENTITY, "password": PASSWORD, "verified": True}
            bot = await admin.collection("bots").create(body)
            yield server, admin, bot["id"]


class Storm:
    """Reads by a bot, 32 at a time, while its password changes and the server restarts.

    Args:
        server: The server.
        admin: A client of a superuser.
        bot_id: The id of the bot's user.
    """

    def __init__(self, server: LocalServer, admin: PocketBase, bot_id: str) -> None:
        self.server, self.admin, self.bot_id = server, admin, bot_id
        self.outcomes: Counter[str] = Counter()
        self.requests = Counting()

    async def run(self, transport: Transport, reads: int, seconds: float, restarts: int) -> None:
        """Read so often, spread over so many seconds."""
        credentials = PasswordCredentials("bots", IDENTITY, PASSWORD)
        middleware = [*default_middleware(), self.requests]
        options: dict[str, Any] = {"verify_every": 0, "middleware": middleware}
        async with client_of(self.server.url, transport=transport, credentials=credentials, **options) as bot:
            numbers = iter(range(reads))
            interval = seconds * IN_FLIGHT / reads
            work = [self._read(bot, numbers, interval) for _ in range(IN_FLIGHT)]
            await asyncio.gather(*work, self._disturb(seconds, restarts))

    async def _read(self, bot: PocketBase, numbers: Any, interval: float) -> None:
        for _ in numbers:
            pause = asyncio.create_task(asyncio.sleep(interval))
            try:
                page = await bot.collection("notes").get_list()
            except (PocketBaseBadRequestError, PocketBaseUnauthorizedError, PocketBaseTransportError) as error:
                self.outcomes[type(error).__name__] += 1
            else:
                self.outcomes["a user's" if page["items"] else "a guest's"] += 1
            await pause

    async def _disturb(self, seconds: float, restarts: int) -> None:
        share = seconds / (2 * restarts)
        for _ in range(restarts):
            await asyncio.sleep(share * 0.4)
            await self._change_password("another one")
            await asyncio.sleep(share * 0.4)
            await self._change_password(PASSWORD)
            await asyncio.sleep(share * 0.6)
            await self.server.restart()
            await asyncio.sleep(share * 0.6)

    async def _change_password(self, password: str) -> None:
        await self.admin.collection("bots").update(self.bot_id, {"password": password})


@pytest.mark.slow
async def test_no_read_of_a_bot_is_a_guests_though_its_password_changes_and_the_server_restarts() -> None:
    """For 60 seconds. A shorter one is run on each transport."""
    async with server_with_a_bot(AiohttpTransport()) as (server, admin, bot_id):
        storm = Storm(server, admin, bot_id)
        await storm.run(AiohttpTransport(), reads=2000, seconds=60, restarts=2)
    print(dict(storm.outcomes), dict(storm.requests.counts))
    assert storm.outcomes["a guest's"] == 0
    assert storm.outcomes.total() == 2000
    assert storm.outcomes["a user's"] > 800, "the pause after a refused sign-in is 20 seconds at most"
    assert storm.requests.counts["auth-refresh"] > 2
    assert storm.requests.counts["auth-with-password"] > 2


async def test_no_read_of_a_bot_is_a_guests_though_its_password_changes(make_transport: MakeTransport) -> None:
    async with server_with_a_bot(make_transport()) as (server, admin, bot_id):
        storm = Storm(server, admin, bot_id)
        await storm.run(make_transport(), reads=200, seconds=1, restarts=1)
    assert (storm.outcomes["a guest's"], storm.outcomes.total()) == (0, 200)


async def run_processes(number: int, url: str, storage: str, seconds: float) -> Counter[str]:
    """Run so many processes that share a session. Return the sum of their counts."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.helpers.session_process", url, storage, str(seconds)),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(number)
    ]
    outputs = await asyncio.gather(*(each.communicate() for each in processes))
    assert [each.returncode for each in processes] == [0] * number, "a process has failed"
    counts: Counter[str] = Counter()
    for output, _ in outputs:
        counts.update(json.loads(output))
    return counts


async def check_file(path: Path) -> None:
    """Read the file of a store all the time, until this is cancelled. It has to be complete at any time."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            assert json.loads(path.read_bytes())["token"]
        await asyncio.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("storage", "number", "seconds"),
    [
        ("a file", 8, 60.0),
        pytest.param("Redis", 8, 20.0, marks=needs_redis),
    ],
)
async def test_processes_with_one_session_renew_each_token_once(
    storage: str, number: int, seconds: float, tmp_path: Path
) -> None:
    """A token of 10 seconds is renewed after 5 of them."""
    async with AsyncExitStack() as stack:
        server, _, _ = await stack.enter_async_context(server_with_a_bot(AiohttpTransport()))
        path = tmp_path / "session.json"
        where = str(path) if storage == "a file" else await stack.enter_async_context(run_redis())
        checking = asyncio.create_task(check_file(path))
        counts = await run_processes(number, server.url, where, seconds)
        assert not checking.done(), "the file was torn"
        checking.cancel()
    print(dict(counts))
    assert counts["a guest's"] == 0
    assert counts["a user's"] > 2.5 * number * seconds
    assert counts["auth-with-password"] == 1
    assert 1 <= counts["auth-refresh"] <= seconds / 4 + 1
