"""The code of the README and of the manual passes both type checkers in their strict modes."""

import asyncio
import json
import os
import re
import sys
import textwrap
from pathlib import Path

import pytest

from ..documents.test_manuals import blocks

ROOT = Path(__file__).parents[2]


def write_modules(folder: Path) -> int:
    """Write each program of the documents into a module, and return their number."""
    readme = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)
    prelude, *rest = [block for block in blocks("manual.md") if block.language == "python"]
    programs = [*readme, *(block.code for block in rest if block.is_file)]
    for section in dict.fromkeys(block.section for block in rest):
        body = "\n".join(block.code for block in rest if block.section == section and not block.is_file)
        programs.append(prelude.code.replace("        ...\n", textwrap.indent(body, " " * 8)))
    for number, program in enumerate(programs):
        (folder / f"program_{number}.py").write_text(program, encoding="utf-8")
    return len(programs)


async def output_of(*command: str, cwd: Path) -> str:
    pipe, environment = asyncio.subprocess.PIPE, {**os.environ, "MYPYPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=cwd, env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.slow
async def test_mypy_has_no_objection_to_the_code_of_the_documents(tmp_path: Path) -> None:
    count = write_modules(tmp_path)
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--strict"]
    output = await output_of("mypy", *config, *(f"program_{number}.py" for number in range(count)), cwd=tmp_path)
    assert output == f"Success: no issues found in {count} source files\n"
    assert count > 20, "blocks of code were not found"


@pytest.mark.slow
async def test_pyright_has_no_objection_to_the_code_of_the_documents(tmp_path: Path) -> None:
    write_modules(tmp_path)
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    output = await output_of("pyright", "--pythonpath", sys.executable, cwd=tmp_path)
    assert "0 errors, 0 warnings" in output, output
