"""Server-sent events by aiohttp-sse-client.

The response is already there when the library's `EventSource` is created. Its session is a stand-in that returns this
response, so that the library sends no request.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import aiohttp
from aiohttp_sse_client.client import EventSource

from pocketbase_core.messages import Headers, ServerSentEvent
from pocketbase_core.transport import EVENT_STREAM, BodyStream, Exchange

from .reading import read_body

# aiohttp-sse-client departs from the standard (https://html.spec.whatwg.org/#event-stream-interpretation) in two ways:
# it strips all spaces from the start of a value, not only one, and all newlines from the end of the data.
# So each value travels through the library in a pair of `=`.


def _guard(value: str) -> str:
    return f"={value}="


def _unguard(value: str | None) -> str:
    return (value or "")[1:-1]


class _EndOfBody(Exception):
    """Leaves the library's loop, which would reconnect otherwise."""


def _raise_end_of_body() -> None:
    raise _EndOfBody


class _Response:
    """A response as the library expects it, with these lines as its body."""

    status = 200
    content_type = EVENT_STREAM

    def __init__(self, response: aiohttp.ClientResponse, lines: AsyncGenerator[bytes, None]) -> None:
        self.real_url = response.real_url
        self.content = lines


class _Session:
    """A session that returns the same response to every request."""

    def __init__(self, response: _Response) -> None:
        self._response = response

    async def request(self, *_: Any, **__: Any) -> _Response:
        return self._response


async def ensure_event_stream(response: aiohttp.ClientResponse, exchange: Exchange) -> None:
    """Raise the error of its status if a response is not a stream of events."""
    if not exchange.is_event_stream(response.status, response.headers):
        content = await read_body(response, exchange)
        raise exchange.not_event_stream_error(response.status, response.headers.items(), content)


async def events(response: aiohttp.ClientResponse, exchange: Exchange) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events until the body ends."""
    async with aclosing(_lines(response, exchange)) as lines:
        session = cast(aiohttp.ClientSession, _Session(_Response(response, lines)))
        source = EventSource(exchange.request.url, session=session, on_error=_raise_end_of_body)
        try:
            await source.connect()
            while True:
                message = await anext(source)
                if data := _unguard(message.data):
                    yield ServerSentEvent(_unguard(message.type) or "message", data, _unguard(message.last_event_id))
        except _EndOfBody:
            return


async def _lines(response: aiohttp.ClientResponse, exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """Yield one line for each field, even if its data came in many lines: the library is slow for each line.

    aiohttp's own iterator of lines limits their length, and does not end a line at a lone CR.
    """
    received = BodyStream(exchange.raise_mapped, response.content.readany)
    chunks = exchange.decompress(200, Headers(response.headers.items()), received)
    async with aclosing(exchange.event_fields(chunks)) as parsed_events:
        async for fields in parsed_events:
            for name, value in fields.items():
                yield f"{name}:{_guard(value)}\n".encode()
            yield b"\n"
