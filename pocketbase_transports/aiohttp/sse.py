"""Server-sent events by aiohttp-sse-client, whose own reconnection stays off."""

from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Self, cast

import aiohttp
from aiohttp_sse_client.client import EventSource

from pocketbase_core.messages import ServerSentEvent
from pocketbase_core.ports import Exchange

from .bodies import read

# Stands before each value, of which the library would strip all spaces, and empty lines at the end.
MARK = "="


class _EndOfBody(Exception):
    """Leaves the library's loop before it reconnects."""


class _Opened:
    """A session for the library whose one answer is there already, and the lines of that, counted.

    They are split here, as aiohttp takes its time for each of them, has a limit for their length, and knows no lone CR.
    """

    def __init__(self, answer: aiohttp.ClientResponse, exchange: Exchange) -> None:
        self.status = answer.status
        self.content = self
        self._answer = answer
        self._exchange = exchange
        self._lines: deque[bytes] = deque()
        self._begun = bytearray()
        """A line whose end is still to come."""
        self._size = 0
        self._ended_by_cr = False

    async def request(self, *_: Any, **__: Any) -> Self:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._lines:
            self._split(await self._answer.content.readany())
        line = self._lines.popleft()
        if not line:
            self._size = 0
            return b"\n"
        self._size += len(line)
        self._exchange.check_event(self._size)
        if not line.isascii():
            line = line.decode("utf-8", "replace").encode()
        name, _, value = line.partition(b":")
        # `retry` is for a reconnection that is not the library's, and not always a number it can read.
        if name in (b"", b"retry") or (name == b"id" and b"\0" in value):
            return b":\n"
        return b"%b:%b%b\n" % (name, MARK.encode(), value.removeprefix(b" "))

    def _split(self, chunk: bytes) -> None:
        if not chunk:
            raise StopAsyncIteration
        if self._ended_by_cr:
            chunk = chunk.removeprefix(b"\n")
        self._ended_by_cr = chunk.endswith(b"\r")
        is_ended = chunk.endswith((b"\n", b"\r"))
        first, *rest = chunk.splitlines() or [b""]
        self._begun += first
        if rest or is_ended:
            self._lines += [bytes(self._begun), *rest]
            self._begun = bytearray(b"" if is_ended else self._lines.pop())
        self._exchange.check_event(self._size + len(self._begun))


async def check(answer: aiohttp.ClientResponse, exchange: Exchange) -> None:
    """Raise the error of an answer that is no stream of events."""
    if not exchange.is_stream(answer.status, answer.headers):
        raise exchange.no_stream(answer.status, answer.headers.items(), await read(answer, exchange))


async def events(answer: aiohttp.ClientResponse, exchange: Exchange) -> AsyncGenerator[ServerSentEvent, None]:
    """The events until the body ends."""
    session = cast(aiohttp.ClientSession, _Opened(answer, exchange))
    source = EventSource(exchange.request.url, session=session, on_error=_stop)
    try:
        with exchange.translating():
            await source.connect()
            async for message in source:
                if data := message.data[1:].replace(f"\n{MARK}", "\n"):
                    yield ServerSentEvent((message.type or "")[1:] or "message", data, message.last_event_id[1:])
    except _EndOfBody:
        return


def _stop() -> None:
    raise _EndOfBody
