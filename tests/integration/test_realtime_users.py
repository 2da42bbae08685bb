"""Realtime for users whose passwords change, on a real server."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    Gap,
    PasswordCredentials,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
    RecordService,
)
from pocketbase_core.calls.call import Call
from pocketbase_core.endpoints import files
from pocketbase_core.endpoints.files import check_token
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport

from ..helpers.shared_collections import client_of
from ..helpers.waiting import until


class Program:
    """The titles, gaps and errors that a program with a private subscription got."""

    def __init__(self, pb: PocketBase) -> None:
        self.titles: list[str] = []
        self.gaps: list[float] = []
        self.errors: list[BaseException] = []
        pb.realtime.on_error(lambda error, topic: self.errors.append(error))

    def on_event(self, event: Any) -> None:
        self.titles.append(event["record"]["title"])

    def on_gap(self, gap: Gap) -> None:
        self.gaps.append(gap.since.timestamp())


@asynccontextmanager
async def private_notes(
    server: LocalServer, superuser: AuthStore, transport: Transport, verify_every: float | None = None
) -> AsyncGenerator[tuple[PocketBase, dict[str, Any], str]]:
    """Yield a superuser's client, a user, and the name of a collection that signed-in users may read."""
    async with client_of(server.url, transport=transport, verify_every=verify_every) as pb:
        pb.auth_store.save(superuser.token, superuser.record)
        rule = '@request.auth.id != ""'
        name = f"notes{time.time_ns()}"
        fields = [{"name": "title", "type": "text"}]
        await pb.collections.create(
            {"name": name, "type": "base", "listRule": rule, "viewRule": rule, "fields": fields}
        )
        email = f"{name}@example.com"
        user = await pb.collection("users").create({"email": email, "password": "password123", "verified": True})
        try:
            yield pb, user | {"email": email}, name
        finally:
            await pb.collections.delete(name)
            await pb.collection("users").delete(user["id"])


async def change_password(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport, by: str, is_noticed: bool
) -> None:
    async with private_notes(server, superuser, make_transport()) as (admin, user, name):
        verify_every = 0.2 if is_noticed else None
        async with client_of(server.url, transport=make_transport(), verify_every=verify_every) as pb:
            await pb.collection("users").auth.with_password(user["email"], "password123")
            program = Program(pb)
            await pb.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
            await admin.collection(name).create({"title": "before"})
            await until(lambda: program.titles == ["before"])
            body = {"password": "password456", "oldPassword": "password123"}
            await (pb if by == "user" else admin).collection("users").update(user["id"], body)
            is_signed_out = by == "user"  # the user's own update clears the store
            if is_signed_out:
                await until(lambda: len(program.gaps) == 1 and pb.realtime.is_connected)
            missed = time.time()
            await admin.collection(name).create({"title": "missed"})
            if is_noticed:
                await until(lambda: program.errors)
                assert [type(error) for error in program.errors] == [PocketBaseSessionExpiredError]
                assert not pb.realtime.is_connected
            await pb.collection("users").auth.with_password(user["email"], "password456")
            await until(lambda: len(program.gaps) == 1 + is_signed_out and pb.realtime.is_connected)
            await admin.collection(name).create({"title": "after"})
            await until(lambda: "after" in program.titles)
            assert program.titles in (["before", "after"], ["before", "missed", "after"]), "before 0.38.1 it is sent"
            assert max(program.gaps) <= missed, "the gap begins after what was missed"
            assert len(program.errors) == is_noticed, "the error came once, or not at all"


@pytest.mark.parametrize("by", ["user", "superuser"])
async def test_a_sign_in_after_a_changed_password_is_a_gap(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport, by: str
) -> None:
    await change_password(server, superuser, make_transport, by, is_noticed=False)


async def test_a_changed_password_is_reported_as_an_error_and_a_gap(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport
) -> None:
    await change_password(server, superuser, make_transport, "superuser", is_noticed=True)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.23", "0.30", "0.36.9", "0.39.11"])
