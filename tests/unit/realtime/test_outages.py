"""Realtime in virtual time: connections that are lost, or cannot be opened."""

import asyncio
import time
from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest

from pocketbase_core import (
    Gap,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseTimeoutError,
    RealtimeSettings,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.middleware import Handler
from pocketbase_transports import MockTransport

from ...helpers.virtual_clock import pass_time, run
from ...helpers.virtual_server import FakeServer, WithServer, sign_in
from ...helpers.virtual_server import longest_waits as longest_waits
from ...helpers.virtual_server import with_server as with_server


def test_an_outage_of_an_hour_is_one_gap_and_the_delays_grow_to_thirty_seconds(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        gaps, reasons = list[Gap](), list[object]()
        server.pb.realtime.on_disconnect(reasons.append)
        await server.pb.realtime.subscribe("a", print, on_gap=gaps.append)
        await pass_time(100)
        server.crash()
        began = time.time()
        await pass_time(3600)
        waits = [after - before for before, after in pairwise(server.connects[1:])]
        assert max(waits) <= 30
        assert sum(waits[-10:]) > 10 * sum(waits[:3]) / 3, "the delays grow"
        assert 100 < len(waits) < 400
        assert not gaps
        server.is_up = True
        await pass_time(36)
        assert server.pb.realtime.is_connected
        (gap,) = gaps
        assert gap.topics == ("a",)
        assert gap.since.timestamp() == pytest.approx(began - 101, abs=0.1), "a second before the connection was opened"
        assert [str(reason) for reason in reasons] == ["reset [http://h/api/realtime]"]
        connects = len(server.connects)
        server.crash()
        server.is_up = True
        await pass_time(0.5)
        assert len(server.connects) == connects + 1, "after a success, the delays start over"


def test_connections_that_end_at_once_are_opened_ever_more_rarely(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await server.pb.realtime.subscribe("a", print)

        async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            server.connects.append(0.0)
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')

        server.streaming = ends
        server.crash()
        server.is_up = True
        await pass_time(600)
        assert 30 < len(server.connects) < 120


@pytest.mark.parametrize(("lives", "waits"), [(4.5, [0.2, 0.4, 0.8, 1.6]), (5.5, [0.2] * 4)])
def test_delays_start_over_after_a_connection_of_five_seconds(
    longest_waits: None, lives: float, waits: list[float]
) -> None:
    async def main() -> None:
        connects: list[float] = []

        async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            connects.append(asyncio.get_running_loop().time())
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')
            await pass_time(lives)

        pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(204), ends), middleware=[])
        await pb.realtime.subscribe("a", print)
        await pass_time(40)
        assert [after - before - lives for before, after in pairwise(connects)][:4] == pytest.approx(waits)
        await pb.aclose()

    run(main())


def test_a_change_of_the_user_does_not_delay_the_next_connection(with_server: WithServer, longest_waits: None) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await server.pb.realtime.subscribe("a", print)
        for number in range(10):
            sign_in(server, f"user {number}")
            await pass_time(0.1)
        server.crash()
        server.is_up = True
        await pass_time(0.3)
        assert server.pb.realtime.is_connected


def test_another_user_does_not_wait_for_the_delay_after_a_failed_submission(
    with_server: WithServer, longest_waits: None
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        sign_in(server, "first")
        await server.pb.realtime.subscribe("a", print)
        server.statuses = [503] * 6
        joining = asyncio.create_task(server.pb.realtime.subscribe("b", print))
        while server.statuses:
            await pass_time(0.1)
        sign_in(server, "second")
        await pass_time(0.1)
        assert joining.done()


def test_delays_start_over_after_a_replacement(with_server: WithServer, longest_waits: None) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await server.pb.realtime.subscribe("a", print)
        server.crash()
        await pass_time(100)
        server.is_up = True
        await pass_time(31)
        assert server.pb.realtime.is_connected
        connects = len(server.connects)
        while len(server.connects) == connects:
            await pass_time(1)
        server.crash()
        server.is_up = True
        await pass_time(0.3)
        assert server.pb.realtime.is_connected


def test_a_connection_whose_end_is_overdue_is_lost(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.realtime.settings = RealtimeSettings(idle_limit=100, lifetime=1800)  # the server waits longer
        got: list[object] = []
        reasons: list[Exception | None] = []
        server.pb.realtime.on_disconnect(reasons.append)
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        server.is_up = False  # for new connections
        await pass_time(109)
        assert not reasons
        await pass_time(2)
        assert isinstance(reasons[0], PocketBaseTimeoutError)
        assert "overdue" in str(reasons[0])
        server.is_up = True
        await pass_time(60)
        assert [type(each) for each in got] == [Gap]


def test_a_stream_that_ends_without_an_event_fails_the_first_subscription() -> None:
    async def main() -> None:
        none: list[ServerSentEvent] = []

        async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            for event in none:
                yield event

        pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(204), ends), middleware=[])
        with pytest.raises(PocketBaseConnectionError, match="the server ended the stream"):
            await pb.realtime.subscribe("a", print)
        await pb.aclose()

    run(main())


def test_a_stream_without_pb_connect_fails_after_15_seconds() -> None:
    async def main() -> float:
        async def silent(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            await asyncio.Event().wait()
            yield ServerSentEvent()

        pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(204), silent), middleware=[])
        with pytest.raises(PocketBaseTimeoutError, match="no PB_CONNECT within 15 s"):
            await pb.realtime.subscribe("a", print)
        await pb.aclose()
        return asyncio.get_running_loop().time()

    assert run(main()) == 15.0


