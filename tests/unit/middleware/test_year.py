"""A year of a bot's life in virtual time: it acts as its user, and each renewal and each sign-in is counted."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import partial
from typing import NamedTuple

import pytest

from pocketbase_core import (
    PasswordCredentials,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseError,
    Request,
    Response,
)
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time, run

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
YEAR = 365 * DAY
EPOCH = 1e9
"""The seconds since the epoch at which the virtual clock begins."""
NIGHTS = [40.9, 97.9, 98.9, 200.9, 333.9]
"""The days on which the server goes down for eight hours."""
REVOCATIONS = [33.2, 98.95, 150.5, 250.0012, 310.1]
"""The days on which an admin changes the password and changes it back: once while the server is down."""
JUMPS = [(60.3, 5 * HOUR), (75.3, -9 * HOUR), (110.3, 0.0)]
"""The days on which the clock of the bot's machine jumps, and how far it is ahead from then on."""
Timeline = Sequence[tuple[float, Callable[[], object]]]
"""Days, and what happens on them."""


class Server:
    """A server that knows which tokens are valid, and what it has handled as a guest's."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.is_up = True
        self.password = "right"
        self.expires: dict[str, float] = {}
        """When the tokens that were not revoked expire, by the server's clock."""
        self.accepted_at = 0.0
        """When the server has last accepted the bot's token by a check, a refresh or a sign-in."""
        self.latest = ""
        self.ahead = 0.0
        """By how many seconds the clock of the bot's machine is ahead."""
        self.issued = self.sign_ins = self.refused_sign_ins = self.renewals = self.checks = self.guests = 0
        self.renewed_early = self.signed_in_early = 0
        """Refreshes of tokens that had more than a minute left, and sign-ins while the latest token was valid."""
        self._random = random.Random(7)

    def now(self) -> float:
        """Return the server's time in seconds since the epoch."""
        return EPOCH + asyncio.get_running_loop().time()

    def remaining(self, text: str) -> float:
        """Return for how many seconds a token is valid; 0 or less for one that is not."""
        return self.expires.get(text, 0.0) - self.now()

    def revoke(self) -> None:
        """Revoke all tokens, as a changed password does."""
        self.expires.clear()

    def issue(self) -> Response:
        """Respond with a new token of the user."""
        self.issued += 1
        expires = self.now() + self.lifetime
        self.latest = token(0, str(self.issued), exp=int(expires))
        self.expires[self.latest], self.accepted_at = int(expires), asyncio.get_running_loop().time()
        return Response(200, json={"token": self.latest, "record": {"id": "u1", "collectionId": "c1"}})

    async def respond(self, request: Request) -> Response:
        """Respond to a request after a while, with the right date."""
        await pass_time(self._random.uniform(0.001, 0.2))
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down", request_sent=False)
        response = self.answer(request, request.headers.get("Authorization", ""))
        response = response.replace(headers={"Date": formatdate(self.now(), usegmt=True)})
        await pass_time(self._random.uniform(0.001, 0.2))
        return response

    def answer(self, request: Request, sent: str) -> Response:
        """Respond to a request with this token."""
        remaining = self.remaining(sent)
        if request.url.endswith("/auth-with-password"):
            if request.json()["password"] != self.password:
                self.refused_sign_ins += 1
                return Response(400, json={"message": "Failed to authenticate."})
            self.sign_ins += 1
            self.signed_in_early += self.remaining(self.latest) > MINUTE
            return self.issue()
        if request.url.endswith(("/auth-refresh", "/api/files/token")) and remaining <= 0:
            return Response(401, json={"message": "The request requires valid record authorization token."})
        if request.url.endswith("/auth-refresh"):
            self.renewals += 1
            self.renewed_early += remaining > max(MINUTE, self.lifetime / 10)
            return self.issue()
        if request.url.endswith("/api/files/token"):
            self.checks += 1
            self.accepted_at = asyncio.get_running_loop().time()
            return Response(200, json={"token": "of a file"})
        self.guests += remaining <= 0
        items = [{"id": "a"}] if remaining > 0 else []
        return Response(200, json={"items": items, "page": 1, "perPage": 30, "totalItems": -1, "totalPages": -1})


class Bot:
    """A program that reads a list now and then, and what came of the calls."""

    def __init__(self, server: Server, pb: PocketBase) -> None:
        self.server = server
        self.pb = pb
        self.calls = 0
        self.errors: dict[str, int] = {}
        self.as_guest: list[float] = []
        """The age of the last acceptance of the token for each list that was a guest's."""

    async def call(self) -> None:
        """Read the list once."""
        self.calls += 1
        try:
            page = await self.pb.collection("posts").get_list()
        except PocketBaseError as error:
            self.errors[type(error).__name__] = self.errors.get(type(error).__name__, 0) + 1
            return
        if not page["items"]:
            self.as_guest.append(asyncio.get_running_loop().time() - self.server.accepted_at)


@asynccontextmanager
async def bot_of(
    server: Server, timeline: Timeline, verify_every: float | None = 300.0, *, has_credentials: bool = True
) -> AsyncGenerator[Bot, None]:
    """Yield a bot whose machine and server go through a timeline while a block runs."""

    async def happen() -> None:
        for day, event in sorted(timeline, key=lambda each: each[0]):
            await pass_time(day * DAY - asyncio.get_running_loop().time())
            event()

    credentials = PasswordCredentials("users", "bot@example.com", "right") if has_credentials else None
    transport = MockTransport(server.respond)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: server.now() + server.ahead)
        async with PocketBase(
            "http://h", transport=transport, credentials=credentials, verify_every=verify_every, middleware=[]
        ) as pb:
            task = asyncio.create_task(happen())
            yield Bot(server, pb)
            task.cancel()


