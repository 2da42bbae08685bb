"""The fleet of workers does each job once, whichever worker is killed, and stops when it is told to."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from examples.fleet.processes import run_redis
from pocketbase_core.testing import LocalServer

from ..helpers.redis_server import needs_redis
from .test_manuals import on, programs

ROOT = Path(__file__).parents[2]

pytestmark = needs_redis


@asynccontextmanager
async def fleet(*options: str) -> AsyncGenerator[Process]:
    """Run the fleet, which has to leave no temporary files. Their folder has a short path, as Unix sockets require."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "error", "TMPDIR": folder}
        command = [sys.executable, "-m", "examples.fleet", *options]
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.communicate()
        assert not os.listdir(folder), "the example left files"


async def summary_of(*options: str) -> dict[str, str]:
    """Run the fleet, and return the rows of its summary."""
    async with fleet(*options) as process:
        stdout, stderr = await process.communicate()
    assert "Traceback" not in stderr.decode(), stderr.decode()
    assert process.returncode == 0, stdout.decode() + stderr.decode()
    return dict(re.findall(r"^(\w[\w -]*?)  +(\S.*)$", stdout.decode(), re.MULTILINE))


def assert_each_job_was_done_once(summary: dict[str, str], records: int, least_kills: int) -> None:
    assert summary["records created"] == summary["jobs done"] == str(records)
    assert summary["lost"] == summary["done twice"] == summary["other ends of workers"] == "0"
    assert int(summary["kills"].partition(",")[0]) >= least_kills


@pytest.mark.slow
async def test_a_fleet_does_each_job_once_although_its_workers_are_killed() -> None:
    summary = await summary_of("--records", "300", "--workers", "3", "--seconds", "5", "--kill-every", "1")
    assert_each_job_was_done_once(summary, 300, least_kills=3)


@pytest.mark.slow
async def test_a_fleet_does_thousands_of_jobs_once_although_its_workers_are_killed() -> None:
    summary = await summary_of("--records", "6000", "--seconds", "20", "--kill-every", "1")
    assert_each_job_was_done_once(summary, 6_000, least_kills=15)
    assert int(summary["elections"]) > 1, "the listener was never killed"


async def test_a_fleet_that_is_terminated_stops_all_its_processes() -> None:
    async with fleet("--seconds", "60", "--kill-every", "1") as process:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert (await process.stdout.readline()).startswith(b"killed worker-")
        process.send_signal(signal.SIGTERM)
        _, stderr = await process.communicate()
        assert (process.returncode, stderr) == (1, b"stopped\n")


async def test_the_session_of_many_workers_is_kept_in_redis(capfd: pytest.CaptureFixture[str]) -> None:
    async with run_redis() as url, LocalServer() as server:
        for page in ("index", "fleet"):
            code = on(server, programs()[page])
            code = code.replace('host="127.0.0.1", port=6379', f"unix_socket_path={url.removeprefix('unix://')!r}")
            await asyncio.to_thread(exec, compile(code, f"{page}.md", "exec"), {"__name__": "__main__"})
    assert capfd.readouterr().out == "0\nTrue\n"
