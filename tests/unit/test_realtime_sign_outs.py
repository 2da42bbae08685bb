"""Realtime in virtual time: what is delivered, and submitted, when the user changes."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pocketbase_core import AuthStore, Gap, PocketBaseForbiddenError, Request, ServerSentEvent
from pocketbase_core.auth.store import replace_renewed
from pocketbase_transports import MockTransport

from .test_auth import token
from .test_realtime_driver import Server, WithServer
from .test_realtime_driver import with_server as with_server
from .test_realtime_users import keep_busy, listen, sign_in
from .virtual import pass_time


@pytest.mark.parametrize("way", ["clear", "switch"])
def test_nothing_of_a_user_is_delivered_after_the_sign_out(with_server: WithServer, way: str) -> None:
    @with_server
    async def _(server: Server) -> None:
        def fail(*arguments: object) -> None:
            raise asyncio.CancelledError

        go_on = asyncio.Event()
        slow: list[object] = []

        async def slowly(message: object) -> None:
            slow.append(message)
            await go_on.wait()

        server.pb.auth_store.on_change(fail)  # before realtime's own
        sign_in(server, "first")
        heard = await listen(server)
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", slowly, on_gap=gaps.append)
        await pass_time(10)
        for number in range(3):
            server.emit(str(number))
        await pass_time(200)
        queued = time.time() - 200
        server.emit('"in the same turn of the loop"')
        if way == "clear":
            server.pb.auth_store.clear()
        else:
            sign_in(server, "second", id="u2")
        server.emit('"later"')
        await pass_time(0.001)
        server.emit('"on the next connection"')
        go_on.set()
        await pass_time(1)
        assert heard.messages == [0, 1, 2, "on the next connection"]
        assert slow == [0, "on the next connection"]
        assert gaps[0].since.timestamp() <= queued
        assert len(server.connects) == 2


def test_a_store_that_tells_nobody_of_a_sign_out(with_server: WithServer) -> None:
    class Silent(AuthStore):
        def clear(self) -> None:
            self._token = ""

    @with_server
    async def _(server: Server) -> None:
        server.pb = server.pb.with_auth_store(Silent())
        sign_in(server, "first")
        heard = await listen(server)
        server.emit('"before"')
        await pass_time(1)
        server.pb.auth_store.clear()
        server.emit('"after"')
        await pass_time(1)
        assert heard.messages == ["before"]
        await pass_time(300)
        assert len(server.connects) == 2
        assert len(heard.gaps) == 1


def test_a_sign_out_while_the_connection_is_made(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        server.submitting = 5.0
        connects: list[object] = []
        server.pb.realtime.on_connect(lambda: connects.append(server.pb.realtime.client_id))
        sign_in(server, "first")
        joining = asyncio.create_task(listen(server))
        await pass_time(2)
        server.pb.auth_store.clear()
        heard = await joining
        await pass_time(20)
        assert server.tokens[-1] == ""
        assert connects == ["c2"]
        assert not heard.errors


def test_another_user_during_a_refused_submission_blames_no_topic(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        sign_in(server, "first")
        server.submitting, server.statuses = 1.0, [403]
        joining = asyncio.create_task(listen(server))
        await pass_time(0.5)
        sign_in(server, "second", id="u2")
        await joining
        assert server.tokens[-1] == server.pb.auth_store.token
        server.statuses = [400, 204, 403]
        others = [asyncio.create_task(server.pb.realtime.subscribe(topic, print)) for topic in "bc"]
        await pass_time(2.5)
        sign_in(server, "third", id="u3")
        await asyncio.gather(*others)


def test_a_connection_whose_other_topics_are_refused_too_is_replaced(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        heard = await listen(server)
        server.statuses = [403, 403, 403, 403]
        with pytest.raises(PocketBaseForbiddenError):
            await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        assert len(server.connects) == 3
        assert len(heard.gaps) == 1
        assert server.pb.realtime.is_connected


def test_a_renewed_token_is_submitted_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        heard = await listen(server)
        await keep_busy(server, 3 * 3600)
        rotations = len(server.connects) - 1
        renewals = len(set(server.tokens)) - 1
        assert renewals == 3
        assert len(server.tokens) == 1 + rotations + renewals
        assert not heard.gaps


def test_a_renewal_that_cannot_be_saved_is_no_other_sign_in(with_server: WithServer) -> None:
    class Full(AuthStore):
        is_full = False

        def save(self, token: str, record: Any = None) -> None:
            if self.is_full:
                raise OSError("disk full")
            super().save(token, record)

    @with_server
    async def _(server: Server) -> None:
        server.pb = server.pb.with_auth_store(store := Full())
        sign_in(server, "first")
        heard = await listen(server)
        replace_renewed(store, store.token, token(0, "second", exp=time.time() + 10**6), {})
        store.is_full = True
        with pytest.raises(OSError, match="full"):
            replace_renewed(store, store.token, "another", {})
        await pass_time(1)
        assert not heard.gaps
        assert len(server.connects) == 1


def test_a_server_that_ends_after_each_event_is_no_busy_loop(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        async def one(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
            server.connects.append(0.0)
            yield ServerSentEvent("PB_CONNECT", '{"clientId": "short"}')
            await pass_time(0.01)
            yield ServerSentEvent("a", "1")

        await server.pb.realtime.subscribe("a", print)
        server.pb._transport = MockTransport(server.answer, one)  # pyright: ignore[reportPrivateUsage]
        server.crash()
        server.is_up = True
        await pass_time(600)
        assert 30 < len(server.connects) < 120


def test_a_store_that_is_changed_on_another_thread(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        sign_in(server, "first")
        await listen(server)
        thread = threading.Thread(target=server.pb.auth_store.clear)
        thread.start()
        thread.join()
        await pass_time(1)
        assert len(server.connects) == 2
        assert server.tokens[-1] == ""


def test_a_store_that_is_changed_when_the_loop_is_closed(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        await listen(server)
        owner = vars(server.pb.realtime)["_driver"].owner
        loop, owner.loop = owner.loop, asyncio.new_event_loop()
        owner.loop.close()
        sign_in(server, "first")
        owner.loop = loop
        await pass_time(1)
        assert server.tokens == [""]


def test_what_a_guest_did_not_get_is_a_gap_for_the_user_who_signs_in_again(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        sign_in(server, "first")
        heard = await listen(server)
        server.pb.auth_store.clear()
        await pass_time(10)
        assert len(heard.gaps) == 1, "for the connection of the user"
        signed_out = time.time() - 10
        await pass_time(100)
        sign_in(server, "second")
        await pass_time(10)
        assert len(heard.gaps) == 2
        assert heard.gaps[1] == pytest.approx(signed_out - 1, abs=0.5)
        server.pb.auth_store.clear()
        await pass_time(10)
        assert len(heard.gaps) == 3


def test_a_guest_who_signs_in_for_the_first_time_has_missed_nothing(with_server: WithServer) -> None:
    @with_server
    async def _(server: Server) -> None:
        heard = await listen(server)
        await pass_time(100)
        sign_in(server, "first")
        await pass_time(10)
        assert not heard.gaps