def nights(server: Server) -> Timeline:
    """Let the server be down in the nights."""
    downs = [(day, partial(setattr, server, "is_up", False)) for day in NIGHTS]
    return [*downs, *((day + 8 / 24, partial(setattr, server, "is_up", True)) for day in NIGHTS)]


def jumps(server: Server) -> Timeline:
    """Let the clock of the bot's machine jump."""
    return [(day, partial(setattr, server, "ahead", ahead)) for day, ahead in JUMPS]


def revocations(server: Server) -> Timeline:
    """Let an admin change the password and change it back, and once change it back two hours and a half later."""
    last = REVOCATIONS[-1]
    return [
        *((day, server.revoke) for day in REVOCATIONS),
        (last, partial(setattr, server, "password", "other")),
        (last + 2.5 / 24, partial(setattr, server, "password", "right")),
    ]


async def call_every(bot: Bot, seconds: float, days: float) -> None:
    """Call at equal intervals. On each tenth day, call more often: at once, and every 70 seconds."""
    loop = asyncio.get_running_loop()
    for number in range(int(days * DAY / seconds)):
        await pass_time(number * seconds - loop.time())
        await bot.call()
        if seconds < DAY and number * seconds % (10 * DAY) == 0:
            await asyncio.gather(*(bot.call() for _ in range(2)))
            for _ in range(10):
                await pass_time(70)
                await bot.call()


class Life(NamedTuple):
    """How a bot with credentials lives, and what comes of it."""

    lifetime: float
    every: float
    """Seconds from one call to the next."""
    days: float
    verify_every: float
    sign_ins: int
    renewals: int
    refused: int
    """Sign-ins while the password was another one."""
    unreachable: int
    """Calls while the server was down."""
    guest_lists: int


LIVES = {
    "every hour": Life(14 * DAY, HOUR, 365, 300.0, 6, 26, 2, 40, 3),
    "every four hours, each call checked": Life(14 * DAY, 4 * HOUR, 365, 0.0, 6, 26, 1, 10, 0),
    "so seldom that each token expires": Life(14 * DAY, 20 * DAY, 365, 300.0, 18, 0, 0, 0, 0),
    "near the end of short tokens": Life(HOUR / 2, 29.5 * MINUTE, 62, 300.0, 4, 3006, 0, 16, 0),
    "less often than short tokens expire": Life(HOUR / 2, 6 * HOUR, 365, 300.0, 1456, 0, 0, 5, 3),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if life.days * DAY / life.every > 2_000 else [])
        for name, life in LIVES.items()
    ],
)
def test_a_bot_with_credentials_acts_as_its_user_for_a_year_when_it_calls(name: str) -> None:
    async def main() -> None:
        expected = LIVES[name]
        server = Server(expected.lifetime)
        timeline = [*nights(server), *jumps(server), *revocations(server)]
        async with bot_of(server, timeline, expected.verify_every) as bot:
            await call_every(bot, expected.every, expected.days)
        assert (server.sign_ins, server.renewals, server.refused_sign_ins) == expected[4:7]
        assert (server.signed_in_early, server.renewed_early) == (0, 0)
        errors = {"PocketBaseBadRequestError": expected.refused, "PocketBaseConnectionError": expected.unreachable}
        assert bot.errors == {error: count for error, count in errors.items() if count}
        assert server.guests == len(bot.as_guest) == expected.guest_lists
        assert all(age <= expected.verify_every for age in bot.as_guest)

    run(main())


@pytest.mark.slow
@pytest.mark.parametrize("has_credentials", [False, True])
def test_a_session_that_the_client_began_lasts_for_a_year_when_it_calls_every_hour(has_credentials: bool) -> None:
    async def main() -> None:
        server = Server(14 * DAY)
        async with bot_of(server, [*nights(server), *jumps(server)], has_credentials=has_credentials) as bot:
            if not has_credentials:
                await bot.pb.collection("users").auth.with_password("u1", server.password)
            await call_every(bot, HOUR, 365)
        assert (server.sign_ins, server.renewals) == (1, 28), "one renewal each 12.6 days"
        assert (server.signed_in_early, server.renewed_early, server.guests) == (0, 0, 0)
        assert {*bot.errors} == {"PocketBaseConnectionError"}

    run(main())


@pytest.mark.parametrize("is_revoked", [False, True])
def test_without_credentials_a_session_that_is_over_stays_an_error(is_revoked: bool) -> None:
    async def main() -> None:
        server = Server(14 * DAY)
        timeline = [(9.01, server.revoke)] if is_revoked else []
        async with bot_of(server, timeline, has_credentials=False) as bot:
            server.issue()
            bot.pb.auth_store.save(server.latest, {"id": "u1"})
            await call_every(bot, HOUR, 60)
        calls_as_user = 24 * 9 + 1 + 12 if is_revoked else 24 * 14 + 2 * 12
        assert bot.errors == {"PocketBaseSessionExpiredError": bot.calls - calls_as_user}
        assert (server.renewals, server.guests) == (0, 0)

    run(main())


@pytest.mark.parametrize("hours_ahead", [-48, 48])
def test_a_sign_in_corrects_the_clock_so_that_an_expired_token_is_not_sent(hours_ahead: int) -> None:
    async def main() -> None:
        server = Server(HOUR)
        server.ahead = hours_ahead * HOUR
        async with bot_of(server, [], verify_every=None) as bot:
            await call_every(bot, 2 * HOUR, 1)
        assert (server.sign_ins, server.guests, bot.errors) == (12, 0, {})

    run(main())
