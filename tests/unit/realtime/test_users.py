"""Realtime in virtual time: users who come, go, and lose their tokens."""

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


def test_a_revoked_token_is_noticed_within_five_minutes(with_server: WithServer) -> None:
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
        assert heard.gaps[1] <= revoked, "what the user missed meanwhile"
        server.revoke()
        await keep_busy(server, 301)
        assert len(heard.errors) == 2, "that is another token"


def test_a_revoked_token_is_noticed_when_anything_is_submitted(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        await server.pb.realtime.subscribe("b", print)
        await pass_time(0.1)
        assert [type(error) for error in heard.errors] == [PocketBaseUnauthorizedError]
        assert len(heard.gaps) == 1


def test_a_revoked_token_is_noticed_on_the_connection_after_a_lost_one(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.queues[0].put_nowait(None)
        await pass_time(1)
        assert len(heard.errors) == 1
        assert len(heard.gaps) == 2, "one for the lost connection, and an earlier one for the token"
        assert heard.gaps[1] < heard.gaps[0]


@pytest.mark.parametrize("status", [0, 408, 429, 500, 503])
def test_an_unclear_response_is_no_revocation_and_asked_again_soon(with_server: WithServer, status: int) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.check_status = status
        heard = await listen(server, "first")
        await pass_time(20)
        assert len(server.checks) > 4
        server.emit("1")
        await pass_time(1000)
        assert len(server.checks) < 40, "the longer it lasts, the less"
        assert (heard.errors, heard.gaps, heard.messages) == ([], [], [1])
        server.check_status = 200
        server.revoke()
        await pass_time(301)
        assert len(heard.errors) == 1


@pytest.mark.parametrize("status", [204, 400, 403, 404])
def test_a_server_that_cannot_say_is_asked_rarely(with_server: WithServer, status: int) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        server.check_status = status
        heard = await listen(server, "first")
        await keep_busy(server, 650)
        assert len(server.checks) == 3
        assert not heard.errors


def test_a_check_that_ends_after_another_sign_in_accuses_nobody(with_server: WithServer) -> None:
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


def test_a_guest_is_not_checked(with_server: WithServer) -> None:
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


def test_a_refused_submission_of_a_revoked_token_makes_another_connection(with_server: WithServer) -> None:
    """Servers that keep the user on the connection answer 403, as the token makes a guest of the sender."""

    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen_and_revoke(server)
        server.statuses = [403, 403]
        await server.pb.realtime.subscribe("b", print)
        await pass_time(1)
        assert len(server.connects) == 2
        assert len(heard.errors) == 1
