"""Tests: connections that cannot be opened, or break, raise an error which says what may have been sent."""

import asyncio

import pytest

from ... import PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError, PocketBaseTransportError
from ...messages import Request
from ...ports import Transport
from .scripted_server import Connection, Script, resetting, scripted_server, sending, unused_port


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_refused_is_never_sent(transport: Transport, method: str) -> None:
    url = f"http://127.0.0.1:{unused_port()}/api/x"
    with pytest.raises(PocketBaseConnectionError) as caught:
        await transport.send(Request(method, f"{url}?token=secret", timeout=5))
    assert caught.value.request_sent is False
    assert caught.value.status == 0
    assert caught.value.url == url
    assert caught.value.__cause__ is not None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_slow_headers(transport: Transport, method: str) -> None:
    async with scripted_server(sending(b"", Connection.closed_by_client)) as server:
        with pytest.raises(PocketBaseTimeoutError) as caught:
            await transport.send(Request(method, f"{server.url}/", timeout=0.5))
    assert caught.value.request_sent is None


async def test_slow_body(transport: Transport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with scripted_server(sending(raw, Connection.closed_by_client)) as server:
        with pytest.raises(PocketBaseTimeoutError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={}, timeout=0.5))
    assert caught.value.request_sent is True


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_reset_before_the_request_was_read(transport: Transport, method: str) -> None:
    async with scripted_server(resetting) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request(method, f"{server.url}/", body={"a": 1}, timeout=5))
    assert caught.value.request_sent is not True
    assert server.connections == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_reset_after_the_request(transport: Transport, answer: bytes) -> None:
    async with scripted_server(sending(answer, resetting)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={"a": 1}, timeout=5))
    assert caught.value.request_sent is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_hung_up_after_the_request_is_sent_once(transport: Transport, method: str) -> None:
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
async def test_half_a_body(transport: Transport, end: Script | None) -> None:
    async with scripted_server(sending(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"half":', end)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            await transport.send(Request("POST", f"{server.url}/", body={}, timeout=5))
    assert caught.value.request_sent is not False
    if end is None:
        assert caught.value.request_sent is True


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\0" * 100])
async def test_an_answer_that_is_not_http(transport: Transport, garbage: bytes) -> None:
    async with scripted_server(sending(garbage)) as server:
        with pytest.raises(PocketBaseTransportError) as caught:
            await transport.send(Request("POST", f"{server.url}/", timeout=5))
    assert caught.value.request_sent is None


async def test_a_create_that_may_have_arrived_is_sent_once_and_a_read_again(transport: Transport) -> None:
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


async def test_a_connection_closed_while_idle_is_not_used_again(transport: Transport) -> None:
    hung_up = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.respond_json("{}")
        connection.writer.close()
        await connection.writer.wait_closed()
        hung_up.set()

    async with scripted_server(script) as server:
        for _ in range(3):
            await transport.send(Request("POST", f"{server.url}/", body={"a": 1}))
            await hung_up.wait()
            hung_up.clear()
            for _ in range(5):
                await asyncio.sleep(0)  # turns of the loop, in which the client sees the end
    assert len(server.requests) == server.connections == 3


@pytest.mark.parametrize("body", [b"1", b"1" * 200_000])
async def test_an_answer_that_nobody_asked_for_answers_nothing(transport: Transport, body: bytes) -> None:
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
async def test_what_arrives_between_two_requests_answers_neither(
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
