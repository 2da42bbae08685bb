"""The mock keeps the contract where there is no wire in it."""

from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseServerError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.ports import Transport
from pocketbase_transports import MockTransport


async def test_both_ports() -> None:
    async def events(request: Request) -> Any:
        yield ServerSentEvent("a", "1")

    async def handler(request: Request) -> Response:
        return Response(200, content=b"abc")

    sources: list[Any] = [events, [ServerSentEvent("a", "1")]]
    for source in sources:
        transport = MockTransport(handler, source)
        async with transport.events(Request("GET", "/")) as received:
            assert [event.data async for event in received] == ["1"]
        async with transport.stream(Request("GET", "/")) as response:
            assert (response.status_code, [chunk async for chunk in response.aiter_bytes()]) == (200, [b"abc"])
    async with MockTransport(lambda _: Response(204)).stream(Request("GET", "/")) as empty:
        assert [chunk async for chunk in empty.aiter_bytes()] == []
    wrong: Any = repr
    with pytest.raises(TypeError, match="not a Response"):
        await MockTransport(wrong).send(Request("GET", "/"))


@pytest.mark.parametrize("status", [200, 204, 307, 404, 500])
async def test_a_response_with_any_status_is_returned(status: int) -> None:
    transport: Transport = MockTransport(lambda request: Response(status, {"X-A": "1"}, b"text"))
    response = await transport.send(Request("GET", "http://h/x"))
    assert (response.status_code, response.content, response.url) == (status, b"text", "http://h/x")
    await transport.aclose()
    await transport.aclose()


async def test_a_handler_may_fail_as_a_network_does() -> None:
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
