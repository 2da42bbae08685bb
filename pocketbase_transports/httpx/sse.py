"""Server-sent events by httpx-sse, or by the reader of httpx2."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pocketbase_core.messages import ServerSentEvent
from pocketbase_core.transport import EVENT_STREAM, BodyStream, Exchange

from .isolation import run_isolated
from .reading import BodyReader, raw_chunks

if TYPE_CHECKING:
    import httpx2

# The libraries read events as the standard says, but need time for each line. So the data of an event that is large or
# incomplete, whose lines have been joined already, travels through the library in one line, with U+001F for newlines.
# Where U+001E and U+001F occur in the text itself, they are escaped as U+001E and a digit.


def _guard(value: str) -> str:
    return _escape(value).replace("\n", "\x1f")


def _escape(text: str) -> str:
    return text.replace("\x1e", "\x1e0").replace("\x1f", "\x1e1")


def _unguard(value: str) -> str:
    return value.replace("\x1f", "\n").replace("\x1e1", "\x1f").replace("\x1e0", "\x1e")


def _is_guarded(event: ServerSentEvent) -> bool:
    return "\x1f" in event.data or "\x1e" in event.data or "\x1e" in event.event or "\x1e" in event.id


class _Response:
    """A response as the libraries expect it, with this text as its body."""

    def __init__(self, response: "httpx2.Response", text: AsyncGenerator[str, None]) -> None:
        self.headers = {"content-type": EVENT_STREAM}
        self.request = response.request
        self._text = text

    def aiter_text(self) -> AsyncGenerator[str, None]:
        return self._text


def import_reader(library: ModuleType) -> None:
    """Import what a stream will need. An import within a stream could be interrupted by a fork.

    A child that is forked while another thread imports a module waits for that module's lock for ever.
    """
    if library.__name__ != "httpx2":
        with suppress(ImportError):  # streams will raise it; requests need no reader
            import_module("httpx_sse")


async def ensure_event_stream(response: "httpx2.Response", exchange: Exchange) -> None:
    """Raise the error of its status if a response is not a stream of events."""
    if exchange.is_event_stream(response.status_code, response.headers):
        return
    async with aclosing(raw_chunks(response)) as chunks:
        content = await run_isolated(exchange.read_body(response.status_code, response.headers, chunks))
    raise exchange.not_event_stream_error(response.status_code, response.headers.multi_items(), content)


async def events(
    library: ModuleType, response: "httpx2.Response", exchange: Exchange
) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events until the body ends."""
    async with (
        aclosing(_text(response, exchange)) as text,
        aclosing(_library_events(library, _Response(response, text))) as messages,
    ):
        async for message in messages:
            if message.data:
                event = ServerSentEvent(message.event or "message", message.data, message.id)
                yield ServerSentEvent(*map(_unguard, event)) if _is_guarded(event) else event


def _library_events(library: ModuleType, response: Any) -> AsyncGenerator[Any, None]:
    if library.__name__ == "httpx2":
        events: AsyncGenerator[Any, None] = aiter(library.EventSource(response, max_event_size=None))
    else:
        events = import_module("httpx_sse").EventSource(response).aiter_sse()
    return events


async def _text(response: "httpx2.Response", exchange: Exchange) -> AsyncGenerator[str, None]:
    async with BodyReader(response) as reader:
        chunks = BodyStream(exchange.raise_mapped, reader.read)
        decompressed = exchange.decompress(response.status_code, response.headers, chunks)
        async with aclosing(exchange.event_parts(decompressed)) as parts:
            async for part in parts:
                if isinstance(part, bytes):
                    yield _escape(part.decode("utf-8", "replace"))
                else:
                    yield "".join([*(f"{name}: {_guard(value)}\n" for name, value in part.items()), "\n"])
