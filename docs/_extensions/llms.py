"""`llms.txt`: the pages of the site, with one line each, for programs that read it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def first_sentence(doctree: nodes.document) -> str:
    """Return the first sentence of a page."""
    paragraphs = (each for each in doctree.findall(nodes.paragraph) if isinstance(each.parent, nodes.section))
    paragraph = next(paragraphs, None)
    text = "" if paragraph is None else " ".join(paragraph.astext().split())
    sentence = re.match(r".*?(?:\.(?= |$)|。)", text)
    return (sentence[0] if sentence else text).rstrip(":：")


def pages_in_order(app: Sphinx, page: str) -> Iterator[str]:
    """Yield a page and the pages below it in the navigation."""
    yield page
    for below in app.env.toctree_includes.get(page, []):
        yield from pages_in_order(app, below)


def write_pages(app: Sphinx, error: Exception | None) -> None:
    """Write the list of the pages."""
    if error is not None or app.builder.name != "html":
        return
    pages = [*pages_in_order(app, app.config.root_doc)]
    lines = [f"# {app.config.project}", "", f"> {app.config.site_summary}", ""]
    for page in pages:
        sentence = first_sentence(app.env.get_doctree(page))
        lines.append(f"- [{app.env.titles[page].astext()}]({page}.html)" + (sentence and f": {sentence}"))
    if app.config.language == "en":
        lines += ["", "Chinese: [zh/llms.txt](zh/llms.txt)"]
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_config_value("site_summary", "", "env", str)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
