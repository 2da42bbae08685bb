"""Tests: connections that cannot be opened, or break, raise an error which says what may have been sent."""

import asyncio
from contextlib import suppress

import pytest

from ... import PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError, PocketBaseTransportError
from ...messages import Request
from ...ports import Transport
from .scripted_server import Connection, Script, resetting, scripted_server, sending, unused_port


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_refused_connection_raises_an_error_with_request_sent_false(transport: Transport, method: str) -> None:
    url = f"http://127.0.0.1:{unused_port()}/api/x"
    with pytest.raises(PocketBaseConnectionError) as caught:
        await transport.send(Request(method, f"{url}?token=secret", timeout=5))
    assert caught.value.request_sent is False
    assert caught.value.status == 0
    assert caught.value.url == url
    assert caught.value.__cause__ is not None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_headers_that_do_not_arrive_end_in_a_timeout_with_request_sent_none(
    transport: Transport, method: str
) -> None:
    async with scripted_server(sending(b"", Connection.closed_by_client)) as server:
        with pytest.raises(PocketBaseTimeoutError) as caught:
            await transport.send(Request(method, f"{server.url}/", timeout=0.5))
    assert caught.value.request_sent is None


async def test_a_body_that_does_not_arrive_ends_in_a_timeout_with_request_sent_true(transport: Transport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with scripted_server(sending(raw, Connection.closed_by_client)) as server:
        with pytest.raises(PocketBaseTimeoutError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={}, timeout=0.5))
    assert caught.value.request_sent is True


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_reset_before_the_request_was_read_is_not_repeated(transport: Transport, method: str) -> None:
    async with scripted_server(resetting) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request(method, f"{server.url}/", body={"a": 1}, timeout=5))
    assert caught.value.request_sent is not True
    assert server.connections == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_a_reset_before_the_headers_are_complete_has_request_sent_none(transport: Transport, head: bytes) -> None:
    async with scripted_server(sending(head, resetting)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={"a": 1}, timeout=5))
    assert caught.value.request_sent is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_a_write_whose_connection_ends_without_a_response_is_sent_once(transport: Transport, method: str) -> None:
    async def script(connection: Connection) -> None:
        while not server.requests[1:]:
            await connection.request()
            if len(server.requests) == 1:
                await connection.respond_json("{}")

    async with scripted_server(script) as server:
        await transport.send(
            Request("GET", f"{server.url}/")
        )  # so that the next request uses a connection that has worked before
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request(method, f"{server.url}/", timeout=5))
    assert caught.value.request_sent is None
    assert [request.method for request in server.requests] == ["GET", method]


@pytest.mark.parametrize("end", [resetting, None])
async def test_an_incomplete_body_raises_a_connection_error(transport: Transport, end: Script | None) -> None:
    async with scripted_server(sending(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"half":', end)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={}, timeout=5))
    assert caught.value.request_sent is not False
    if end is None:
        assert caught.value.request_sent is True


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\0" * 100])
async def test_a_response_that_is_not_http_raises_a_transport_error(transport: Transport, garbage: bytes) -> None:
    async with scripted_server(sending(garbage)) as server:
        with pytest.raises(PocketBaseTransportError) as caught:
            await transport.send(Request("POST", f"{server.url}/", timeout=5))
    assert caught.value.request_sent is None


async def test_a_create_that_may_have_arrived_is_sent_once_and_a_read_is_repeated(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        if request.method == "GET" and server.connections > 2:
            await connection.respond_json('{"id": "abc"}')
        connection.reset()

    async with scripted_server(script) as server:
        posts = PocketBase(server.url, transport=transport).collection("posts")
        with pytest.raises(PocketBaseConnectionError) as caught:
            await posts.create({"title": "once"})
        assert caught.value.request_sent in (None, True)
        assert len(server.requests) == 1
        assert await posts.get_one("abc") == {"id": "abc"}
    assert [request.method for request in server.requests].count("POST") == 1


async def test_a_connection_that_was_closed_while_idle_is_not_used_again(transport: Transport) -> None:
    hung_up = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.respond_json("{}")
        connection.writer.write_eof()
        with suppress(TimeoutError):  # a client that reads nothing between requests sees the end at the next one
            await asyncio.wait_for(connection.closed_by_client(), 0.3)
        hung_up.set()

    async with scripted_server(script) as server:
        for _ in range(3):
            await transport.send(Request("POST", f"{server.url}/", body={"a": 1}))
            await hung_up.wait()
            hung_up.clear()
    assert len(server.requests) == server.connections == 3


@pytest.mark.parametrize("body", [b"1", b"1" * 200_000])
async def test_a_second_response_behind_the_first_is_not_taken_for_the_next(transport: Transport, body: bytes) -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            await connection.send(response + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n9")

    async with scripted_server(script) as server:
        for _ in range(3):
            for method in ("POST", "GET"):
                assert (await transport.send(Request(method, f"{server.url}/"))).content == body


@pytest.mark.parametrize(
    "unsolicited",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n9",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n9" * 3,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n9\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"garbage\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_data_between_two_requests_is_not_taken_for_a_response(
    transport: Transport, method: str, unsolicited: bytes
) -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.respond_json("1")
            await idle.wait()
            idle.clear()
            await connection.send(unsolicited)
            sent.set()

    idle, sent = asyncio.Event(), asyncio.Event()
    async with scripted_server(script) as server:
        for _ in range(3):
            try:
                content = (await transport.send(Request(method, f"{server.url}/", timeout=5))).content
            except PocketBaseConnectionError as error:
                assert error.request_sent is not False
            else:
                assert content == b"1"
                idle.set()
                await sent.wait()
                sent.clear()
                await asyncio.sleep(0.01)  # until the client has received it
