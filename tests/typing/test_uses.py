"""Both type checkers know the types of records, models and the blocking face, and report each wrong use of one."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from ..helpers.every_field import STYLES, write_models
from ..unit.codegen.test_module import COLLECTIONS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
each_file = pytest.mark.parametrize("name", ["uses", "blocking", "model_uses"])


async def output_of(*command: str, cwd: Path) -> str:
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode()


def copy_uses(name: str, folder: Path) -> set[int]:
    """Copy a file of uses beside the models that it imports, and return the numbers of the wrong lines."""
    path = Path(shutil.copy(HERE / f"{name}.py", folder))
    write_models(folder, COLLECTIONS, "dataclass").rename(folder / "models.py")
    return {number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# wrong")}


def reported(name: str, output: str) -> set[int]:
    return {int(number) for number in re.findall(rf"\b{name}\.py:(\d+):.*error", output)}


def configure_pyright(folder: Path) -> None:
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))


@pytest.mark.slow
@each_file
async def test_mypy_reports_each_wrong_use_and_no_other(tmp_path: Path, name: str) -> None:
    wrong = copy_uses(name, tmp_path)
    assert reported(name, await output_of("mypy", "--strict", f"{name}.py", cwd=tmp_path)) == wrong


@pytest.mark.slow
@each_file
async def test_pyright_reports_each_wrong_use_and_no_other(tmp_path: Path, name: str) -> None:
    wrong = copy_uses(name, tmp_path)
    configure_pyright(tmp_path)
    assert reported(name, await output_of("pyright", "--pythonpath", sys.executable, cwd=tmp_path)) == wrong


@pytest.mark.slow
async def test_no_checker_has_an_objection_to_models(tmp_path: Path) -> None:
    paths = [write_models(tmp_path, COLLECTIONS, style) for style in STYLES]
    configure_pyright(tmp_path)
    by_mypy, by_pyright = await asyncio.gather(
        output_of("mypy", "--strict", *(path.name for path in paths), cwd=tmp_path),
        output_of("pyright", "--pythonpath", sys.executable, cwd=tmp_path),
    )
    assert by_mypy == f"Success: no issues found in {len(STYLES)} source files\n"
    assert "0 errors, 0 warnings" in by_pyright, by_pyright
