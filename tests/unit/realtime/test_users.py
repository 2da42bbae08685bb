"""Realtime in virtual time: revoked tokens and how they are noticed."""

import pytest

from pocketbase_core import PocketBaseUnauthorizedError

from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, Received, WithServer, keep_busy, listen, sign_in
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
        (error,), (since,) = heard.errors, heard.gaps
        assert isinstance(error, PocketBaseUnauthorizedError)
        assert "guest" in str(error)
        assert revoked - 302 < since <= revoked
        await keep_busy(server, 1200)
        assert len(server.connects) == 2
        assert (len(heard.errors), len(heard.gaps)) == (1, 1), "once for each token, also on another connection"
        sign_in(server, "second")
        await pass_time(1)
        assert server.tokens[-1] == server.pb.auth_store.token
        assert len(server.connects) == 3
        assert heard.gaps[1] <= revoked, "it begins before the revocation: a guest has received less than the user"
        server.revoke()
        await keep_busy(server, 301)
        assert len(heard.errors) == 2, "another token is reported again"


def test_a_revoked_token_is_reported_after_the_next_submission(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        await server.pb.realtime.subscribe("b", print)
        await pass_time(0.1)
        assert [type(error) for error in heard.errors] == [PocketBaseUnauthorizedError]
        assert len(heard.gaps) == 1


def test_a_revoked_token_is_reported_on_the_connection_after_a_lost_one(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.queues[0].put_nowait(None)
        await pass_time(1)
        assert len(heard.errors) == 1
        assert len(heard.gaps) == 2, "one for the lost connection, and an earlier one for the token"
        assert heard.gaps[1] < heard.gaps[0]


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


@pytest.mark.parametrize("status", [204, 400, 403, 404])
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
        heard = await listen(server)
        await pass_time(1)
        sign_in(server, "second")
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


def test_a_refused_submission_with_a_revoked_token_leads_to_another_connection(with_server: WithServer) -> None:
    """Servers that tie the connection to the user respond with 403, because a revoked token is a guest's."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.statuses = [403, 403]
        await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        assert len(server.connects) == 2
        assert len(heard.errors) == 1
