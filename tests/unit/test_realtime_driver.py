"""Realtime in virtual time: days, outages, and who is told."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from itertools import pairwise

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.auth.store import replace_renewed
from pocketbase_core.middleware.auth import Auth
from pocketbase_core.realtime.inbox import Gap
from pocketbase_core.realtime.schedule import RealtimeSettings
from pocketbase_transports import MockTransport

from .test_auth import token
from .virtual import pass_time, run


class Server:
    """A server without a network, in virtual time, which ends connections at PocketBase's limits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_up = True
        self.closing = 0.0
        """Seconds that a connection takes to be closed."""
        self.connects: list[float] = []
        self.tokens: list[str] = []
        self.checks: list[str] = []
        """Tokens that the server was asked about."""
        self.revoked: set[str] = set()
        self.check_status = 200
        self.checking = self.submitting = 0.0
        """Seconds that these requests take."""
        self.statuses: list[int] = []
        """Statuses of the next submissions, in place of 204."""
        self.queues: list[asyncio.Queue[ServerSentEvent | None]] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(time, "time", lambda: 1e9 + loop.time())
        monkeypatch.setattr(Auth.__init__, "__kwdefaults__", {"clock": time.time})
        transport = MockTransport(self.answer, self.events)
        self.pb = PocketBase("http://h", transport=transport, middleware=[])

    async def answer(self, request: Request) -> Response:
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down")
        if request.url.endswith("auth-refresh"):
            return Response(200, json={"token": token(0, exp=time.time() + 3600), "record": {"id": "u1"}})
        token_sent = request.headers.get("Authorization", "")
        if request.url.endswith("/api/files/token"):
            self.checks.append(token_sent)
            if not self.check_status:
                raise PocketBaseConnectionError(request.url, message="reset")
            status = 401 if token_sent in self.revoked else self.check_status
            await asyncio.sleep(self.checking)
            return Response(status, json={"token": "file"}) if status == 200 else Response(status)
        self.tokens.append(token_sent)
        await asyncio.sleep(self.submitting)
        return Response(self.statuses.pop(0) if self.statuses else 204)

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        loop = asyncio.get_running_loop()
        self.connects.append(loop.time())
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down")
        queue: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue()
        self.queues.append(queue)
        ends = loop.time() + 1800
        try:
            yield ServerSentEvent("PB_CONNECT", json.dumps({"clientId": f"c{len(self.connects)}"}))
            while True:
                async with asyncio.timeout_at(min(ends, loop.time() + 300)):
                    event = await queue.get()
                if event is None:
                    raise PocketBaseConnectionError(request.url, message="reset")
                yield event
        except TimeoutError:
            return
        finally:
            self.queues.remove(queue)
            if self.closing:
                await asyncio.sleep(self.closing)

    def emit(self, data: str) -> None:
        for queue in self.queues:
            queue.put_nowait(ServerSentEvent("a", data))

    def crash(self) -> None:
        self.is_up = False
        for queue in self.queues:
            queue.put_nowait(None)


Scenario = Callable[[Server], Awaitable[None]]
WithServer = Callable[[Scenario], None]


@pytest.fixture
def with_server(monkeypatch: pytest.MonkeyPatch) -> WithServer:
    """Runs a coroutine function with a server, in virtual time; it may leave nothing but subscriptions."""

    def run_with_server(scenario: Scenario) -> None:
        async def main() -> None:
            server = Server(monkeypatch)
            await scenario(server)
            await server.pb.aclose()
            assert len(asyncio.all_tasks()) == 1

        run(main())

    return run_with_server


@pytest.mark.parametrize("pause", [7.0, 290.0, 4000.0])
def test_a_day_without_a_gap(with_server: WithServer, pause: float) -> None:
    @with_server
    async def _(server: Server) -> None:
        got: list[object] = []
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        sent = 0
        while asyncio.get_running_loop().time() < 24 * 3600:
            await pass_time(pause)
            server.emit(str(sent))
            sent += 1
        await pass_time(1)
        assert got == list(range(sent))
        assert 50 < len(server.connects) < 24 * 60 / 4 + 2


