"""Realtime in virtual time: replacements, tokens, refusals."""

import asyncio
import time
from functools import partial

import pytest

from pocketbase_core import Gap, PocketBase, PocketBaseBadRequestError, PocketBaseSessionExpiredError, Request, Response
from pocketbase_core.auth.store import replace_refreshed
from pocketbase_core.middleware import Retry
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time, run
from ...helpers.virtual_server import FakeServer, WithServer, sign_in
from ...helpers.virtual_server import longest_waits as longest_waits
from ...helpers.virtual_server import with_server as with_server


@pytest.mark.parametrize("pause", [7.0, 290.0, 4000.0])
def test_a_day_of_replacements_has_no_gap(with_server: WithServer, pause: float) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        got: list[object] = []
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        sent = 0
        while asyncio.get_running_loop().time() < 24 * 3600:
            await pass_time(pause)
            server.emit(str(sent))
            sent += 1
        await pass_time(1)
        assert got == list(range(sent))
        assert 50 < len(server.connects) < 24 * 60 / 4 + 2, "at most one each four minutes"


def test_the_connect_event_comes_with_each_replacement_and_without_a_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        connects: list[object] = []
        others: list[object] = []
        server.pb.realtime.on_connect(lambda: others.append("on_connect"))
        server.pb.realtime.on_disconnect(others.append)
        await server.pb.realtime.subscribe("a", print, on_gap=others.append)
        await server.pb.realtime.subscribe("PB_CONNECT", connects.append, on_gap=others.append)
        await pass_time(4 * 240 + 1)
        assert connects == [{"clientId": f"c{number}"} for number in range(2, 6)]
        assert server.pb.realtime.client_id == "c5"
        assert others == ["on_connect"], "for the first connection"


def test_a_token_is_refreshed_in_time_if_no_other_request_is_sent(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", str, on_gap=gaps.append)
        while asyncio.get_running_loop().time() < 24 * 3600:
            await pass_time(60)
            server.emit("1")
            assert server.pb.auth_store.is_valid
        assert 20 < len(set(server.tokens)) < 30, "about one an hour"
        assert not gaps


def test_another_sign_in_gets_another_connection_and_a_refreshed_token_does_not(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await server.pb.realtime.subscribe("a", print)
        end = time.time() + 3600
        own, refreshed = token(0, exp=end), token(0, "refreshed", exp=end)
        other, namesake = token(0, exp=end, id="u2"), token(0, exp=end, id="u2", collectionId="c2")
        anew = token(0, "anew", exp=end)
        save = server.pb.auth_store.save
        refresh = partial(replace_refreshed, server.pb.auth_store, own)
        for change, value, connects in (
            (save, own, 1),
            (refresh, refreshed, 1),
            (save, anew, 2),
            (save, other, 3),
            (save, namesake, 4),
        ):
            change(value, {"id": "u"})
            await pass_time(1)
            assert (server.tokens[-1], len(server.connects)) == (value, connects)
        server.pb.auth_store.clear()
        await pass_time(1)
        assert (server.tokens[-1], len(server.connects)) == ("", 5)


def test_an_expired_token_is_reported_once_and_never_submitted(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        errors: list[BaseException] = []
        server.pb.realtime.on_error(lambda error, _: errors.append(error))
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        await server.pb.realtime.subscribe("a", print)
        assert not errors
        server.pb.auth_store.save(token(0, exp=time.time() - 1), {"id": "u1"})
        await pass_time(1000)
        assert (len(server.connects), len(server.tokens)) == (1, 1)
        assert [type(error) for error in errors] == [PocketBaseSessionExpiredError]


def test_a_loop_that_ends_before_realtime_is_closed_causes_a_resource_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave() -> PocketBase:
        server = FakeServer(monkeypatch)
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


def test_a_second_task_that_iterates_over_the_same_events_gets_an_error(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        async with server.pb.realtime.events("a") as events:
            first = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="only one task"):
                await anext(events)
            server.emit("1")
            assert await first == 1


def test_a_refused_submission_ends_only_the_subscriptions_whose_topics_it_had(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        go_on = asyncio.Event()

        async def refuse(request: Request) -> Response:
            if "bad" in request.body["subscriptions"]:
                await go_on.wait()
                return Response(400, json={"message": "No such topic."})
            return Response(204)

        server.answering = refuse
        reasons: list[object] = []
        server.pb.realtime.on_disconnect(reasons.append)
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
        assert reasons == [None], "the last subscription has ended"


def test_a_refused_submission_on_a_new_connection_spares_later_subscriptions(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        refusing = False

        async def refuse(request: Request) -> Response:
            if refusing and "bad" in request.body["subscriptions"]:
                await pass_time(1)
                return Response(400, json={"message": "No such topic."})
            return Response(204)

        server.answering = refuse
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


def test_realtime_repeats_its_requests_itself_and_retry_does_not(with_server: WithServer, longest_waits: None) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        transport = MockTransport(server.answer, server.events)
        server.pb = PocketBase("http://h", transport=transport, middleware=[Retry(backoff=0)])
        sign_in(server, "first")
        await server.pb.realtime.subscribe("a", print)
        server.statuses = [429, 429]
        joining = asyncio.create_task(server.pb.realtime.subscribe("b", print))
        await pass_time(0.1)
        assert len(server.tokens) == 2
        await joining
        assert (len(server.tokens), len(server.connects)) == (4, 1)
