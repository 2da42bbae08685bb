"""The upload and download of a large backup, compared with the bare library."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from ..runner import Row, Runner

MEBIBYTE = 2**20
LIBRARIES = ("aiohttp", "httpx", "httpx2")


async def measure(runner: Runner) -> None:
    size = runner.scaled(256)
    url, superuser = await runner.server(), runner.superuser
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.zip"
        source.write_bytes(b"PK\3\4" + os.urandom(size * MEBIBYTE))
        for library in LIBRARIES:
            arguments = ("speed", library, url, *superuser, str(source), str(source.with_name("target.zip")))
            command = [sys.executable, "-m", "tests.helpers.transfer", *arguments]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
            times: dict[str, list[float]] = json.loads(done.stdout)
            for way in ("up", "down"):
                ratios = sorted(
                    bare / ours for bare, ours in zip(times[f"bare {way}"], times[f"sdk {way}"], strict=True)
                )
                value = median(times[f"bare {way}"]) / median(times[f"sdk {way}"])
                title = f"{size} MiB {way}: bytes a second / bare {library}"
                runner.add(Row(title, value, ratios[0], ratios[-1], goal="≥ 0.8"))
