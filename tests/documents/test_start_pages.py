"""The code of the start pages of the site runs as printed."""

import asyncio
import re
from pathlib import Path

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer

DOCS = Path(__file__).parents[2] / "docs"


def programs(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


async def test_both_programs_of_the_start_page_print_the_titles_the_latest_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    title = {"name": "title", "type": "text"}
    created = {"name": "created", "type": "autodate", "onCreate": True}
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        body = {"name": "posts", "type": "base", "listRule": "", "fields": [title, created]}
        await pb.collections.create(body)
        for text in ("first", "second"):
            await pb.collection("posts").create({"title": text})
        found = programs("index.md")
        for number, program in enumerate(found):
            code = program.replace("http://127.0.0.1:8090", server.url)
            compiled = compile(code, f"docs/index.md, block {number + 1}", "exec")
            await asyncio.to_thread(exec, compiled, {"__name__": "__main__"})
            assert capsys.readouterr().out == "second\nfirst\n"
    assert len(found) == 2, "a program was not found"


def test_the_chinese_start_page_has_the_same_programs() -> None:
    assert programs("zh/index.md") == programs("index.md")
