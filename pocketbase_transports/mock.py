"""A transport for tests, which calls a function instead of a server."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager

from pocketbase_core.errors import PocketBaseConnectionError
from pocketbase_core.messages import Request, Response, ServerSentEvent
from pocketbase_core.transport import StreamingResponse

Handler = Callable[[Request], Response | Awaitable[Response]]
Events = AsyncIterable[ServerSentEvent] | Iterable[ServerSentEvent]


class MockTransport:
    """A transport that sends nothing.

    Args:
        handler: A function or coroutine function that returns the response to a request.
        events: The server-sent events: an iterable, or a function of the request that returns one. After the last event
            of a list or another plain iterable, the stream stays open until the client closes it. The stream of an
            async iterable, such as an async generator, ends with the iterable.

    Raises:
        TypeError: If `handler` is not a function.
    """

    def __init__(self, handler: Handler, events: Events | Callable[[Request], Events] | None = None) -> None:
        if not callable(handler):
            raise TypeError(f"handler must be a function that returns a Response, not {type(handler).__name__}")
        self._handler = handler
        self._events = events

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def send(self, request: Request) -> Response:
        """Return the handler's response.

        Raises:
            TypeError: If the handler returns anything else.
        """
        response = self._handler(request)
        if inspect.isawaitable(response):
            response = await response
        if not isinstance(response, Response):
            raise TypeError(f"the handler returned {type(response).__name__}, not a Response")
        return response if response.url else response.replace(url=request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        """Open the handler's response as a stream."""
        yield StreamingResponse.from_response(await self.send(request))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Open the stream of `events`.

        Raises:
            PocketBaseConnectionError: If the transport has no events.
            TypeError: If one of the events is not a ServerSentEvent.
        """
        if self._events is None:
            message = "this MockTransport has no events; pass events=[ServerSentEvent('PB_CONNECT', …), …]"
            raise PocketBaseConnectionError(request.url, message=message, request_sent=False)
        async with aclosing(_stream(self._events(request) if callable(self._events) else self._events)) as stream:
            yield stream

    async def aclose(self) -> None:
        """Do nothing."""


async def _stream(events: Events) -> AsyncGenerator[ServerSentEvent, None]:
    if not isinstance(events, AsyncIterable):
        for event in events:
            yield _checked(event)
        await asyncio.Event().wait()
    else:
        iterator = aiter(events)
        try:
            async for event in iterator:
                yield _checked(event)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()


def _checked(event: object) -> ServerSentEvent:
    if not isinstance(event, ServerSentEvent):
        raise TypeError(f"the events must be ServerSentEvents, not {type(event).__name__}")
    return event
