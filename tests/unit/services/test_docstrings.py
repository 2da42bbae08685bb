"""The docstring of each method names the options of the method, which the signature shows as the name of a class."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pocketbase_core
from pocketbase_core.calls import options

PACKAGE = Path(pocketbase_core.__file__).parent
COMMON = options.CommonOptions.__optional_keys__


def methods(path: Path) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each method that takes options: its name, its docstring with that of its class, and its own options.

    The options that every method has do not count. The docstring of the class is that of its face.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    for each in classes:
        faces = [face for face in classes if f"{each.name}" in map(ast.unparse, face.bases)]
        about_class = "\n".join(ast.get_docstring(face) or "" for face in [each, *faces])
        for node in each.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.args.kwarg:
                annotation = ast.unparse(node.args.kwarg.annotation or node)
                options_type = re.fullmatch(r"Unpack\[(\w+)\]", annotation)
                if options_type and "overload" not in map(ast.unparse, node.decorator_list):
                    names = getattr(options, options_type[1]).__optional_keys__ - COMMON
                    yield node.name, f"{about_class}\n{ast.get_docstring(node)}", names


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if [*methods(path)]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_docstring_names_the_options_of_its_method(path: Path) -> None:
    for method, docstring, names in methods(path):
        assert [name for name in sorted(names) if f"`{name}`" not in docstring] == [], method


def test_the_services_were_found() -> None:
    assert {"custom", "records", "collections", "logs", "files"} <= {path.stem for path in FILES}
