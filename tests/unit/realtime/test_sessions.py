"""Realtime in virtual time: sessions that end, without credentials."""

import time
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    FileAuthStore,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
)

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, Received, WithServer, keep_busy, listen, sign_in
from ...helpers.virtual_server import longest_waits as longest_waits
from ...helpers.virtual_server import with_server as with_server


async def listen_for(server: FakeServer, lives: float, **claims: Any) -> Received:
    """Subscribe as a user whose token expires in so many seconds, and is not refreshed."""
    server.pb.auth_store.save(token(lives, refreshable=False, **claims), {"id": "u1"})
    return await listen(server)


def test_the_end_of_a_token_is_noticed_at_its_time_and_reported_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)
        reasons: list[Exception | None] = []
        server.pb.realtime.on_disconnect(reasons.append)
        await pass_time(99)
        server.emit("1")
        await pass_time(0.9)
        assert (server.pb.realtime.is_connected, heard.errors) == (True, [])
        await pass_time(0.2)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]
        assert [type(reason) for reason in reasons] == [PocketBaseSessionExpiredError]
        assert not server.queues, "the connection is still open"
        await pass_time(5000)
        assert (len(server.connects), len(server.checks), len(server.tokens)) == (1, 1, 1), "nothing more is sent"
        assert (heard.messages, len(heard.errors), heard.gaps) == ([1], 1, [])


def test_a_sign_in_after_the_end_of_a_token_brings_the_subscriptions_back_with_a_gap(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 400)
        await pass_time(1000)
        sign_in(server, "second")
        await pass_time(0.1)
        server.emit("2")
        await pass_time(0.1)
        assert (heard.messages, len(heard.errors)) == ([2], 1)
        assert heard.gaps == [pytest.approx(1e9 + 240 - 1, abs=0.1)], "it begins at the last check, after a replacement"
        assert server.tokens[-1] == server.pb.auth_store.token


def test_a_sign_out_after_the_end_of_a_token_leads_to_a_guests_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)
        await pass_time(200)
        server.pb.auth_store.clear()
        await pass_time(0.1)
        assert server.tokens[-1] == ""
        assert (len(heard.errors), len(heard.gaps), server.pb.realtime.is_connected) == (1, 1, True)


def test_the_first_subscription_with_an_unusable_token_raises_and_sends_no_topic(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = Received(server)
        server.pb.auth_store.save(token(-1), {"id": "u1"})
        with pytest.raises(PocketBaseSessionExpiredError):
            await server.pb.realtime.subscribe("a", print)
        assert server.connects == []
        sign_in(server, "revoked")
        server.revoke()
        for connects in (1, 1):  # the second time, the token is known to be revoked
            with pytest.raises(PocketBaseSessionExpiredError):
                await server.pb.realtime.subscribe("a", print)
            assert (len(server.connects), len(server.checks)) == (connects, 1)
        assert (server.tokens, heard.errors) == ([], []), "the caller has the error"


def test_a_new_subscription_after_the_end_gets_the_error_at_once_and_the_others_stay(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)
        await pass_time(200)
        began = time.time()
        for topic in ("b", "a"):
            with pytest.raises(PocketBaseSessionExpiredError):
                await server.pb.realtime.subscribe(topic, print)
        assert time.time() == began
        assert (len(heard.errors), len(server.connects)) == (1, 1)
        sign_in(server, "second")
        await pass_time(1)
        server.emit("1")
        await pass_time(1)
        assert heard.messages == [1]


def test_a_token_whose_check_another_call_made_is_reported_at_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        await pass_time(100)
        server.revoke()
        with pytest.raises(PocketBaseUnauthorizedError):
            await server.pb.files.get_token()
        vars(server.pb)["_user"]._tokens._schedule._accepted_at.clear()  # as after five minutes
        with pytest.raises(PocketBaseUnauthorizedError):
            await server.pb.send("/api/x")
        await pass_time(0.1)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]
        assert not server.queues


def test_a_machine_that_slept_notices_within_a_minute_that_the_token_has_expired(
    with_server: WithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the event loop stands still while a machine sleeps."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 5000)
        await pass_time(10)
        wall = time.time
        monkeypatch.setattr(time, "time", lambda: wall() + 5000)
        await pass_time(61)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]


def test_a_machine_that_slept_refreshes_the_token_in_time(
    with_server: WithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.auth_store.save(token(3600), {"id": "u1"})
        heard = await listen(server)
        await pass_time(10)
        wall = time.time
        monkeypatch.setattr(time, "time", lambda: wall() + 3500)
        await pass_time(61)
        assert len({*server.tokens}) == 2, "the refreshed token was not submitted"
        assert not heard.errors


def test_a_token_without_an_expiry_lasts(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 0, exp=None)
        await keep_busy(server, 10_000)
        assert (heard.errors, heard.gaps, len({*server.tokens})) == ([], [], 1)


def test_a_sign_in_right_after_a_short_session_is_not_delayed(with_server: WithServer, longest_waits: None) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 3)
        await pass_time(3.01)
        assert len(heard.errors) == 1
        sign_in(server, "second")
        await pass_time(0.01)
        assert server.pb.realtime.is_connected


def test_a_submission_during_a_check_is_followed_by_another_check(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        await pass_time(10)
        server.checking = 5.0
        await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        server.revoke()
        await server.pb.realtime.subscribe("c", print)
        await pass_time(10)
        assert len(heard.errors) == 1


@pytest.mark.parametrize("way", ["function", "coroutine"])
def test_a_callback_of_on_error_can_sign_in(with_server: WithServer, way: str) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)

        def anew(error: BaseException, topic: str | None) -> None:
            sign_in(server, "anew")

        async def anew_later(error: BaseException, topic: str | None) -> None:
            await server.pb.collection("users").auth.with_password("u1@example.com", "password")
            await server.pb.realtime.subscribe("b", print)

        server.pb.realtime.on_error(anew if way == "function" else anew_later)
        await pass_time(101)
        server.emit("1")
        await pass_time(1)
        assert (heard.messages, len(heard.errors), len(heard.gaps)) == ([1], 1, 1)


def test_another_store_ends_the_wait_for_a_sign_in(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)
        await pass_time(200)
        other = AuthStore()
        other.save(token(10**6, "other"), {"id": "u1"})
        server.pb.auth_store = other
        await pass_time(0.1)
        server.emit("1")
        await pass_time(0.1)
        assert (heard.messages, len(heard.errors), len(heard.gaps)) == ([1], 1, 1)
        server.revoke()
        await pass_time(301)
        assert len(heard.errors) == 2, "the tokens of the other store are checked too"


def test_a_store_that_cannot_be_read_is_no_other_error_than_the_end_of_the_session(
    with_server: WithServer, tmp_path: Path
) -> None:
    class BrokenAuthStore(FileAuthStore):
        def _reload_shared(self) -> None:
            raise OSError("no such disk")

    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.auth_store = BrokenAuthStore(tmp_path / "auth.json")
        heard = await listen_for(server, 100)
        await pass_time(500)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]


def test_the_sign_in_of_another_process_is_found(with_server: WithServer, tmp_path: Path) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.pb.auth_store = FileAuthStore(tmp_path / "auth.json")
        heard = await listen_for(server, 100)
        await pass_time(200)
        assert (len(heard.errors), len(server.connects)) == (1, 1)
        FileAuthStore(tmp_path / "auth.json").save(token(10**6, "of another process"), {"id": "u1"})
        await pass_time(31)
        server.emit("1")
        await pass_time(0.1)
        assert (heard.messages, len(heard.errors), len(heard.gaps)) == ([1], 1, 1)
