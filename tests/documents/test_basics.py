"""The short examples run by one command, print what they show, and are listed in the documents."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.basics.__main__ import CODE, NAMES

ROOT = Path(__file__).parents[2]
BASICS = {
    "batch": ["First", "{1: 404}"],
    "create_with_file": ["/api/files/", "b'any text'"],
    "download_with_progress": ["0 of 1,000,000 bytes", "1,000,000 of 1,000,000 bytes", "\n1000000"],
    "list_records": ["2 ['Post 3', 'Post 2']", " Post 1"],
    "mock_transport": ["POST http://pocketbase.test/api/collections/posts/records", "'title': 'Hello'"],
    "realtime_callback": ["create Watched\ndelete Watched"],
    "retry_creates": ["True"],
    "shared_session": ["API is healthy.\n200"],
    "sign_in_with_otp": ["signed in as user@example.com\nTrue"],
    "typed_records": ["Typed 20"],
}
"""Words that each of the basics prints."""


async def test_one_command_runs_all_the_basics(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.basics"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "error", "TMPDIR": str(tmp_path)}
    done = await asyncio.to_thread(
        subprocess.run, command, input=f"{CODE}\n", capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = {section.split()[0]: section for section in done.stdout.strip().split("\n\n")}
    for name, words in BASICS.items():
        assert all(each in printed[name] for each in words), printed[name]
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", NAMES)
def test_each_of_the_basics_is_short_complete_and_listed_in_both_languages(name: str) -> None:
    code = (ROOT / "examples" / "basics" / f"{name}.py").read_text(encoding="utf-8")
    assert name in BASICS
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    assert re.match(r'"""[A-Z].*\."""\n', code)
    assert code.endswith('if __name__ == "__main__":\n    asyncio.run(main())\n')
    for folder, up in (("docs/howto", "../.."), ("docs/zh/howto", "../../..")):
        row = f"| [{name}.py]({up}/examples/basics/{name}.py) |"
        assert row in (ROOT / folder / "examples.md").read_text(encoding="utf-8")
