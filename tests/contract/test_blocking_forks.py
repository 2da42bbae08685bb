"""After a fork, parent and child can both use the blocking client, in whatever state it was."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


SLOW = [pytest.param(library, marks=pytest.mark.slow) for library in ("httpx", "pyreqwest")]


@pytest.mark.parametrize("library", ["aiohttp", *SLOW])
async def test_after_a_fork_parent_and_child_can_both_use_the_blocking_client(library: str) -> None:
    command = [sys.executable, "-m", "tests.helpers.blocking_forking", library]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert (done.stdout.split()[-1:], len(done.stdout.split()), done.stderr) == (["closed"], 13, "")
