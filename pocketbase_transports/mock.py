"""A transport for tests, which calls a function instead of a server."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from pocketbase_core.messages import Request, Response, ServerSentEvent
from pocketbase_core.transport import StreamingResponse

Handler = Callable[[Request], Response | Awaitable[Response]]
Events = AsyncIterable[ServerSentEvent] | Iterable[ServerSentEvent]


class MockTransport:
    """A transport that sends nothing.

    Args:
        handler: A function or coroutine function that returns the response to a request.
        events: The server-sent events: an iterable, or a function of the request that returns one. The iterable may be
            async.
    """

    def __init__(self, handler: Handler, events: Events | Callable[[Request], Events] = ()) -> None:
        self._handler = handler
        self._events = events

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
        """Open the stream of `events`."""
        yield _iterate(self._events(request) if callable(self._events) else self._events)

    async def aclose(self) -> None:
        """Do nothing."""


async def _iterate(events: Events) -> AsyncGenerator[ServerSentEvent, None]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
