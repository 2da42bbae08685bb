"""How the start of a stream of events passes through the middleware."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseServerError,
    Request,
    Response,
)
from pocketbase_core.endpoints import realtime
from pocketbase_core.errors import error_from_response
from pocketbase_core.messages import ServerSentEvent
from pocketbase_core.middleware import Handler, Retry
from pocketbase_transports import MockTransport


class Streams(MockTransport):
    """Streams of events that begin as told: with an error, or well; `open` are those that have not ended."""

    def __init__(self, *beginnings: PocketBaseError | None) -> None:
        super().__init__(lambda request: Response(500), events=[])
        self._beginnings = [*beginnings]
        self.open = 0

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        if (error := self._beginnings.pop(0)) is not None:
            raise error
        self.open += 1
        try:
            async with super().events(request) as events:
                yield events
        finally:
            self.open -= 1


async def test_a_retry_of_a_stream_waits_as_long_as_the_server_asks() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    away = Response(503, {"Retry-After": "3"}, b"<html>")
    refused = [
        error_from_response(away),
        error_from_response(Response(429, {"Retry-After": "4"}, json={"message": "Slowly."})),
    ]
    streams = Streams(*refused, None)
    pb = PocketBase("http://h", transport=streams, middleware=[Retry(sleep=sleep)])
    async with pb.pipeline.events(realtime.connect()):
        assert streams.open == 1
    assert slept == [3.0, 4.0]
    assert isinstance(refused[0], PocketBaseServerError)
    assert refused[0].retry_after == 3.0


async def test_middleware_sees_the_status_of_a_refused_stream() -> None:
    refused = error_from_response(Response(403, url="http://h/x", json={"message": "No.", "data": {"a": 1}}))
    seen: list[tuple[int, Any, str]] = []

    async def look(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        seen.append((response.status_code, response.json(), response.url))
        return response

    pb = PocketBase("http://h", transport=Streams(refused), middleware=[look])
    with pytest.raises(PocketBaseForbiddenError) as caught:
        async with pb.pipeline.events(realtime.connect()):
            pass
    assert caught.value is refused
    assert seen == [(403, {"message": "No.", "data": {"a": 1}}, "http://h/x")]


async def test_a_middleware_may_refuse_a_stream_or_open_it_twice() -> None:
    async def twice(request: Request, call_next: Handler) -> Response:
        await call_next(request)
        response = await call_next(request)
        assert streams.open == 1, "the first one was closed"
        return response.replace(status_code=status)

    for status in (200, 418):
        streams = Streams(None, None)
        pb = PocketBase("http://h", transport=streams, middleware=[twice])
        if status == 200:
            async with pb.pipeline.events(realtime.connect()):
                pass
        else:
            with pytest.raises(PocketBaseError) as caught:
                async with pb.pipeline.events(realtime.connect()):
                    pass
            assert caught.value.status == 418
        assert streams.open == 0


async def test_a_middleware_may_change_the_status_of_a_refused_stream() -> None:
    async def hide(request: Request, call_next: Handler) -> Response:
        return (await call_next(request)).replace(status_code=404)

    refused = error_from_response(Response(403, url="http://h/x", json={"message": "No.", "data": {}}))
    pb = PocketBase("http://h", transport=Streams(refused), middleware=[hide])
    with pytest.raises(PocketBaseNotFoundError, match=r"No\."):
        async with pb.pipeline.events(realtime.connect()):
            pass


async def test_connection_and_decode_errors_pass_through_the_middleware() -> None:
    seen: list[str] = []

    async def look(request: Request, call_next: Handler) -> Response:
        try:
            return await call_next(request)
        except PocketBaseError as error:
            seen.append(type(error).__name__)
            raise

    for error in (PocketBaseConnectionError("http://h"), PocketBaseDecodeError("http://h", 200)):
        pb = PocketBase("http://h", transport=Streams(error), middleware=[look])
        with pytest.raises(type(error)):
            async with pb.pipeline.events(realtime.connect()):
                pass
    assert seen == ["PocketBaseConnectionError", "PocketBaseDecodeError"]
