"""Realtime in virtual time: a client that signs in by itself."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import (
    FileAuthStore,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
)
from pocketbase_core.auth.store import replace_refreshed

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, Received, WithServer, listen
from ...helpers.virtual_server import with_server as with_server


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_wrong_by_hours_ends_no_session(
    with_server: WithServer, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)

        async def answer(request: Any) -> Any:
            response = await answering(request)
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


def test_tokens_of_ten_seconds_are_refreshed_on_one_connection(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.lifetime = 10.0
        server.use_credentials()
        heard = await listen(server)
        reasons: list[Exception | None] = []
        server.pb.realtime.on_disconnect(reasons.append)
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
        server.signing_in = 0.1
        heard = await listen(server)
        server.check_status = 401
        await pass_time(1000)
        assert 2 < len(server.sign_ins) < 80
        server.check_status = 200
        await pass_time(60)
        server.emit("1")
        await pass_time(1)
        assert heard.messages == [1]


def test_a_refused_sign_in_after_a_sign_out_is_reported(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.use_credentials()
        heard = await listen(server)
        server.sign_in_status = 400
        server.pb.auth_store.clear()
        await pass_time(100)
        assert [type(error) for error in heard.errors] == [PocketBaseBadRequestError]
        assert "" not in server.tokens, "no guest's connection"


@pytest.mark.parametrize("has_credentials", [False, True])
def test_a_revocation_that_was_noticed_on_another_loop_is_checked_and_reported_once(
    with_server: WithServer, has_credentials: bool
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        if has_credentials:
            server.use_credentials()
        heard = await listen(server, "" if has_credentials else "first")
        await pass_time(10)
        revoked = server.pb.auth_store.token
        server.revoke()
        server.signing_in = 1.0
        server.pb.realtime.note_revoked(revoked)  # before the result is noted for this loop
        await pass_time(0.5)
        server.pb.realtime.note_revoked(revoked)
        await pass_time(2)
        assert [type(error) for error in heard.errors] == [
            PocketBaseUnauthorizedError if has_credentials else PocketBaseSessionExpiredError
        ]
        assert len(server.sign_ins) == 2 * has_credentials


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
