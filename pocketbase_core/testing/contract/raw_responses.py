"""Tests: `send_raw` and `stream` return responses as they are."""

import pytest

from ... import PocketBase, PocketBaseDecodeError, PocketBaseError
from ...ports import Transport
from .scripted_server import echoing, responding, scripted_server, sending

CSV = {"Content-Type": "text/csv"}


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [(200, b"a,b\n\xff", CSV), (201, b"", {}), (204, b"", {}), (206, b"part", {"Range": "bytes=0-3"})],
)
async def test_send_raw_returns_a_success_with_any_body(
    transport: Transport, status: int, body: bytes, headers: dict[str, str]
) -> None:
    async with scripted_server(responding(status, body, "Content-Type: text/csv", "X-Own: yes")) as server:
        response = await PocketBase(server.url, transport=transport).send_raw("/x", headers=headers)
    assert (response.status_code, response.content) == (status, body)
    assert (response.headers["x-own"], response.url) == ("yes", f"{server.url}/x")


async def test_send_raw_and_stream_raise_the_errors_that_send_raises(transport: Transport) -> None:
    async with scripted_server(responding(418, b'{"message": "I am a teapot."}')) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(PocketBaseError, match="teapot") as caught:
            await pb.send_raw("/x")
        assert caught.value.status == 418
        with pytest.raises(PocketBaseError, match="teapot"):
            async with pb.stream("/x", method="POST", body="text", headers=CSV):
                pass
    async with scripted_server(responding(206, b"part", "Content-Range: bytes 0-3/9")) as server:
        with pytest.raises(PocketBaseDecodeError, match="only a part"):
            await PocketBase(server.url, transport=transport).send_raw("/x")


async def test_a_head_request_may_be_about_a_body_of_any_size(transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: x\r\n"
    for coding in (b"", b"Content-Encoding: gzip\r\n"):
        async with scripted_server(sending(head + coding + b"\r\n")) as server:
            pb = PocketBase(server.url, transport=transport, max_response_bytes=4)
            response = await pb.send_raw("/x", method="HEAD")
        assert (response.status_code, response.content) == (200, b"")
        assert (response.headers["Content-Length"], response.headers["ETag"]) == ("10", "x")
    async with scripted_server(responding(200, b"0123456789")) as server:
        with pytest.raises(PocketBaseDecodeError, match="max_response_bytes=4"):
            await PocketBase(server.url, transport=transport, max_response_bytes=4).send_raw("/x")


async def test_a_stream_of_a_route_takes_a_body_and_has_no_limit(transport: Transport) -> None:
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport, max_response_bytes=4)
        async with pb.stream("/x", method="POST", body=bytes(500_000), headers=CSV) as response:
            assert response.status_code == 200
            assert sum([len(chunk) async for chunk in response.aiter_bytes()]) == 500_000
