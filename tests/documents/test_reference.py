"""The reference describes each public name: what it is, its parameters, its errors, and where it is used."""

import ast
import builtins
import inspect
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pocketbase_core
from pocketbase_core import errors

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (ROOT / "docs" / "reference").glob("*.md") if page.stem != "index")
MODULES = [
    "pocketbase_core",
    *re.findall(r"^- `(pocketbase_core\.\w+)`", pocketbase_core.__doc__ or "", re.MULTILINE),
    "pocketbase_transports",
]


class Entry(NamedTuple):
    """A name in the reference."""

    name: str
    value: Any

    def docstring(self) -> str:
        """Return the docstring; of a constant, the text below its assignment."""
        if inspect.isclass(self.value) or inspect.isroutine(self.value):
            return inspect.getdoc(self.value) or ""
        module, _, name = self.name.rpartition(".")
        tree = ast.parse(Path(str(import_module(module).__file__)).read_text(encoding="utf-8"))
        for statement, below in pairwise(tree.body):
            targets = [ast.unparse(each) for each in ast.walk(statement) if isinstance(each, ast.Name)]
            if name in targets[:1] and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return str(below.value.value)
        return ""

    def parameters(self) -> list[str]:
        """Return the parameters, without the options, which have a section of their own."""
        names = [*inspect.signature(self.value).parameters]
        return [name for name in names if name not in ("self", "cls", "options", "keywords")]


def entries() -> list[Entry]:
    """Return the classes, functions and constants that the pages describe."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    paths = re.findall(r"^\.\. auto\w+:: (\S+)$", "\n".join(texts), re.MULTILINE)
    return [Entry(path, getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2])) for path in paths]


def members() -> list[Entry]:
    """Return the public methods and properties of the classes that the pages describe."""
    found: list[Entry] = []
    for entry in entries():
        if inspect.isclass(entry.value):
            for name, member in inspect.getmembers(entry.value):
                function = member.fget if isinstance(member, property) else member
                ours = str(getattr(function, "__module__", "")).startswith("pocketbase_")
                if ours and not name.startswith("_") and inspect.isroutine(function):
                    found.append(Entry(f"{entry.name}.{name}", function))
    return found


def test_each_public_name_has_one_entry() -> None:
    described = [id(entry.value) for entry in entries()]
    names = [(module, name) for module in MODULES for name in import_module(module).__all__]
    counts = {f"{module}.{name}": described.count(id(getattr(import_module(module), name))) for module, name in names}
    assert {name: count for name, count in counts.items() if count != 1} == {}
    assert len(counts) > 120, "public names were not found"


def test_each_entry_begins_with_a_sentence() -> None:
    described = [*entries(), *members()]
    assert [entry.name for entry in described if not re.match(r"\S[^\n]*[.:]", entry.docstring())] == []
    assert len(described) > 400, "entries were not found"


def test_each_function_with_more_than_two_parameters_describes_all_of_them() -> None:
    seen = 0
    for entry in [*members(), *(each for each in entries() if inspect.isfunction(each.value))]:
        section = re.search(r"^Args:\n((?:(?: {4}.*)?\n?)+)", entry.docstring(), re.MULTILINE)
        if section is not None:
            seen += 1
            described = re.findall(r"^ {4}\*{0,2}(\w+)(?: \(.*?\))?: \S", section[1], re.MULTILINE)
            assert {*entry.parameters()} <= {*described}, entry.name
        else:
            assert len(entry.parameters()) <= 2, f"{entry.name} describes no parameter"
    assert seen > 50, "descriptions of parameters were not found"


def test_each_error_in_the_reference_exists() -> None:
    known = {*vars(builtins), *errors.__all__}
    seen = 0
    for entry in [*entries(), *members()]:
        section = re.search(r"^Raises:\n((?:(?: {4}.*)?\n?)+)", entry.docstring(), re.MULTILINE)
        named = re.findall(r"^ {4}(\w+):", section[1], re.MULTILINE) if section else []
        named += re.findall(r"\bPocketBase\w*Error\b", entry.docstring())
        seen += len(named)
        assert {*named} <= known, entry.name
    assert seen > 100, "errors were not found"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_page_of_the_reference_links_to_pages_with_examples(page: Path) -> None:
    introduction = page.read_text(encoding="utf-8").partition("```")[0]
    linked = re.findall(r"\]\((\.\./[\w/-]+\.md)\)", introduction)
    assert linked, "the introduction has no link"
    for path in linked:
        assert "```python" in (page.parent / path).read_text(encoding="utf-8"), path
