"""A server that does not respond to the refresh of a token, on each HTTP library."""

import asyncio
import json
from pathlib import Path

import pytest

from pocketbase_core import FileAuthStore, PocketBase
from pocketbase_core.middleware import token_provider
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import Connection, ScriptedServer, scripted_server

from ..helpers.tokens import token


class Stalling:
    """A script that responds to a refresh only after `go_on` is set, and to any other request at once."""

    def __init__(self) -> None:
        self.refresh_started = asyncio.Event()
        self.client_closed = asyncio.Event()
        self.go_on = asyncio.Event()
        self.new_token = ""

    async def __call__(self, connection: Connection) -> None:
        while True:
            request = await connection.request()
            if not request.target.endswith("auth-refresh"):
                await connection.respond_json('{"id": "x"}')
                continue
            self.refresh_started.set()
            waiting = asyncio.ensure_future(connection.closed_by_client())
            going_on = asyncio.ensure_future(self.go_on.wait())
            await asyncio.wait([waiting, going_on], return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                self.client_closed.set()
                going_on.cancel()
                return
            waiting.cancel()
            await asyncio.wait([waiting])
            await connection.respond_json(json.dumps({"token": self.new_token, "record": {"id": "u1"}}))


def tokens(server: ScriptedServer) -> list[str]:
    return [each.headers.get("authorization", "") for each in server.requests if "records" in each.target]


async def test_a_stalled_refresh_costs_a_call_no_more_than_its_timeout(
    transport: Transport, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_provider, "WAIT_SHARE", 0.002)
    script = Stalling()
    async with scripted_server(script) as server:
        # pyreqwest keeps the connection of a cancelled request until the request's timeout.
        pb = PocketBase(server.url, transport=transport, timeout=1 if library == "pyreqwest" else 30)
        pb.auth_store.save(mine := token(30), {"id": "u1"})
        async with asyncio.timeout(10):
            await asyncio.gather(*(pb.collection("posts").get_one("x", timeout=10) for _ in range(5)))
            await script.refresh_started.wait()
            assert tokens(server) == [mine] * 5
            await pb.aclose()
            await script.client_closed.wait()
        assert [task for task in asyncio.all_tasks() if task.get_name() == "token refresh"] == []


async def test_a_create_is_sent_as_its_user_though_another_user_signs_in_meanwhile(transport: Transport) -> None:
    script = Stalling()
    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=transport)
        pb.auth_store.save(mine := token(30), {"id": "u1"})
        create = asyncio.create_task(pb.collection("posts").create({"diary": "mine"}))
        await script.refresh_started.wait()
        pb.auth_store.save(theirs := token(3600, id="u2"), {"id": "u2"})
        script.new_token = token(3600, "refreshed")
        script.go_on.set()
        await create
        assert tokens(server) == [mine]
        await pb.collection("posts").get_one("x")
        assert tokens(server) == [mine, theirs]


async def test_a_sign_out_in_another_process_is_not_undone(transport: Transport, tmp_path: Path) -> None:
    script, other = Stalling(), FileAuthStore(tmp_path / "auth.json")
    other.save(mine := token(30), {"id": "u1"})
    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=transport, auth_store=FileAuthStore(tmp_path / "auth.json"))
        reading = asyncio.create_task(pb.collection("posts").get_one("x"))
        await script.refresh_started.wait()
        other.clear()
        script.new_token = token(3600, "refreshed")
        script.go_on.set()
        await reading
        await pb.collection("posts").get_one("x")
        assert tokens(server) == [mine, ""]
        assert FileAuthStore(tmp_path / "auth.json").token == ""
