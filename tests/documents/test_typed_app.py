"""The example with generated models runs, and its models are those of its collections."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.typed_app import __main__ as example
from pocketbase_core import PocketBase
from pocketbase_core.codegen.command import main
from pocketbase_core.testing import LocalServer

ROOT = Path(__file__).parents[2]
HINT = "run the command in examples/typed_app/__main__.py"


async def test_the_typed_example_finds_what_its_filters_say(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "error", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "examples.typed_app"]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = [
        (section.splitlines()[0], re.findall(r"^   (.*?) \(", section, re.MULTILINE))
        for section in re.split(r"^(?=\S)", done.stdout, flags=re.MULTILINE)[1:]
    ]
    assert found == [
        ('Overdue: status != "done" && due != "" && due < @now', ["Cut the hedge", "Paint the door"]),
        ("Done at last", ["Cut the hedge"]),
        ('Ann\'s: person.name = "Ann"', ["Mend the roof", "Sweep the yard"]),
        ('In the house: labels:each ?= "house"', ["Mend the roof", "Paint the door"]),
        ('With a note about the door: notes_via_task.text ?~ "door"', ["Paint the door"]),
    ]
    assert "Cut the hedge (done, garden, urgent)" in done.stdout, "an update adds a label"
    assert "Mend the roof (doing, house, urgent), Ann" in done.stdout, "the person is expanded"
    assert not [*tmp_path.iterdir()], "the example left files"


async def test_the_models_of_the_typed_example_are_those_of_its_collections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(example.SCHEMA.parent)
    command = re.search(r"^python -m pocketbase_core models --from schema.json (.*)$", example.__doc__ or "", re.M)
    assert command is not None
    options = [*command[1].split(), "--check"]
    assert main(["models", "--from", "schema.json", *options]) == 0, HINT
    async with LocalServer() as server, PocketBase(server.url) as pb:
        email, password = server.superuser
        await pb.admins.auth.with_password(email, password)
        await pb.collections.import_collections(json.loads(example.SCHEMA.read_text()))
        monkeypatch.setenv("POCKETBASE_PASSWORD", password)
        arguments = ["models", server.url, "--email", email, *options]
        assert await asyncio.to_thread(main, arguments) == 0, HINT
