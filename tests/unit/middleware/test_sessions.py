"""Sessions that last: credentials, sessions that are over, tokens that were revoked, and clocks that are wrong."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from pocketbase_core import (
    AsyncAuthStore,
    AuthStore,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseError,
    PocketBaseServerError,
    PocketBaseSessionExpiredError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
)
from pocketbase_core.middleware import Retry
from pocketbase_transports import MockTransport

from ...helpers.session_server import SessionServer
from ...helpers.virtual_clock import pass_time, run

Scenario = Callable[[SessionServer], Awaitable[None]]


def with_server(**options: Any) -> Callable[[Scenario], Callable[[pytest.MonkeyPatch], None]]:
    """Make a test that runs on a virtual clock, and that closes the client at its end."""

    def decorate(scenario: Scenario) -> Callable[[pytest.MonkeyPatch], None]:
        def test(monkeypatch: pytest.MonkeyPatch) -> None:
            async def go() -> None:
                server = SessionServer(monkeypatch, **options)
                await scenario(server)
                await server.pb.aclose()
                assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"

            run(go())

        return test

    return decorate


def read(server: SessionServer, **options: Any) -> Awaitable[Any]:
    return server.pb.send("/records", **options)


@with_server()
async def test_a_client_with_credentials_signs_in_once_before_its_first_requests(server: SessionServer) -> None:
    await asyncio.gather(*(read(server) for _ in range(32)))
    assert server.count("auth-with-password") == 1
    assert server.users() == ["u1"] * 32
    assert server.count("token") == 0, "a new token needs no check"


@with_server(lifetime=10.0)
async def test_short_tokens_are_refreshed_in_time_and_replaced_by_a_sign_in_after_a_rest(server: SessionServer) -> None:
    for _ in range(60):
        await read(server)
        await pass_time(1)
    assert (server.count("auth-with-password"), server.count("auth-refresh")) == (1, 11)
    await pass_time(3600)
    await asyncio.gather(*(read(server) for _ in range(32)))
    assert server.count("auth-with-password") == 2
    assert server.users() == ["u1"] * 92


@with_server()
async def test_each_service_signs_in_before_it_sends_something(server: SessionServer) -> None:
    pb = server.pb
    for call in (
        lambda: pb.health.check(),
        lambda: pb.collection("posts").create({}),
        lambda: pb.collection("posts").get_one("x"),
        lambda: pb.send("/api/x"),
        lambda: pb.files.get_token(),
    ):
        pb.auth_store.clear()
        server.requests.clear()
        await call()
        assert server.requests[0][1] == "auth-with-password"
        assert {user for _, name, user in server.requests if name != "auth-with-password"} == {"u1"}


def with_pages(server: SessionServer, after_second: Callable[[], object]) -> list[str]:
    """Let the server respond with three pages of two records. Return the users of the requests for them."""
    users, original = list[str](), server.answer

    def answer(request: Request, name: str, user: str) -> Response:
        if name != "records":
            return original(request, name, user)
        users.append(user)
        page = int(str(request.params["page"]))
        if page == 2 and len(users) == 2:
            after_second()
        items = [{"id": f"{page}-{number}"} for number in range(2 if page < 4 else 0)]
        totals = {"totalItems": -1, "totalPages": -1}
        return Response(200, json={"items": items, "page": page, "perPage": 2, **totals})

    server.answer = answer
    return users


@with_server(verify_every=0.0)
async def test_a_long_list_goes_on_after_the_tokens_were_revoked_in_the_middle_of_it(server: SessionServer) -> None:
    server.latency = 0.1
    users = with_pages(server, server.revoke)
    assert len(await server.pb.collection("posts").get_full_list(batch=2)) == 6
    assert "u1" in users
    assert server.count("auth-with-password") == 2


@with_server()
async def test_a_long_list_ends_with_an_error_if_its_user_signs_out_in_the_middle_of_it(server: SessionServer) -> None:
    server.pb.auth_store.save(server.token(), {"id": "u1", "collectionId": "c1"})
    with_pages(server, server.pb.auth_store.clear)
    with pytest.raises(PocketBaseUnauthorizedError, match="no longer signed in"):
        await server.pb.collection("posts").get_full_list(batch=2)
    assert server.count("auth-with-password") == 0, "the credentials may be those of another user"


@with_server()
async def test_credentials_that_save_an_old_token_are_an_error_and_are_not_asked_again_at_once(
    server: SessionServer,
) -> None:
    asked: list[str] = []

    async def save_old(client: PocketBase) -> None:
        asked.append("")
        client.auth_store.save(server.token(-3600), {"id": "u1", "collectionId": "c1"})

    server.pb = server.client(credentials=save_old)
    for _ in range(2):
        with pytest.raises(PocketBaseSessionExpiredError, match="no new token"):
            await read(server)
    assert (len(asked), server.users()) == (1, [])


@with_server(credentials=None)
async def test_an_old_token_that_is_saved_during_a_refresh_is_not_taken_for_its_result(server: SessionServer) -> None:
    server.pb.auth_store.save(server.token(30), {"id": "u1", "collectionId": "c1"})
    server.delays["auth-refresh"] = 1.0
    reading = asyncio.ensure_future(read(server))
    await pass_time(0.5)
    server.pb.auth_store.save(server.token(-3600), {"id": "u1", "collectionId": "c1"})
    with pytest.raises(PocketBaseSessionExpiredError):
        await reading
    with pytest.raises(PocketBaseSessionExpiredError):
        await read(server)
    assert server.users() == []


@with_server(credentials=None)
async def test_an_expired_session_without_credentials_is_an_error_and_nothing_is_sent(server: SessionServer) -> None:
    pb = server.pb
    pb.auth_store.save(server.token(10), {"id": "u1", "collectionId": "c1"})
    await pass_time(11)
    batch = pb.create_batch()
    batch.collection("posts").create({})
    for call in (
        lambda: pb.health.check(),
        lambda: pb.collection("posts").get_one("x"),
        lambda: pb.collection("posts").create({}),
        lambda: pb.collection("users").auth.refresh(),
        lambda: batch.send(),
        lambda: pb.collections.get_list(),
        lambda: pb.files.get_token(),
        lambda: pb.files.download_file("posts", "x", "a.txt"),
        lambda: pb.backups.get_full_list(),
        lambda: pb.settings.get_all(),
        lambda: pb.logs.get_list(),
        lambda: pb.crons.get_full_list(),
        lambda: pb.sql.run("SELECT 1"),
        lambda: pb.send("/api/x"),
        lambda: pb.realtime.subscribe("posts", print),
    ):
        with pytest.raises(PocketBaseSessionExpiredError, match="sign in again") as caught:
            await call()
        assert (caught.value.status, isinstance(caught.value, PocketBaseUnauthorizedError)) == (401, True)
    assert server.requests == []


@with_server(credentials=None)
async def test_what_needs_no_user_is_sent_without_an_expired_token(server: SessionServer) -> None:
    pb, users = server.pb, server.pb.collection("users").auth
    pb.auth_store.save(expired := server.token(-1), {"id": "u1", "collectionId": "c1"})
    sent: list[str] = []
    original = server.respond

    async def respond(request: Request) -> Response:
        sent.append(request.headers.get("Authorization", ""))
        return await original(request)

    server.respond = respond  # looks at the tokens
    pb = server.pb = server.client(auth_store=pb.auth_store)
    users = pb.collection("users").auth
    await users.methods()
    await users.request_password_reset("a@b.c")
    await users.request_verification("a@b.c")
    await users.request_otp("a@b.c")
    await pb.send("/mine", headers={"Authorization": expired})
    await users.with_password("u1", "right")
    assert sent == ["", "", "", "", expired, ""]
    await pb.health.check()
    assert sent[-1] == pb.auth_store.token


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_store_that_has_not_been_loaded_is_loaded_before_the_first_call(
    is_empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server(credentials=None)
    async def test(server: SessionServer) -> None:
        loads: list[str] = []

        async def load() -> str:
            loads.append("")
            await pass_time(1)
            return "" if is_empty else json.dumps({"token": server.token(), "record": {"id": "u1"}})

        async def save(text: str) -> None: ...

        server.pb.auth_store = AsyncAuthStore(save, load=load)
        await asyncio.gather(*(read(server) for _ in range(8)))
        await read(server)
        assert server.users() == ["" if is_empty else "u1"] * 9
        assert len(loads) == 1

    test(monkeypatch)


@with_server(credentials=None)
async def test_a_list_of_several_pages_belongs_to_the_user_of_a_store_that_its_first_page_loads(
    server: SessionServer,
) -> None:
    async def load() -> str:
        return json.dumps({"token": server.token(), "record": {"id": "u1"}})

    async def save(text: str) -> None: ...

    server.pb.auth_store = AsyncAuthStore(save, load=load)
    users = with_pages(server, lambda: None)
    assert len(await server.pb.collection("posts").get_full_list(batch=2)) == 6
    assert set(users) == {"u1"}


@with_server(credentials=None)
async def test_a_load_that_fails_is_the_error_of_the_call_because_it_would_be_a_guests(server: SessionServer) -> None:
    async def fail() -> str:
        raise OSError("the storage is down")

    async def save(text: str) -> None: ...

    server.pb.auth_store = AsyncAuthStore(save, load=fail)
    with pytest.raises(OSError, match="down"):
        await read(server)
    assert server.requests == []


@with_server(credentials=None)
async def test_an_expired_token_is_replaced_by_the_one_of_another_process(server: SessionServer) -> None:
    text = json.dumps({"token": server.token(10, refreshable=False), "record": {"id": "u1"}})

    async def load() -> str:
        return text

    async def save(text: str) -> None: ...

    server.pb.auth_store = AsyncAuthStore(save, load=load)
    await read(server)
    await pass_time(11)
    with pytest.raises(PocketBaseSessionExpiredError):
        await read(server)
    text = json.dumps({"token": server.token(), "record": {"id": "u1"}})
    await read(server)
    assert server.users() == ["u1", "u1"]


@with_server()
async def test_of_many_clients_with_one_storage_one_signs_in(server: SessionServer) -> None:
    stored, lock = [""], asyncio.Lock()

    async def load() -> str:
        return stored[0]

    async def save(text: str) -> None:
        await pass_time(0.1)
        stored[0] = text

    def client() -> PocketBase:
        store = AsyncAuthStore(save, load=load, lock=lambda: lock)
        return server.client(auth_store=store, credentials=server.credentials())

    clients = [client() for _ in range(8)]
    await asyncio.gather(*(each.send("/records") for each in clients))
    server.revoke()
    await pass_time(301)
    await asyncio.gather(*(each.send("/records") for each in clients))
    assert server.users() == ["u1"] * 16
    assert server.count("auth-with-password") == 2
    for each in clients:
        await each.aclose()


@with_server()
async def test_closing_the_client_closes_all_stores_although_one_of_them_cannot_be_written(
    server: SessionServer,
) -> None:
    closed: list[str] = []

    class Failing(AuthStore):
        async def aclose(self) -> None:
            closed.append("store")
            raise OSError("the disk is full")

    class Transport(MockTransport):
        async def aclose(self) -> None:
            closed.append("transport")

    pb = PocketBase("http://h", transport=Transport(server.respond), auth_store=Failing())
    pb.auth_store = Failing()
    with pytest.raises(OSError, match="full"):
        await pb.aclose()
    assert closed == ["store", "store", "transport"]


@with_server(credentials=None)
async def test_a_refresh_whose_result_the_store_does_not_keep_is_not_repeated_at_each_call(
    server: SessionServer,
) -> None:
    class KeepsItsToken(AuthStore):
        def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None: ...

    server.pb.auth_store = KeepsItsToken()
    server.pb.auth_store.save(server.token(30), {"id": "u1", "collectionId": "c1"})
    for _ in range(5):
        await read(server)
    assert (server.count("auth-refresh"), server.users()) == (1, ["u1"] * 5)


@with_server(credentials=None)
async def test_a_guest_stays_a_guest(server: SessionServer) -> None:
    await read(server)
    assert server.users() == [""]


@with_server()
async def test_a_wrong_password_is_sent_once_and_is_the_error_of_each_call_during_a_pause(
    server: SessionServer,
) -> None:
    server.pb = server.client(credentials=server.credentials("wrong"))
    for _ in range(3):
        results = await asyncio.gather(*(read(server) for _ in range(10)), return_exceptions=True)
        assert {type(each) for each in results} == {PocketBaseBadRequestError}
        assert len({id(each) for each in results}) == 10, "each call has an error of its own"
    assert [name for _, name, _ in server.requests] == ["auth-with-password"]
    await pass_time(10)
    server.password = "wrong"
    await read(server)
    assert server.users("auth-with-password", "records") == ["", "", "u1"]


@pytest.mark.parametrize(("status", "error_type"), [(0, PocketBaseConnectionError), (503, PocketBaseServerError)])
def test_a_sign_in_that_does_not_reach_the_server_is_tried_again_by_the_next_call(
    status: int, error_type: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server()
    async def test(server: SessionServer) -> None:
        server.statuses["auth-with-password"] = status
        with pytest.raises(error_type):
            await read(server)
        del server.statuses["auth-with-password"]
        await read(server)
        assert server.users() == ["u1"]

    test(monkeypatch)


@with_server()
async def test_an_error_of_credentials_that_cannot_be_copied_is_raised_itself(server: SessionServer) -> None:
    class OwnError(Exception):
        def __init__(self, *, reason: str) -> None:
            super().__init__(reason)

    error = OwnError(reason="no vault")

    async def fail(client: PocketBase) -> None:
        raise error

    server.pb = server.client(credentials=fail)
    for _ in range(2):
        with pytest.raises(OwnError) as caught:
            await read(server)
        assert caught.value is error


@with_server()
async def test_a_call_that_needs_a_sign_in_after_its_client_got_another_store_is_not_sent(
    server: SessionServer,
) -> None:
    async def slow(request: Request, call_next: Any) -> Response:
        if request.url.endswith("records"):
            await pass_time(11)
        response: Response = await call_next(request)
        return response

    server.pb = server.client(credentials=server.credentials(), middleware=[slow])
    server.pb.auth_store.save(server.token(10, refreshable=False))
    reading = asyncio.ensure_future(read(server))
    await pass_time(1)
    server.pb.auth_store = AuthStore()
    with pytest.raises(PocketBaseUnauthorizedError, match="another auth store"):
        await reading
    assert server.count("records") == 0


@with_server()
async def test_credentials_that_return_without_signing_in_are_an_error(server: SessionServer) -> None:
    async def forget(client: PocketBase) -> None:
        assert client is server.pb

    server.pb = server.client(credentials=forget)
    with pytest.raises(PocketBaseSessionExpiredError, match="without signing in"):
        await read(server)
    assert server.requests == []


@with_server()
async def test_credentials_that_are_no_coroutine_function_are_an_error_of_the_call(server: SessionServer) -> None:
    server.pb = server.client(credentials=print)
    with pytest.raises(TypeError, match="async def sign_in"):
        await read(server)


@with_server()
async def test_credentials_may_make_other_calls_before_and_after_the_sign_in(server: SessionServer) -> None:
    async def sign_in(client: PocketBase) -> None:
        await client.send("/secret")
        await client.collection("users").auth.with_password("u1", "right")
        await client.send("/me")

    server.pb = server.client(credentials=sign_in)
    await read(server)
    assert [(name, user) for _, name, user in server.requests] == [
        ("secret", ""),
        ("auth-with-password", ""),
        ("me", "u1"),
        ("records", "u1"),
    ]


@with_server()
async def test_a_stored_token_is_checked_before_its_first_use_and_replaced_if_it_was_revoked(
    server: SessionServer,
) -> None:
    stores = [server.store(), server.store()]
    server.pb = server.client(auth_store=stores[0], credentials=server.credentials())
    await read(server)
    assert (server.count("token"), server.count("auth-with-password")) == (1, 0)
    server.revoke()
    server.requests.clear()
    server.pb = server.client(auth_store=stores[1], credentials=server.credentials())
    await read(server)
    assert [(name, user) for _, name, user in server.requests] == [
        ("token", ""),
        ("auth-with-password", ""),
        ("records", "u1"),
    ]


@pytest.mark.parametrize("has_credentials", [True, False])
def test_a_revoked_token_is_noticed_after_verify_every(has_credentials: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    @with_server(lifetime=1e6, verify_every=100.0, **({} if has_credentials else {"credentials": None}))
    async def test(server: SessionServer) -> None:
        if not has_credentials:
            server.pb.auth_store.save(server.token(), {"id": "u1", "collectionId": "c1"})
        await read(server)
        server.revoke()
        await pass_time(101)
        if has_credentials:
            await read(server)
            assert server.users() == ["u1", "u1"]
        else:
            for _ in range(2):
                with pytest.raises(PocketBaseSessionExpiredError):
                    await read(server)
            assert server.users() == ["u1"]
            assert server.count("token") == 1, "what is known is not asked again"

    test(monkeypatch)


@with_server(lifetime=1e6, verify_every=0.0)
async def test_with_verify_every_0_no_read_is_handed_out_that_was_handled_as_a_guests(server: SessionServer) -> None:
    server.latency = 0.5

    async def revoke() -> None:
        for _ in range(20):
            await pass_time(2.3)
            server.revoke()

    revoking = asyncio.create_task(revoke())
    for _ in range(10):
        results: list[Any] = await asyncio.gather(*(read(server) for _ in range(32)), return_exceptions=True)
        errors = [each for each in results if isinstance(each, Exception)]
        assert {each["user"] for each in results if each not in errors} <= {"u1"}
        assert {type(each) for each in errors} <= {PocketBaseUnauthorizedError}
    await revoking
    assert "" in server.users(), "no read was handled as a guest's, so the test proves nothing"


@with_server(lifetime=1e6, verify_every=0.0)
async def test_a_read_is_sent_at_most_three_times_while_its_tokens_are_revoked(server: SessionServer) -> None:
    server.latency, original = 0.1, server.user_of

    def user_of(token: str) -> str:
        if server.requests[-1:] and server.requests[-1][1] == "auth-with-password":
            server.revoke()
        return original(token)

    server.user_of = user_of  # a server that revokes each token before its first use
    with pytest.raises(PocketBaseUnauthorizedError, match="as a guest's"):
        await read(server)
    assert server.count("records") == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_write_that_was_refused_because_the_token_was_revoked_is_sent_again_and_no_other(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server(lifetime=1e6)
    async def test(server: SessionServer) -> None:
        original = server.answer

        def answer(request: Request, name: str, user: str) -> Response:
            if name == "records" and not user:
                return Response(status, json={})
            return original(request, name, user)

        server.answer = answer  # a server that refuses guests
        posts = server.pb.collection("posts")
        await posts.create({})
        await posts.create({})
        await pass_time(6)
        server.revoke()
        await posts.create({})
        assert server.users() == ["u1", "u1", "", "u1"]
        await pass_time(6)
        server.statuses["records"] = status
        with pytest.raises(PocketBaseError):
            await posts.create({})
        assert server.count("records") == 5, "the token is accepted, so the refusal is about the user"

    test(monkeypatch)


@with_server(lifetime=1e6, verify_every=100.0)
async def test_a_check_without_a_decision_lets_a_write_pass_and_is_the_error_of_a_read(server: SessionServer) -> None:
    await read(server)
    await pass_time(101)
    server.statuses["token"] = 503
    await server.pb.collection("posts").create({})
    with pytest.raises(PocketBaseServerError):
        await read(server)
    del server.statuses["token"]
    await read(server)
    assert set(server.users()) == {"u1"}


@with_server(lifetime=1e6, verify_every=100.0)
async def test_a_check_that_a_hook_of_the_server_refuses_says_nothing_about_the_token(server: SessionServer) -> None:
    await read(server)
    await pass_time(101)
    server.statuses["token"] = 403
    await read(server)
    await read(server)
    assert server.count("token") == 1


@with_server(lifetime=1e6, verify_every=1.0)
async def test_a_response_whose_proof_takes_too_long_is_a_timeout(server: SessionServer) -> None:
    await read(server)
    server.delays |= {"records": 2.0, "token": 100.0}
    with pytest.raises(PocketBaseTimeoutError, match="could not be checked") as caught:
        await read(server, timeout=5)
    assert caught.value.request_sent is True
    assert server.loop.time() == pytest.approx(5)


@with_server(lifetime=1e6, verify_every=None)
async def test_with_verify_every_none_no_token_is_checked(server: SessionServer) -> None:
    for _ in range(3):
        await read(server)
        await pass_time(1e5)
    assert server.count("token") == 0


@pytest.mark.parametrize("has_credentials", [True, False])
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_refresh_of_a_valid_token_is_no_end_of_the_session_and_one_of_a_revoked_token_is(
    status: int, has_credentials: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server(lifetime=30.0, **({} if has_credentials else {"credentials": None}))
    async def test(server: SessionServer) -> None:
        server.pb.auth_store.save(server.token(), {"id": "u1", "collectionId": "c1"})
        server.statuses["auth-refresh"] = status
        await read(server)
        assert (server.users(), server.count("auth-with-password")) == (["u1"], 0)
        server.pb.auth_store.save(server.token(), {"id": "u1", "collectionId": "c1"})
        server.revoke()
        server.statuses["auth-refresh"] = 401
        if has_credentials:
            await read(server)
            assert server.users() == ["u1", "u1"]
        else:
            with pytest.raises(PocketBaseSessionExpiredError):
                await read(server)
            assert server.users() == ["u1"]

    test(monkeypatch)


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("has_date", [True, False])
def test_a_clock_that_is_wrong_by_hours_makes_nobody_a_guest_and_causes_no_endless_sign_ins(
    hours: int, has_date: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server(lifetime=3600.0, verify_every=600.0)
    async def test(server: SessionServer) -> None:
        server.clock_error, server.has_date = hours * 3600.0, has_date
        for _ in range(100):
            await read(server)
            await pass_time(100)
        if has_date:
            assert set(server.users()) == {"u1"}
        as_guest = "".join("u" if user else "g" for user in server.users())
        assert "g" * 7 not in as_guest, "without a Date header, a check finds out after verify_every"
        assert server.count("auth-with-password") + server.count("auth-refresh") <= 5

    test(monkeypatch)


@with_server(credentials=None)
async def test_a_token_that_expired_by_the_servers_clock_is_found_by_the_first_response(server: SessionServer) -> None:
    server.clock_error = -5 * 3600.0
    server.pb.auth_store.save(server.token(-60), {"id": "u1", "collectionId": "c1"})
    for _ in range(2):
        with pytest.raises(PocketBaseUnauthorizedError):
            await read(server)
    assert server.count("records") == 1


@with_server(lifetime=10.0)
async def test_an_attempt_that_begins_after_the_token_has_expired_gets_a_new_token(server: SessionServer) -> None:
    server.pb = server.client(credentials=server.credentials(), middleware=[Retry(attempts=3, backoff=8, max_delay=30)])
    await read(server)
    original, failures = server.answer, iter([503, 503])

    def answer(request: Request, name: str, user: str) -> Response:
        if name == "records" and (status := next(failures, None)):
            return Response(status, {"Retry-After": "11"}, json={})
        return original(request, name, user)

    server.answer = answer  # a server that is busy for a while
    await read(server, timeout=60)
    assert server.users() == ["u1"] * 4


@with_server(lifetime=10.0)
async def test_a_slow_hook_does_not_make_a_call_a_guests(server: SessionServer) -> None:
    async def slow(request: Any, call_next: Any) -> Response:
        await pass_time(11)
        response: Response = await call_next(request)
        return response

    server.pb = server.client(middleware=[slow])
    server.pb.auth_store.save(server.token(10, refreshable=False))
    with pytest.raises(PocketBaseSessionExpiredError):
        await read(server)
    assert server.requests == []


@with_server()
async def test_a_token_that_a_hook_has_set_is_not_replaced_when_that_of_the_call_expires(server: SessionServer) -> None:
    sent: list[str] = []

    async def act_as_another(request: Request, call_next: Any) -> Response:
        await pass_time(11)
        response: Response = await call_next(request.with_header("Authorization", "another"))
        sent.append("another")
        return response

    server.pb = server.client(credentials=None, middleware=[act_as_another])
    server.pb.auth_store.save(server.token(10, refreshable=False))
    await read(server)
    assert (sent, server.users()) == (["another"], [""])


@with_server()
async def test_another_store_is_another_session_and_its_client_has_no_credentials(server: SessionServer) -> None:
    await read(server)
    async with server.pb.with_auth_store(AuthStore()) as visitor:
        await visitor.send("/records")
    assert server.users() == ["u1", ""]
    server.pb.auth_store = AuthStore()
    await read(server)
    assert server.users() == ["u1", "", "u1"]
    assert server.count("auth-with-password") == 2


@with_server()
async def test_a_sign_in_is_saved_to_the_store_that_the_client_had_when_the_call_began(server: SessionServer) -> None:
    server.delays["auth-with-password"] = 5.0
    reading = asyncio.ensure_future(read(server))
    await pass_time(1)
    former, server.pb.auth_store = server.pb.auth_store, AuthStore()
    await reading
    assert server.users() == ["u1"]
    assert (bool(former.token), server.pb.auth_store.token) == (True, "")


def test_closing_the_client_ends_a_sign_in_that_takes_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @with_server()
    async def test(server: SessionServer) -> None:
        server.delays["auth-with-password"] = 1e6
        reading = asyncio.ensure_future(read(server, timeout=None))
        await pass_time(1)
        await server.pb.aclose()
        with pytest.raises(PocketBaseUnauthorizedError):
            await reading

    test(monkeypatch)
    assert [each for each in caplog.records if each.levelname != "DEBUG"] == [], "a cancelled step is no failure"


def test_a_sign_in_that_fails_has_one_log_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @with_server()
    async def test(server: SessionServer) -> None:
        server.password = "another one"
        await asyncio.gather(*(read(server) for _ in range(8)), return_exceptions=True)

    test(monkeypatch)
    messages = [each.getMessage() for each in caplog.records if each.name == "pocketbase_core"]
    assert messages == ["the sign-in failed: PocketBaseBadRequestError: 400 Failed to sign in."]


@with_server()
async def test_a_sign_in_that_takes_too_long_is_a_timeout_and_the_next_call_uses_its_result(
    server: SessionServer,
) -> None:
    server.delays["auth-with-password"] = 8.0
    with pytest.raises(PocketBaseTimeoutError) as caught:
        await read(server, timeout=10)
    assert caught.value.request_sent is False
    await read(server)
    assert (server.count("auth-with-password"), server.users()) == (1, ["u1"])


@with_server()
async def test_a_cancelled_call_does_not_cancel_the_sign_in_that_others_wait_for(server: SessionServer) -> None:
    server.delays["auth-with-password"] = 5.0
    first, second = asyncio.ensure_future(read(server)), asyncio.ensure_future(read(server))
    await pass_time(1)
    first.cancel()
    await second
    assert first.cancelled()
    assert (server.count("auth-with-password"), server.users()) == (1, ["u1"])
