"""The cost of the import: processor time in fresh processes, with modules that are compiled already."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from ..runner import Cost, Runner

_ROOT = Path(__file__).parents[3]
STATEMENTS = {"import pocketbase_core": "≤ 0.5", "from pocketbase_core import PocketBase": ""}


async def measure(runner: Runner) -> None:
    costs: dict[str, list[Cost]] = {statement: [] for statement in ("import httpx", *STATEMENTS)}
    with tempfile.TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        for turn in range(3 * runner.rounds + 1):
            for statement, found in costs.items():
                cost = await _cost(statement, environment)
                if turn:  # the first one compiles
                    found.append(cost)
    for statement, goal in STATEMENTS.items():
        title = f"{statement}: processor time / import httpx"
        runner.compare(title, costs[statement], costs["import httpx"], by="cpu", goal=goal)


async def _cost(statement: str, environment: dict[str, str]) -> Cost:
    script = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=_ROOT, env=environment
    )
    output, _ = await process.communicate()
    return Cost(0.0, float(output), 0, None)
