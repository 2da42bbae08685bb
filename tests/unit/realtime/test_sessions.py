"""Realtime in virtual time: sessions that end, and what follows with and without credentials."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    FileAuthStore,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
)
from pocketbase_core.auth.store import replace_refreshed

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, Received, WithServer, keep_busy, listen, sign_in
from ...helpers.virtual_server import longest_waits as longest_waits
from ...helpers.virtual_server import with_server as with_server


async def listen_for(server: FakeServer, lives: float, **claims: Any) -> Received:
    """Subscribe as a user whose token expires in so many seconds, and is not refreshed."""
    server.pb.auth_store.save(token(lives, refreshable=False, **claims), {"id": "u1"})
    return await listen(server)


def record_reasons(server: FakeServer) -> list[Exception | None]:
    reasons: list[Exception | None] = []
    server.pb.realtime.on_disconnect(reasons.append)
    return reasons


def test_the_end_of_a_token_is_noticed_at_its_time_and_reported_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 100)
        reasons = record_reasons(server)
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


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_wrong_by_hours_ends_no_session(
    with_server: WithServer, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)

        async def answer(request: Any) -> Any:
            monkeypatch.setattr(time, "time", right)
            response = await answering(request)
            monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(right()))
            return response.replace(headers={"Date": date})

        answering, server.answering = server.answering, answer
        server.use_credentials()
        heard = await listen(server)
        for _ in range(150):
            await pass_time(60)
            server.emit("1")
        assert (len(server.sign_ins), heard.errors, heard.gaps) == (1, [], [])
        assert len({*server.tokens}) == 3, "the token is refreshed after each hour"


def test_a_token_without_an_expiry_lasts(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_for(server, 0, exp=None)
        await keep_busy(server, 10_000)
        assert (heard.errors, heard.gaps, len({*server.tokens})) == ([], [], 1)


def test_tokens_of_ten_seconds_are_refreshed_on_one_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.lifetime = 10.0
        server.use_credentials()
        heard = await listen(server)
        reasons = record_reasons(server)
        await pass_time(200)
        server.emit("1")
        await pass_time(1)
        assert (heard.messages, heard.errors, heard.gaps, reasons) == ([1], [], [], [])
        assert len(server.sign_ins) == 1
        assert 30 < len({*server.tokens}) < 50


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_client_with_credentials_signs_in_again_by_itself(with_server: WithServer, end: str) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        heard = await listen(server)
        await pass_time(100)
        if end == "revoked":
            server.revoke()
            await pass_time(201)
        else:
            server.pb.auth_store.save(token(200, refreshable=False), {"id": "u1"})
            await pass_time(1)
            assert heard.gaps.pop() == pytest.approx(1e9 - 1, abs=0.1), "the sign-in of the application"
            await pass_time(200)
        server.emit("1")
        await pass_time(0.1)
        assert (heard.messages, len(server.sign_ins)) == ([1], 2)
        reported = [PocketBaseUnauthorizedError] if end == "revoked" else []
        assert [type(error) for error in heard.errors] == reported, "an expiry is nothing to report"
        (since,) = heard.gaps
        assert since == pytest.approx(1e9 + (0 if end == "revoked" else 100) - 1, abs=0.1)


def test_a_revocation_that_a_call_notices_first_is_reported_too(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials(verify_every=60.0)
        heard = await listen(server)
        await pass_time(30)
        server.revoke()
        await pass_time(29.9)
        await asyncio.gather(*(server.pb.files.get_token() for _ in range(3)), return_exceptions=True)
        await pass_time(1)
        assert [type(error) for error in heard.errors] == [PocketBaseUnauthorizedError]
        assert (len(server.sign_ins), len(heard.gaps)) == (2, 1)


def test_failed_sign_ins_are_reported_once_in_a_row_and_one_gap_covers_them(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        heard = await listen(server)
        revoked = server.revoke()
        server.sign_in_status = 400
        await pass_time(2000)
        assert [type(error) for error in heard.errors] == [PocketBaseUnauthorizedError, PocketBaseBadRequestError]
        with pytest.raises(PocketBaseBadRequestError):
            await server.pb.realtime.subscribe("b", print)
        assert 20 < len(server.sign_ins) < 80, "attempts go on, with pauses"
        server.sign_in_status = 500
        await pass_time(200)
        server.sign_in_status = 400
        await pass_time(200)
        assert [getattr(error, "status", None) for error in heard.errors[2:]] == [500, 400], "each other failure"
        assert heard.gaps == []
        server.sign_in_status = 200
        await pass_time(100)
        server.emit("1")
        await pass_time(1)
        assert heard.messages == [1]
        assert [since <= revoked for since in heard.gaps] == [True]
        server.revoke()
        server.sign_in_status = 400
        await pass_time(400)
        assert len(heard.errors) == 6, "after a success, the failure is another one"


def test_a_server_that_is_down_when_the_client_has_to_sign_in_is_reported_once(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.lifetime = 100.0
        server.use_credentials()
        heard = await listen(server)
        server.crash()
        await pass_time(90)
        assert heard.errors == [], "the session has not ended yet"
        await pass_time(1000)
        assert [type(error) for error in heard.errors] == [PocketBaseConnectionError]
        server.is_up = True
        await pass_time(31)
        server.emit("1")
        await pass_time(1)
        assert (heard.messages, len(heard.errors), len(heard.gaps)) == ([1], 1, 1)


@pytest.mark.parametrize("status", [400, 500])
def test_the_first_subscription_raises_the_error_of_the_sign_in(with_server: WithServer, status: int) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        server.sign_in_status = status
        heard = Received(server)
        with pytest.raises(Exception, match="Failed to authenticate") as caught:
            await server.pb.realtime.subscribe("a", print)
        assert getattr(caught.value, "status", None) == status
        assert heard.errors == [], "the caller has the error"
        assert server.connects == []


def test_tokens_that_are_all_refused_cause_no_storm_of_sign_ins(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        heard = await listen(server)
        server.check_status = 401
        await pass_time(1000)
        assert 2 < len(server.sign_ins) < 80
        server.check_status = 200
        await pass_time(60)
        server.emit("1")
        await pass_time(1)
        assert heard.messages == [1]


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


def test_closing_during_a_sign_in_ends_it(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        server.signing_in = 5.0
        joining = asyncio.create_task(listen(server))
        await pass_time(1)
        await server.pb.realtime.close()
        with pytest.raises(PocketBaseConnectionError, match="closed"):
            await joining
        joining = asyncio.create_task(listen(server))
        await pass_time(1)
        await server.pb.aclose()
        with pytest.raises(PocketBaseConnectionError, match="closed"):
            await joining


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


def test_a_token_that_another_process_has_refreshed_is_taken_over(with_server: WithServer, tmp_path: Path) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        server.pb.auth_store = FileAuthStore(tmp_path / "auth.json")
        heard = await listen(server)
        await pass_time(3000)
        other = FileAuthStore(tmp_path / "auth.json")
        replace_refreshed(other, other.token, token(4000, "of another process"), {"id": "u1"})
        await pass_time(1000)
        server.emit("1")
        await pass_time(0.1)
        assert (heard.messages, heard.errors, heard.gaps, len(server.sign_ins)) == ([1], [], [], 1)
        assert other.token in server.tokens


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


def test_the_client_decides_how_often_the_token_is_checked(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        for interval, checks in ((60.0, 11), (0.0, 601), (None, 3)):
            server.checks.clear()
            server.use_credentials(verify_every=interval)
            await listen(server)
            await pass_time(600.5)
            assert checks - 1 <= len(server.checks) <= checks + 3, interval
            await server.pb.aclose()
