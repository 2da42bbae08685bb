"""The tutorial leads from an empty folder to a live page, with the code and the output that it prints."""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from .test_documents import server_of
from .test_manuals import blocks

BLOCKS = blocks("tutorial.md")
PROGRAMS = {block.code.split()[1]: block.code for block in BLOCKS if block.is_file}
COMMANDS = [block.code for block in BLOCKS if block.language == "sh"]


async def start(name: str, folder: Path, **replaced: str) -> Process:
    code = PROGRAMS[name]
    for word, other in {"http://127.0.0.1:8090": replaced["url"], "port=8080": f"port={replaced.get('port')}"}.items():
        code = code.replace(word, other)
    (folder / name).write_text(code, encoding="utf-8")
    command = [sys.executable, "-u", "-W", "error", name]
    return await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE)


async def printed_by(name: str, folder: Path, url: str, entered: str = "") -> str:
    process = await start(name, folder, url=url)
    stdout, stderr = await process.communicate(entered.encode())
    assert (process.returncode, stderr) == (0, b""), stderr.decode()
    return stdout.decode()


async def next_list(stream: aiohttp.ClientResponse) -> list[dict[str, Any]]:
    """Return the list of the next server-sent event."""
    line = await stream.content.readline()
    assert line.startswith(b"data: ")
    assert await stream.content.readline() == b"\n"
    shown: list[dict[str, Any]] = json.loads(line.removeprefix(b"data: "))
    return shown


async def watch_the_page(folder: Path, url: str, port: int) -> None:
    """Look at the page, of which one visitor leaves, while a program writes notes."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as browser:
        async with browser.get("/") as page, browser.get("/events") as left, browser.get("/events") as events:
            assert 'new EventSource("/events")' in await page.text()
            await next_list(left)
            left.close()
            newest, *others = await next_list(events)
            assert (newest["text"], len(others)) == ("Go out", 3)
            async with browser.get(newest["picture"]) as picture:
                assert (await picture.text()).startswith("<svg")
            await printed_by("write.py", folder, url)
            while len(shown := await next_list(events)) < 7:
                pass
    assert sorted(note["text"] for note in shown[:3]) == ["Buy apples", "Call Bob", "Read a book"]


async def test_the_tutorial_leads_from_an_empty_folder_to_a_live_page(tmp_path: Path) -> None:
    outputs = [block.code for block in BLOCKS if block.language == "text"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    async with server_of("docs/tutorial.md", tmp_path) as url, asyncio.timeout(120):
        assert "exist" in await printed_by("prepare.py", tmp_path, url)
        assert await printed_by("write.py", tmp_path, url) == outputs[0]
        found = await printed_by("search.py", tmp_path, url, "book\n")
        assert found == outputs[1].replace("Search for: book\n", "Search for: ")
        assert "0 found" in await printed_by("search.py", tmp_path, url, '" || text != "\n')
        assert (await printed_by("picture.py", tmp_path, url)).startswith(f"{url}/api/files/")
        process = await start("app.py", tmp_path, url=url, port=str(port))
        assert process.stdout is not None
        try:
            await process.stdout.readuntil(b"CTRL+C to quit")
            await watch_the_page(tmp_path, url, port)
        finally:
            process.send_signal(signal.SIGINT)
            _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (0, b""), stderr.decode()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_tutorial_runs_each_of_its_programs(name: str) -> None:
    assert f"python {name}\n" in COMMANDS
