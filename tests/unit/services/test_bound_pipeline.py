"""Calls that take several requests: they have one timeout, one user and one Authorization."""

import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time, run

PROVIDER = {"name": "oidc", "authURL": "http://p/auth?redirect_uri=", "codeVerifier": "v"}
Use = Callable[[PocketBase, Path, dict[str, Any]], Coroutine[Any, Any, Any]]


async def each(items: Any) -> list[Any]:
    return [item async for item in items]


async def nothing(url: str) -> None:
    """Opens no browser."""


class FakeServer:
    """Has three pages of everything, and a backup whose first half breaks off."""

    def __init__(self, before: Callable[[], Awaitable[object] | None] = lambda: None) -> None:
        self.asked: list[Request] = []
        self._before = before

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if (waits := self._before()) is not None:
            await waits
        name = request.url.rpartition("/")[2]
        if name == "auth-methods":
            return Response(200, json={"oauth2": {"providers": [PROVIDER]}})
        if name == "realtime":
            return Response(204)
        if name == "token":
            return Response(200, json={"token": "file"})
        if name in ("a.zip", "a.txt"):
            content = b"1234" if len([each for each in self.asked if each.url == request.url]) > 1 else b"12"
            return Response(200, {"Content-Length": "4"}, content)
        if request.method == "DELETE":
            return Response(204)
        if request.method == "POST":
            return Response(200, json={"token": token(1000), "record": {"id": "u1"}})
        number = int(str(request.params["page"]))
        where = str(request.params.get("filter", ""))
        if "id >=" in where:
            number = int(where.partition('"')[2][0]) + 1
        items = [{"id": f"{number}a"}, {"id": f"{number}b"}][: 2 if number < 3 else 1]
        return Response(200, json={"page": int(str(request.params["page"])), "perPage": 2, "items": items})

    @property
    def client(self) -> PocketBase:
        events = [
            ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "mine"})),
            ServerSentEvent("@oauth2", json.dumps({"state": "mine", "code": "c"})),
        ]
        return PocketBase("http://h", transport=MockTransport(self, events), middleware=[])


CALLS: dict[str, Use] = {
    "full list": lambda pb, _, options: pb.collection("posts").get_full_list(batch=2, **options),
    "iterate": lambda pb, _, options: each(pb.collection("posts").iterate(2, **options)),
    "iterate, sorted": lambda pb, _, options: each(pb.collection("posts").iterate(2, sort="-id", **options)),
    "collections": lambda pb, _, options: pb.collections.get_full_list(batch=2, **options),
    "linked accounts": lambda pb, _, options: pb.collection("users").auth.list_external_auths("x", **options),
    "unlink": lambda pb, _, options: pb.collection("users").auth.unlink_external_auth("x", "oidc", **options),
    "backup": lambda pb, _, options: pb.backups.download("a.zip", **options),
    "backup to a file": lambda pb, to, options: pb.backups.download_to(to / "a.zip", "a.zip", **options),
    "file to a file": lambda pb, to, options: pb.files.download_to(to / "a.txt", "posts", "x", "a.txt", **options),
    "browser": lambda pb, _, options: pb.collection("users").auth.with_oauth2_browser("oidc", nothing, **options),
}
NAMES = pytest.mark.parametrize("name", CALLS)
ANN, ANN_REFRESHED, BEN = token(1000, id="ann"), token(2000, id="ann"), token(1000, id="ben")


@NAMES
@pytest.mark.parametrize(("user", "other"), [(ANN, BEN), (ANN, ""), ("", BEN), ("opaque", "other")])
async def test_a_call_goes_out_as_the_user_who_made_it_or_not_at_all(
    name: str, user: str, other: str, tmp_path: Path, fast: None
) -> None:
    def switch() -> None:
        pb.auth_store.save(other)

    server = FakeServer(switch)
    pb = server.client
    pb.auth_store.save(user)
    with pytest.raises(PocketBaseUnauthorizedError, match="no longer signed in") as caught:
        await CALLS[name](pb, tmp_path, {})
    assert caught.value.status == 401
    assert caught.value.url.startswith("http://h/api/")
    assert len(server.asked) == 1
    assert [*tmp_path.iterdir()] == []


@NAMES
@pytest.mark.parametrize(("user", "refreshed"), [(ANN, ANN_REFRESHED), ("", "")])
async def test_a_refreshed_token_is_the_same_users(
    name: str, user: str, refreshed: str, tmp_path: Path, fast: None
) -> None:
    def refresh() -> None:
        if len(server.asked) == 1:
            pb.auth_store.save(refreshed)

    server = FakeServer(refresh)
    pb = server.client
    pb.auth_store.save(user)
    await CALLS[name](pb, tmp_path, {})
    first, *others = [request.headers.get("Authorization", "") for request in server.asked]
    assert (first, {*others}) == (user, {refreshed})


@NAMES
async def test_an_authorization_of_its_own_goes_with_each_request(name: str, tmp_path: Path, fast: None) -> None:
    def switch() -> None:
        pb.auth_store.save(BEN)

    server = FakeServer(switch)
    pb = server.client
    await CALLS[name](pb, tmp_path, {"headers": {"Authorization": "own", "X-Trace": "1"}})
    assert len(server.asked) > 1
    assert {(request.headers["Authorization"], request.headers["X-Trace"]) for request in server.asked} == {
        ("own", "1")
    }


TOGETHER = ["full list", "collections", "linked accounts", "unlink", "backup", "browser"]


@pytest.mark.parametrize("name", sorted(TOGETHER))
def test_a_timeout_of_the_callers_is_for_all_requests_together(name: str, tmp_path: Path) -> None:
    async def slow() -> None:
        await pass_time(0.4)

    server = FakeServer(slow)
    with pytest.raises(PocketBaseTimeoutError) as caught:
        run(CALLS[name](server.client, tmp_path, {"timeout": 0.3}))
    assert [request.timeout for request in server.asked] == [pytest.approx(0.3)]
    if name != "browser":  # which has ended earlier
        assert caught.value.request_sent is False
        assert "did not end within 0.3 s" in caught.value.message
    server.asked.clear()
    run(CALLS[name](server.client, tmp_path, {"timeout": 10}))
    timeouts = [request.timeout or 0 for request in server.asked]
    assert timeouts == sorted(timeouts, reverse=True)
    assert timeouts[-1] <= 9.6


@pytest.mark.parametrize("name", sorted(CALLS.keys() - TOGETHER))
async def test_a_timeout_of_what_takes_its_time_is_for_each_request(name: str, tmp_path: Path, fast: None) -> None:
    server = FakeServer()
    await CALLS[name](server.client, tmp_path, {"timeout": 5})
    assert [request.timeout for request in server.asked] == [5.0] * len(server.asked)


@NAMES
@pytest.mark.parametrize(("options", "seconds"), [({}, 30.0), ({"timeout": None}, None)])
async def test_without_one_each_request_has_the_clients(
    name: str, options: dict[str, Any], seconds: float | None, tmp_path: Path, fast: None
) -> None:
    server = FakeServer()
    await CALLS[name](server.client, tmp_path, options)
    assert {request.timeout for request in server.asked} == {seconds}


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts of a download come without a wait between them."""
    monkeypatch.setattr("pocketbase_core.services.flows.download.BACKOFF", 0.0)
