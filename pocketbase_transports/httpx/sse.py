"""Server-sent events by httpx-sse, and by httpx2's own reader."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pocketbase_core.messages import ServerSentEvent
from pocketbase_core.transport import EVENT_STREAM, BodyStream, Exchange

from .isolation import run_isolated
from .reading import raw_chunks

if TYPE_CHECKING:
    import httpx2


class _Opened:
    """An answer for the library, with this text for a body."""

    def __init__(self, answer: "httpx2.Response", text: AsyncGenerator[str, None]) -> None:
        self.headers = {"content-type": EVENT_STREAM}
        self.request = answer.request
        self._text = text

    def aiter_text(self) -> AsyncGenerator[str, None]:
        return self._text


async def ensure_event_stream(answer: "httpx2.Response", exchange: Exchange) -> None:
    """Raise the error of an answer that is no stream of events."""
    if exchange.is_event_stream(answer.status_code, answer.headers):
        return
    async with aclosing(raw_chunks(answer)) as chunks:
        content = await run_isolated(exchange.read_body(answer.status_code, answer.headers, chunks))
    raise exchange.not_event_stream_error(answer.status_code, answer.headers.multi_items(), content)


async def events(
    library: ModuleType, answer: "httpx2.Response", exchange: Exchange
) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events until the body ends."""
    async with aclosing(_text(answer, exchange)) as text, aclosing(_reader(library, _Opened(answer, text))) as source:
        async for message in source:
            if message.data:
                event = ServerSentEvent(message.event or "message", message.data, message.id)
                yield ServerSentEvent(*map(_unguard, event)) if _is_guarded(event) else event


def _reader(library: ModuleType, answer: Any) -> AsyncGenerator[Any, None]:
    if library.__name__ == "httpx2":
        reader: AsyncGenerator[Any, None] = aiter(library.EventSource(answer, max_event_size=None))
        return reader
    events: AsyncGenerator[Any, None] = import_module("httpx_sse").EventSource(answer).aiter_sse()
    return events


async def _text(answer: "httpx2.Response", exchange: Exchange) -> AsyncGenerator[str, None]:
    """Yield one line for each field, however many lines its data came in: the libraries take time for each."""
    async with aclosing(raw_chunks(answer)) as received:
        chunks = BodyStream(exchange, lambda: run_isolated(anext(received, b"")))
        decompressed = exchange.decompress(answer.status_code, answer.headers, chunks)
        async with aclosing(exchange.event_parts(decompressed)) as parts:
            async for part in parts:
                if isinstance(part, bytes):
                    yield _escape(part.decode("utf-8", "replace"))
                else:
                    yield "".join([*(f"{name}: {_guard(value)}\n" for name, value in part.items()), "\n"])


# A newline travels as another character, and that one, should it occur, as a pair. One for one takes the least time.
def _guard(value: str) -> str:
    return _escape(value).replace("\n", "\x1f")


def _escape(text: str) -> str:
    return text.replace("\x1e", "\x1e0").replace("\x1f", "\x1e1")


def _unguard(value: str) -> str:
    return value.replace("\x1f", "\n").replace("\x1e1", "\x1f").replace("\x1e0", "\x1e")


def _is_guarded(event: ServerSentEvent) -> bool:
    return "\x1f" in event.data or "\x1e" in event.data or "\x1e" in event.event or "\x1e" in event.id
