"""The READMEs work as printed, in a clone and on the page of a package index."""

import asyncio
import re
from pathlib import Path

import pytest

from .test_documents import ROOT, blocks, server_of
from .test_manuals import install_only
from .test_project import PROJECT

READMES = ["README.md", "README.zh-CN.md"]


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "library", ["aiohttp", *(pytest.param(name, marks=pytest.mark.slow) for name in ("httpx", "pyreqwest"))]
)
async def test_the_readme_leads_from_an_empty_folder_to_a_live_query(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    install_only(library, monkeypatch)
    found = blocks("README.md")
    async with server_of("README.md", tmp_path) as url:
        for number, code in enumerate(found, 1):
            compiled = compile(code.replace("http://127.0.0.1:8090", url), f"README.md, block {number}", "exec")
            await asyncio.to_thread(exec, compiled, {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert re.fullmatch(r"\w{15} Dune\nDune\nadd Solaris\n\['Dune', 'Solaris'\]\n", printed)
    assert len(found) == 3, "a block of code was not found"


def test_both_readmes_have_the_same_code_links_and_sections() -> None:
    def shape(document: str) -> list[str]:
        marks = r"^```\w+\n.*?^```$|^#+ |^- |^\||\]\[\w+\]"
        return re.findall(marks, text(document), re.DOTALL | re.MULTILINE)

    ours, theirs = map(shape, READMES)
    assert ours == theirs
    assert len(ours) > 40, "code, links and sections were not found"


@pytest.mark.parametrize("document", READMES)
def test_links_of_a_readme_are_absolute_and_lead_to_files_of_the_repository(document: str) -> None:
    source = PROJECT["urls"]["Source"]
    raw = source.replace("github.com", "raw.githubusercontent.com")
    definitions = dict(re.findall(r"^\[(\w+)\]: (.*)$", text(document), re.MULTILINE))
    assert {*re.findall(r"\]\[(\w+)\]", text(document))} == {*definitions}
    inline = re.findall(r"\]\((.*?)\)", text(document))
    for url in [*definitions.values(), *inline]:
        if url == "https://pocketbase.io":
            continue
        path = re.sub(rf"^(?:{re.escape(source)}/blob/main|{re.escape(raw)}/main)/", "", url)
        assert path != url, f"{url} is not absolute, or of another repository"
        assert (ROOT / path).exists(), url