def test_an_event_that_arrives_while_a_lost_connection_is_closed_comes_before_the_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        got: list[object] = []
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        await pass_time(241)  # two connections, of which nothing has come yet
        server.closing, server.statuses = 0.1, [404]
        joining = asyncio.create_task(server.pb.realtime.subscribe("b", print))
        await pass_time(0.05)
        server.queues[-1].put_nowait(ServerSentEvent("a", '"x"'))
        await joining
        assert [type(each) for each in got] == [str, Gap]
        assert len(server.connects) == 3


def test_a_connection_that_is_lost_while_it_is_replaced_is_one_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", print, on_gap=gaps.append)

        async def slow(request: Request) -> Response:
            server.queues[0].put_nowait(None)
            await pass_time(1)
            return await server.answer(request)

        server.answering = slow
        await pass_time(260)
        assert (len(gaps), len(server.connects), len(server.tokens)) == (1, 2, 2)


def test_connections_that_end_after_one_event_are_opened_ever_more_rarely(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        async def one(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            server.connects.append(0.0)
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')
            await pass_time(0.01)
            yield ServerSentEvent("a", "1")

        await server.pb.realtime.subscribe("a", print)
        server.streaming = one
        server.crash()
        server.is_up = True
        await pass_time(600)
        assert 30 < len(server.connects) < 120


def test_delays_grow_even_if_each_attempt_takes_seconds_to_fail(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await server.pb.realtime.subscribe("a", print)
        server.failing = 6.0
        server.crash()
        await pass_time(1800)
        waits = [after - before - server.failing for before, after in pairwise(server.connects[1:])]
        assert max(waits[-20:]) > 15


@pytest.mark.parametrize(("timeout", "limit"), [(None, 60.0), (600.0, 60.0), (60.0, 60.0), (7.0, 7.0)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_hangs_times_out_after_a_minute_at_most(
    with_server: WithServer, method: str, timeout: float | None, limit: float
) -> None:
    """The limit holds for each timeout of the client, as no event may come meanwhile."""

    @with_server
    async def _(server: FakeServer) -> None:
        hangs = False

        async def hang(request: Request, call_next: Handler) -> Response:
            if hangs and request.method == method:
                async with asyncio.timeout(request.timeout):
                    await asyncio.Event().wait()
            return await call_next(request)

        got: list[object] = []
        transport = MockTransport(server.answer, server.events)
        server.pb = PocketBase("http://h", transport=transport, middleware=[hang], timeout=timeout)
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        hangs = True
        server.crash()
        server.is_up = True
        await pass_time(1)
        hangs = False
        await pass_time(limit - 2)
        assert not got
        await pass_time(2)
        server.emit('"again"')
        await pass_time(0.1)
        assert [type(each) for each in got] == [Gap, str]
