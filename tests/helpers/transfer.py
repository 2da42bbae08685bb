"""Upload and download a big backup in a process of its own, and print the costs as JSON.

python -m tests.helpers.transfer memory|up|down LIBRARY URL EMAIL PASSWORD SOURCE TARGET
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2

from pocketbase_core import FileUpload, PocketBase

from .transports import MAKERS

KEY, UPLOADS, DOWNLOADS, CHUNK = "big.zip", 3, 9, 65536
TIMEOUT = 600
"""Seconds that the SDK and the bare libraries wait for the next data."""
Work = Callable[[], Awaitable[None]]


async def memory(pb: PocketBase, library: str, source: Path, target: Path) -> dict[str, int]:
    """Return the kilobytes by which this process grew at most. A first, small round loads all modules."""
    await pb.backups.upload(FileUpload(("small.zip", b"PK\3\4")))
    await pb.backups.download_to(target, "small.zip")
    before = peak()
    await pb.backups.upload(FileUpload((KEY, source)))
    up = peak()
    await pb.backups.download_to(target, KEY)
    return {"up": up - before, "down": peak() - before}


def peak() -> int:
    """Return the peak memory in kilobytes. `ru_maxrss` would start with the peak of the parent process."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


@asynccontextmanager
async def bare_transfers(
    pb: PocketBase, library: str, source: Path, target: Path
) -> AsyncGenerator[tuple[Work, Work], None]:
    """Give the functions that upload and download with the bare library, as its documentation shows.

    The libraries have the SDK's timeouts, because a timeout for each wait costs time. The download is written beside
    the target and replaces it at the end, as the SDK's, so that both hold an old file and a new one. Neither calls
    `fsync`.
    """
    part = target.with_suffix(".part")
    upload_url, headers = f"{pb.base_url}/api/backups/upload", {"Authorization": pb.auth_store.token}
    if library == "aiohttp":
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_read=TIMEOUT)) as session:

            async def upload() -> None:
                with source.open("rb") as opened:
                    form = aiohttp.FormData()
                    form.add_field("file", opened, filename=KEY, content_type="application/zip")
                    async with session.post(upload_url, data=form, headers=headers) as response:
                        response.raise_for_status()

            async def download() -> None:
                url = pb.backups.get_download_url(KEY, token=await pb.files.get_token())
                async with session.get(url, raise_for_status=True) as response:
                    with part.open("wb") as opened:
                        async for chunk in response.content.iter_chunked(CHUNK):
                            opened.write(chunk)
                part.replace(target)

            yield upload, download
        return
    client_type: Any = {"httpx": httpx, "httpx2": httpx2}[library].AsyncClient
    async with client_type(timeout=TIMEOUT, trust_env=False) as client:

        async def upload() -> None:
            with source.open("rb") as opened:
                response = await client.post(
                    upload_url, files={"file": (KEY, opened, "application/zip")}, headers=headers
                )
                response.raise_for_status()

        async def download() -> None:
            url = pb.backups.get_download_url(KEY, token=await pb.files.get_token())
            async with client.stream("GET", url) as response:
                with part.open("wb") as opened:
                    async for chunk in response.aiter_bytes():
                        opened.write(chunk)
            part.replace(target)

        yield upload, download


async def up(pb: PocketBase, library: str, source: Path, target: Path) -> dict[str, list[float]]:
    """Return the seconds of each upload, by the SDK and by the bare library in turn."""
    times: dict[str, list[float]] = {"bare": [], "sdk": []}

    async def upload() -> None:
        await pb.backups.upload(FileUpload((KEY, source)))

    async with bare_transfers(pb, library, source, target) as (bare_upload, _):
        for number in range(UPLOADS):
            steps = [("bare", bare_upload), ("sdk", upload)]
            for name, work in steps[:: 1 if number % 2 else -1]:
                times[name].append(await seconds(work))
                await pb.backups.delete(KEY)
    return times


async def down(pb: PocketBase, library: str, source: Path, target: Path) -> dict[str, list[float]]:
    """Return the seconds of each download, to a new name and over an existing file."""
    times: dict[str, list[float]] = {"bare new": [], "sdk new": [], "bare over": [], "sdk over": []}

    async def download() -> None:
        await pb.backups.download_to(target, KEY)

    await pb.backups.upload(FileUpload((KEY, source)))
    async with bare_transfers(pb, library, source, target) as (_, bare_download):
        for number in range(DOWNLOADS + 1):
            steps = [("bare", bare_download), ("sdk", download)]
            for name, work in steps[:: 1 if number % 2 else -1]:
                target.unlink(missing_ok=True)
                new, over = await seconds(work), await seconds(work)
                if number:  # the first one imports
                    times[f"{name} new"].append(new)
                    times[f"{name} over"].append(over)
    await pb.backups.delete(KEY)
    return times


async def seconds(work: Work) -> float:
    """Return the seconds that a transfer takes on an idle disk."""
    await asyncio.to_thread(os.sync)
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


JOBS = {"memory": memory, "up": up, "down": down}


async def main(job: str, library: str, url: str, email: str, password: str, source: str, target: str) -> None:
    async with PocketBase(url, transport=MAKERS[library](), timeout=TIMEOUT) as pb:
        await pb.admins.auth.with_password(email, password)
        print(json.dumps(await JOBS[job](pb, library, Path(source), Path(target))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
