"""The code of the README and of the site passes both type checkers in their strict modes."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from pocketbase_core.testing import LocalServer

from ..documents.test_manuals import blocks, files, on, programs, write_models

ROOT = Path(__file__).parents[2]


async def write_modules(folder: Path) -> int:
    """Write each program of the documents into a module, and return their number."""
    readme = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)
    tutorial = [block.code for block in blocks("tutorial.md") if block.is_file]
    start = [block.code for block in blocks("index.md") if block.language == "python"]
    modules = [*readme, *start, *tutorial, *files("app.py"), *programs().values()]
    for number, module in enumerate(modules):
        (folder / f"program_{number}.py").write_text(module, encoding="utf-8")
    async with LocalServer() as server:
        program = on(server, programs()["index"])
        await asyncio.to_thread(exec, program, {"__name__": "__main__"})
        await write_models(server, folder)
    return len(modules)


async def output_of(*command: str, cwd: Path) -> str:
    pipe, environment = asyncio.subprocess.PIPE, {**os.environ, "MYPYPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=cwd, env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.slow
async def test_mypy_has_no_objection_to_the_code_of_the_documents(tmp_path: Path) -> None:
    count = await write_modules(tmp_path)
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--strict"]
    output = await output_of("mypy", *config, *(f"program_{number}.py" for number in range(count)), cwd=tmp_path)
    assert output == f"Success: no issues found in {count} source files\n"
    assert count > 20, "blocks of code were not found"


@pytest.mark.slow
async def test_pyright_has_no_objection_to_the_code_of_the_documents(tmp_path: Path) -> None:
    await write_modules(tmp_path)
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    output = await output_of("pyright", "--pythonpath", sys.executable, cwd=tmp_path)
    assert "0 errors, 0 warnings" in output, output
