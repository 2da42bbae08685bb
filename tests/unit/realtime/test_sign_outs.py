"""Realtime in virtual time: deliveries, submissions and gaps when the user changes."""

import asyncio
import threading
import time
from typing import Any

import pytest

from pocketbase_core import AuthStore, Gap, PocketBaseForbiddenError
from pocketbase_core.auth.store import replace_refreshed
from pocketbase_core.realtime.current_manager import CurrentManager

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, WithServer, keep_busy, listen, sign_in
from ...helpers.virtual_server import with_server as with_server


@pytest.mark.parametrize("way", ["clear", "switch"])
def test_no_event_of_a_user_is_delivered_after_the_sign_out(with_server: WithServer, way: str) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        def fail(*arguments: object) -> None:
            raise asyncio.CancelledError

        go_on = asyncio.Event()
        slow: list[object] = []

        async def slowly(message: object) -> None:
            slow.append(message)
            await go_on.wait()

        server.pb.auth_store.on_change(fail)  # called before realtime's own callback
        heard = await listen(server, "first")
        gaps: list[Gap] = []
        await server.pb.realtime.subscribe("a", slowly, on_gap=gaps.append)
        await pass_time(10)
        for number in range(3):
            server.emit(str(number))
        queued = time.time()
        await pass_time(100)
        await server.pb.realtime.subscribe("b", print)  # with a check, which finds the token accepted later than that
        await pass_time(100)
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


def test_a_sign_out_counts_even_if_the_store_calls_no_callback(with_server: WithServer) -> None:
    class SilentAuthStore(AuthStore):
        def clear(self) -> None:
            self._token = ""

    @with_server
    async def _(server: FakeServer) -> None:
        server.pb = server.pb.with_auth_store(SilentAuthStore())
        heard = await listen(server, "first")
        server.emit('"before"')
        await pass_time(1)
        server.pb.auth_store.clear()
        server.emit('"after"')
        await pass_time(1)
        assert heard.messages == ["before"]
        await pass_time(60)
        assert len(server.connects) == 2
        assert len(heard.gaps) == 1


def test_a_sign_out_during_the_first_submission_leads_to_a_guests_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
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


