"""Both type checkers know the types of records, and report each wrong use of one."""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

USES = Path(__file__).with_name("uses.py")
ROOT = USES.parents[2]
WRONG = {number for number, line in enumerate(USES.read_text().splitlines(), 1) if line.endswith("# wrong")}


async def reported_by(*command: str, cwd: Path) -> set[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=cwd, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return {int(number) for number in re.findall(rb"uses\.py:(\d+):.*error", output)}


@pytest.mark.slow
async def test_mypy_reports_each_wrong_use_and_no_other() -> None:
    assert await reported_by("mypy", "--strict", str(USES), cwd=ROOT) == WRONG


@pytest.mark.slow
async def test_pyright_reports_each_wrong_use_and_no_other(tmp_path: Path) -> None:
    shutil.copy(USES, tmp_path)  # pyproject.toml excludes it where it is
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    assert await reported_by("pyright", "--pythonpath", sys.executable, cwd=tmp_path) == WRONG
