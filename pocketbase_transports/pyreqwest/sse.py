"""Server-sent events by the reader of the kit, as the library has none."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pyreqwest.response import Response as LibraryResponse

from pocketbase_core.messages import Headers, ServerSentEvent
from pocketbase_core.transport import Exchange

from .calls import Call, body_stream, read_body


async def ensure_event_stream(call: Call, response: LibraryResponse, headers: Headers, exchange: Exchange) -> None:
    """Raise the error of its status if a response is not a stream of events."""
    if not exchange.is_event_stream(response.status, headers):
        content = await read_body(call, response, exchange)
        raise exchange.not_event_stream_error(response.status, headers.items(), content)


async def events(
    call: Call, response: LibraryResponse, headers: Headers, exchange: Exchange
) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events until the body ends."""
    chunks = exchange.decompress(response.status, headers, body_stream(call, response, exchange, None))
    last_id = ""
    async with aclosing(exchange.event_fields(chunks)) as parsed_events:
        async for fields in parsed_events:
            last_id = fields.get("id", last_id)
            if data := fields.get("data"):
                yield ServerSentEvent(fields.get("event") or "message", data, last_id)