def test_a_submission_that_is_refused_because_the_user_has_changed_rejects_no_topic(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
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


def test_a_connection_on_which_the_confirmed_topics_are_refused_too_is_lost(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server)
        server.statuses = [403, 403, 403, 403]
        with pytest.raises(PocketBaseForbiddenError):
            await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        assert len(server.connects) == 3
        assert len(heard.gaps) == 1
        assert server.pb.realtime.is_connected


def test_a_refreshed_token_is_submitted_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.auth_store.save(token(0, exp=time.time() + 3600), {"id": "u1"})
        heard = await listen(server)
        await keep_busy(server, 3 * 3600)
        replacements = len(server.connects) - 1
        refreshes = len(set(server.tokens)) - 1
        assert refreshes == 3
        assert len(server.tokens) == 1 + replacements + refreshes
        assert not heard.gaps


def test_a_refreshed_token_that_cannot_be_saved_does_not_count_as_another_sign_in(with_server: WithServer) -> None:
    class FullAuthStore(AuthStore):
        is_full = False

        def save(self, token: str, record: Any = None) -> None:
            if self.is_full:
                raise OSError("disk full")
            super().save(token, record)

    @with_server
    async def _(server: FakeServer) -> None:
        server.pb = server.pb.with_auth_store(store := FullAuthStore())
        heard = await listen(server, "first")
        replace_refreshed(store, store.token, token(0, "second", exp=time.time() + 10**6), {})
        store.is_full = True
        with pytest.raises(OSError, match="full"):
            replace_refreshed(store, store.token, "another", {})
        await pass_time(1)
        assert not heard.gaps
        assert len(server.connects) == 1


def test_a_sign_out_on_another_thread_leads_to_a_guests_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await listen(server, "first")
        thread = threading.Thread(target=server.pb.auth_store.clear)
        thread.start()
        thread.join()
        await pass_time(1)
        assert len(server.connects) == 2
        assert server.tokens[-1] == ""


def test_a_change_of_the_store_after_the_loop_was_closed_is_ignored(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await listen(server)
        current: CurrentManager = vars(server.pb.realtime)["_manager"]
        owner = vars(current)["_manager"].owner
        loop, owner.loop = owner.loop, asyncio.new_event_loop()
        owner.loop.close()
        sign_in(server, "first")
        owner.loop = loop
        await pass_time(1)
        assert server.tokens == [""]


@pytest.mark.parametrize("is_away", [False, True])
def test_a_user_who_signs_in_again_gets_a_gap_since_the_sign_out(with_server: WithServer, is_away: bool) -> None:
    """The gap begins at the sign-out, even if no connection was open then."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        await pass_time(10)
        if is_away:
            server.crash()
            await pass_time(20)
        for signs_out in (1, 2):
            server.pb.auth_store.clear()
            signed_out = time.time()
            await pass_time(50)
            server.is_up = True
            await keep_busy(server, 500)
            assert len(heard.gaps) == 2 * signs_out - 1, "one for the events that the guest may have missed"
            sign_in(server, f"again {signs_out}")
            await pass_time(1)
            assert len(heard.gaps) == 2 * signs_out
            assert signed_out - 2 < heard.gaps[-1] <= signed_out


def test_a_guest_who_signs_in_gets_a_gap_since_the_subscription(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server)
        subscribed = time.time()
        await keep_busy(server, 500)
        sign_in(server, "first")
        await pass_time(1)
        assert heard.gaps == [pytest.approx(subscribed - 1, abs=0.1)]


def test_a_guest_who_signs_in_during_a_submission_gets_the_gap_after_the_next_one(with_server: WithServer) -> None:
    """A subscription that the guest's submission has confirmed gets the gap too."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server)
        server.submitting = 2.0
        gaps: list[Gap] = []
        joining = asyncio.create_task(server.pb.realtime.subscribe("b", print, on_gap=gaps.append))
        await pass_time(1)
        sign_in(server, "first")
        await pass_time(2)
        assert joining.done()
        assert (heard.gaps, gaps) == ([], [])
        await pass_time(2)
        assert (len(heard.gaps), len(gaps), len(server.connects)) == (1, 1, 1)


def test_a_guest_who_signs_in_while_a_connection_is_opened_gets_the_gap_first(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        got: list[object] = []
        await server.pb.realtime.subscribe("a", got.append, on_gap=got.append)
        server.submitting = 2.0
        server.crash()
        server.is_up = True
        await pass_time(1)
        sign_in(server, "first")
        server.emit('"for the guest"')
        await pass_time(2)
        assert got == []
        await pass_time(2)
        server.emit('"for the user"')
        await pass_time(0.1)
        assert [type(each) for each in got] == [Gap, str]
        assert got[1] == "for the user"


def test_a_gap_begins_at_a_revocation_that_was_not_noticed_before_an_outage(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        await keep_busy(server, 200)
        revoked = server.revoke()
        await keep_busy(server, 60)
        server.crash()
        await pass_time(10)
        sign_in(server, "second")
        server.is_up = True
        await pass_time(60)
        assert len(heard.gaps) == 1
        assert heard.gaps[0] <= revoked


@pytest.mark.parametrize("during", ["a submission", "a replacement"])
def test_a_sign_out_during_a_submission_is_one_gap(with_server: WithServer, during: str) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        server.submitting = 2.0
        joining = asyncio.create_task(server.pb.realtime.subscribe("b", print))
        await pass_time(1 if during == "a submission" else 241)
        server.pb.auth_store.clear()
        await pass_time(10)
        assert server.tokens[-2:] == [server.tokens[0], ""]
        assert len(heard.gaps) == 1
        await joining