def test_a_network_that_is_gone_for_an_hour(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        gaps, reasons = list[Gap](), list[object]()
        server.pb.realtime.on_disconnect(reasons.append)
        await server.pb.realtime.subscribe("a", print, on_gap=gaps.append)
        await pass_time(100)
        server.crash()
        began = time.time()
        await pass_time(3600)
        waits = [after - before for before, after in pairwise(server.connects[1:])]
        assert max(waits) <= 30
        assert sum(waits[-10:]) > 10 * sum(waits[:3]) / 3, "they grow"
        assert 100 < len(waits) < 400
        assert not gaps
        server.is_up = True
        await pass_time(36)
        assert server.pb.realtime.is_connected
        (gap,) = gaps
        assert gap.topics == ("a",)
        assert gap.since.timestamp() == pytest.approx(began - 101, abs=0.1), "a second before it was last heard of"
        assert [str(reason) for reason in reasons] == ["reset [http://h/api/realtime]"]
        connects = len(server.connects)
        server.crash()
        server.is_up = True
        await pass_time(0.5)
        assert len(server.connects) == connects + 1, "after a success, the waits start over"


def test_connections_that_end_at_once_are_no_busy_loop(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        await server.pb.realtime.subscribe("a", print)

        async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            server.connects.append(0.0)
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')

        server.pb._transport = MockTransport(server.answer, ends)  # pyright: ignore[reportPrivateUsage]
        server.crash()
        server.is_up = True
        await pass_time(600)
        assert 30 < len(server.connects) < 120


@pytest.mark.parametrize(("lives", "waits"), [(4.5, [0.2, 0.4, 0.8, 1.6]), (5.5, [0.2] * 4)])
def test_a_connection_of_five_seconds_was_a_success(
    monkeypatch: pytest.MonkeyPatch, lives: float, waits: list[float]
) -> None:
    async def main() -> None:
        connects: list[float] = []

        async def ends(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            connects.append(asyncio.get_running_loop().time())
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')
            await pass_time(lives)

        monkeypatch.setattr(random, "random", lambda: 1.0)
        pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(204), ends), middleware=[])
        await pb.realtime.subscribe("a", print)
        await pass_time(40)
        assert [after - before - lives for before, after in pairwise(connects)][:4] == pytest.approx(waits)
        await pb.aclose()

    run(main())


def test_a_token_is_renewed_while_nothing_else_is_sent(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", str, on_gap=gaps.append)
        while asyncio.get_running_loop().time() < 24 * 3600:
            await pass_time(60)
            server.emit("1")
            assert server.pb.auth_store.is_valid
        assert 20 < len(set(server.tokens)) < 30
        assert not gaps


def test_another_user_gets_another_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        await server.pb.realtime.subscribe("a", print)
        end = time.time() + 3600
        own, renewed = token(0, exp=end), token(0, "renewed", exp=end)
        other, namesake = token(0, exp=end, id="u2"), token(0, exp=end, id="u2", collectionId="c2")
        anew = token(0, "anew", exp=end)
        keep = server.pb.auth_store.save
        refresh = partial(replace_renewed, server.pb.auth_store, own)
        for change, value, connects in (
            (keep, own, 1),
            (refresh, renewed, 1),
            (keep, anew, 2),
            (keep, other, 3),
            (keep, namesake, 4),
        ):
            change(value, {"id": "u"})
            await pass_time(1)
            assert (server.tokens[-1], len(server.connects)) == (value, connects)


def test_an_expired_token_makes_a_guest(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        errors: list[BaseException] = []
        server.pb.realtime.on_error(lambda error, _: errors.append(error))
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        await server.pb.realtime.subscribe("a", print)
        assert not errors
        server.pb.auth_store.save(token(0, exp=time.time() - 1), {"id": "u1"})
        await pass_time(1)
        assert [type(error) for error in errors] == [PocketBaseUnauthorizedError]


def test_leaving_the_loop_without_closing_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave() -> PocketBase:
        server = Server(monkeypatch)
        server.pb.realtime.on_disconnect(reasons.append)
        await server.pb.realtime.subscribe("a", print)
        return server.pb

    async def again(pb: PocketBase) -> None:
        await pb.realtime.subscribe("b", print)
        assert pb.realtime.is_connected
        await pb.aclose()

    reasons: list[object] = []
    with pytest.warns(ResourceWarning, match="not closed"):
        pb = run(leave())
    assert reasons == []
    run(again(pb))
    assert reasons == [None]


def test_an_end_that_is_overdue_is_a_dead_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        server.pb.realtime.settings = RealtimeSettings(idle_limit=100, lifetime=1800)  # its server waits longer
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


def test_a_stream_that_says_nothing_at_all() -> None:
    async def main() -> None:
        pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(204)), middleware=[])
        with pytest.raises(PocketBaseConnectionError, match="the server ended the stream"):
            await pb.realtime.subscribe("a", print)
        await pb.aclose()

    run(main())


def test_a_connection_that_stays_silent_is_given_up() -> None:
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


def test_two_tasks_cannot_wait_for_the_same_events(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        async with server.pb.realtime.events("a") as events:
            first = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="only one task"):
                await anext(events)
            server.emit("1")
            assert await first == 1


def test_an_event_while_a_lost_connection_is_closed_comes_before_the_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
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


def test_a_connection_lost_while_it_is_replaced_is_one_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", print, on_gap=gaps.append)

        async def slow(request: Request) -> Response:
            server.queues[0].put_nowait(None)
            await asyncio.sleep(1)
            return await server.answer(request)

        server.pb._transport = MockTransport(slow, server.events)  # pyright: ignore[reportPrivateUsage]
        await pass_time(260)
        assert (len(gaps), len(server.connects), len(server.tokens)) == (1, 2, 2)


def test_a_refusal_is_for_those_that_were_asked_for(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        go_on = asyncio.Event()

        async def refuse(request: Request) -> Response:
            if "bad" in request.body["subscriptions"]:
                await go_on.wait()
                return Response(400, json={"message": "No such topic."})
            return Response(204)

        server.pb._transport = MockTransport(refuse, server.events)  # pyright: ignore[reportPrivateUsage]
        told: list[object] = []
        server.pb.realtime.on_disconnect(told.append)
        unsubscribe = await server.pb.realtime.subscribe("a", print)
        bad = asyncio.ensure_future(server.pb.realtime.subscribe("bad", print))
        await pass_time(1)
        good = asyncio.ensure_future(server.pb.realtime.subscribe("good", print))
        await pass_time(1)
        go_on.set()
        with pytest.raises(PocketBaseBadRequestError, match="No such topic"):
            await bad
        await good
        go_on.clear()
        bad = asyncio.ensure_future(server.pb.realtime.subscribe("bad", print))
        await pass_time(1)
        await unsubscribe()
        await (await good)()
        go_on.set()
        with pytest.raises(PocketBaseBadRequestError):
            await bad
        await pass_time(1)
        assert told == [None], "nobody is left"


def test_a_refused_connection_is_for_those_that_were_asked_for(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        refusing = False

        async def refuse(request: Request) -> Response:
            if refusing and "bad" in request.body["subscriptions"]:
                await asyncio.sleep(1)
                return Response(400, json={"message": "No such topic."})
            return Response(204)

        server.pb._transport = MockTransport(refuse, server.events)  # pyright: ignore[reportPrivateUsage]
        await server.pb.realtime.subscribe("a", print)
        refusing = True
        server.queues[0].put_nowait(None)
        bad = asyncio.ensure_future(server.pb.realtime.subscribe("bad", print))
        while len(server.connects) < 2:
            await pass_time(0.01)
        await pass_time(0.5)
        good = asyncio.ensure_future(server.pb.realtime.subscribe("good", print))
        with pytest.raises(PocketBaseBadRequestError, match="No such topic"):
            await bad
        await good
