"""A bot with credentials on a real server whose tokens live for ten seconds."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

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

IN_FLIGHT = 32
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
    async with LocalServer() as server:
        admins = PasswordCredentials("_superusers", *server.superuser)
        async with PocketBase(server.url, transport=transport, credentials=admins) as admin:
            await admin.collections.create({"name": "bots", "type": "auth", "authToken": {"duration": 10}})
            rule = '@request.auth.id != ""'
            await admin.collections.create({"name": "notes", "type": "base", "listRule": rule, "createRule": rule})
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
        async with PocketBase(self.server.url, transport=transport, credentials=credentials, **options) as bot:
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
async def test_no_read_of_a_bot_is_a_guests_though_its_password_changes_and_the_server_restarts(
    make_transport: MakeTransport,
) -> None:
    async with server_with_a_bot(make_transport()) as (server, admin, bot_id):
        storm = Storm(server, admin, bot_id)
        await storm.run(make_transport(), reads=2000, seconds=60, restarts=2)
    print(dict(storm.outcomes), dict(storm.requests.counts))
    assert storm.outcomes["a guest's"] == 0
    assert storm.outcomes.total() == 2000
    assert storm.outcomes["a user's"] > 1000
    assert storm.requests.counts["auth-refresh"] > 5
    assert storm.requests.counts["auth-with-password"] > 2


async def test_no_read_of_a_bot_is_a_guests_though_its_password_changes(make_transport: MakeTransport) -> None:
    async with server_with_a_bot(make_transport()) as (server, admin, bot_id):
        storm = Storm(server, admin, bot_id)
        await storm.run(make_transport(), reads=300, seconds=2, restarts=1)
    assert (storm.outcomes["a guest's"], storm.outcomes.total()) == (0, 300)
