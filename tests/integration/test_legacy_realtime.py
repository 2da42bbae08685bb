"""Realtime and live queries on PocketBase 0.22, whose superusers are another kind of user than its records."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from pocketbase_core import (
    PocketBase,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
    RealtimeSettings,
    Request,
    Response,
)
from pocketbase_core.middleware import Handler
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_transports import AiohttpTransport

from ..helpers.waiting import until
from .test_realtime_users import Program

pytestmark = pytest.mark.slow  # an older server is downloaded
VERSION = "0.22.27"
SIGNED_IN = '@request.auth.id != ""'
USER = ("user@example.com", "password123")
OTHER_ADMIN = ("other@example.com", "password123")


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncGenerator[LocalServer]:
    """A server with a user, a second superuser, and two collections: `notes` of users and `secrets` of superusers."""
    async with LocalServer(VERSION) as running, as_superuser(running) as pb:
        fields = [{"name": "title", "type": "text"}, {"name": "n", "type": "number"}]
        users = (await pb.collections.get_one("users"))["id"]
        author = {"name": "author", "type": "relation", "collectionId": users, "maxSelect": 1}
        rules = {"listRule": SIGNED_IN, "viewRule": SIGNED_IN}
        await pb.collections.create({"name": "notes", "type": "base", **rules, "fields": [*fields, author]})
        await pb.collections.create({"name": "secrets", "type": "base", "fields": fields})
        await pb.collection("users").create({"email": USER[0], "password": USER[1], "name": "Ann", "verified": True})
        await pb.admins.create({"email": OTHER_ADMIN[0], "password": OTHER_ADMIN[1]})
        yield running


def client_of(server: LocalServer, **options: Any) -> PocketBase:
    return PocketBase(server.url, server_version=VERSION, **options)


@asynccontextmanager
async def as_superuser(server: LocalServer) -> AsyncGenerator[PocketBase]:
    async with client_of(server) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        yield pb


async def sign_in(pb: PocketBase, who: str) -> None:
    """Sign in as the user, or as the second superuser."""
    if who == "user":
        await pb.collection("users").auth.with_password(*USER)
    else:
        await pb.admins.auth.with_password(*OTHER_ADMIN)


async def test_events_arrive_with_the_filter_expand_and_fields_of_their_subscription(
    server: LocalServer, transport: Transport
) -> None:
    async with as_superuser(server) as admin, client_of(server, transport=transport) as pb:
        await sign_in(pb, "user")
        notes, user = admin.collection("notes"), pb.auth_store.record or {}
        events, last = list[Any](), list[Any]()
        options = {"filter": 'title = "mine"', "expand": "author", "fields": "id,n,expand.author.name"}
        await pb.collection("notes").subscribe_all(events.append, options)
        await pb.collection("notes").subscribe_all(last.append, filter='title = "last"')
        note = await notes.create({"title": "mine", "author": user["id"]})
        expected = {"id": note["id"], "n": 0, "expand": {"author": {"name": "Ann"}}}
        await until(lambda: events == [{"action": "create", "record": expected}])
        await notes.create({"title": "another's"})
        await notes.update(note["id"], {"n": 1})
        await until(lambda: events[1:] == [{"action": "update", "record": expected | {"n": 1}}])
        await notes.delete(note["id"])
        await until(lambda: len(events) == 3)
        assert (events[2]["action"], events[2]["record"]["id"]) == ("delete", note["id"])
        await notes.create({"title": "last"})
        await until(lambda: last)
        assert len(events) == 3


@pytest.mark.slow
@pytest.mark.parametrize("who", ["user", "superuser"])
async def test_a_replaced_connection_keeps_the_user_and_loses_and_repeats_nothing(
    server: LocalServer, make_transport: MakeTransport, who: str
) -> None:
    async with as_superuser(server) as admin, client_of(server, transport=make_transport()) as pb:
        await sign_in(pb, who)
        pb.realtime.settings = RealtimeSettings(lifetime=1)
        program, clients, sent = Program(pb), set[str](), list[str]()
        name = "notes" if who == "user" else "secrets"
        await pb.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
        while len(clients) <= 3:
            clients.add(pb.realtime.client_id)
            sent.append(f"{who} {len(sent)}")
            await admin.collection(name).create({"title": sent[-1]})
            await asyncio.sleep(0.01)
        await until(lambda: len(program.titles) >= len(sent))
        assert sorted(program.titles) == sorted(sent)
        assert (program.gaps, program.errors) == ([], [])


async def test_an_admin_a_user_and_a_guest_each_get_what_they_may_see(
    server: LocalServer, transport: Transport
) -> None:
    async with as_superuser(server) as admin, client_of(server, transport=transport) as pb:
        of_secrets, of_users = admin.collection("secrets"), admin.collection("notes")
        program, of_notes = Program(pb), Program(pb)
        await sign_in(pb, "superuser")
        await pb.collection("secrets").subscribe_all(program.on_event, on_gap=program.on_gap)
        await pb.collection("notes").subscribe_all(of_notes.on_event, on_gap=of_notes.on_gap)
        for number, who in enumerate(("superuser", "user", "superuser", "guest")):
            if who == "guest":
                pb.auth_store.clear()
            elif number:
                await sign_in(pb, who)
            await until(lambda gaps=number: len(of_notes.gaps) == gaps and pb.realtime.is_connected)
            await of_secrets.create({"title": f"{number} {who}"})
            await of_users.create({"title": f"{number} {who}"})
            if who != "guest":
                await until(lambda title=f"{number} {who}": title in of_notes.titles)
        await sign_in(pb, "superuser")
        await until(lambda: len(program.gaps) == 4 and pb.realtime.is_connected)
        await of_secrets.create({"title": "last"})
        await until(lambda: "last" in program.titles)
        assert program.titles == ["0 superuser", "2 superuser", "last"]
        assert of_notes.titles == ["0 superuser", "1 user", "2 superuser"]


@pytest.mark.parametrize("who", ["user", "superuser"])
async def test_a_token_is_renewed_while_events_arrive(transport: Transport, server: LocalServer, who: str) -> None:
    setting = "recordAuthToken" if who == "user" else "adminAuthToken"
    name = "notes" if who == "user" else "secrets"
    async with as_superuser(server) as admin, client_of(server, transport=transport) as pb:
        lasting = (await admin.settings.get_all())[setting]
        await admin.settings.update({setting: {"duration": 5}})
        try:
            await sign_in(pb, who)
            renewed, first = asyncio.Event(), pb.auth_store.token
            program = Program(pb)
            await pb.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
            pb.auth_store.on_change(lambda token, record: renewed.set())
            await admin.collection(name).create({"title": "before"})
            await asyncio.wait_for(renewed.wait(), 20)
        finally:
            await admin.settings.update({setting: {"duration": lasting["duration"]}})
        assert pb.auth_store.token not in ("", first)
        assert pb.auth_store.is_superuser == (who == "superuser")
        async with asyncio.timeout(20), client_of(server, transport=AiohttpTransport()) as guest:
            with pytest.raises(PocketBaseUnauthorizedError):
                while await guest.files.get_token(headers={"Authorization": first}):
                    pass  # until the first token has expired
        await admin.collection(name).create({"title": "after"})
        await until(lambda: program.titles == ["before", "after"])
        assert (program.gaps, program.errors) == ([], [])


@pytest.mark.parametrize("who", ["user", "superuser"])
async def test_a_changed_password_ends_the_session(server: LocalServer, transport: Transport, who: str) -> None:
    name = "notes" if who == "user" else "secrets"
    async with as_superuser(server) as admin, client_of(server, transport=transport, verify_every=0.2) as pb:
        await sign_in(pb, who)
        accounts = admin.collection("users") if who == "user" else admin.admins
        program = Program(pb)
        await pb.collection(name).subscribe_all(program.on_event, on_gap=program.on_gap)
        await admin.collection(name).create({"title": "before"})
        await until(lambda: program.titles == ["before"])
        # The same password again: it revokes the tokens all the same.
        await accounts.update((pb.auth_store.record or {})["id"], {"password": "password123"})
        await until(lambda: program.errors)
        assert [type(error) for error in program.errors] == [PocketBaseSessionExpiredError]
        assert not pb.realtime.is_connected
        await admin.collection(name).create({"title": "missed"})
        await sign_in(pb, who)
        await until(lambda: program.gaps and pb.realtime.is_connected)
        await admin.collection(name).create({"title": "after"})
        await until(lambda: "after" in program.titles)
        assert program.titles == ["before", "after"]
        assert (len(program.gaps), len(program.errors)) == (1, 1)


@pytest.mark.parametrize("who", ["user", "superuser"])
async def test_a_live_query_follows_each_change_and_a_restart_of_the_server(
    transport: Transport, server: LocalServer, who: str
) -> None:
    is_up, name = asyncio.Event(), "notes" if who == "user" else "secrets"
    is_up.set()

    async def wait_until_up(request: Request, call_next: Handler) -> Response:
        if request.url.endswith("/api/realtime"):
            await is_up.wait()
        return await call_next(request)

    async with as_superuser(server) as admin, client_of(server, transport=transport, middleware=[wait_until_up]) as pb:
        await sign_in(pb, who)
        records, title = admin.collection(name), secrets.token_hex(4)
        options = {"filter": f'title = "{title}"', "sort": "-n"}
        first, second = [await records.create({"title": title, "n": n}) for n in (1, 2)]
        async with pb.collection(name).live(options) as live:
            assert [item["n"] for item in live.items] == [2, 1]
            await records.create({"title": title, "n": 3})
            await until(lambda: [item["n"] for item in live.items] == [3, 2, 1])
            await records.update(first["id"], {"n": 4})
            await until(lambda: [item["n"] for item in live.items] == [4, 3, 2])
            await records.delete(second["id"])
            await until(lambda: [item["n"] for item in live.items] == [4, 3])
            is_up.clear()
            await server.restart()
            await until(lambda: not live.is_current)
            await records.update(first["id"], {"n": 2})
            await records.create({"title": title, "n": 5})
            is_up.set()
            await until(lambda: live.is_current)
            assert live.items == await pb.collection(name).get_full_list(options)
            assert [item["n"] for item in live.items] == [5, 3, 2]
            await records.create({"title": title, "n": 6})
            await until(lambda: [item["n"] for item in live.items] == [6, 5, 3, 2])
