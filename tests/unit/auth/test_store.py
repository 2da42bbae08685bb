"""Tokens, the store, and a refresh that happens once."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbase_core import AuthStore, PocketBase, PocketBaseConnectionError, PocketBaseError, Request, Response
from pocketbase_core.auth.token import claims, is_sendable_token, is_valid
from pocketbase_core.middleware.authentication import TokenAuth
from pocketbase_transports import MockTransport

from ...helpers.tokens import encoded, token
from ...helpers.virtual_clock import pass_time, run


class Server:
    """Renews tokens, and notes what comes in."""

    def __init__(self, *renewals: Any) -> None:
        self.renewals = [*renewals]
        self.refreshes = 0
        self.used: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.pb = PocketBase("http://h", transport=MockTransport(self.answer), middleware=[])

    async def answer(self, request: Request) -> Response:
        if not request.url.endswith("auth-refresh"):
            self.used.append(request.headers.get("Authorization", ""))
            return Response(200, json={})
        assert request.url == "http://h/api/collections/c1/auth-refresh"
        self.refreshes += 1
        await self.go_on.wait()
        renewal = self.renewals.pop(0) if len(self.renewals) > 1 else self.renewals[0]
        if isinstance(renewal, Exception):
            raise renewal
        return (
            renewal if isinstance(renewal, Response) else Response(200, json={"token": renewal, "record": {"id": "u1"}})
        )

    async def renewing(self) -> asyncio.Task[Any]:
        """A request that waits for its token to be renewed, until the server may `go_on`."""
        self.go_on.clear()
        waiting = asyncio.create_task(self.pb.health.check())
        while not self.refreshes:
            await asyncio.sleep(0)
        return waiting


async def test_one_refresh_for_a_hundred() -> None:
    new = token(3600, "new")
    server = Server(new)
    server.pb.auth_store.save(token(30), {"id": "u1"})
    await asyncio.gather(*(server.pb.health.check() for _ in range(100)))
    assert server.refreshes == 1
    assert server.used == [new] * 100
    assert server.pb.auth_store.token == new


@pytest.mark.parametrize(
    "failure", [Response(401, json={}), Response(500), PocketBaseConnectionError("http://h"), Response(429)]
)
async def test_a_refresh_that_fails_blocks_nobody(failure: Any) -> None:
    old = token(30)
    server = Server(failure)
    server.pb.auth_store.save(old, {"id": "u1"})
    await asyncio.gather(*(server.pb.health.check() for _ in range(100)))
    assert server.refreshes == 1
    assert server.used == [old] * 100


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (404, 1), (500, 3), (429, 3), (0, 3)])
def test_a_refusal_is_final_and_any_other_failure_tried_again_later(status: int, attempts: int) -> None:
    tried, store = list[str](), AuthStore()
    store.save(token(50))

    async def fail(token: str) -> None:
        tried.append(token)
        raise PocketBaseError("http://h", status)

    async def send(request: Request) -> Response:
        return Response(204)

    async def use() -> None:
        begun, loop = time.time(), asyncio.get_running_loop()
        auth = TokenAuth(store, fail, clock=lambda: begun + loop.time())
        for _ in range(30):
            await auth(Request("GET", "/"), send)
            await pass_time(0.5)

    run(use())
    assert len(tried) == attempts


async def test_a_refresh_that_is_cancelled_blocks_nobody() -> None:
    new = token(3600, "new")
    server = Server(new)
    server.pb.auth_store.save(token(30), {"id": "u1"})
    first = await server.renewing()
    others = [asyncio.create_task(server.pb.health.check()) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    others[3].cancel()
    server.go_on.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 2
    assert server.refreshes == 1, "the renewal is nobody's"
    assert server.used == [new] * 9


@pytest.mark.parametrize(
    "old",
    [
        token(3600),
        token(-1),
        token(30, refreshable=False),
        token(30, type="file"),
        token(30, collectionId="../x"),
        token(30, collectionId=3),
        f"h.{encoded({'id': 'u1', 'type': 'auth', 'collectionId': 'c1'})}.s",
        "static",
        "a.b.c",
    ],
)
async def test_what_is_never_refreshed(old: str) -> None:
    server = Server(Response(500))
    server.pb.auth_store.save(old)
    await server.pb.health.check()
    assert (server.refreshes, server.used) == (0, [old])


async def test_an_own_authorization_is_left_alone() -> None:
    server = Server(Response(500))
    server.pb.auth_store.save(token(30))
    await server.pb.health.check(headers={"authorization": "mine"})
    assert (server.refreshes, server.used) == (0, ["mine"])


async def test_tokens_of_less_than_a_minute_are_not_refreshed_each_time() -> None:
    server = Server(token(20, "a"), token(20, "b"))
    server.pb.auth_store.save(token(20), {"id": "u1"})
    for _ in range(10):
        await server.pb.health.check()
    assert server.refreshes == 1


async def test_a_refresh_does_not_undo_a_login_that_came_meanwhile() -> None:
    server = Server(token(3600, "renewed"))
    server.pb.auth_store.save(mine := token(30), {"id": "u1"})
    request = await server.renewing()
    other = token(3600, "somebody else", id="u2")
    server.pb.auth_store.save(other, {"id": "u2"})
    server.go_on.set()
    await request
    assert server.pb.auth_store.token == other
    assert server.used == [mine]


async def test_from_a_second_loop() -> None:
    new = token(3600, "new")
    server = Server(token(30, "x"), new)

    async def use() -> None:
        server.go_on = asyncio.Event()
        server.go_on.set()
        server.pb.auth_store.save(token(30))
        await asyncio.gather(*(server.pb.health.check() for _ in range(5)))

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, use())
    assert server.refreshes == 2


def test_the_store() -> None:
    store, told = AuthStore(), list[Any]()
    remove = store.on_change(lambda token, record: told.append((token, record)))
    record = {"id": "u1", "collectionName": "users", "deep": [1]}
    valid = token(100)
    store.save(valid, record)
    record["deep"] = [2]
    assert store.record == {"id": "u1", "collectionName": "users", "deep": [1]}
    assert store.is_valid
    assert not store.is_superuser
    store.clear()
    assert not store.token
    assert store.record is None
    assert not store.is_valid
    assert [entry[0] for entry in told] == [valid, ""]
    remove()
    remove()
    store.save(token(-1), {"collectionName": "_superusers"})
    assert len(told) == 2
    assert not store.is_valid
    assert store.is_superuser
    store.save(token(100, collectionId="pbc_3142635823"))
    assert store.is_superuser
    wrong: Any = None
    with pytest.raises(TypeError):
        store.save(wrong)


@given(st.dictionaries(st.text(), st.text()))
def test_tokens_with_padding_of_every_length(payload: dict[str, str]) -> None:
    assert claims(f"head.{encoded(payload)}.sign") == payload


def test_a_token_has_three_parts_and_is_valid_until_its_end() -> None:
    assert claims(f"{encoded({'a': 1})}.{encoded({'a': 1})}") == {}
    assert claims(f"h.{encoded({'a': 1})}.s.more") == {}
    assert is_valid(token(0, exp=50.0), 49.9)
    assert not is_valid(token(0, exp=50.0), 50.0)
    assert not is_valid(token(0, exp=50), 50.0)
    assert is_valid(token(0, exp=True), 50.0), "it tells none"


def test_what_can_be_sent_as_a_token() -> None:
    values: list[object] = ["tok", "", "ü", "a\n", 3, None]
    assert [value for value in values if is_sendable_token(value)] == ["tok", ""]


@given(st.text())
def test_no_text_breaks_the_reading_of_a_token(text: str) -> None:
    for value in (text, f"a.{text}.c", f"a.{encoded(text)}.c", f"a.{encoded({'exp': text})}.c"):
        claims(value)
        is_valid(value, 0.0)


async def test_a_sign_out_while_a_request_waits_for_a_renewal() -> None:
    server = Server(token(3600, "new"))
    server.pb.auth_store.save(mine := token(30), {"id": "u1"})
    first = await server.renewing()
    second = asyncio.create_task(server.pb.health.check())
    await asyncio.sleep(0)
    server.pb.auth_store.clear()
    server.go_on.set()
    await asyncio.gather(first, second)
    assert server.used == [mine] * 2
    assert server.pb.auth_store.token == ""


@pytest.mark.parametrize("collection", ["..", "a/b", "", "a b", 3, None, ["c1"]])
async def test_a_token_of_somebodys_making_leads_nowhere(collection: Any) -> None:
    server = Server(token(3600, "new"))
    server.pb.auth_store.save(made := token(30, collectionId=collection), {"id": "u1"})
    await server.pb.health.check()
    assert (server.refreshes, server.used) == (0, [made])


async def test_a_refresh_does_not_undo_a_sign_out_that_came_meanwhile() -> None:
    def handler(request: Request) -> Response:
        pb.auth_store.clear()
        return Response(200, json={"token": token(3600, "new"), "record": {"id": "u1"}})

    pb = PocketBase("http://h", transport=MockTransport(handler))
    pb.auth_store.save(token(3600), {"id": "u1"})
    assert (await pb.collection("users").auth.refresh())["record"] == {"id": "u1"}
    assert (pb.auth_store.token, pb.auth_store.record) == ("", None)
