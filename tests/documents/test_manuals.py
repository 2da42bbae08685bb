"""The code of the how-to pages runs as described, and is the same in both languages."""

import asyncio
import io
import os
import re
import sys
import textwrap
import tokenize
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from pocketbase_core import Field, PocketBase, fields
from pocketbase_core.testing import LocalServer

from ..helpers.every_field import import_models
from ..helpers.mailbox import Mailbox, open_mailbox
from ..helpers.oidc import Provider, open_like_a_browser, run_provider

T = TypeVar("T")
DOCS = Path(__file__).parents[2] / "docs"
ROOT = DOCS.parent
BLOCKING = "from pocketbase_core.blocking import "


class Block(NamedTuple):
    page: str
    language: str
    code: str

    @property
    def is_file(self) -> bool:
        return re.match(r"# \w+\.py\n", self.code) is not None


def pages() -> list[str]:
    """Return the names of the how-to pages, in their order."""
    index = (DOCS / "howto" / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(?::.*\n)*\n([\w\n-]*)^```$", index, re.MULTILINE)
    return ["index", *"".join(trees).split()]


def blocks(document: str) -> list[Block]:
    text = (DOCS / document).read_text(encoding="utf-8")
    pattern = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [Block(Path(document).stem, language, code) for language, code in pattern.findall(text)]


def blocks_of_pages(language: str) -> list[Block]:
    return [block for page in pages() for block in blocks(f"howto/{page}.md") if block.language == language]


def programs() -> dict[str, str]:
    """Return the programs of the pages, by their names: in the frame of the examples, unless they are blocking."""
    frame, *rest = blocks_of_pages("python")
    assert frame.code.count("        ...\n") == 1, "the frame of the examples has one gap to fill"
    bodies: dict[str, str] = {}
    for block in rest:
        if not block.is_file:
            bodies[block.page] = bodies.get(block.page, "") + "\n" + block.code
    return {
        page: body if BLOCKING in body else frame.code.replace("        ...\n", textwrap.indent(body, " " * 8))
        for page, body in bodies.items()
    }


def files(name: str) -> list[str]:
    """Return the files of the pages with a name."""
    return [block.code for block in blocks_of_pages("python") if block.code.startswith(f"# {name}\n")]


def on(server: LocalServer, code: str) -> str:
    """Return code of the pages for another server."""
    email, password = server.superuser
    code = code.replace("http://127.0.0.1:8090", server.url).replace("admin@example.com --", f"{email} --")
    code = code.replace("POCKETBASE_PASSWORD=password123", f"POCKETBASE_PASSWORD={password}")
    return code.replace('"admin@example.com", "password123"', f"{email!r}, {password!r}")


async def write_models(server: LocalServer, folder: Path) -> Path:
    """Run the command that writes `models.py`, and return the file."""
    (command,) = [block.code for block in blocks("howto/models.md") if block.language == "sh"]
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = await asyncio.create_subprocess_shell(
        on(server, command), cwd=folder, env={**os.environ, "PATH": paths, "PYTHONPATH": str(DOCS.parent)}
    )
    assert await process.wait() == 0
    return folder / "models.py"


class World:
    """The people and services around the server: a user with a mailbox and a browser, and an OAuth2 provider."""

    def __init__(self, box: Mailbox, oidc: Provider) -> None:
        self.box = box
        self.oidc = oidc
        self._loop = asyncio.get_running_loop()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop of the test, from another thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def open(self, url: str, *_: object) -> bool:
        """Open a page, in place of `webbrowser.open`."""
        self.wait(open_like_a_browser(url))
        return True

    def input(self, prompt: str) -> str:
        """Return what the user would enter at this prompt."""
        if challenge := re.search(r"Open \S+code_challenge=([\w-]+)", prompt):
            return self.oidc.grant(challenge[1])
        if "code" in prompt:
            return self.wait(self.box.find("member@example.com", r"(\d{8})"))
        return self.wait(self.box.token("user@example.com" if "password" in prompt else "new@example.com"))


@asynccontextmanager
async def world(server: LocalServer) -> AsyncGenerator[World, None]:
    async with open_mailbox() as box, run_provider() as oidc, PocketBase(server.url) as pb:
        oidc.user = {"sub": "1", "email": "somebody@example.com", "email_verified": True}
        await pb.admins.auth.with_password(*server.superuser)
        await pb.settings.update({"smtp": {"enabled": True, "host": "127.0.0.1", "port": box.port}})
        google = {**oidc.provider_settings(), "name": "google"}
        await pb.collections.update("users", {"oauth2": {"enabled": True, "providers": [google]}})
        yield World(box, oidc)


def install_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the entry points of all transports but one, as if no other was installed."""
    installed: Any = metadata.entry_points

    def entry_points(**selected: Any) -> Any:
        found = installed(**selected)
        return found.select(name=name) if selected == {"group": "pocketbase.transports"} else found

    monkeypatch.setattr(metadata, "entry_points", entry_points)


@pytest.mark.filterwarnings("ignore:'schema' is the style before:DeprecationWarning")
@pytest.mark.parametrize("transport", ["AiohttpTransport", pytest.param("HttpxTransport", marks=pytest.mark.slow)])
async def test_the_code_of_the_pages_runs(transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    hooks = "".join(block.code for block in blocks_of_pages("js"))
    async with LocalServer(hooks=hooks) as server, world(server) as around:
        monkeypatch.setattr("webbrowser.open", around.open)
        install_only(transport.removesuffix("Transport").lower(), monkeypatch)
        for page, program in programs().items():
            if page == "fleet":  # test_fleet.py runs it, because it needs Redis
                continue
            if page == "models":
                import_models(await write_models(server, tmp_path))
            code = program.replace("import AiohttpTransport", f"import {transport} as AiohttpTransport", 1)
            compiled = compile(on(server, code), f"{page}.md", "exec")
            await asyncio.to_thread(exec, compiled, {"__name__": "__main__", "input": around.input})
        on_aiohttp, on_fastapi = files("app.py")

        def application(code: str) -> Any:
            namespace: dict[str, Any] = {"__name__": "app"}
            exec(compile(on(server, code), "app.py", "exec"), namespace)
            return namespace["app"]

        async with TestClient(TestServer(application(on_aiohttp))) as visitor:
            titles = await (await visitor.get("/titles")).json()
        assert "one" not in titles, "batches.md deletes this record"
        assert {"two", "four"} <= {*titles}

        app = application(on_fastapi)
        async with app.router.lifespan_context(app):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
                assert (await client.get("/titles")).json() == titles


async def test_the_models_and_filters_of_the_pages_are_those_of_the_library(tmp_path: Path) -> None:
    async with LocalServer() as server:
        program = on(server, programs()["index"])
        await asyncio.to_thread(exec, program, {"__name__": "__main__"})
        path = await write_models(server, tmp_path)
    (excerpt,) = files("models.py")
    written = iter(path.read_text(encoding="utf-8").splitlines())
    for line in excerpt.splitlines()[1:]:
        assert line.strip() in ("", "...") or line in written, line
    names = {**vars(fields), **vars(import_models(path)), "Field": Field}
    for document in ("howto/models.md", "zh/howto/models.md"):
        text = (DOCS / document).read_text(encoding="utf-8")
        rows = re.findall(r"^\| `((?:\w+Fields\.|geo_).*?)` \| `(.*?)` \|$", text, re.MULTILINE)
        assert len(rows) > 10, "rows of the table were not found"
        for expression, condition in rows:
            assert eval(expression, names) == condition, document


def without_comments(block: Block) -> list[str]:
    if block.language != "python":
        return block.code.splitlines()
    tokens = tokenize.generate_tokens(io.StringIO(block.code).readline)
    return [token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]


def shape(document: str) -> list[Any]:
    """Return the headings, rows of tables, and code without comments, in order: what a translation does not change."""
    text = (DOCS / document).read_text(encoding="utf-8")
    marks = re.findall(r"^(#+ |\||- |```\w+$)", re.sub(r"^```(\w+)\n.*?^```$", r"```\1", text, flags=re.S | re.M), re.M)
    return [*marks, *map(without_comments, blocks(document))]


def test_the_order_of_the_pages_names_all_of_them() -> None:
    assert sorted(pages()) == sorted(path.stem for path in (DOCS / "howto").iterdir())
    assert sorted(pages()) == sorted(path.stem for path in (DOCS / "zh" / "howto").iterdir())


@pytest.mark.parametrize("document", ["tutorial.md", "promises.md", *(f"howto/{page}.md" for page in pages())])
def test_both_languages_have_the_same_sections_and_code(document: str) -> None:
    ours, theirs = shape(document), shape(f"zh/{document}")
    assert ours == theirs
    assert ours[0] == "# "


DOCUMENTS = [path.relative_to(ROOT).as_posix() for path in sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_in_the_documents_lead_somewhere(document: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text):
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [slug(heading) for heading in headings], target


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
