"""Backups of a gigabyte, and a connection that keeps breaking."""

import asyncio
import hashlib
import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import AuthStore, FileUpload
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import client_of

pytestmark = pytest.mark.slow
MIB = 1024 * 1024
ROOT = Path(__file__).parent.parent.parent


def fill(path: Path, size: int) -> None:
    """Write a file that the server accepts as a zip archive and that does not repeat itself within a mebibyte."""
    block = secrets.token_bytes(MIB - 8)
    with path.open("wb") as file:
        for number in range(size // MIB):
            file.write(b"PK\3\4" + number.to_bytes(4) + block)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Generator[Path, None, None]:
    path = tmp_path / "source.zip"
    yield path
    for each in tmp_path.iterdir():
        each.unlink()


async def transfer(job: str, library: str, server: LocalServer, source: Path) -> Any:
    arguments = (job, library, server.url, *server.superuser, str(source), str(source.with_name("target.zip")))
    command = [sys.executable, "-m", "tests.helpers.transfer", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    print(job, library, done.stdout)
    return json.loads(done.stdout)


async def test_memory_stays_flat_for_a_file_of_a_gigabyte(library: str, source: Path) -> None:
    fill(source, 1024 * MIB)
    async with LocalServer() as server:
        grown = await transfer("memory", library, server, source)
        assert digest(source.with_name("target.zip")) == digest(source)
    assert max(grown.values()) < 48 * 1024, grown


class Cutter:
    """A proxy that breaks the connection whenever the total of forwarded bytes reaches the next limit."""

    def __init__(self, port: int, limits: list[int]) -> None:
        self.passed = 0
        self.cuts = 0
        self._port = port
        self._limits = limits

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        server_socket = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server_socket.sockets[0].getsockname()[1]}"
        finally:
            server_socket.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._port)

        async def forward() -> None:
            while data := await reader.read(65536):
                upstream.write(data)
                await upstream.drain()
            upstream.close()

        forwarding = asyncio.create_task(forward())
        try:
            while data := await upstream_reader.read(65536):
                writer.write(data)
                await writer.drain()
                self.passed += len(data)
                if self.cuts < len(self._limits) and self.passed >= self._limits[self.cuts]:
                    self.cuts += 1
                    break
        except ConnectionError:
            pass
        finally:
            forwarding.cancel()
            upstream.transport.abort()
            writer.transport.abort()


async def test_a_download_survives_a_connection_that_breaks_five_times(
    server: LocalServer, superuser: AuthStore, transport: Transport, source: Path
) -> None:
    size = 200 * MIB
    fill(source, size)
    chance = random.Random(7)
    cutter = Cutter(int(server.url.rpartition(":")[2]), sorted(chance.sample(range(MIB, size - MIB), 5)))
    async with cutter.listening() as url:
        direct, cut = (client_of(each, transport=transport, timeout=60) for each in (server.url, url))
        for pb in (direct, cut):
            pb.auth_store.save(superuser.token, superuser.record)
        key = f"cut_{secrets.token_hex(4)}.zip"
        await direct.backups.upload(FileUpload((key, source)))
        (stored,) = vars(server)["_folder"].rglob(key)
        os.utime(stored, (0, 10**9))  # a file of this minute could change without a new Last-Modified
        target = source.with_name("target.zip")
        await cut.backups.download_to(target, key)
        await direct.backups.delete(key)
    assert cutter.cuts == 5, "the connection broke less often"
    assert digest(target) == digest(source)
    print("fetched", round(cutter.passed / size, 3))
    assert cutter.passed < 1.2 * size, "too much was fetched again"
