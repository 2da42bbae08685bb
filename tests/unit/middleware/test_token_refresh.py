"""A token that is refreshed in time, by one request however many calls wait for it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase, PocketBaseConnectionError, PocketBaseError, Request, Response
from pocketbase_core.concurrency.background_tasks import BackgroundTasks
from pocketbase_core.middleware.authentication import TokenAuth
from pocketbase_core.middleware.session_steps import SessionRequests
from pocketbase_core.middleware.token_provider import TokenProvider
from pocketbase_transports import MockTransport

from ...helpers.tokens import encoded, token
from ...helpers.virtual_clock import pass_time, run


class FakeServer:
    """A server that refreshes tokens, and the tokens that other requests were sent with."""

    def __init__(self, *results: Any) -> None:
        self.results = [*results]
        self.refreshes = 0
        self.used: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.pb = PocketBase("http://h", transport=MockTransport(self.respond), middleware=[])

    async def respond(self, request: Request) -> Response:
        if request.url.endswith("/api/files/token"):
            return Response(200, json={"token": "of a file"})
        if not request.url.endswith("auth-refresh"):
            self.used.append(request.headers.get("Authorization", ""))
            return Response(200, json={})
        assert request.url == "http://h/api/collections/c1/auth-refresh"
        self.refreshes += 1
        await self.go_on.wait()
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result if isinstance(result, Response) else Response(200, json={"token": result, "record": {"id": "u1"}})

    async def start_call(self) -> asyncio.Task[Any]:
        """Start a call that waits for the refresh of its token until `go_on` is set."""
        self.go_on.clear()
        waiting = asyncio.create_task(self.pb.health.check())
        while not self.refreshes:
            await asyncio.sleep(0)
        return waiting


async def test_a_hundred_concurrent_calls_share_one_refresh() -> None:
    new = token(3600, "new")
    server = FakeServer(new)
    server.pb.auth_store.save(token(30), {"id": "u1"})
    await asyncio.gather(*(server.pb.health.check() for _ in range(100)))
    assert server.refreshes == 1
    assert server.used == [new] * 100
    assert server.pb.auth_store.token == new


@pytest.mark.parametrize(
    "failure", [Response(401, json={}), Response(500), PocketBaseConnectionError("http://h"), Response(429)]
)
async def test_a_refresh_that_fails_blocks_no_call(failure: Any) -> None:
    old = token(30)
    server = FakeServer(failure)
    server.pb.auth_store.save(old, {"id": "u1"})
    await asyncio.gather(*(server.pb.health.check() for _ in range(100)))
    assert server.refreshes == 1
    assert server.used == [old] * 100


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Response(401, json={"message": "No.\nERROR: x"}), "PocketBaseUnauthorizedError: 401 No. ERROR: x"),
        (
            PocketBaseConnectionError("http://h", message="cannot connect to h: Connection refused"),
            "PocketBaseConnectionError: cannot connect to h: Connection refused",
        ),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    ],
)
async def test_the_log_line_of_a_failed_refresh_has_the_reason(
    failure: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(failure)
    server.pb.auth_store.save(token(30), {"id": "u1"})
    await server.pb.health.check()
    assert [record.getMessage() for record in caplog.records] == [f"the token could not be refreshed: {reason}"]


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (404, 1), (500, 3), (429, 3), (0, 3)])
def test_a_refused_refresh_is_final_and_any_other_failure_is_retried_later(
    status: int, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, store = list[str](), AuthStore()
    store.save(token(50))

    async def fail(token: str) -> str:
        tried.append(token)
        raise PocketBaseError("http://h", status)

    async def accept(token: str) -> None: ...

    async def send(request: Request) -> Response:
        return Response(204)

    async def use() -> None:
        started, loop = time.time(), asyncio.get_running_loop()
        monkeypatch.setattr(time, "time", lambda: started + loop.time())
        auth = TokenAuth(TokenProvider(store, SessionRequests(fail, accept, None), None, BackgroundTasks()))
        for _ in range(30):
            await auth(Request("GET", "/"), send)
            await pass_time(0.5)

    run(use())
    assert len(tried) == attempts


async def test_cancelled_calls_leave_the_refresh_to_the_calls_that_wait() -> None:
    new = token(3600, "new")
    server = FakeServer(new)
    server.pb.auth_store.save(token(30), {"id": "u1"})
    first = await server.start_call()
    others = [asyncio.create_task(server.pb.health.check()) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    others[3].cancel()
    server.go_on.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 2, (
        "only the cancelled calls end with a cancellation"
    )
    assert server.refreshes == 1, "a cancelled call does not cancel the refresh"
    assert server.used == [new] * 9


@pytest.mark.parametrize(
    "make_token",
    [
        lambda: token(3600),
        lambda: token(30, refreshable=False),
        lambda: token(30, type="file"),
        lambda: token(30, collectionId="../x"),
        lambda: token(30, collectionId=3),
        lambda: f"h.{encoded({'id': 'u1', 'type': 'auth', 'collectionId': 'c1'})}.s",
        lambda: "static",
        lambda: "a.b.c",
    ],
)
async def test_a_token_that_cannot_be_refreshed_is_sent_as_it_is(make_token: Callable[[], str]) -> None:
    server, old = FakeServer(Response(500)), make_token()
    server.pb.auth_store.save(old)
    await server.pb.health.check()
    assert (server.refreshes, server.used) == (0, [old])


async def test_an_authorization_header_of_the_caller_is_kept() -> None:
    server = FakeServer(Response(500))
    server.pb.auth_store.save(token(30))
    await server.pb.health.check(headers={"authorization": "mine"})
    assert (server.refreshes, server.used) == (0, ["mine"])


async def test_a_token_that_lives_for_less_than_a_minute_is_not_refreshed_at_each_call() -> None:
    server = FakeServer(token(20, "a"), token(20, "b"))
    server.pb.auth_store.save(token(20), {"id": "u1"})
    for _ in range(10):
        await server.pb.health.check()
    assert server.refreshes == 1


async def test_a_refresh_does_not_undo_a_sign_in_that_happened_meanwhile() -> None:
    server = FakeServer(token(3600, "refreshed"))
    server.pb.auth_store.save(mine := token(30), {"id": "u1"})
    request = await server.start_call()
    other = token(3600, "somebody else", id="u2")
    server.pb.auth_store.save(other, {"id": "u2"})
    server.go_on.set()
    await request
    assert server.pb.auth_store.token == other
    assert server.used == [mine]


async def test_a_second_event_loop_can_refresh_too() -> None:
    new = token(3600, "new")
    server = FakeServer(token(30, "x"), new)

    async def use() -> None:
        server.go_on = asyncio.Event()
        server.go_on.set()
        server.pb.auth_store.save(token(30))
        await asyncio.gather(*(server.pb.health.check() for _ in range(5)))

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, use())
    assert server.refreshes == 2


async def test_a_sign_out_while_calls_wait_for_a_refresh_is_not_undone() -> None:
    server = FakeServer(token(3600, "new"))
    server.pb.auth_store.save(mine := token(30), {"id": "u1"})
    first = await server.start_call()
    second = asyncio.create_task(server.pb.health.check())
    await asyncio.sleep(0)
    server.pb.auth_store.clear()
    server.go_on.set()
    await asyncio.gather(first, second)
    assert server.used == [mine] * 2
    assert server.pb.auth_store.token == ""


@pytest.mark.parametrize("collection", ["..", "a/b", "", "a b", 3, None, ["c1"]])
async def test_a_token_with_a_forged_collection_is_never_refreshed(collection: Any) -> None:
    server = FakeServer(token(3600, "new"))
    server.pb.auth_store.save(made := token(30, collectionId=collection), {"id": "u1"})
    await server.pb.health.check()
    assert (server.refreshes, server.used) == (0, [made])


async def test_a_refresh_does_not_undo_a_sign_out_that_happened_meanwhile() -> None:
    def handler(request: Request) -> Response:
        pb.auth_store.clear()
        return Response(200, json={"token": token(3600, "new"), "record": {"id": "u1"}})

    pb = PocketBase("http://h", transport=MockTransport(handler))
    pb.auth_store.save(token(3600), {"id": "u1"})
    assert (await pb.collection("users").auth.refresh())["record"] == {"id": "u1"}
    assert (pb.auth_store.token, pb.auth_store.record) == ("", None)
