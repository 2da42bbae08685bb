"""The mock transport keeps those parts of the contract that need no connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseForbiddenError,
    PocketBaseServerError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.ports import Transport
from pocketbase_transports import MockTransport

CONNECT = ServerSentEvent("PB_CONNECT", '{"clientId": "me"}')
CHANGE = {"action": "create", "record": {"id": "abc"}}
EVENTS = [CONNECT, ServerSentEvent("posts/*", json.dumps(CHANGE))]


def accept(request: Request) -> Response:
    return Response(204)


async def test_the_mock_serves_requests_streams_and_events() -> None:
    async def handler(request: Request) -> Response:
        return Response(200, content=b"abc")

    transport = MockTransport(handler, [ServerSentEvent("a", "1")])
    async with transport.events(Request("GET", "/")) as received:
        assert (await anext(received)).data == "1"
    async with transport.stream(Request("GET", "/")) as response:
        assert (response.status_code, [chunk async for chunk in response.aiter_bytes()]) == (200, [b"abc"])
    async with MockTransport(lambda _: Response(204)).stream(Request("GET", "/")) as empty:
        assert [chunk async for chunk in empty.aiter_bytes()] == []
    wrong: Any = repr
    with pytest.raises(TypeError, match="not a Response"):
        await MockTransport(wrong).send(Request("GET", "/"))


@pytest.mark.parametrize("status", [200, 204, 307, 404, 500])
async def test_every_status_of_the_mock_is_data(status: int) -> None:
    transport: Transport = MockTransport(lambda request: Response(status, {"X-A": "1"}, b"text"))
    response = await transport.send(Request("GET", "http://h/x"))
    assert (response.status_code, response.content, response.url) == (status, b"text", "http://h/x")
    await transport.aclose()
    await transport.aclose()


async def test_a_handler_may_raise_connection_errors() -> None:
    outcomes: list[Any] = [PocketBaseConnectionError("http://h"), Response(503), Response(200, json={"code": 200})]

    def handler(request: Request) -> Response:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Response)
        return outcome

    pb = PocketBase("http://h", transport=MockTransport(handler))
    assert await pb.health.check() == {"code": 200}
    outcomes += [Response(500)]
    with pytest.raises(PocketBaseServerError):
        await pb.health.check()


def listed(request: Request) -> list[ServerSentEvent]:
    return EVENTS


SOURCES: list[Any] = [EVENTS, listed, []]


@pytest.mark.parametrize("events", SOURCES)
async def test_the_stream_of_a_list_stays_open_until_the_client_closes_it(events: Any) -> None:
    async with MockTransport(accept, events).events(Request("GET", "/")) as received:
        for _ in [] if events == [] else EVENTS:
            await anext(received)
        end = asyncio.ensure_future(anext(received))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not end.done(), "the stream has ended"
        end.cancel()
        await asyncio.wait([end])


async def test_the_stream_of_an_async_generator_ends_with_it_and_the_generator_is_closed() -> None:
    closed: list[str] = []

    async def events(request: Request) -> AsyncIterator[ServerSentEvent]:
        try:
            for event in EVENTS:
                yield event
        finally:
            closed.append(request.url)

    transport = MockTransport(accept, events)
    async with transport.events(Request("GET", "/whole")) as received:
        assert [event async for event in received] == EVENTS
    async with transport.events(Request("GET", "/left")) as received:
        await anext(received)
    assert closed == ["/whole", "/left"]


async def test_the_stream_of_an_async_iterator_without_aclose_ends_with_it() -> None:
    class Events:
        def __init__(self) -> None:
            self._left = [*EVENTS]

        def __aiter__(self) -> "Events":
            return self

        async def __anext__(self) -> ServerSentEvent:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop(0)

    async with MockTransport(accept, Events()).events(Request("GET", "/")) as received:
        assert [event async for event in received] == EVENTS


async def test_a_subscription_gets_the_listed_events_and_ends_promptly() -> None:
    opened: list[Request] = []

    def events(request: Request) -> list[ServerSentEvent]:
        opened.append(request)
        return EVENTS

    arrived: asyncio.Queue[Any] = asyncio.Queue()
    async with PocketBase("http://h", transport=MockTransport(accept, events)) as pb:
        await pb.collection("posts").subscribe_all(arrived.put_nowait)
        assert await arrived.get() == CHANGE
        async with pb.collection("posts").events() as received:
            assert pb.realtime.is_connected
        assert [event async for event in received] == []
    assert len(opened) == 1, "the stream has ended, and realtime has connected again"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failing_subscription_can_be_provoked() -> None:
    def refuse(request: Request) -> Response:
        return Response(403, json={"message": "No.", "status": 403, "data": {}})

    def unreachable(request: Request) -> list[ServerSentEvent]:
        raise PocketBaseConnectionError(request.url, message="out of reach")

    cases: list[tuple[Any, Any, type[Exception], str]] = [
        (refuse, EVENTS, PocketBaseForbiddenError, "No."),
        (accept, unreachable, PocketBaseConnectionError, "out of reach"),
        (accept, None, PocketBaseConnectionError, "this MockTransport has no events; pass events="),
    ]
    for handler, events, error, words in cases:
        async with PocketBase("http://h", transport=MockTransport(handler, events)) as pb:
            with pytest.raises(error, match=words):
                await pb.collection("posts").subscribe_all(print)


def pairs(request: Request) -> list[tuple[str, str]]:
    return [("PB_CONNECT", "{}")]


WRONG_EVENTS: list[Any] = [CONNECT, [CHANGE], pairs]


@pytest.mark.parametrize("events", WRONG_EVENTS)
async def test_events_must_be_server_sent_events(events: Any) -> None:
    async with MockTransport(accept, events).events(Request("GET", "/")) as received:
        with pytest.raises(TypeError, match="the events must be ServerSentEvents, not "):
            await anext(received)


def test_a_handler_must_be_a_function() -> None:
    response: Any = Response(200)
    with pytest.raises(TypeError, match="handler must be a function that returns a Response, not Response"):
        MockTransport(response)
