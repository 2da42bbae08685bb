"""The command for models, on a real server and on others."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from pocketbase_core import PocketBase
from pocketbase_core.codegen.command import main
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.every_field import STYLES, create_every_field, import_models, write_models
from ..helpers.shared_collections import IS_LEGACY, VERSION, client_of

VERSIONS = (
    [VERSION]
    if IS_LEGACY
    else [
        pytest.param(None, id="0.40"),
        *[pytest.param(version, id=version, marks=pytest.mark.slow) for version in ("0.36.9", "0.30", "0.23")],
    ]
)
ROOT = Path(__file__).parents[2]
FOR_VERSION = ["--server-version", VERSION] if IS_LEGACY and VERSION else []
"""The option of the command that a server of `VERSION` needs."""


class Server(NamedTuple):
    running: LocalServer
    pb: PocketBase


@pytest_asyncio.fixture(scope="module", params=VERSIONS)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[Server]:
    async with LocalServer(request.param) as running:
        async with client_of(running.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*running.superuser)
            await create_every_field(pb, with_geo_points=request.param != "0.23" and not IS_LEGACY)
            await pb.collection("users").create({"email": "u@example.com", "password": "password123"})
            yield Server(running, pb)


async def run_command(server: LocalServer, *arguments: str, password: str | None = None) -> tuple[int | None, str]:
    """Run the command in a process of its own. Return its status and standard error, after a check of its output."""
    command = [sys.executable, "-m", "pocketbase_core", "models", *arguments]
    environment = {**os.environ, "POCKETBASE_PASSWORD": password or server.superuser.password, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=-1, stderr=-1)
    output, errors = await process.communicate()
    assert output == b""
    return process.returncode, errors.decode()


async def test_the_command_writes_what_the_server_has(server: Server, tmp_path: Path) -> None:
    path, url = tmp_path / "models.py", server.running.url
    options = [*FOR_VERSION, "--style", "dataclass", "--email", server.running.superuser.email]
    results = await asyncio.gather(
        run_command(server.running, url, *options, "-o", str(path)),
        run_command(server.running, url, *options, "-o", str(tmp_path / "x.py"), password="wrong-password"),
    )
    assert results[0] == (0, "")
    reason = f"'admin@example.com' is not a superuser of {url}, or the password is wrong"
    assert results[1] == (2, f"pocketbase-core: {reason}\n")
    assert [*tmp_path.iterdir()] == [path]
    exported = write_models(tmp_path, await server.pb.collections.get_full_list(), "dataclass")
    assert path.read_bytes() == exported.read_bytes()


@pytest.mark.parametrize("style", STYLES)
async def test_check_notices_a_new_field(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    path, (email, password) = tmp_path / f"live_{style}.py", server.running.superuser
    monkeypatch.setenv("POCKETBASE_PASSWORD", password)
    command = ["models", server.running.url, *FOR_VERSION, "--style", style, "--email", email, "-o", str(path)]
    assert await asyncio.to_thread(main, command) == 0
    first = path.stat().st_mtime_ns
    assert import_models(path).Posts.__name__ == "Posts"
    assert await asyncio.to_thread(main, command) == 0
    assert path.stat().st_mtime_ns == first
    assert await asyncio.to_thread(main, [*command, "--check"]) == 0
    collection = await server.pb.collections.get_one("any")
    more = {"name": "more", "type": "text"}
    await server.pb.collections.update("any", {"fields": [*collection["fields"], more]})
    try:
        assert await asyncio.to_thread(main, [*command, "--check"]) == 1
        assert capsys.readouterr().err.endswith("is not what the server has; run the command without --check\n")
        assert path.stat().st_mtime_ns == first
    finally:
        await server.pb.collections.update("any", {"fields": collection["fields"]})


@pytest.mark.slow
async def test_the_command_writes_what_a_server_of_0_22_has(tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    options: dict[str, Any] = {"transport": AiohttpTransport(), "server_version": "0.22"}
    async with LocalServer("0.22.27") as server, PocketBase(server.url, **options) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        fields = [{"name": "title", "type": "text", "required": True}, {"name": "n", "type": "number", "onlyInt": True}]
        await pb.collections.create({"name": "posts", "type": "base", "fields": fields})
        command = [server.url, "--style", "dataclass", "--email", server.superuser.email, "-o", str(path)]
        old = [*command, "--server-version", "0.22"]
        wrong = await run_command(server, *old, password="wrong-password")
        assert wrong[1].endswith(f"is not a superuser of {server.url}, or the password is wrong\n")
        unnamed = await run_command(server, *command)
        assert unnamed[1].endswith("of version 0.23 or newer; for 0.22, pass --server-version 0.22\n")
        assert (wrong[0], unnamed[0], path.exists()) == (2, 2, False)
        assert await run_command(server, *old) == (0, "")
        assert await run_command(server, *old, "--check") == (0, "")
        exported = write_models(tmp_path, await pb.collections.get_full_list(), "dataclass")
    assert path.read_bytes() == exported.read_bytes()
    assert import_models(path).Posts.__annotations__["n"] == "int"


async def test_a_wrong_version_is_one_line(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ("0.22", "of version 0.22; for newer ones, leave --server-version out")
    if IS_LEGACY:
        other = ("0.40", "of version 0.23 or newer; for 0.22, pass --server-version 0.22")
    for version, message in (
        other,
        ("newest", "must be a version, such as '0.22' or '0.40.6', not 'newest'"),
    ):
        line = await failure(monkeypatch, capsys, server.running.url, "a@example.com", "--server-version", version)
        assert message in line


async def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, email: str, *options: str
) -> str:
    """Run the command, and return the one line that it ends with."""
    monkeypatch.setenv("POCKETBASE_PASSWORD", "password123")
    assert await asyncio.to_thread(main, ["models", url, "--style", "dataclass", "--email", email, *options]) == 2
    output, line = capsys.readouterr()
    assert output == ""
    assert line.startswith("pocketbase-core: ")
    assert line.count("\n") == 1
    assert "password123" not in line
    return line


async def test_a_user_who_is_no_superuser_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = await failure(monkeypatch, capsys, server.running.url, "u@example.com", *FOR_VERSION)
    assert "'u@example.com' is not a superuser of" in line


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"<html>none</html>", "is not a PocketBase server of version 0.23 or newer"),
        (404, b'{"detail": "Not Found"}', "is not a PocketBase server of version 0.23 or newer"),
        (200, b"<!doctype html>\n<title>Hello</title>\n", "JSON"),
        (200, b"[]", "expected"),
        (502, b"<html>\n<h1>Bad Gateway</h1>\n</html>", "502"),
        (0, b"", "127.0.0.1"),
    ],
)
async def test_a_server_that_is_not_pocketbase_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, body: bytes, message: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        if status:
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
            )
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        assert message in await failure(monkeypatch, capsys, url, "a@example.com")


async def test_a_server_that_does_not_run_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = await failure(monkeypatch, capsys, "http://127.0.0.1:1", "a@example.com")
    assert "cannot connect to 127.0.0.1:1" in line
