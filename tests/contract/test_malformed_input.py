"""Bytes that no server should send become events or responses, or raise an error of this library."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from yarl import URL

from pocketbase_core import PocketBase, PocketBaseError, ServerSentEvent
from pocketbase_core.messages import Request
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import scripted_server, sending, streaming
from pocketbase_core.transport import Exchange
from pocketbase_transports import HttpxTransport
from pocketbase_transports.aiohttp import sse
from pocketbase_transports.aiohttp.exceptions import ERROR_MAP

LINES = st.sampled_from(
    [b"data:", b"id:", b"event:", b"retry:", b":", b"\xff", b"\xef\xbb\xbf", b"\0", b"\r", b"\n", b"\n\n"]
)
EVENTS = st.lists(LINES | st.binary(max_size=20), min_size=1, max_size=12).map(b"".join).filter(bool)
FIELDS = st.tuples(
    st.sampled_from([b"data", b"id", b"event", b"retry", b""]),
    st.sampled_from([b"", b":", b": ", b":  "]),
    st.sampled_from([b"", b"a", b"b", b"\0", "\u2028".encode(), b"\xff"]),
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r", b""]),
).map(b"".join)
HEADS = st.lists(
    st.sampled_from(
        [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n", b"Content-Length: -1\r\n", b"\r\n", b"{}", b"X: \xff\r\n"]
    )
    | st.sampled_from(
        [b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Set-Cookie: a\r\n", b"\0", b": "]
    )
    | st.binary(max_size=10),
    max_size=8,
).map(b"".join)
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(EVENTS)
@example(b"data:\xff\n\n")
@example(b"id:\0\nretry:9999999999999999999999\nretry:x\ndata:1\n\n")
@example(b"retry:\xb2\ndata:1\n\n")
async def test_a_malformed_event_stream_gives_events_or_an_error_of_this_library(
    transport: Transport, raw: bytes
) -> None:
    async with scripted_server(streaming(raw)) as server:
        with contextlib.suppress(PocketBaseError):
            async with transport.events(Request("GET", server.url, timeout=5)) as events:
                async for event in events:
                    assert event.data, "events without data are not delivered"


class Streams(HttpxTransport):
    """The streams of httpx or httpx2, read from memory."""

    def __init__(self, library: ModuleType, chunks: list[bytes]) -> None:
        async def content() -> AsyncGenerator[bytes, None]:
            for chunk in chunks:
                yield chunk

        def handler(_: Any) -> Any:
            return library.Response(200, headers={"Content-Type": "text/event-stream"}, content=content())

        super().__init__(library.AsyncClient(transport=library.MockTransport(handler), trust_env=False))


@asynccontextmanager
async def of_aiohttp(chunks: list[bytes]) -> AsyncGenerator[AsyncGenerator[ServerSentEvent, None], None]:
    """Yield the events that the adapter of aiohttp reads from memory."""
    remaining = [*filter(None, chunks), b""]

    async def readany() -> bytes:
        return remaining.pop(0)

    content = SimpleNamespace(readany=readany)
    response: Any = SimpleNamespace(headers={}, content=content, real_url=URL("http://h"))
    async with aclosing(sse.events(response, Exchange(Request("GET", "http://h"), ERROR_MAP))) as events:
        yield events


@given(st.lists(EVENTS | FIELDS, min_size=1, max_size=6))
@example([b"data:  a\n\n"])
@example([b"data:a\ndata:\n\n"])
@example([b"data\ndata\n\n"])
@example([b"data:a\rdata:b\r\r"])
@example([b"data:a\r", b"\ndata:b\n\n"])
@example([b"data:a\r\r\ndata:b\n\n"])
@example([b"id:a\0\ndata:b\n\n"])
@example([b"data:a\r\r"])
@example([b"data:\x1e1\x1f\ndata:0\x1e0\ndata:=\n\n"])
@example([b"event:\x1e1\nid:\x1e\x1f0\ndata:1\n\n"])
@example([b"data:1\n", b"\ndata:2\r", b"\n\r\ndata:3\n\n"])
@example([b"data:" + b"x" * 40_000, b"\ndata:y\n\ndata:2\n\n"])
async def test_all_transports_read_the_same_events(chunks: list[bytes]) -> None:
    outcomes: list[Any] = []
    for opened in (
        of_aiohttp(chunks),
        *(Streams(library, chunks).events(Request("GET", "http://h")) for library in (httpx, httpx2)),
    ):
        try:
            async with opened as events:
                outcomes.append([event async for event in events])
        except PocketBaseError as error:
            outcomes.append(type(error))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@FEW
@given(HEADS)
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}")
async def test_a_malformed_response_gives_a_value_or_an_error_of_this_library(transport: Transport, raw: bytes) -> None:
    async with scripted_server(sending(raw)) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=5)
        with contextlib.suppress(PocketBaseError):
            assert isinstance(await pb.send("/x", method="POST"), dict | int | None)


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "utf-7", "'"])
async def test_event_streams_are_read_as_utf_8_whatever_charset_they_declare(
    transport: Transport, charset: str
) -> None:
    raw = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset={charset}\r\n\r\ndata:ok\n\n".encode()
    async with (
        scripted_server(sending(raw)) as server,
        transport.events(Request("GET", server.url, timeout=5)) as events,
    ):
        assert [event.data async for event in events] == ["ok"]
