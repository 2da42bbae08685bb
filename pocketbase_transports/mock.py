"""A handler function is a transport."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from pocketbase_core.messages import Request, Response, ServerSentEvent
from pocketbase_core.transport import StreamingResponse

Handler = Callable[[Request], Response | Awaitable[Response]]
Events = AsyncIterable[ServerSentEvent] | Iterable[ServerSentEvent]


class MockTransport:
    """Answers come from `handler`, a function or coroutine function of the request; nothing is sent.

    `events` are the server-sent events: an iterable, or a function of the request that returns one; either may be
    async.
    """

    def __init__(self, handler: Handler, events: Events | Callable[[Request], Events] = ()) -> None:
        self._handler = handler
        self._events = events

    async def send(self, request: Request) -> Response:
        answer = self._handler(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if not isinstance(answer, Response):
            raise TypeError(f"the handler returned {type(answer).__name__}, not a Response")
        return answer if answer.url else answer.replace(url=request.url)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        yield StreamingResponse.from_response(await self.send(request))

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        yield _iterate(self._events(request) if callable(self._events) else self._events)

    async def aclose(self) -> None:
        pass


async def _iterate(events: Events) -> AsyncGenerator[ServerSentEvent, None]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
