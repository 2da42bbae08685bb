"""After a fork, the child process can use the client of its parent, in whatever state the client was."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pocketbase_core.testing.contract.scripted_server import Connection, ScriptedServer, scripted_server

from ..helpers.certificates import AUTHORITY, server_context
from ..helpers.realtime_server import RealtimeServer
from ..helpers.tokens import token

ROOT = Path(__file__).parent.parent.parent
STATES = ["idle", "subscribed", "in_flight", "inside_a_coroutine", "mid_refresh"]


@asynccontextmanager
async def servers(context: ssl.SSLContext | None) -> AsyncGenerator[tuple[ScriptedServer, ScriptedServer], None]:
    """Run a server for realtime and a server for all other requests, which can make the first one emit an event."""
    realtime = RealtimeServer()
    realtime.may_respond.set()
    finish, refreshed = asyncio.Event(), 0
    refreshing = asyncio.Event()

    async def script(connection: Connection) -> None:
        nonlocal refreshed
        number = plain.connections
        while True:
            request = await connection.request()
            path = request.target.partition("?")[0]
            if path == "/stream":
                await connection.start_stream()
                await connection.chunk(b"begun")
                await finish.wait()
                await connection.chunk(b"ended")
                await connection.send(b"0\r\n\r\n")
                continue
            if path == "/emit":
                await realtime.emit("a", 1)
            elif path == "/finish":
                finish.set()
            elif path == "/refreshing":
                await refreshing.wait()
            if path.endswith("/auth-refresh"):
                refreshed += 1
                refreshing.set()
                while refreshed == 1:  # the refresh of the parent ends with that of the child
                    await asyncio.sleep(0.001)
                body: dict[str, object] = {"token": token(3600), "record": {"id": "u1"}}
            else:
                body = {"connection": number, "target": request.target}
            await connection.respond_json(json.dumps(body["connection"] if path == "/connection" else body))

    async with (
        scripted_server(realtime.script, ssl=context) as realtime.server,
        scripted_server(script, ssl=context) as plain,
    ):
        yield realtime.server, plain


async def run(library: str, scheme: str, states: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `tests/helpers/forking.py` and its servers."""
    AUTHORITY.cert_pem.write_to_path(str(folder / "ca.pem"))
    async with servers(server_context() if scheme == "https" else None) as (realtime, plain):
        urls = [f"{scheme}://127.0.0.1:{server.port}" for server in (realtime, plain)]
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "tests.helpers.forking", library, *urls, *states],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": str(folder / "ca.pem")},
            timeout=60,
        )


@pytest.mark.parametrize(
    ("scheme", "states"),
    [
        ("https", STATES[:2]),
        pytest.param("https", STATES[2:], marks=pytest.mark.slow),
        pytest.param("http", STATES, marks=pytest.mark.slow),
    ],
)
async def test_after_a_fork_parent_and_child_can_both_use_the_client(
    library: str, scheme: str, states: list[str], tmp_path: Path
) -> None:
    done = await run(library, scheme, states, tmp_path)
    assert (done.stdout.split(), done.stderr) == (states, "")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_loops_and_forks_in_any_order_leave_the_client_usable(library: str, scheme: str, tmp_path: Path) -> None:
    print(f"\nSTORM_SEED={os.environ.get('STORM_SEED', '1')}")
    done = await run(library, scheme, ["storm"], tmp_path)
    assert done.stdout.split()[-1:] == ["storm"], done.stderr
