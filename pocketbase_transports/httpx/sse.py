"""Server-sent events by httpx-sse, and by httpx2's own reader."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pocketbase_core.errors import decode_error, error_from
from pocketbase_core.messages import Response, ServerSentEvent
from pocketbase_core.ports import Exchange

if TYPE_CHECKING:
    import httpx2

MAX_EVENT_SIZE = 16 * 1024 * 1024


async def check(answer: "httpx2.Response", exchange: Exchange) -> None:
    """Raise the error of an answer that is no stream of events."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status_code == 200 and kind == "text/event-stream":
        answer.encoding = "utf-8"  # whatever charset it claims
        return
    async with aclosing(answer), aclosing(answer.aiter_bytes()) as chunks:
        content = await exchange.read(answer.status_code, answer.headers, chunks)
    refused = Response(answer.status_code, answer.headers.multi_items(), content, exchange.request.url)
    raise decode_error(refused, "a stream of events") if answer.is_success else error_from(refused)


async def events(
    library: ModuleType, answer: "httpx2.Response", exchange: Exchange
) -> AsyncGenerator[ServerSentEvent, None]:
    """The events until the body ends."""
    async with aclosing(_reader(library, answer, exchange)) as source:
        with exchange.translating():
            async for message in source:
                if message.data:
                    yield ServerSentEvent(message.event or "message", message.data, message.id)


def _reader(library: ModuleType, answer: Any, exchange: Exchange) -> AsyncGenerator[Any, None]:
    if library.__name__ == "httpx2":
        reader: AsyncGenerator[Any, None] = aiter(library.EventSource(answer, max_event_size=MAX_EVENT_SIZE))
        return reader
    return _limited(answer, exchange)


async def _limited(answer: "httpx2.Response", exchange: Exchange) -> AsyncGenerator[Any, None]:
    """The events by httpx-sse, which has no limit of its own."""
    counted = _Counted(answer, exchange)
    async with aclosing(import_module("httpx_sse").EventSource(counted).aiter_sse()) as source:
        async for message in source:
            counted.size = 0
            yield message


class _Counted:
    """An answer that counts the characters of an event."""

    def __init__(self, answer: "httpx2.Response", exchange: Exchange) -> None:
        self.headers = answer.headers
        self.size = 0
        self._answer = answer
        self._exchange = exchange

    async def aiter_text(self) -> AsyncGenerator[str, None]:
        async for text in self._answer.aiter_text():
            self.size += len(text)
            if self.size > MAX_EVENT_SIZE:
                raise self._exchange.failed("an event is larger than 16 MiB")
            yield text
