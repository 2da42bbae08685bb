"""Upload a backup to a throw-away PocketBase and download it again, with a progress bar for each.

python examples/progress.py                         transfers 16 MiB
python examples/progress.py --size 1024             transfers 1 GiB
python examples/progress.py --transport httpx       uses httpx
"""

import argparse
import asyncio
import tempfile
import zipfile
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pocketbase_core import FileUpload, PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport

TRANSPORTS: dict[str, type[AiohttpTransport] | type[HttpxTransport]] = {
    "aiohttp": AiohttpTransport,
    "httpx": HttpxTransport,
}


class Bar:
    """A progress bar, callable as `on_progress`."""

    def __init__(self, display: Progress, label: str) -> None:
        self._display = display
        self._task = display.add_task(label, total=None)

    def __call__(self, done: int, total: int | None) -> None:
        self._display.update(self._task, completed=done, total=total)


async def main(size: int, transport: str, folder: Path) -> None:
    source, target = folder / "footage.zip", folder / "again.zip"
    with zipfile.ZipFile(source, "w") as archive, archive.open("footage.mov", "w", force_zip64=True) as film:
        for _ in range(size):
            film.write(bytes(1024 * 1024))
    columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    async with LocalServer() as server, PocketBase(server.url, transport=TRANSPORTS[transport]()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        with Progress(*columns) as display:
            await pb.backups.upload(FileUpload(source, on_progress=Bar(display, "upload")))
            await pb.backups.download_to(target, source.name, on_progress=Bar(display, "download"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show progress bars for an upload and a download.")
    parser.add_argument("--size", type=int, default=16, help="size of the backup in MiB")
    parser.add_argument("--transport", choices=TRANSPORTS, default="aiohttp")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        asyncio.run(main(arguments.size, arguments.transport, folder))
        print(f"{(folder / 'again.zip').stat().st_size:,} bytes uploaded and downloaded")
