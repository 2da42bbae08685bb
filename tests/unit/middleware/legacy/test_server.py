"""The middleware for a server whose version is named. The tests on a real PocketBase 0.22 are in `integration`."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseInputError,
    PocketBaseNotFoundError,
    Request,
    Response,
)
from pocketbase_transports import MockTransport

from ....helpers.tokens import legacy_token, token

Call = Callable[[PocketBase], Awaitable[object]]
ADMIN = {"id": "a1", "email": "a@example.com"}
URL = "http://h:8090/base"


class Server:
    """Responds with one response, and remembers the requests."""

    def __init__(self, status: int = 200, json: Any = None, content: bytes = b"") -> None:
        self.seen: list[tuple[str, str]] = []
        self._response = Response(status, content=content) if json is None else Response(status, json=json)

    def __call__(self, request: Request) -> Response:
        self.seen.append((request.method, request.full_url.removeprefix(URL)))
        return self._response

    def client(self, version: str | None = "0.22") -> PocketBase:
        return PocketBase(URL, transport=MockTransport(self), server_version=version)


def error(status: int, *, legacy: bool) -> dict[str, Any]:
    return {("code" if legacy else "status"): status, "message": "The requested resource wasn't found.", "data": {}}


async def test_superusers_are_admins_under_either_name_of_their_collection() -> None:
    server = Server(json={"token": legacy_token("admin", id="a1"), "admin": ADMIN})
    for name in ("_superusers", "_SUPERUSERS", "pbc_3142635823"):
        pb = server.client()
        result = await pb.collection(name).auth.with_password("a@example.com", "p")
        assert result["record"]["collectionName"] == "_superusers"
        assert pb.auth_store.is_superuser
    assert server.seen == [("POST", "/api/admins/auth-with-password")] * 3


async def test_the_fields_of_a_translated_response_are_picked_here() -> None:
    server = Server(json={"page": 1, "perPage": 30, "items": [ADMIN]})
    page = await server.client().admins.get_list(fields="id,collectionName")
    assert page["items"] == [{"id": "a1", "collectionName": "_superusers"}]
    assert server.seen == [("GET", "/api/admins?page=1&perPage=30")]


async def test_a_head_request_is_sent_as_a_get() -> None:
    server = Server(json={"id": "a"})
    response = await server.client().send_raw("/api/collections/posts/records/a", method="HEAD")
    assert (response.status_code, response.content) == (200, b"")
    for path in ("/api/files/posts/a/x.txt", "/api/backups/a.zip"):
        await server.client().send_raw(path, method="HEAD")
    assert [method for method, _ in server.seen] == ["GET", "HEAD", "HEAD"]


async def test_the_routes_of_the_application_are_left_alone() -> None:
    server = Server(404, error(404, legacy=False))
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await server.client().send("/hello", method="POST", body={"+docs": 1})
    assert caught.value.message == "The requested resource wasn't found."
    server = Server(json={"code": 200, "message": "", "data": {}})
    assert (await server.client().send("/hello"))["code"] == 200


async def test_an_error_of_a_route_of_the_application_has_the_current_form() -> None:
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await Server(404, error(404, legacy=True)).client().send("/hello")
    assert caught.value.data == error(404, legacy=False)
    assert caught.value.message == "The requested resource wasn't found."
    assert caught.value.url == f"{URL}/hello"


async def test_raw_content_is_sent_as_it_is() -> None:
    server = Server(json={"schema": [], "name": "x", "type": "base", "options": {}})
    headers = {"Content-Type": "application/json"}
    await server.client().send("/api/collections", method="POST", body=b'{"schema": []}', headers=headers)
    assert server.seen == [("POST", "/api/collections")]


async def test_an_error_names_the_url_of_the_call() -> None:
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await Server(404, error(404, legacy=True)).client().admins.get_one("nope")
    assert caught.value.url == f"{URL}/api/collections/_superusers/records/nope"
    assert caught.value.data == error(404, legacy=False)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b'{"error": 1}'])
async def test_an_error_of_a_proxy_is_left_alone(content: bytes) -> None:
    with pytest.raises(PocketBaseError) as caught:
        await Server(502, content=content).client().collection("posts").get_one("a")
    assert caught.value.status == 502


async def test_a_translated_response_that_is_no_json_is_a_decode_error() -> None:
    with pytest.raises(PocketBaseDecodeError, match="expected JSON"):
        await Server(content=b"<html>").client().settings.get_all()


async def test_a_translated_response_cannot_be_read_as_a_stream() -> None:
    pb = Server(json={"meta": {"appUrl": ""}}).client()
    with pytest.raises(PocketBaseDecodeError, match="cannot be read as a stream"):
        async with pb.stream("/api/settings"):
            pass


async def test_nothing_is_sent_for_what_the_server_does_not_have() -> None:
    server = Server()
    pb = server.client()
    with pytest.raises(PocketBaseInputError, match=r"GET /api/crons: PocketBase 0\.24 or newer is required"):
        await pb.crons.get_full_list()
    with pytest.raises(PocketBaseInputError, match=r"DELETE /api/collections/a b/truncate: PocketBase 0\.23"):
        await pb.collections.truncate("a b")
    assert server.seen == []


def sign_in(pb: PocketBase) -> Awaitable[object]:
    return pb.collection("users").auth.with_password("u", "p")


def auth_methods(pb: PocketBase) -> Awaitable[object]:
    return pb.collection("users").auth.methods()


def collections(pb: PocketBase) -> Awaitable[object]:
    return pb.collections.get_list()


def settings(pb: PocketBase) -> Awaitable[object]:
    return pb.settings.get_all()


NEWER = "server_version is '0.22', but the server is PocketBase 0.23 or newer"
OLDER = "server_version is '0.40.6', but the server is PocketBase 0.22 or older: pass server_version='0.22'"


RESPONSES: list[tuple[Call, dict[str, Any], dict[str, Any]]] = [
    (
        sign_in,
        {"token": legacy_token("authRecord", id="u", collectionId="c"), "record": {"id": "u"}},
        {"token": token(60), "record": {"id": "u"}},
    ),
    (
        auth_methods,
        {"emailPassword": True},
        {"emailPassword": True, "password": {}},
    ),
    (
        collections,
        {"page": 1, "perPage": 30, "items": [{"schema": [], "name": "x", "type": "base", "options": {}}]},
        {"page": 1, "perPage": 30, "items": [{"fields": []}]},
    ),
    (settings, {"meta": {"appUrl": ""}}, {"meta": {"appURL": ""}}),
]
"""A call, and what each generation responds with."""


@pytest.mark.parametrize(("call", "legacy", "current"), RESPONSES)
async def test_a_success_shows_that_the_wrong_version_was_named(call: Call, legacy: Any, current: Any) -> None:
    await call(Server(json=legacy).client("0.22"))
    await call(Server(json=current).client("0.40.6"))
    for version, json, message in (("0.22", current, NEWER), ("0.40.6", legacy, OLDER)):
        pb = Server(json=json).client(version)
        with pytest.raises(PocketBaseDecodeError, match=message):
            await call(pb)
        assert pb.auth_store.token == ""


async def test_an_error_shows_that_the_wrong_version_was_named() -> None:
    for version, legacy, message in (("0.22", False, NEWER), ("0.40.6", True, OLDER)):
        with pytest.raises(PocketBaseNotFoundError, match=message) as caught:
            await Server(404, error(404, legacy=legacy)).client(version).collection("posts").get_one("a")
        assert "It responded: The requested resource wasn't found." in str(caught.value)


async def test_a_response_that_shows_nothing_is_returned() -> None:
    for content in (b"", b"[]", b"{}", b"<html>", b'{"code": 5, "message": "", "data": {}}'):
        pb = Server(404, content=content).client("0.40.6")
        with pytest.raises(PocketBaseNotFoundError) as caught:
            await pb.collection("posts").get_one("a")
        assert "server_version" not in str(caught.value)
    assert await Server(json={"token": 1}).client("0.40.6").send("/api/collections/u/auth-refresh") == {"token": 1}


async def test_without_a_version_the_first_404_names_it() -> None:
    with pytest.raises(PocketBaseNotFoundError, match=r"this is PocketBase 0\.22 or older: server_version='0\.22'"):
        await Server(404, error(404, legacy=True)).client(None).collection("posts").get_one("a")
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await Server(404, error(404, legacy=False)).client(None).collection("posts").get_one("a")
    assert "0.22" not in str(caught.value)


async def test_the_ways_to_sign_in_of_superusers_are_known_without_a_request() -> None:
    server = Server()
    methods = await server.client().admins.auth.methods()
    assert methods["password"] == {"enabled": True, "identityFields": ["email"]}
    assert server.seen == []


async def test_a_change_of_collections_that_may_not_be_read_is_refused() -> None:
    server = Server(403, {"code": 403, "message": "Only admins can perform this action.", "data": {}})
    for change in (
        server.client().collections.update("posts", {"name": "x"}),
        server.client().collections.import_collections([]),
    ):
        with pytest.raises(PocketBaseForbiddenError, match="Only superusers can perform this action"):
            await change
    assert [method for method, _ in server.seen] == ["GET", "GET"], "nothing was changed"


async def test_a_list_without_collections_shows_no_version() -> None:
    page: dict[str, Any] = {"page": 1, "perPage": 30, "items": []}
    for version in ("0.22", "0.40.6"):
        assert await Server(json=page).client(version).collections.get_list() == page
