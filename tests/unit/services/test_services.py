"""Answers that no real server would give, and what is decided before anything is sent."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_transports import MockTransport

PROVIDER = {"name": "oidc", "authURL": "http://p/auth?a=b&redirect_uri=", "codeVerifier": "v", "state": "s"}


def signed_in_by(*events: ServerSentEvent, provider: Any = PROVIDER) -> tuple[PocketBase, list[Request]]:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        if request.url.endswith("auth-methods"):
            return Response(200, content=json.dumps({"oauth2": {"providers": [provider]}}).encode())
        if request.url.endswith("realtime"):
            return Response(204)
        return Response(200, json={"token": "t", "record": {"id": "u1"}})

    async def stream(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        for event in events:
            yield event

    return PocketBase("http://h", transport=MockTransport(handler, stream)), seen


CONNECT = ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "mine"}))


async def test_a_sign_in_of_somebody_else_is_refused() -> None:
    foreign = ServerSentEvent("@oauth2", json.dumps({"state": "other", "code": "c"}))
    pb, seen = signed_in_by(CONNECT, foreign)
    with pytest.raises(PocketBaseError, match="from another sign-in"):
        await pb.collection("users").auth.with_oauth2_browser("oidc", lambda url: None)
    assert not pb.auth_store.token
    assert not any("auth-with-oauth2" in request.url for request in seen)


async def test_the_browser_is_sent_to_the_provider() -> None:
    opened: list[str] = []
    pb, seen = signed_in_by(CONNECT, ServerSentEvent("@oauth2", json.dumps({"state": "mine", "code": "c"})))
    await pb.collection("users").auth.with_oauth2_browser("oidc", opened.append, create_data={"name": "x"})
    assert opened == ["http://p/auth?a=b&redirect_uri=http%3A%2F%2Fh%2Fapi%2Foauth2-redirect&state=mine"]
    assert dict(seen[-1].body) == {
        "provider": "oidc",
        "code": "c",
        "codeVerifier": "v",
        "redirectURL": "http://h/api/oauth2-redirect",
        "createData": {"name": "x"},
    }
    assert pb.auth_store.token == "t"


async def test_events_for_everybody_do_not_end_a_sign_in() -> None:
    pb, _ = signed_in_by(
        CONNECT,
        ServerSentEvent("news", "{}"),
        ServerSentEvent("posts/*", json.dumps({"state": "mine", "code": "another"})),
        ServerSentEvent("@oauth2", json.dumps({"state": "mine", "code": "c"})),
    )
    await pb.collection("users").auth.with_oauth2_browser("oidc", lambda url: None)
    assert pb.auth_store.token == "t"


@pytest.mark.parametrize(
    "address",
    [
        "--renderer-cmd-prefix=touch /tmp/x;",
        "-http://p/auth",
        "file:///etc/passwd",
        "file://host/share",
        "javascript:alert(1)//",
        "http:///auth",
        "https:",
        "//p/auth",
        "p/auth",
        "",
        " http://p/auth",
        "http://p/auth?a=b c",
        "http://p\\@q/auth",
        "http://p/\r\nauth",
        "http://p/\ud800",
        "http://[p/auth",
        "http://p:port/auth",
        "http://p:0/auth",
        None,
        3,
    ],
)
async def test_a_browser_is_sent_to_web_addresses_only(address: Any) -> None:
    opened: list[str] = []
    pb, seen = signed_in_by(CONNECT, provider=PROVIDER | {"authURL": address})
    with pytest.raises(PocketBaseDecodeError, match="an http or https address"):
        await pb.collection("users").auth.with_oauth2_browser("oidc", opened.append)
    assert (opened, len(seen)) == ([], 1)


@pytest.mark.parametrize("verifier", [None, 3, "\ud800", "a\n"])
async def test_a_verifier_that_cannot_be_sent(verifier: Any) -> None:
    pb, seen = signed_in_by(CONNECT, provider=PROVIDER | {"codeVerifier": verifier})
    with pytest.raises(PocketBaseDecodeError, match="an OAuth2 provider"):
        await pb.collection("users").auth.with_oauth2_browser("oidc", lambda url: None)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([], PocketBaseConnectionError),
        ([ServerSentEvent("PB_CONNECT", "{")], PocketBaseError),
        ([CONNECT], PocketBaseConnectionError),
        ([CONNECT, ServerSentEvent("@oauth2", "[]")], PocketBaseError),
        ([CONNECT, ServerSentEvent("news", json.dumps({"state": "mine", "code": "c"}))], PocketBaseConnectionError),
        ([CONNECT, ServerSentEvent("@oauth2", json.dumps({"state": "mine", "code": 3}))], PocketBaseError),
        ([CONNECT, ServerSentEvent("@oauth2", json.dumps({"state": "mine", "code": "\ud800"}))], PocketBaseError),
        ([ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "\ud800"}))], PocketBaseDecodeError),
        ([ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "a\r\nb"}))], PocketBaseDecodeError),
    ],
)
async def test_streams_that_bring_no_code(events: list[ServerSentEvent], error: type[Exception]) -> None:
    pb, _ = signed_in_by(*events)
    with pytest.raises(error):
        await pb.collection("users").auth.with_oauth2_browser("oidc", lambda url: None)


@pytest.mark.parametrize("patience", [100, None])
async def test_what_opens_the_browser_may_time_out(patience: float | None) -> None:
    def fail(url: str) -> None:
        raise TimeoutError("no browser")

    pb, _ = signed_in_by(CONNECT)
    with pytest.raises(TimeoutError, match="no browser"):
        await pb.collection("users").auth.with_oauth2_browser("oidc", fail, timeout=patience)


@pytest.mark.parametrize("name", ["posts", "collections"])
async def test_the_filter_of_get_first_and_the_batch_of_get_full_list_may_come_first(name: str) -> None:
    seen: list[dict[str, Any]] = []

    def handler(request: Request) -> Response:
        seen.append(dict(request.params))
        page = {"page": 1, "perPage": 200, "totalItems": -1, "totalPages": -1, "items": [{"id": "a"}]}
        return Response(200, json=page)

    pb = PocketBase("http://h", transport=MockTransport(handler))
    service: Any = pb.collections if name == "collections" else pb.collection(name)
    for options in ({"filter": "a = 1"}, {"filter": "a = 1", "sort": "b"}):
        sort = {key: value for key, value in options.items() if key != "filter"}
        seen.clear()
        assert await service.get_first(**options) == {"id": "a"}
        await service.get_first("a = 1", sort)
        await service.get_first("a = 1", **sort)
        await service.get_first(options)
        await service.get_first(options=options)
        await service.get_first({}, **options)
        assert seen == [{"page": "1", "perPage": "1", "skipTotal": "true", **options}] * 6
    seen.clear()
    assert await service.get_full_list(sort="b", batch=200) == [{"id": "a"}]
    await service.get_full_list(200, {"sort": "b"})
    await service.get_full_list(200, sort="b")
    await service.get_full_list({"sort": "b", "batch": 200})
    await service.get_full_list(options={"sort": "b", "batch": 200})
    assert seen == [{"page": "1", "perPage": "200", "skipTotal": "true", "sort": "b"}] * 5
