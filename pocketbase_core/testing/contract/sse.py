"""Tests: streams of server-sent events are read as the standard says."""

import asyncio
import json
import time

import pytest

from ... import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseTimeoutError,
    ServerSentEvent,
)
from ...messages import Request
from ...ports import Transport
from .scripted_server import Connection, Script, responding, scripted_server, streaming, unused_port


async def collect(transport: Transport, script: Script) -> list[ServerSentEvent]:
    """Return all events of a stream that `script` sends."""
    async with scripted_server(script) as server:
        async with transport.events(Request("GET", f"{server.url}/api/realtime", timeout=5)) as events:
            received = [event async for event in events]
        assert len(server.requests) == 1, "the transport does not reconnect"
        return received


EVENTS: dict[str, tuple[bytes, list[tuple[str, str, str]]]] = {
    "pocketbase": (
        b'id:abc\nevent:PB_CONNECT\ndata:{"clientId":"abc"}\n\n',
        [("PB_CONNECT", '{"clientId":"abc"}', "abc")],
    ),
    "spaces": (b'id: abc\nevent: posts/*\ndata: {"a": 1}\n\n', [("posts/*", '{"a": 1}', "abc")]),
    "crlf": (b"event:a\r\ndata:1\r\n\r\nevent:b\r\ndata:2\r\n\r\n", [("a", "1", ""), ("b", "2", "")]),
    "comments": (b": hello\n\nevent:a\n:x\ndata:1\n:\n\n", [("a", "1", "")]),
    "lines": (b"data:one\ndata:two\ndata\ndata:four\n\n", [("message", "one\ntwo\n\nfour", "")]),
    "separators": (
        "data:x\u2028y\u2029z\x85\x0b\x0c!\n\n".encode(),
        [("message", "x\u2028y\u2029z\x85\x0b\x0c!", "")],
    ),
    "unknown fields": (b"retry:10\nfoo:bar\ndata:1\n\n", [("message", "1", "")]),
    "colons": (b"event:a:b\ndata:c:d:e\n\n", [("a:b", "c:d:e", "")]),
    "no data": (b"event:a\nid:7\n\nevent:b\ndata:1\n\n", [("b", "1", "7")]),
    "empty data": (b"data:\n\nevent:a\ndata\n\ndata:1\n\n", [("message", "1", "")]),
    "id stays": (b"id:1\ndata:a\n\ndata:b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    "unfinished": (b"data:a\n\ndata:b\n", [("message", "a", "")]),
    "unfinished line": (b"data:a\n\ndata:b", [("message", "a", "")]),
    "empty": (b"", []),
}


@pytest.mark.parametrize("name", EVENTS)
async def test_a_stream_is_split_into_events(transport: Transport, name: str) -> None:
    raw, expected = EVENTS[name]
    script = streaming(raw) if raw else streaming()
    assert await collect(transport, script) == [ServerSentEvent(*event) for event in expected]


async def test_chunks_may_end_at_any_byte_of_an_event(transport: Transport) -> None:
    text = 'event:ä/*\r\ndata:{"t":"é€😀\u2028"}\r\n\r\n'.encode()
    for cut in range(1, len(text)):
        assert await collect(transport, streaming(text[:cut], text[cut:])) == [
            ServerSentEvent("ä/*", '{"t":"é€😀\u2028"}')
        ], f"cut at {cut}"
    assert len(await collect(transport, streaming(*(bytes([byte]) for byte in text)))) == 1


async def test_an_event_of_five_megabytes_is_read(transport: Transport) -> None:
    data = json.dumps({"text": "ä😀\u2028" * 600_000}, ensure_ascii=False)
    raw = f"event:posts/*\ndata:{data}\n\n".encode()
    assert len(raw) > 5_000_000
    chunks = [raw[:2048], *(raw[start : start + 398_000] for start in range(2048, len(raw), 398_000))]
    (event,) = await collect(transport, streaming(*chunks))
    assert event.data == data


async def measure_processing(transport: Transport, size: int) -> tuple[float, float]:
    """Return the CPU seconds for one event of so many bytes in short lines, in total and in the longest turn."""
    line = b"data:x\n"
    raw = line * (size // len(line))
    turns: list[float] = []

    async def tick() -> None:
        while True:
            started = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - started)

    async with scripted_server(streaming(raw, b"\n")) as server:
        ticking = asyncio.create_task(tick())
        async with transport.events(Request("GET", server.url, timeout=5)) as events:
            await asyncio.sleep(0.05)  # until the server has sent the event
            turns.clear()
            started = time.thread_time()
            assert [len(event.data) async for event in events] == [2 * (size // len(line)) - 1]
            spent = time.thread_time() - started
        await asyncio.sleep(0.01)
        ticking.cancel()
    return spent, max(turns)


async def test_an_event_of_many_lines_takes_linear_time(transport: Transport) -> None:
    small = min([(await measure_processing(transport, 2**18))[0] for _ in range(3)])
    large, _ = await measure_processing(transport, 2**21)
    assert large < 24 * small, "eight times is linear, 64 times is quadratic"


async def test_events_are_yielded_as_they_arrive(transport: Transport) -> None:
    received = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(b"data:1\n\n")
        await received.wait()
        await connection.chunk(b"data:2\n\n")
        await connection.closed_by_client()

    async with scripted_server(script) as server, transport.events(Request("GET", server.url, timeout=0.5)) as events:
        assert (await anext(events)).data == "1"
        await asyncio.sleep(0.55)  # longer than the timeout, which limits the wait for the headers only
        received.set()
        assert (await anext(events)).data == "2"


async def test_a_reset_in_the_middle_of_an_event_raises_a_connection_error(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(b"data:1\n\ndata:2")
        await go_on.wait()
        connection.reset()

    go_on = asyncio.Event()
    async with scripted_server(script) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            async with transport.events(Request("GET", server.url, timeout=5)) as events:
                async for event in events:
                    assert event.data == "1"
                    go_on.set()
    assert caught.value.request_sent is True


async def test_a_stream_without_its_last_chunk_raises_a_connection_error(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(b"data:1\n\n")

    with pytest.raises(PocketBaseConnectionError):
        await collect(transport, script)


async def test_a_response_that_is_not_a_stream_of_events_raises_the_error_of_its_status(transport: Transport) -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        if request.target == "/403":
            await connection.respond_json('{"status": 403, "message": "No.", "data": {}}', 403)
        await connection.respond(200, b"<html>", "Content-Type: text/html")

    async with scripted_server(script) as server:
        with pytest.raises(PocketBaseForbiddenError, match="No"):
            async with transport.events(Request("GET", f"{server.url}/403", timeout=5)):
                pass
        with pytest.raises(PocketBaseDecodeError, match="text/html"):
            async with transport.events(Request("GET", f"{server.url}/html", timeout=5)):
                pass
    async with scripted_server(responding(404, b"{}", "Content-Type: text/event-stream")) as server:
        with pytest.raises(PocketBaseNotFoundError):
            async with transport.events(Request("GET", server.url, timeout=5)):
                pass


async def test_the_content_type_of_a_stream_may_have_capitals_and_parameters(transport: Transport) -> None:
    async with (
        scripted_server(responding(200, b"data:1\n\n", "Content-Type: TEXT/Event-Stream;charset=utf-8")) as server,
        transport.events(Request("GET", server.url, timeout=5)) as events,
    ):
        assert [event.data async for event in events] == ["1"]


async def test_a_stream_of_events_without_a_response_raises_a_transport_error(transport: Transport) -> None:
    with pytest.raises(PocketBaseConnectionError) as refused:
        async with transport.events(Request("GET", f"http://127.0.0.1:{unused_port()}", timeout=5)):
            pass
    assert refused.value.request_sent is False
    async with scripted_server(Connection.closed_by_client) as server:
        with pytest.raises(PocketBaseTimeoutError):
            async with transport.events(Request("GET", server.url, timeout=0.1)):
                pass


async def test_leaving_the_block_of_a_stream_of_events_closes_the_connection(transport: Transport) -> None:
    hung_up = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(b"data:1\n\n")
        await connection.closed_by_client()
        hung_up.set()

    async with scripted_server(script) as server:
        async with transport.events(Request("GET", server.url, timeout=5)) as events:
            await anext(events)
        await asyncio.wait_for(hung_up.wait(), 5)
