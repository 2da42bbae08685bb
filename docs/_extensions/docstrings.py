"""What autodoc needs to know about the docstrings of this project.

They are written for `help()`: text between backticks is code, and a public name in it leads to its entry.
"""

import re
import sys
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import pocketbase_core

CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)")
PUBLIC = re.compile(r"(?:pocketbase_core\.)?((?:[A-Z]\w*)(?:\.[a-z]\w*)?)")


def markup(match: re.Match[str]) -> str:
    """Return the reStructuredText of code in a docstring."""
    code = " ".join(match[1].split())
    name = PUBLIC.fullmatch(code)
    if name and name[1].partition(".")[0] in pocketbase_core.__all__:
        return f":py:obj:`{code} <pocketbase_core.{name[1]}>`"
    return f"``{code}``"


def translate(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Translate a docstring to reStructuredText."""
    lines[:] = CODE.sub(markup, "\n".join(lines)).split("\n")


def exists(name: str) -> bool:
    """Return whether a name of Python exists, in a module that is not public or in the standard library."""
    module, _, rest = name.rpartition(".")
    if not module:
        return name in vars(sys.modules["builtins"]) or re.fullmatch("[A-Z]", name) is not None  # or a type variable
    try:
        return hasattr(import_module(module), rest)
    except ImportError:
        return exists(module)


def resolve(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element) -> Any:
    """Resolve the name of a type or an error that autodoc has found in the code.

    A public name leads to its entry, also where the code has it from the module that defines it. A name of the standard
    library, or of a module that is not public, leads nowhere. Any other name is left to the warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    if target in pocketbase_core.__all__ and (entry := f"pocketbase_core.{target}") in env.domains["py"].objects:
        return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", entry, node, content)
    return content if exists(target) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("autodoc-process-docstring", translate, priority=100)  # before napoleon
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
