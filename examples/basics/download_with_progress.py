"""Download a file to disk and report the progress. The download resumes where the connection breaks."""

import asyncio
import os
import tempfile
from pathlib import Path

from pocketbase_core import FileUpload, PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


def show(done: int, total: int | None) -> None:
    print(f"{done:,} of {total or 0:,} bytes")


async def main() -> None:
    async with PocketBase(URL) as pb:
        big = FileUpload(("big.bin", bytes(1_000_000)))
        post = await pb.collection("posts").create({"docs": big})
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "big.bin"
            await pb.files.download_to(target, "posts", post["id"], post["docs"][0], on_progress=show)
            print(target.stat().st_size)


if __name__ == "__main__":
    asyncio.run(main())