@pytest.mark.parametrize("is_noticed", [True, False])
async def test_a_changed_password_is_a_gap_on_older_servers_too(
    version: str, make_transport: MakeTransport, is_noticed: bool
) -> None:
    async with LocalServer(version) as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await change_password(server, pb.auth_store, make_transport, "superuser", is_noticed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "who",
    ["user", "superuser", pytest.param("impersonated", marks=pytest.mark.refused_by_legacy("impersonation"))],
)
async def test_a_token_is_accepted_until_its_password_changes(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    checks: list[str] = []

    def record_check(token: str, timeout: float) -> Call[str]:
        checks.append(token)
        return check_token(token, timeout)

    monkeypatch.setattr(files, "check_token", record_check)
    async with private_notes(server, superuser, make_transport(), verify_every=0.2) as (admin, user, name):
        if who == "impersonated":
            client = await admin.collection("users").auth.impersonate(user["id"], 600)
        else:
            client = admin.with_auth_store(AuthStore())
            if who == "superuser":
                user = {"email": f"{name}@example.com", "password": "password123"}
                user = await admin.admins.create(user) | user
            auth = client.admins.auth if who == "superuser" else client.collection("users").auth
            await auth.with_password(user["email"], "password123")
        program = Program(client)
        await client.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
        await until(lambda: len(checks) > 3)
        assert (program.errors, program.gaps) == ([], []), "a valid token was reported as revoked"
        users = admin.admins if who == "superuser" else admin.collection("users")
        await users.update(user["id"], {"password": "password456"})
        await until(lambda: program.errors)
        assert [type(error) for error in program.errors] == [PocketBaseSessionExpiredError]
        await client.aclose()
        if who == "superuser":
            await users.delete(user["id"])


@pytest.mark.slow
@pytest.mark.refused_by_legacy("the lifetime of a collection's tokens")
async def test_credentials_keep_a_subscription_alive_with_tokens_of_ten_seconds_and_changed_passwords(
    server: LocalServer, superuser: AuthStore, make_transport: MakeTransport
) -> None:
    """For five refreshes, between which an administrator changes the password and changes it back."""
    async with private_notes(server, superuser, make_transport()) as (admin, _, name):
        members, notes = admin.collection(f"members_{name}"), admin.collection(name)
        await admin.collections.create(
            {"name": f"members_{name}", "type": "auth", "updateRule": "", "authToken": {"duration": 10}}
        )
        email, password = f"{name}@example.com", {"password": "password123"}
        member = await members.create({"email": email} | password)
        credentials = PasswordCredentials(f"members_{name}", email, "password123")
        async with client_of(server.url, transport=make_transport(), credentials=credentials) as pb:
            program, reasons = Program(pb), list[Exception | None]()
            pb.realtime.on_disconnect(reasons.append)
            await pb.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
            sent = await emit_through_refreshes(2, notes, pb, program)
            assert (program.titles, program.gaps, program.errors, reasons) == (sent, [], [], [])
            await members.update(member["id"], {"password": "password456"})
            await until(lambda: len(program.errors) == 2)
            missed = time.time()
            await notes.create({"title": "missed"})
            await members.update(member["id"], password)
            await until(lambda: program.gaps and pb.realtime.is_connected, 60)  # after the pause of the sign-ins
            sent += await emit_through_refreshes(3, notes, pb, program)
            assert [title for title in program.titles if title != "missed"] == sent
            errors = [PocketBaseUnauthorizedError, PocketBaseBadRequestError]
            assert [type(error) for error in program.errors] == errors, "the token was revoked, then a sign-in failed"
            (gap,) = program.gaps
            assert gap <= missed
            assert len(reasons) == 1
        await admin.collections.delete(f"members_{name}")


async def emit_through_refreshes(count: int, notes: RecordService[Any], pb: PocketBase, program: Program) -> list[str]:
    """Create a record before each of so many refreshes of the token, and one after the last. Return the titles."""
    titles, is_refreshed = list[str](), asyncio.Event()
    forget = pb.auth_store.on_change(lambda token, record: is_refreshed.set())
    for number in range(count + 1):
        titles.append(str(time.time()))
        is_refreshed.clear()
        await notes.create({"title": titles[-1]})
        await until(lambda: titles[-1] in program.titles)
        if number < count:
            await asyncio.wait_for(is_refreshed.wait(), 20)
    forget()
    return titles
