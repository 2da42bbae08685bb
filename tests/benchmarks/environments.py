"""The other SDKs, each installed into an environment of its own in the user's cache folder."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

PEERS = {"pocketbase-async": "pocketbase_async", "pocketbase": "pocketbase_sync"}
"""The packages, and the modules in `clients` that use them."""
_CLIENTS = Path(__file__).parent / "clients"


def command(client: str) -> list[str]:
    """Return the command that starts a client.

    Args:
        client: `ours aiohttp`, `bare httpx` and so on, `pocketbase-async`, `pocketbase`, or `js`.
    """
    name, *arguments = client.split()
    if name == "js":
        return [shutil.which("node") or "node", str(_CLIENTS / "pocketbase_js.mjs"), str(_folder("js"))]
    module = f"{__package__}.clients.{PEERS.get(name, name)}"
    return [_python(name) if name in PEERS else sys.executable, "-m", module, *arguments]


async def prepare() -> list[str]:
    """Install the SDKs that are missing. Return the names of the SDKs that are installed."""
    for package in PEERS:
        if not Path(_python(package)).exists():
            await _run(sys.executable, "-m", "venv", "--clear", str(_folder(package)))
            await _run(_python(package), "-m", "pip", "install", "--quiet", package)
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("Node is not installed; the JavaScript SDK is left out", file=sys.stderr)
        return [*PEERS]
    if not (_folder("js") / "node_modules" / "pocketbase").exists():
        _folder("js").mkdir(parents=True, exist_ok=True)
        await _run(
            "npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(_folder("js")), "pocketbase"
        )
    return [*PEERS, "js"]


def _folder(name: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "pocketbase-core" / "benchmarks" / name


def _python(package: str) -> str:
    return str(_folder(package) / "bin" / "python")


async def _run(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(*arguments)
    if await process.wait():
        raise RuntimeError(f"{' '.join(arguments)} failed")
