"""Links of Markdown files to files that are no pages of their language.

A link to an English page leads there, a link to any other file to the file in the repository. So the same link works on
the site and where the Markdown files are read.
"""

import os.path
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_parser.slugs import github_slugify
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
log = logging.getLogger(__name__)


def url_of(page: Path, file: Path, anchor: str, repository: str) -> str | None:
    """Return the URL for a link that leads outside the pages of its language; None if there is no such target.

    Args:
        page: The file with the link.
        file: The file that the link names.
        anchor: The heading that the link names; empty if it names none.
        repository: The URL of the repository.
    """
    fragment = f"#{anchor}" if anchor else ""
    if not file.exists() or not file.is_relative_to(ROOT):
        return None
    if file.is_relative_to(DOCS) and file.suffix == ".md":
        headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        if anchor and anchor not in map(github_slugify, headings):
            return None
        return os.path.relpath(file.with_suffix(".html"), page.parent) + fragment
    kind = "tree" if file.is_dir() else "blob"
    return f"{repository}/{kind}/main/{file.relative_to(ROOT).as_posix()}{fragment}"


def lead_outside(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the links of a page that lead outside the pages of its language."""
    page = Path(app.env.doc2path(app.env.docname))
    links = [*doctree.findall(addnodes.pending_xref), *doctree.findall(addnodes.download_reference)]
    for link in links:
        if link.get("reftype") != "myst":
            continue
        target, _, anchor = str(link["reftarget"]).partition("#")
        folder = page.parent
        if link.get("refdomain") == "doc":  # the name of a page, which has no suffix
            if target in app.env.found_docs:
                continue
            folder, target, anchor = Path(app.srcdir), f"{target}.md", link.get("reftargetid") or ""
        file = Path(os.path.normpath(folder / target))
        url = url_of(page, file, anchor, app.config.repository)
        if url is None:
            log.warning("a link leads nowhere: %s", link["reftarget"], location=link)
        else:
            link.replace_self(nodes.reference("", "", *link.children, internal=False, refuri=url))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_config_value("repository", "", "env", str)
    app.connect("doctree-read", lead_outside, priority=100)  # before files that are linked are copied
    return {"parallel_read_safe": True, "parallel_write_safe": True}
