"""A temporary PocketBase server."""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ..faces import AsyncFace, method
from .binaries import find_binary

START_TIMEOUT = 30.0
"""The maximum time for the server's start, in seconds."""


class Superuser(NamedTuple):
    """The e-mail address and the password of the server's superuser."""

    email: str
    """The e-mail address."""
    password: str
    """The password."""

    def __repr__(self) -> str:
        return f"Superuser({self.email!r})"


class ServerMethods:
    """The methods of a temporary server, and what they work on."""

    def __init__(self, version: str | None = None, hooks: str | None = None, *, port: int | None = None) -> None:
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"port must be a number from 1 to 65535, or None for a free port, not {port}")
        self.superuser = Superuser("admin@example.com", secrets.token_hex(16))
        """The superuser, who is created when the server starts."""
        self._wanted_version = version
        self._wanted_port = port
        self._hooks = hooks
        self._version: str | None = None
        self._folder = Path()
        self._binary = Path()
        self._port = 0
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"LocalServer({self.url!r})" if self._port else "LocalServer(not started)"

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def version(self) -> str | None:
        """The exact version of the server, such as `"0.36.9"`; None if the binary is a build that does not tell it.

        Raises:
            RuntimeError: If the server has not been started yet.
        """
        if not self._port:
            raise RuntimeError("the server has not been started, so its version is not known yet")
        return self._version

    @method
    async def restart(self) -> None:
        """Stop the server if it runs, and start it again with the same data at the same URL.

        Raises:
            RuntimeError: If the server does not start.
        """
        await self._stop()
        await self._start()

    def kill(self) -> None:
        """Kill the server at once, as a power failure would. `restart` starts it again."""
        if self._process is not None:
            self._stop_watchdog()
            self._process.kill()
            self._process.wait()

    async def _set_up(self) -> None:
        """Create a folder and a superuser, and start the server."""
        self._owner = os.getpid()
        if self._wanted_port is not None:
            _check_that_port_is_free(self._wanted_port)
        self._binary = await asyncio.to_thread(find_binary, self._wanted_version)
        self._folder = Path(tempfile.mkdtemp(prefix="pocketbase-"))
        try:
            for name in ("data", "migrations", "hooks", "public"):
                (self._folder / name).mkdir()
            # The hooks are written afterwards, because each command loads them, and an error in them ends it.
            printed = re.search(r"version (\d+(?:\.\d+)+)", await self._execute("--version"))
            self._version = printed[1] if printed else None
            if self._hooks is not None:
                (self._folder / "hooks" / "main.pb.js").write_text(self._hooks, encoding="utf-8")
            await self._create_superuser()
            if self._wanted_port is None:
                await self._start_on_free_port()
            else:
                self._port = self._wanted_port
                await self._start()
        except BaseException:
            self._remove()
            raise

    async def _tear_down(self) -> None:
        """Stop the server, and remove its folder, unless this is a forked child of the process that started it."""
        if os.getpid() != self._owner:
            return
        try:
            await self._stop()
        finally:
            self._remove()

    async def _create_superuser(self) -> None:
        command = ["superuser", "upsert"]
        if self._version is not None and tuple(map(int, self._version.split("."))) < (0, 23):
            await self._execute("migrate", "up")  # only `serve` does this by itself
            command = ["admin", "create"]
        output = await self._execute(*command, *self.superuser)
        # Many versions exit with 0 after an error too.
        if not re.search(rf"Successfully .*{re.escape(self.superuser.email)}", output):
            raise RuntimeError(f"PocketBase could not create its superuser:\n{output}")

    async def _execute(self, *arguments: str) -> str:
        """Run a command of the binary to its end, and return what it printed."""
        (self._folder / "output").unlink(missing_ok=True)
        process = self._run(*arguments)
        try:
            while process.poll() is None:
                await asyncio.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        return self._output()

    async def _start_on_free_port(self) -> None:
        for attempt in range(1, 6):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._port = free.getsockname()[1]
            try:
                await self._start()
                return
            except RuntimeError as error:
                # Another process may have taken the port in the meantime.
                if attempt == 5 or "address already in use" not in str(error):
                    raise
                self.kill()
                (self._folder / "output").unlink()

    async def _start(self) -> None:
        self._process = self._run("serve", "--http", f"127.0.0.1:{self._port}")
        if os.name == "posix":
            # The pipe is closed when this process ends, even if it is killed. Then the watchdog kills the server.
            script = 'read -r _; kill -9 "$1"; rm -rf "$2"'
            self._watchdog = subprocess.Popen(
                ["/bin/sh", "-c", script, "watchdog", str(self._process.pid), str(self._folder)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not await self._is_healthy():
            if self._process.poll() is not None:
                raise RuntimeError(f"PocketBase exited during its start:\n{self._output()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"PocketBase did not respond within {START_TIMEOUT:.0f} s:\n{self._output()}")
            await asyncio.sleep(0.01)

    async def _stop(self) -> None:
        self._stop_watchdog()
        process = self._process
        try:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                deadline = time.monotonic() + 5
                while process.poll() is None and time.monotonic() < deadline:
                    await asyncio.sleep(0.01)
        finally:
            self.kill()

    def _remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        folders = {"dir": "data", "migrationsDir": "migrations", "hooksDir": "hooks", "publicDir": "public"}
        flags = [f"--{flag}={self._folder / name}" for flag, name in folders.items()]
        # Automatic migrations would be applied again to a restored backup, and undo it.
        flags += ["--automigrate=false", "--hooksWatch=false"]
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                [str(self._binary), *arguments, *flags],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _output(self) -> str:
        return (self._folder / "output").read_text(encoding="utf-8", errors="replace")[-2000:].strip()

    async def _is_healthy(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
        return False


def _check_that_port_is_free(port: int) -> None:
    with socket.socket() as probe:
        if os.name == "posix":
            # Connections that were closed a moment ago do not keep the server from listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RuntimeError(f"LocalServer cannot use port {port}: {error.strerror}") from error


class LocalServer(ServerMethods, AsyncFace):
    """A PocketBase server on a loopback port, which runs while an `async with` block runs.

    Everything that the server writes is in a temporary folder. The server stops and the folder is removed when the
    block ends. On POSIX this also happens if the process is killed.

    Args:
        version: The version of the server, 0.22 or newer: `"0.36.9"`, or `"0.23"` for the last release of that series.
            The binary is downloaded once into a cache. None: the installed binary.
        hooks: The source of JavaScript hooks.
        port: The port of the server. None: a free port.

    Raises:
        ValueError: If `port` is not the number of a port.
    """

    async def __aenter__(self) -> Self:
        await self._set_up()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tear_down()
