"""A server in virtual time and without a network, and what its subscriptions receive."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from pocketbase_core import (
    Gap,
    PasswordCredentials,
    PocketBase,
    PocketBaseConnectionError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_transports import MockTransport

from .event_stream import Events, serve_events
from .tokens import token
from .virtual_clock import pass_time, run


class FakeServer:
    """A server that ends streams at PocketBase's limits: after 300 s without an event, and after 1800 s."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_up = True
        self.failing = self.closing = 0.0
        """Seconds that a connection takes to fail while the server is down, and that a stream takes to close."""
        self.connects: list[float] = []
        """The times of the attempts to open a stream."""
        self.tokens: list[str] = []
        """The token of each submission."""
        self.checks: list[str] = []
        """The token of each request that checks whether the token is still valid."""
        self.revoked: set[str] = set()
        self.sign_ins: list[float] = []
        """The times of the sign-ins of a client with credentials."""
        self.sign_in_status = 200
        self.lifetime = 3600.0
        """Seconds for which the tokens live that the server issues."""
        self.check_status = 200
        self.checking = self.submitting = self.signing_in = 0.0
        """Seconds that a check of a token, a submission and a sign-in take."""
        self.statuses: list[int] = []
        """Statuses of the responses to the next submissions, in place of 204."""
        self.queues: list[asyncio.Queue[ServerSentEvent | None]] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(time, "time", lambda: 1e9 + loop.time())
        self.answering: Callable[[Request], Awaitable[Response]] = self.answer
        self.streaming: Callable[[Request], AsyncGenerator[ServerSentEvent, None]] = self.events
        """A test may replace these two at any time."""
        self.transport = MockTransport(lambda request: self.answering(request), lambda request: self.streaming(request))
        self.pb = PocketBase("http://h", transport=self.transport, middleware=[])

    async def answer(self, request: Request) -> Response:
        """Respond to a request other than that for the stream."""
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down")
        token_sent = request.headers.get("Authorization", "")
        if request.url.endswith("auth-with-password"):
            return await self.sign_in()
        if request.url.endswith("auth-refresh"):
            return Response(401) if token_sent in self.revoked else self.issue("refreshed")
        if request.url.endswith("/api/files/token"):
            self.checks.append(token_sent)
            if not self.check_status:
                raise PocketBaseConnectionError(request.url, message="reset")
            status = 401 if token_sent in self.revoked else self.check_status
            await pass_time(self.checking)
            return Response(status, json={"token": "file"}) if status == 200 else Response(status)
        self.tokens.append(token_sent)
        await pass_time(self.submitting)
        return Response(self.statuses.pop(0) if self.statuses else 204)

    async def sign_in(self) -> Response:
        """Respond to a sign-in."""
        self.sign_ins.append(time.time())
        await pass_time(self.signing_in)
        if self.sign_in_status != 200:
            return Response(self.sign_in_status, json={"message": "Failed to authenticate."})
        return self.issue(f"sign-in {len(self.sign_ins)}")

    def issue(self, name: str) -> Response:
        """Return a response with a new token of the user `u1`."""
        expires = 1e9 + asyncio.get_running_loop().time() + self.lifetime  # by the server's clock
        return Response(200, json={"token": token(0, name, exp=expires), "record": {"id": "u1"}})

    def use_credentials(self, **options: Any) -> None:
        """Replace the client by one that signs in by itself."""
        credentials = PasswordCredentials("users", "u1@example.com", "password")
        self.pb = PocketBase("http://h", transport=self.transport, middleware=[], credentials=credentials, **options)

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        """Yield the events of one stream."""
        loop = asyncio.get_running_loop()
        self.connects.append(loop.time())
        if not self.is_up:
            await pass_time(self.failing)
            raise PocketBaseConnectionError(request.url, message="down")
        queue: Events = asyncio.Queue()
        self.queues.append(queue)
        client_id = f"c{len(self.connects)}"
        try:
            async with aclosing(serve_events(request.url, client_id, queue, lifetime=1800)) as served:
                async for event in served:
                    yield event
        finally:
            self.queues.remove(queue)
            if self.closing:
                await pass_time(self.closing)

    def emit(self, data: str) -> None:
        """Send an event of the topic `a` on every stream."""
        for queue in self.queues:
            queue.put_nowait(ServerSentEvent("a", data))

    def revoke(self) -> float:
        """Revoke the token of the current user. Return the time, in seconds since the epoch."""
        self.revoked.add(self.pb.auth_store.token)
        return time.time()

    def crash(self) -> None:
        """Break all streams, and refuse connections until `is_up` is set."""
        self.is_up = False
        for queue in self.queues:
            queue.put_nowait(None)


Scenario = Callable[[FakeServer], Awaitable[None]]
WithServer = Callable[[Scenario], None]


@pytest.fixture
def longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the jitter out of all waits: each is as long as it may be."""
    # The client has no parameter for realtime's jitter.
    monkeypatch.setattr(random, "random", lambda: 1.0)


@pytest.fixture
def with_server(monkeypatch: pytest.MonkeyPatch) -> WithServer:
    """Return a function that runs a scenario in virtual time. The scenario may leave subscriptions, and no task."""

    def run_with_server(scenario: Scenario) -> None:
        async def main() -> None:
            server = FakeServer(monkeypatch)
            await scenario(server)
            await server.pb.aclose()
            assert len(asyncio.all_tasks()) == 1

        run(main())

    return run_with_server


def sign_in(server: FakeServer, name: str, **claims: Any) -> str:
    """Save a token of the user `u1` that lives for 10**6 seconds. Return the token."""
    text = token(0, name, exp=time.time() + 10**6, **claims)
    server.pb.auth_store.save(text, {"id": "u1"})
    return text


class Received:
    """The messages and gaps of a subscription, and the errors that `on_error` was called with."""

    def __init__(self, server: FakeServer) -> None:
        self.errors: list[BaseException] = []
        self.messages: list[object] = []
        self.gaps: list[float] = []
        server.pb.realtime.on_error(lambda error, topic: self.errors.append(error))

    def miss(self, gap: Gap) -> None:
        """Record when a gap began, in seconds since the epoch."""
        self.gaps.append(gap.since.timestamp())


async def listen(server: FakeServer, user: str = "") -> Received:
    """Subscribe to the topic `a`; sign this user in first, if one is given."""
    if user:
        sign_in(server, user)
    heard = Received(server)
    await server.pb.realtime.subscribe("a", heard.messages.append, on_gap=heard.miss)
    return heard


async def keep_busy(server: FakeServer, seconds: float) -> None:
    """Let time pass with a message a minute, so that no connection is replaced because it is idle."""
    end = time.time() + seconds
    while time.time() < end:
        await pass_time(min(60, end - time.time()))
        server.emit("1")
