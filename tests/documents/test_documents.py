"""The code in the documents and the examples run as they are."""

import asyncio
import inspect
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_type_hints

import pytest

import pocketbase_core
from pocketbase_core import PocketBase, Response
from pocketbase_core.calls import options
from pocketbase_core.testing.binaries import find_binary
from pocketbase_transports import MockTransport

ROOT = Path(__file__).parents[2]


def blocks(document: str) -> list[str]:
    return re.findall(
        r"^```python\n(.*?)^```$", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@asynccontextmanager
async def server_of(document: str, folder: Path) -> AsyncGenerator[str, None]:
    """Run the commands with which a document starts a server in an empty folder, on a free port, and yield its URL."""
    text = (ROOT / document).read_text(encoding="utf-8")
    (commands,) = re.findall(r"^(pocketbase superuser .*)\n(pocketbase serve)$", text, re.MULTILINE)
    path = os.pathsep.join([str(find_binary(None).parent), os.environ["PATH"]])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = await asyncio.create_subprocess_shell(
        f"{commands[0]} && exec {commands[1]} --http={address}",
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            await process.stdout.readuntil(b"Server started at ")
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.communicate()


def lines(code: str) -> str:
    """Return the code without indentation and empty lines."""
    return "\n".join(filter(None, map(str.strip, code.splitlines()))) + "\n"


async def test_the_code_in_the_architecture_document_runs_and_its_excerpts_exist() -> None:
    excerpts = 0
    for block in blocks("docs/architecture.md"):
        path, _, excerpt = block.partition("\n")
        if not path.startswith("# "):
            compiled = compile(block, "docs/architecture.md", "exec")
            await asyncio.to_thread(exec, compiled, {"__name__": "__main__"})
            continue
        excerpts += 1
        for part in lines(excerpt).split("...\n"):
            assert part in lines((ROOT / path[2:]).read_text(encoding="utf-8")), path
    assert excerpts == 7, "an excerpt was not found"


def objects() -> list[object]:
    """Return a client and all that it gives access to."""
    pb = PocketBase("http://any", transport=MockTransport(lambda request: Response(200)))
    posts, batch = pb.collection("posts"), pb.create_batch()
    services = [pb.files, pb.collections, pb.backups, pb.logs, pb.settings, pb.crons, pb.sql, pb.health, pb.realtime]
    return [pb, *services, pb.auth_store, posts, posts.auth, posts.live(), batch, batch.collection("posts")]


def test_help_describes_each_option_of_each_method() -> None:
    seen = 0
    for each in objects():
        for name, method in inspect.getmembers(type(each), inspect.isfunction):
            keywords = re.search(r"\*\*\w+: .*?\b(\w+Options)\b", str(inspect.signature(method)))
            if keywords and not name.startswith("_"):
                seen += 1
                section = re.search(r"^Options:\n((?: {4}.*\n?)+)", inspect.getdoc(method) or "", re.MULTILINE)
                assert section is not None, (
                    f"the docstring of {type(each).__name__}.{name} has no line with the options"
                )
                described = re.findall(r"^ {4}(\w+) \(.+?\): \S", section[1], re.MULTILINE)
                known = get_type_hints(getattr(options, keywords[1]))
                assert sorted(described) == sorted(known), f"{type(each).__name__}.{name}"
    assert seen > 70, "methods with options were not found"


def test_help_has_a_sentence_for_each_public_method() -> None:
    public_classes: set[type] = {type(each) for each in objects()}
    public_classes.update(getattr(pocketbase_core, name) for name in pocketbase_core.__all__)
    seen = 0
    for public_class in public_classes:
        for name, member in inspect.getmembers(public_class):
            function = member.fget if isinstance(member, property) else member
            ours = str(getattr(function, "__module__", "")).startswith("pocketbase_core")
            if ours and not name.startswith("_"):
                seen += 1
                assert re.match(r"\S.*[.:]", inspect.getdoc(member) or "", re.DOTALL), f"{public_class.__name__}.{name}"
    assert seen > 120, "public methods were not found"


def test_the_files_that_the_architecture_document_names_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for name in (found := re.findall(r"`((?:pocketbase_\w+|tests)/[\w./]*)`", text)):
        assert (ROOT / name).exists(), name
    assert len(found) > 40, "names of files were not found"


SAYS = {
    "quickstart.py": ["★★★★★", "A draft → A book", "Cannot be blank.", "PocketBaseConnectionError", "Done."],
    "realtime.py": ["create   Lima 24 °C", "connection was lost", "now: ['Oslo', 'Lima']", "delete   Oslo -8 °C"],
}


async def test_the_code_in_the_testing_document_runs(tmp_path: Path) -> None:
    settings = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(settings)
    modules = 0
    for number, block in enumerate(found := blocks("docs/testing.md")):
        if "import pytest" in block:
            modules += 1
            (tmp_path / f"test_block_{number}.py").write_text(block)
        else:
            compiled = compile(block, f"docs/testing.md, block {number + 1}", "exec")
            await asyncio.to_thread(exec, compiled, {"__name__": "__main__"})
    assert (modules, len(found)) == (4, 7), "a block of code was not found"
    only = "book or restart or callback or title or 204"  # a part of the contract is enough
    command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-k", only]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for number in (1, 2, 3, 6):
        assert f"test_block_{number}.py ." in done.stdout


def test_each_threat_names_a_test_that_exists() -> None:
    table = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("| input |")[0]
    rows = [line.split("|")[-2].strip(" `") for line in re.findall(r"^\| .*", table, re.MULTILINE)[1:]]
    folders = [ROOT / "tests", ROOT / "pocketbase_core" / "testing" / "contract"]
    code = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    assert len(rows) > 20, "rows of the table were not found"
    assert [name for name in rows if f"def {name}(" not in code] == [], "the document names tests that do not exist"


@pytest.mark.parametrize("example", SAYS)
async def test_the_examples_print_what_they_show_on_each_transport(example: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / example), "--transport"]
    for transport in ("aiohttp", "httpx"):  # in one folder, so that the first run must leave nothing behind
        done = await asyncio.to_thread(
            subprocess.run, [*command, transport], capture_output=True, text=True, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, "")
        for words in SAYS[example]:
            assert words in done.stdout, "the example does not print this"
        assert not [*tmp_path.iterdir()], "the example left files"


@pytest.mark.parametrize("transport", ["aiohttp", pytest.param("httpx", marks=pytest.mark.slow)])
async def test_the_progress_example_shows_both_bars(transport: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "progress.py"), "--transport", transport]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("upload", "download", "16.8/16.8 MB", "bytes uploaded and downloaded"):
        assert words in done.stdout, "the example does not print this"
    assert not [*tmp_path.iterdir()], "the example left files"
