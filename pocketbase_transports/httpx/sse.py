"""Server-sent events by httpx-sse, and by httpx2's own reader."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pocketbase_core.messages import ServerSentEvent
from pocketbase_core.ports import EVENT_STREAM, MAX_EVENT_SIZE, Exchange

if TYPE_CHECKING:
    import httpx2


async def check(answer: "httpx2.Response", exchange: Exchange) -> None:
    """Raise the error of an answer that is no stream of events."""
    if exchange.is_stream(answer.status_code, answer.headers):
        answer.encoding = "utf-8"  # whatever charset it claims
        return
    async with aclosing(answer), aclosing(answer.aiter_bytes()) as chunks:
        content = await exchange.read(answer.status_code, answer.headers, chunks)
    raise exchange.no_stream(answer.status_code, answer.headers.multi_items(), content)


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
    # httpx-sse has no limit of its own.
    events: AsyncGenerator[Any, None] = import_module("httpx_sse").EventSource(_Counted(answer, exchange)).aiter_sse()
    return events


class _Counted:
    """An answer that counts the bytes of an event."""

    def __init__(self, answer: "httpx2.Response", exchange: Exchange) -> None:
        self.headers = {"content-type": EVENT_STREAM}  # as it was found to be
        self._size = 0
        self._last = ""
        self._answer = answer
        self._exchange = exchange

    async def aiter_text(self) -> AsyncGenerator[str, None]:
        async for text in self._answer.aiter_text():
            begun = max((self._last + text).rfind(blank) for blank in ("\n\n", "\n\r", "\r\r"))
            self._size = (self._size if begun < 0 else 0) + len(text[max(begun, 0) :].encode())
            self._exchange.check_event(self._size)
            self._last = (self._last + text)[-1:]
            yield text
