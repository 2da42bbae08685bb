"""The processes of the fleet: a Redis, and workers that are replaced when they end."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

REDIS = 'redis-server --dir "$0" "$@" & exec >&-; read -r _; kill $!; wait $!; rm -rf "$0"'
"""Redis runs until the pipe to this shell is closed, which also happens if this process is killed."""


@asynccontextmanager
async def run_redis() -> AsyncGenerator[str]:
    """Run a Redis that saves nothing, at a Unix socket in a temporary folder, and yield its URL."""
    folder = tempfile.mkdtemp(prefix="redis-")
    options = ["--port", "0", "--unixsocket", f"{folder}/socket", "--save", "", "--appendonly", "no"]
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", REDIS, folder, *options, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while b"eady to accept connections" not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError("redis-server did not start")
        yield f"unix://{folder}/socket"
    finally:
        process.stdin.close()
        await process.communicate()


def stop_on_sigterm() -> None:
    """Cancel the current task at the first SIGTERM."""
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: task.cancelling() or task.cancel())


def send_signal(process: Process, number: int) -> None:
    """Send a signal to a process, which may have ended.

    `Process.send_signal` of asyncio would take the exit code of a process that has just ended from its watcher.
    """
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


class Workers:
    """Worker processes, which run while an `async with` block runs.

    Args:
        names: Their names. A worker that ends is replaced by another with its name.
        environment: Environment variables for them.
    """

    def __init__(self, names: list[str], environment: dict[str, str]) -> None:
        self._names = names
        self._environment = {**os.environ, **environment}
        self._group = asyncio.TaskGroup()
        self._tasks = list[asyncio.Task[None]]()
        self.running = dict[str, Process]()
        self.failures = 0
        """How many ended by themselves."""

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(self._keep(name)) for name in self._names]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(exc_type, error, traceback)

    async def _keep(self, name: str) -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "examples.fleet.worker", name,
                env=self._environment, stdin=DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.running[name] = process
            try:
                self.failures += await process.wait() != -signal.SIGKILL
            finally:
                await self._stop(process)
            if process.returncode != -signal.SIGKILL:
                await asyncio.sleep(1)  # a worker that cannot start is not started all the time

    async def _stop(self, process: Process) -> None:
        if process.returncode is not None:
            return
        send_signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(10):
                self.failures += await process.wait() not in (0, -signal.SIGTERM, -signal.SIGKILL)
        except TimeoutError:
            send_signal(process, signal.SIGKILL)
            await process.wait()
            self.failures += 1
