"""A refresh in a task of its own, and calls that are sent as the user who made them, or not at all."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    PocketBase,
    PocketBaseError,
    PocketBaseSessionExpiredError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.auth.token import claims, subject
from pocketbase_core.concurrency.background_tasks import BackgroundTasks
from pocketbase_core.endpoints import realtime
from pocketbase_core.middleware import Retry
from pocketbase_core.middleware.authentication import TokenAuth
from pocketbase_core.middleware.session_steps import SessionRequests
from pocketbase_core.middleware.token_provider import TokenProvider
from pocketbase_transports import MockTransport

from ...helpers.eager_tasks import FACTORY, start_at_once
from ...helpers.tokens import encoded
from ...helpers.virtual_clock import pass_time, run


def token(user: str, expires: float, number: int = 0) -> str:
    payload = {"id": user, "collectionId": "c1", "type": "auth", "refreshable": True, "exp": expires, "n": number}
    return f"h.{encoded(payload)}.s"


NAMELESS = {"collectionId": "c1", "type": "auth"}


class FakeServer:
    """A client whose clock is the loop's, of a server that responds to a refresh once `go_on` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, timeout: float | None = 30.0) -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(time, "time", self.now)
        self.loop = loop
        self.go_on = asyncio.Event()
        self.refreshes: list[str] = []
        self.limits: list[float | None] = []
        self.sent: list[Request] = []
        self.life = 3600.0
        self.set_back = 0.0
        self.failure: int = 0
        self.pb = PocketBase("http://h", transport=MockTransport(self.respond), middleware=[], timeout=timeout)
        self.store = self.pb.auth_store

    def now(self) -> float:
        return 1000.0 + self.loop.time() - self.set_back

    def sign_in(self, user: str, life: float = 30.0, number: int = 0) -> str:
        mine = token(user, self.now() + life, number)
        self.store.save(mine, {"id": user, "collectionId": "c1", "collectionName": "users"})
        return mine

    async def respond(self, request: Request) -> Response:
        if not request.url.endswith("auth-refresh"):
            self.sent.append(request)
            return Response(200, json={"id": "x"})
        old = request.headers["Authorization"]
        self.refreshes.append(old)
        self.limits.append(request.timeout)
        await self.go_on.wait()
        if self.failure:
            return Response(self.failure, json={})
        user = str(claims(old)["id"])
        new = token(user, self.now() + self.life, len(self.refreshes))
        return Response(200, json={"token": new, "record": {"id": user, "collectionId": "c1"}})

    def create(self, **options: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(self.pb.collection("posts").create({"n": 1}, **options))

    def tokens(self) -> list[str]:
        return [request.headers.get("Authorization", "") for request in self.sent]


def on_a_virtual_loop(work: Callable[[FakeServer], Awaitable[None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """Make a test that runs on a virtual clock, and that closes the client at its end."""

    def test(monkeypatch: pytest.MonkeyPatch) -> None:
        async def go() -> None:
            server = FakeServer(monkeypatch)
            await work(server)
            await server.pb.aclose()
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"

        run(go())

    return test


@on_a_virtual_loop
async def test_a_call_keeps_its_user_when_another_user_signs_in_while_it_waits(server: FakeServer) -> None:
    mine = server.sign_in("a")
    create = server.create()
    await pass_time(1)
    server.sign_in("b", 3600)
    server.go_on.set()
    await create
    assert server.tokens() == [mine]


@on_a_virtual_loop
async def test_a_call_keeps_its_user_when_that_user_signs_out_while_it_waits(server: FakeServer) -> None:
    mine = server.sign_in("a")
    create = server.create()
    await pass_time(1)
    server.store.clear()
    server.go_on.set()
    await create
    assert server.tokens() == [mine]
    assert server.store.token == "", "the refresh has undone the sign-out"


@on_a_virtual_loop
async def test_a_call_is_sent_with_the_token_that_its_user_got_while_it_waited(server: FakeServer) -> None:
    server.sign_in("a")
    create = server.create()
    await pass_time(1)
    newer = server.sign_in("a", 3600, 9)
    server.go_on.set()
    await create
    assert server.tokens() == [newer]


@on_a_virtual_loop
async def test_two_tokens_without_a_user_count_as_different_users(server: FakeServer) -> None:
    mine, theirs = (f"h.{encoded({**NAMELESS, 'exp': server.now() + life})}.s" for life in (30, 3600))
    server.store.save(mine)
    create = server.create(timeout=4)
    await pass_time(1)
    server.store.save(theirs)
    await create
    assert server.tokens() == [mine]


@pytest.mark.parametrize("user", ["b", ""])
def test_a_call_whose_token_expired_while_the_store_changed_is_not_sent(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_a_virtual_loop
    async def test(server: FakeServer) -> None:
        server.sign_in("a", 5)
        create = server.create()
        await pass_time(6)
        if user:
            server.sign_in("b", 3600)
        else:
            server.store.clear()
        server.go_on.set()
        with pytest.raises(PocketBaseUnauthorizedError, match="nothing was sent") as caught:
            await create
        assert caught.value.status == 401
        assert server.sent == []

    test(monkeypatch)


@on_a_virtual_loop
async def test_a_guests_call_stays_a_guests_when_somebody_signs_in_later(server: FakeServer) -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request, call_next: Any) -> Response:
        waiting.set()
        await go_on.wait()
        response: Response = await call_next(request)
        return response

    pb = PocketBase("http://h", transport=MockTransport(server.respond), middleware=[slow])
    create = asyncio.create_task(pb.collection("posts").create({}))
    await waiting.wait()
    pb.auth_store.save(token("a", server.now() + 3600))
    go_on.set()
    await create
    assert server.tokens() == [""], "the call began before the sign-in"


@on_a_virtual_loop
async def test_a_call_keeps_its_user_through_slow_hooks_and_retries(server: FakeServer) -> None:
    tokens: list[str] = []

    class Slow(PocketBase):
        async def before_send(self, request: Any) -> Any:
            await pass_time(5)
            return request

    async def respond(request: Request) -> Response:
        tokens.append(request.headers.get("Authorization", ""))
        pb.auth_store.save(token("b", server.now() + 3600))
        return Response(429 if len(tokens) < 3 else 200, {"Retry-After": "2"}, json={})

    pb = Slow("http://h", transport=MockTransport(respond), middleware=[Retry()])
    mine = token("a", server.now() + 3600)
    pb.auth_store.save(mine)
    await pb.collection("posts").create({})
    assert tokens == [mine] * 3


@pytest.mark.parametrize("way", ["stream", "events"])
def test_streams_and_events_keep_their_user_when_another_user_signs_in(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_a_virtual_loop
    async def test(server: FakeServer) -> None:
        async def events(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            server.sent.append(request)
            yield ServerSentEvent()

        server.pb = PocketBase("http://h", transport=MockTransport(server.respond, events), middleware=[])
        server.store = server.pb.auth_store
        mine = server.sign_in("a")

        async def read() -> None:
            if way == "stream":
                async with server.pb.files.stream("posts", "x", "a.txt"):
                    pass
            else:
                async with server.pb.pipeline.events(realtime.connect()) as opened:
                    assert [event async for event in opened] == [ServerSentEvent()]

        reading = asyncio.create_task(read())
        await pass_time(1)
        server.sign_in("b", 3600)
        server.go_on.set()
        await reading
        assert server.tokens() == [mine]

    test(monkeypatch)


@on_a_virtual_loop
async def test_a_call_waits_for_a_stalled_refresh_for_half_of_its_timeout(server: FakeServer) -> None:
    mine = server.sign_in("a")
    calls = [server.create(timeout=seconds) for seconds in (1, 2, 4)]
    started = server.loop.time()
    await asyncio.gather(*calls)
    assert server.loop.time() - started == pytest.approx(2)
    assert server.tokens() == [mine] * 3
    assert [request.timeout for request in server.sent] == pytest.approx([0.5, 1, 2]), "the wait counts"
    assert len(server.refreshes) == 1


@on_a_virtual_loop
async def test_a_call_whose_token_expires_before_the_response_to_its_refresh_is_not_sent(server: FakeServer) -> None:
    server.sign_in("a", 3)
    with pytest.raises(PocketBaseTimeoutError, match="no valid token was obtained in time") as caught:
        await server.create(timeout=8)
    assert caught.value.request_sent is False
    assert server.sent == []


@on_a_virtual_loop
async def test_a_call_whose_token_expires_during_a_failing_refresh_is_not_sent(server: FakeServer) -> None:
    server.sign_in("a", 3)
    server.failure = 500
    create = server.create()
    await pass_time(4)
    server.go_on.set()
    with pytest.raises(PocketBaseSessionExpiredError, match="Nothing was sent"):
        await create
    assert server.sent == []


@on_a_virtual_loop
async def test_a_call_without_a_timeout_waits_until_the_refresh_ends(server: FakeServer) -> None:
    server.sign_in("a")
    create = server.create(timeout=None)
    await pass_time(20)
    assert not create.done()
    server.go_on.set()
    await create
    assert server.tokens() == [server.store.token]
    assert server.sent[0].timeout is None


@pytest.mark.parametrize(("timeout", "limit"), [(None, 30), (5, 5), (120, 30)])
def test_a_refresh_takes_at_most_30_seconds_or_the_clients_timeout(
    timeout: float | None, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        server = FakeServer(monkeypatch, timeout)
        server.sign_in("a")
        server.go_on.set()
        await server.create(timeout=1)
        assert server.limits == [limit]

    run(go())


@on_a_virtual_loop
async def test_a_cancelled_call_does_not_cancel_the_refresh_that_others_wait_for(server: FakeServer) -> None:
    server.sign_in("a")
    first, second = server.create(), server.create()
    await pass_time(1)
    first.cancel()
    await pass_time(1)
    server.go_on.set()
    await second
    assert first.cancelled()
    assert len(server.refreshes) == 1
    assert server.tokens() == [server.store.token]


@on_a_virtual_loop
async def test_closing_the_client_cancels_a_refresh_and_releases_the_calls_that_wait(server: FakeServer) -> None:
    mine = server.sign_in("a")
    create = server.create()
    await pass_time(1)
    await server.pb.aclose()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "token refresh"] == []
    await create
    assert (len(server.refreshes), server.tokens()) == (1, [mine])


@on_a_virtual_loop
async def test_a_hook_may_close_the_client_during_a_refresh(server: FakeServer) -> None:
    async def close(request: Request, call_next: Any) -> Response:
        if request.url.endswith("auth-refresh"):
            await pb.aclose()
            await asyncio.sleep(0)
            return Response(200, json={"token": new, "record": {}})
        sent.append(request.headers["Authorization"])
        return Response(200, json={})

    new, sent = token("a", server.now() + 3600), list[str]()

    pb = PocketBase("http://h", transport=MockTransport(server.respond), middleware=[close])
    pb.auth_store.save(token("a", server.now() + 30))
    await pb.health.check()
    assert sent == [new]


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("factory", dict.fromkeys([None, FACTORY, start_at_once]))
def test_a_call_that_a_hook_makes_during_a_refresh_does_not_wait_for_that_refresh(
    factory: Any, timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_a_virtual_loop
    async def test(server: FakeServer) -> None:
        server.loop.set_task_factory(factory)

        async def ask(request: Request, call_next: Any) -> Response:
            if request.url.endswith("auth-refresh"):
                await asyncio.wait_for(pb.health.check(timeout=timeout), 60)
            response: Response = await call_next(request)
            return response

        pb = PocketBase("http://h", transport=MockTransport(server.respond), middleware=[ask])
        pb.auth_store.save(mine := token("a", server.now() + 30))
        server.go_on.set()
        await pb.health.check(timeout=timeout)
        assert server.loop.time() == 0, "the call of the hook waited"
        assert server.tokens() == [mine, pb.auth_store.token]

    test(monkeypatch)


def test_a_loop_that_ends_leaves_no_refresh_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave() -> PocketBase:
        server = FakeServer(monkeypatch)
        server.sign_in("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.create(), 1)
        return server.pb

    pb = run(leave())
    user: Any = getattr(pb, "_user")
    assert user._session_tasks._running == {}


class Stalling:
    """A `TokenAuth` whose first refresh gets no response."""

    def __init__(self) -> None:
        self.refreshes: list[str] = []
        self.store = AuthStore()
        self.store.save(token("a", time.time() + 30))
        self.tasks = BackgroundTasks()
        tokens = TokenProvider(self.store, SessionRequests(self.refresh, self.refresh, None), None, self.tasks)
        self.auth = TokenAuth(tokens)
        self.in_progress: dict[Any, Any] = vars(tokens)["_steps"]._in_progress

    async def refresh(self, old: str) -> str:
        self.refreshes.append(old)
        if len(self.refreshes) == 1:
            await asyncio.Event().wait()
        return old

    async def use(self) -> None:
        async def send(request: Request) -> Response:
            return Response(204)

        await self.auth(Request("GET", "/", timeout=0.02), send)


def test_each_event_loop_has_a_refresh_of_its_own() -> None:
    stalling, still = Stalling(), asyncio.new_event_loop()
    still.run_until_complete(stalling.use())
    assert len(stalling.in_progress) == 1
    run(stalling.use())
    assert len(stalling.refreshes) == 2
    run(stalling.tasks.aclose())  # tells the loop that stands still
    still.run_until_complete(asyncio.sleep(0))
    still.run_until_complete(asyncio.sleep(0))
    assert stalling.in_progress == {}
    still.close()


def test_the_refresh_of_a_closed_loop_is_forgotten() -> None:
    stalling, still = Stalling(), asyncio.new_event_loop()
    still.run_until_complete(stalling.use())
    (task,) = stalling.in_progress.values()
    task._log_destroy_pending = False
    still.close()
    run(stalling.tasks.aclose())
    run(stalling.use())
    assert len(stalling.refreshes) == 2
    assert stalling.in_progress == {}


@on_a_virtual_loop
async def test_an_explicit_refresh_sends_one_request_and_waits_for_no_other_refresh(server: FakeServer) -> None:
    mine = server.sign_in("a")
    server.go_on.set()
    await server.pb.collection("users").auth.refresh()
    assert server.refreshes == [mine]


@on_a_virtual_loop
async def test_a_sign_in_does_not_wait_for_a_refresh(server: FakeServer) -> None:
    server.sign_in("a")
    started = server.loop.time()
    with pytest.raises(PocketBaseError):
        await server.pb.collection("users").auth.with_password("a", "b")
    assert server.loop.time() == started
    assert server.refreshes == []


@on_a_virtual_loop
async def test_setting_the_wall_clock_back_does_not_prolong_the_pause_after_a_failure(server: FakeServer) -> None:
    server.go_on.set()
    server.failure = 500
    server.sign_in("a", 45)
    await server.create()
    server.set_back = 8
    await server.create()
    assert len(server.refreshes) == 1
    await pass_time(6)
    await server.create()
    assert len(server.refreshes) == 2


@on_a_virtual_loop
async def test_a_failed_refresh_does_not_pause_the_refresh_of_another_user(server: FakeServer) -> None:
    server.go_on.set()
    server.failure = 500
    server.sign_in("a")
    await server.create()
    server.failure = 0
    server.sign_in("b")
    await server.create()
    assert [subject(old)[1] for old in server.refreshes] == ["a", "b"]
    assert server.tokens()[-1] == server.store.token


@on_a_virtual_loop
async def test_a_refresh_that_fails_in_a_hook_blocks_no_call(server: FakeServer) -> None:
    async def broken(request: Request, call_next: Any) -> Response:
        if request.url.endswith("auth-refresh"):
            raise LookupError("a hook's mistake")
        response: Response = await call_next(request)
        return response

    pb = PocketBase("http://h", transport=MockTransport(server.respond), middleware=[broken])
    pb.auth_store.save(mine := token("a", server.now() + 30))
    await pb.health.check()
    assert server.tokens() == [mine]


class Storm:
    """32 calls in flight for a minute, by users who take turns; tokens live for ten seconds, and refreshes may fail."""

    def __init__(self, server: FakeServer, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.refused = self.late = self.sent = 0
        server.pb = PocketBase("http://h", transport=MockTransport(self.respond), middleware=[])
        server.store = server.pb.auth_store
        self.numbers = iter(range(10**6))

    async def respond(self, request: Request) -> Response:
        sent = request.headers.get("Authorization", "")
        if request.url.endswith("auth-refresh"):
            await asyncio.sleep(self.random.choice([0, 1, 4, 60]))
            if self.random.random() < 0.3:
                return Response(self.random.choice([401, 429, 500]), json={})
            user = str(subject(sent)[1])
            return Response(200, json={"token": self.token(user), "record": {"id": user, "collectionId": "c1"}})
        if request.url.endswith("/api/files/token"):
            return Response(200, json={"token": "of a file"})
        assert subject(sent) == ("c1", request.params["user"]), "a call was sent as somebody else"
        assert claims(sent)["exp"] > self.server.now(), "a call was sent as a guest"
        await asyncio.sleep(min(self.random.random(), request.timeout or 0))
        return Response(200, json={})

    def token(self, user: str) -> str:
        return token(user, self.server.now() + 10, next(self.numbers))

    async def sign_in_and_out(self) -> None:
        while True:
            user = self.random.choice("abc")
            self.server.store.save(self.token(user), {"id": user, "collectionId": "c1"})
            await asyncio.sleep(self.random.random() * 16)

    async def call(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            if not self.server.store.is_valid:
                continue  # its calls are a guest's from the start
            timeout = self.random.choice([0.5, 2, 8, 30])
            user, started = str(subject(self.server.store.token)[1]), self.server.loop.time()
            try:
                await self.server.pb.send("/x", params={"user": user}, timeout=timeout)
                self.sent += 1
            except PocketBaseUnauthorizedError:
                self.refused += 1
            except PocketBaseTimeoutError as error:
                assert error.request_sent is False
                self.late += 1
            assert self.server.loop.time() - started <= timeout + 0.001


@pytest.mark.parametrize("seed", [2, 9])
def test_in_a_storm_of_refreshes_each_call_is_sent_as_its_user_or_not_at_all(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_a_virtual_loop
    async def test(server: FakeServer) -> None:
        storm = Storm(server, seed)
        tasks = [asyncio.create_task(storm.sign_in_and_out())]
        tasks += [asyncio.create_task(storm.call()) for _ in range(32)]
        done, _ = await asyncio.wait(tasks, timeout=60, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in done:
            task.result()
        assert storm.sent > 500, "too few calls were sent to prove anything"
        assert storm.refused, "no token expired while a call waited"
        assert storm.late, "no call ran out of time while it waited"

    test(monkeypatch)


async def test_each_call_of_a_user_has_the_token_and_the_headers_of_its_own() -> None:
    sent: list[dict[str, str]] = []

    def respond(request: Request) -> Response:
        sent.append(dict(request.headers))
        return Response(200, json={})

    pb = PocketBase("http://h", transport=MockTransport(respond), lang="de")
    posts = pb.collection("posts")
    own: list[dict[str, str]] = [{}, {"X-A": "1"}, {"X-A": "2"}, {}, {"X-A": "1"}]
    tokens = {"u1": token("u1", time.time() + 3600), "u2": token("u2", time.time() + 3600), "": ""}
    calls = [(user, headers) for user in ("u1", "u2", "") for headers in own]
    for user, headers in calls:
        pb.auth_store.save(tokens[user])
        await posts.get_one("r1", headers=headers)
        expected = {"Accept-Language": "de", "Authorization": pb.auth_store.token, **headers}
        assert sent[-1] == {name: value for name, value in expected.items() if value}
