"""Upload and download a big backup in a process of its own, and print the costs as JSON.

python -m tests.helpers.transfer memory|speed LIBRARY URL EMAIL PASSWORD SOURCE TARGET
"""

import asyncio
import json
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

KEY, ROUNDS, CHUNK = "big.zip", 3, 65536
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
    """Give the functions that upload and download with the bare library, as its documentation shows."""
    upload_url, headers = f"{pb.base_url}/api/backups/upload", {"Authorization": pb.auth_store.token}
    if library == "aiohttp":
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:

            async def upload() -> None:
                with source.open("rb") as opened:
                    form = aiohttp.FormData()
                    form.add_field("file", opened, filename=KEY, content_type="application/zip")
                    async with session.post(upload_url, data=form, headers=headers) as response:
                        response.raise_for_status()

            async def download() -> None:
                url = pb.backups.get_download_url(KEY, token=await pb.files.get_token())
                async with session.get(url, raise_for_status=True) as response:
                    with target.open("wb") as opened:
                        async for chunk in response.content.iter_chunked(CHUNK):
                            opened.write(chunk)

            yield upload, download
        return
    client_type: Any = {"httpx": httpx, "httpx2": httpx2}[library].AsyncClient
    async with client_type(timeout=None, trust_env=False) as client:

        async def upload() -> None:
            with source.open("rb") as opened:
                response = await client.post(
                    upload_url, files={"file": (KEY, opened, "application/zip")}, headers=headers
                )
                response.raise_for_status()

        async def download() -> None:
            url = pb.backups.get_download_url(KEY, token=await pb.files.get_token())
            async with client.stream("GET", url) as response:
                with target.open("wb") as opened:
                    async for chunk in response.aiter_bytes():
                        opened.write(chunk)

        yield upload, download


async def speed(pb: PocketBase, library: str, source: Path, target: Path) -> dict[str, list[float]]:
    """Return the seconds of each round, of the SDK and the bare library in turn."""
    times: dict[str, list[float]] = {"bare up": [], "sdk up": [], "bare down": [], "sdk down": []}

    async def timed(name: str, work: Work) -> None:
        started = time.perf_counter()
        await work()
        times[name].append(time.perf_counter() - started)

    async with bare_transfers(pb, library, source, target) as (bare_up, bare_down):

        async def sdk_up() -> None:
            await pb.backups.upload(FileUpload((KEY, source)))

        async def sdk_down() -> None:
            await pb.backups.download_to(target, KEY)

        for number in range(ROUNDS):
            steps = [("bare up", bare_up, "bare down", bare_down), ("sdk up", sdk_up, "sdk down", sdk_down)]
            for up, upload, down, download in steps[:: 1 if number % 2 else -1]:
                await timed(up, upload)
                for _ in range(2):
                    target.unlink(missing_ok=True)  # else both would wait for the disk to let go of the old file
                    await timed(down, download)
                await pb.backups.delete(KEY)
    return times


async def main(job: str, library: str, url: str, email: str, password: str, source: str, target: str) -> None:
    async with PocketBase(url, transport=MAKERS[library](), timeout=600) as pb:
        await pb.admins.auth.with_password(email, password)
        work = memory if job == "memory" else speed
        print(json.dumps(await work(pb, library, Path(source), Path(target))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
