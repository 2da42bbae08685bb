"""Tests: requests and responses travel unchanged."""

import asyncio
from urllib.parse import parse_qsl, unquote

import pytest

from ... import PocketBase, PocketBaseDecodeError, PocketBaseError
from ...messages import Request
from ...ports import Transport
from .fixtures import MakeTransport
from .scripted_server import answering, echoing, responding, scripted_server

SUCCESSES = [200, 201, 204, 206]
REDIRECTS = [301, 302, 303, 307, 308]
REFUSALS = [400, 401, 403, 404, 409, 413, 416, 418, 429, 431, 500, 501, 502, 503, 504, 599]


@pytest.mark.parametrize("status", SUCCESSES + REDIRECTS + REFUSALS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_response_with_any_status_is_returned(transport: Transport, status: int, method: str) -> None:
    body = b"" if status == 204 else b"text"
    script = responding(status, body, "X-One: 1", "x-two: a", "X-Two: b", "Location: /elsewhere")
    async with scripted_server(script) as server:
        response = await transport.send(Request(method, f"{server.url}/api/x", timeout=5))
    assert response.status_code == status
    assert response.content == body
    assert response.headers["x-one"] == "1"
    assert response.headers["X-TWO"] == "a, b"
    assert response.url == f"{server.url}/api/x"
    assert [request.method for request in server.requests] == [method], (
        "no redirect is followed, and nothing is sent again"
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b""),
        ("application/json", b'{"a": '),
        ("application/json", b"[" * 100_000),
        ("application/json", b'"\xff"'),
        ("text/html", b"<!doctype html><title>PocketBase</title>"),
        ("application/json", b"[]"),
    ],
)
async def test_a_success_with_an_unexpected_body_raises_a_decode_error(
    transport: Transport, content_type: str, body: bytes
) -> None:
    async with scripted_server(responding(200, body, f"Content-Type: {content_type}")) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(PocketBaseDecodeError) as caught:
            await pb.health.check()
    assert caught.value.status == 200
    assert content_type in str(caught.value) or body == b""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1", b"null", b'{"data": []}', b'{"message": 3}', b"\xff"])
@pytest.mark.parametrize("status", [400, 404, 500])
async def test_an_error_response_with_any_body_raises_the_error_of_its_status(
    transport: Transport, status: int, body: bytes
) -> None:
    async with scripted_server(responding(status, body)) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(PocketBaseError) as caught:
            await pb.health.check()
    assert (type(caught.value), caught.value.status) != (PocketBaseDecodeError, status)
    assert caught.value.status == status
    assert caught.value.field_errors == {}


async def test_a_redirect_raises_an_error_that_names_its_target(transport: Transport) -> None:
    async with scripted_server(
        responding(307, b"", "Location: https://elsewhere.example/api/x?token=secret")
    ) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(PocketBaseError, match=r"base URL: 'https://elsewhere\.example/api/x'") as caught:
            await pb.collection("posts").delete("abc")
    assert caught.value.status == 307
    assert len(server.requests) == 1


async def test_a_body_of_eight_megabytes_is_sent_and_received(transport: Transport) -> None:
    text = "äöü€😀" * 700_000

    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport)
        assert await pb.send("/echo", method="POST", body={"text": text}) == {"text": text}
    assert len(server.requests[0].body) > 8_000_000


async def test_two_hundred_concurrent_requests_get_their_own_responses(transport: Transport) -> None:
    async with scripted_server(echoing) as server:
        requests = [Request("POST", f"{server.url}/", body=number) for number in range(200)]
        responses = await asyncio.gather(*map(transport.send, requests))
    assert [response.json() for response in responses] == list(range(200))


async def test_a_transport_can_be_used_from_several_event_loops(make_transport: MakeTransport) -> None:
    transport = make_transport()

    async def use(*, last: bool) -> int:
        try:
            return (await transport.send(Request("GET", f"{server.url}/"))).status_code
        finally:
            if last:
                await transport.aclose()

    async with scripted_server(answering("{}")) as server:
        assert await use(last=False) == 200
        for last in (False, True):
            assert await asyncio.to_thread(asyncio.run, use(last=last)) == 200
    assert len(server.requests) == 3


@pytest.mark.parametrize("name", ["a/b", "a?b=c", "a#b", "a%2Fb", "a b", "😀", "..a", "a;b", "a\\b", "ü+&=", "~-_."])
async def test_names_arrive_as_one_segment_of_the_path(transport: Transport, name: str) -> None:
    async with scripted_server(answering("{}")) as server:
        await PocketBase(server.url, transport=transport).collection(name).get_one(name)
    path = server.requests[0].target
    assert path.count("/") == 5
    assert [unquote(part) for part in path.split("/")][3::2] == [name, name]


async def test_query_parameters_arrive_unchanged(transport: Transport) -> None:
    value = "a=b&c;d+e %#?/\\ü😀\n\t\"'"
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.send("/x?first=1", params={"v": value, "many": [1, True, "x"], "none": None})
    query = server.requests[0].target.partition("?")[2]
    expected = [("first", "1"), ("v", value), ("many", "1"), ("many", "true"), ("many", "x")]
    assert parse_qsl(query, strict_parsing=True) == expected
    assert ";" not in query, "PocketBase drops a parameter with a bare semicolon"


async def test_headers_and_bodies_are_sent_as_the_request_says(transport: Transport) -> None:
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport, lang="de")
        await pb.send("/x", method="POST", body={"n": 1.5, "t": "ü"}, headers={"X-Own": "yes"})
        await pb.send("/x", method="POST")
    with_body, without = server.requests
    assert with_body.headers["content-type"] == "application/json"
    assert with_body.headers["accept-language"] == "de"
    assert with_body.headers["x-own"] == "yes"
    assert with_body.body == '{"n":1.5,"t":"ü"}'.encode()
    assert with_body.headers["content-length"] == str(len(with_body.body))
    assert without.body == b""
    assert "content-type" not in without.headers
    assert "cookie" not in with_body.headers


async def test_a_cookie_is_not_sent_back(transport: Transport) -> None:
    async with scripted_server(responding(200, b"{}", "Set-Cookie: session=of-somebody; Path=/")) as server:
        for _ in range(2):
            # A host name, because the jar of aiohttp ignores the cookies of IP addresses.
            await transport.send(Request("GET", f"http://localhost:{server.port}/"))
    assert len(server.requests) == 2
    assert all("cookie" not in request.headers for request in server.requests)
