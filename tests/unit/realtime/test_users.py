"""Realtime in virtual time: revoked tokens and how they are noticed."""

import asyncio

import pytest

from pocketbase_core import PocketBaseSessionExpiredError

from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, Received, WithServer, keep_busy, listen, sign_in
from ...helpers.virtual_server import longest_waits as longest_waits
from ...helpers.virtual_server import with_server as with_server


async def listen_and_revoke(server: FakeServer) -> Received:
    """Subscribe as a user, and revoke the token 100 s later."""
    heard = await listen(server, "first")
    await pass_time(100)
    server.emit("1")
    await pass_time(1)
    server.revoke()
    return heard


def test_a_revoked_token_is_reported_once_within_five_minutes(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        await keep_busy(server, 1000)
        assert (len(server.connects), len(server.checks)) == (1, 4)
        revoked = server.revoke()
        await keep_busy(server, 301)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]
        assert not server.pb.realtime.is_connected
        await keep_busy(server, 1200)
        assert (len(server.connects), len(server.checks)) == (1, 5), "nothing is sent until somebody signs in"
        assert (len(heard.errors), heard.gaps) == (1, [])
        sign_in(server, "second")
        await pass_time(1)
        assert server.tokens[-1] == server.pb.auth_store.token
        (since,) = heard.gaps
        assert revoked - 302 < since <= revoked, "the token may have been revoked since the last check"
        server.revoke()
        await keep_busy(server, 301)
        assert len(heard.errors) == 2, "another token is reported again"


def test_a_revoked_token_is_reported_after_the_next_submission(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        await server.pb.realtime.subscribe("b", print)
        await pass_time(0.1)
        assert [type(error) for error in heard.errors] == [PocketBaseSessionExpiredError]
        assert not server.queues, "the connection is still open"


def test_a_revoked_token_is_reported_on_the_connection_after_a_lost_one(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.queues[0].put_nowait(None)
        await pass_time(1)
        assert len(heard.errors) == 1
        assert len(server.tokens) == 1, "a revoked token was submitted"
        sign_in(server, "second")
        await pass_time(1)
        assert heard.gaps == [pytest.approx(1e9 - 1, abs=0.1)], "it begins with the last check of the token"


@pytest.mark.parametrize("status", [0, 408, 429, 500, 503])
def test_a_check_without_a_verdict_is_repeated_soon_and_then_ever_more_rarely(
    with_server: WithServer, status: int
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.check_status = status
        heard = await listen(server, "first")
        await pass_time(20)
        assert len(server.checks) > 4
        server.emit("1")
        await pass_time(1000)
        assert len(server.checks) < 40, "the delays grow"
        assert (heard.errors, heard.gaps, heard.messages) == ([], [], [1])
        server.check_status = 200
        server.revoke()
        await pass_time(301)
        assert len(heard.errors) == 1


def test_after_a_verdict_the_next_check_without_one_is_repeated_soon_again(
    with_server: WithServer, longest_waits: None
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.check_status = 500
        await listen(server, "first")
        await pass_time(1000)
        server.check_status = 200
        await pass_time(700)
        server.check_status = 500
        server.checks.clear()
        await server.pb.realtime.subscribe("b", print)
        await pass_time(20)
        assert len(server.checks) > 4


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_check_with_another_status_than_401_reports_nothing(with_server: WithServer, status: int) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.check_status = status
        heard = await listen(server, "first")
        await keep_busy(server, 650)
        assert len(server.checks) == 3
        assert not heard.errors


def test_a_check_that_ends_after_another_sign_in_reports_nothing(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.checking = 5.0
        server.revoked.add(first := sign_in(server, "first"))
        joining = asyncio.create_task(listen(server))
        await pass_time(1)
        sign_in(server, "second")
        heard = await joining
        await pass_time(20)
        assert not heard.errors
        assert server.checks == [first, server.pb.auth_store.token]


def test_no_token_is_checked_while_a_guest_is_subscribed(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        await listen(server)
        await pass_time(1000)
        assert not server.checks
        sign_in(server, "first")
        await pass_time(1)
        assert len(server.checks) == 1
        server.pb.auth_store.clear()
        await pass_time(1000)
        assert len(server.checks) == 1


def test_a_refused_submission_with_a_revoked_token_is_the_end_of_the_session(with_server: WithServer) -> None:
    """Servers that tie the connection to the user respond with 403, because a revoked token is a guest's."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.statuses = [403, 403]
        with pytest.raises(PocketBaseSessionExpiredError):
            await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        assert len(server.connects) == 2, "only a new connection is checked"
        assert (len(server.tokens), len(heard.errors)) == (3, 1)
