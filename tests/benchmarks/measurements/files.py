"""The upload and download of a large backup, compared with the bare library."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..runner import Cost, Runner

MEBIBYTE = 2**20
LIBRARIES = ("aiohttp", "httpx", "httpx2")
_DIRECTIONS = {"new": "down to a new name", "over": "down over an existing file"}


async def measure(runner: Runner) -> None:
    size = runner.scaled(256)
    url, superuser = await runner.server(), runner.superuser
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.zip"
        source.write_bytes(b"PK\3\4" + os.urandom(size * MEBIBYTE))
        for library in LIBRARIES:
            paths = (str(source), str(source.with_name("target.zip")))
            up = await _transfer("up", library, url, *superuser, *paths)
            title = f"{size} MiB {{}}: bytes a second / bare {library}"
            runner.compare(title.format("up"), up["bare"], up["sdk"], by="wall", goal="≥ 0.8")
            down = await _transfer("down", library, url, *superuser, *paths)
            for kind, name in _DIRECTIONS.items():
                bare, ours = down[f"bare {kind}"], down[f"sdk {kind}"]
                runner.compare(title.format(name), bare, ours, by="wall", goal="≥ 0.9")


async def _transfer(*arguments: str) -> dict[str, list[Cost]]:
    command = [sys.executable, "-m", "tests.helpers.transfer", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    times: dict[str, list[float]] = json.loads(done.stdout)
    return {name: [Cost(each, 0.0, 0, None) for each in found] for name, found in times.items()}
