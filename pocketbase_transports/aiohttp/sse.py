"""Server-sent events by aiohttp-sse-client, whose own reconnection stays off."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Self, cast

import aiohttp
from aiohttp_sse_client.client import EventSource

from pocketbase_core.messages import Headers, ServerSentEvent
from pocketbase_core.transport import EVENT_STREAM, BodyStream, Exchange

from .reading import read_body


class _EndOfBody(Exception):
    """Leaves the library's loop before it reconnects."""


class _Opened:
    """A session for the library whose one answer is there already, with these lines for a body."""

    status = 200
    content_type = EVENT_STREAM

    def __init__(self, answer: aiohttp.ClientResponse, lines: AsyncGenerator[bytes, None]) -> None:
        self.real_url = answer.real_url
        self.content = lines

    async def request(self, *_: Any, **__: Any) -> Self:
        return self


async def ensure_event_stream(answer: aiohttp.ClientResponse, exchange: Exchange) -> None:
    """Raise the error of an answer that is no stream of events."""
    if not exchange.is_event_stream(answer.status, answer.headers):
        raise exchange.not_event_stream_error(answer.status, answer.headers.items(), await read_body(answer, exchange))


async def events(answer: aiohttp.ClientResponse, exchange: Exchange) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events until the body ends."""
    async with aclosing(_lines(answer, exchange)) as lines:
        session = cast(aiohttp.ClientSession, _Opened(answer, lines))
        source = EventSource(exchange.request.url, session=session, on_error=_end_iteration)
        try:
            await source.connect()
            while True:
                message = await anext(source)
                if data := _unguard(message.data):
                    yield ServerSentEvent(_unguard(message.type) or "message", data, _unguard(message.last_event_id))
        except _EndOfBody:
            return


async def _lines(answer: aiohttp.ClientResponse, exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """Yield one line for each field, however many lines its data came in: the library takes its time for each.

    aiohttp's own lines have a limit to their length, and do not end at a lone CR.
    """
    chunks = exchange.decompress(200, Headers(answer.headers.items()), BodyStream(exchange, answer.content.readany))
    async with aclosing(exchange.event_fields(chunks)) as events:
        async for fields in events:
            for name, value in fields.items():
                yield f"{name}:{_guard(value)}\n".encode()
            yield b"\n"


def _guard(value: str) -> str:
    """Enclose a value, so that the library strips no spaces and no newlines from its ends."""
    return f"={value}="


def _unguard(value: str | None) -> str:
    return (value or "")[1:-1]


def _end_iteration() -> None:
    raise _EndOfBody
