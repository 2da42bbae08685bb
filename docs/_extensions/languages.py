"""The switch between the two languages of the site, on each page."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]


def counterpart(language: str, page: str) -> str:
    """Return the page in the other language, relative to the top of the site; its start page if there is none.

    Args:
        language: The language of the page.
        page: The name of the page, such as `howto/files`.
    """
    folder, prefix = (DOCS / "zh", "zh/") if language == "en" else (DOCS, "")
    return prefix + (page if page == "search" or (folder / f"{page}.md").exists() else "index")


def add_switch(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give the template of a page the link to the other language."""
    language = app.config.language
    depth = page.count("/") + (language != "en")
    context["other_language_url"] = "../" * depth + counterpart(language, page) + ".html"
    context["other_language"] = ("中文", "zh-CN") if language == "en" else ("English", "en")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("html-page-context", add_switch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
