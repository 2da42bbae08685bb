"""The docstrings of this project, translated for the reference.

Docstrings are written for `help()`: text between backticks is code, and a public name in it leads to its entry.
"""

import re
import sys
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import pocketbase_core
from pocketbase_core import blocking

CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)(?=(\w?))")
PUBLIC = re.compile(r"(?:pocketbase_core\.)?((?:[A-Z]\w*)(?:\.[a-z]\w*)?)")
COLON = "\ue000"
"""Takes the place of a colon until napoleon has run, which would read the text before it as a type."""
STANDARD_MODULES = ("builtins", "typing", "collections.abc", "contextlib")


def markup(match: re.Match[str]) -> str:
    """Return the reStructuredText of code in a docstring."""
    code = " ".join(match[1].split())
    end = "\\ " if match[2] else ""
    name = PUBLIC.fullmatch(code)
    if name and name[1].partition(".")[0] in pocketbase_core.__all__:
        return f":py:obj:`{code} <pocketbase_core.{name[1]}>`{end}"
    return f"``{code}``{end}"


def translate(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Translate a docstring to reStructuredText."""
    text = CODE.sub(markup, "\n".join(lines))
    if what in ("attribute", "data", "property"):
        text = re.sub(r"(?<=\w):(?= )", COLON, text)
    lines[:] = text.split("\n")


def restore_colons(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Put the colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def show_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: object, signature: str | None, result: str | None
) -> tuple[str, str | None] | None:
    """Show functions among the defaults by their names, and hide the signature of a class without described arguments.

    The instances of such a class come from the library.
    """
    if not signature:
        return None
    has_fields = is_dataclass(obj) or hasattr(obj, "_fields")
    if what in ("class", "exception") and not has_fields and "Args:" not in (obj.__doc__ or ""):
        return "", None
    return re.sub(r"<(?:function|bound method) ([\w.]+)(?: of <.*?>)?>", r"\1", signature), result


def complete(app: Sphinx, doctree: nodes.document) -> None:
    """Complete the public names that annotations and docstrings use without their module."""
    for node in doctree.findall(addnodes.pending_xref):
        target = node.get("reftarget")
        if node.get("refdomain") != "py" or target is None:
            continue
        if node.get("py:module") == blocking.__name__ and target in blocking.__all__:
            node["reftarget"] = f"{blocking.__name__}.{target}"
        elif target in pocketbase_core.__all__:
            node["reftarget"] = f"pocketbase_core.{target}"


def exists(name: str) -> bool:
    """Return whether a name of Python exists, in a module that is not public or in the standard library."""
    module, _, rest = name.rpartition(".")
    if not module:
        ours = [each for name, each in sys.modules.items() if name.startswith("pocketbase_core.")]
        return any(hasattr(each, rest) for each in [*ours, *map(import_module, STANDARD_MODULES)])
    try:
        return hasattr(import_module(module), rest)
    except ImportError:
        return exists(module)


def resolve(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element) -> Any:
    """Let a name of the standard library, or of a module that is not public, lead nowhere. No other name may do so."""
    return content if node.get("refdomain") == "py" and exists(str(node["reftarget"])) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    import_module("pocketbase_core.services.bulk.json_lines")  # for `exists`: only annotations name its types
    app.connect("autodoc-process-docstring", translate, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", restore_colons, priority=900)  # after it
    app.connect("autodoc-process-signature", show_signature)
    app.connect("doctree-read", complete)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
