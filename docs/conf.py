"""The settings of the site. `scripts/docs` builds it once for each language."""

import os
import sys
import tomllib
from pathlib import Path

import pocketbase_core

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_extensions"))
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "pocketbase-core"
release = pocketbase_core.__version__
language = os.environ.get("DOCS_LANGUAGE", "en")
repository = PROJECT["urls"]["Source"]
site_summary = PROJECT["description"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "chinese_search",
    "docstrings",
    "languages",
    "links",
    "llms",
]
exclude_patterns = ["_*", "zh"] if language == "en" else []
nitpicky = True

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autoclass_content = "class"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "inherited-members": "Exception, Mapping, MutableMapping, dict, str, tuple"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_custom_sections = [("Options", "params_style")]
napoleon_use_rtype = False
python_maximum_signature_line_length = 60
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = [str(DOCS / "_static")]
templates_path = [str(DOCS / "_templates")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {"source_repository": "", "top_of_page_buttons": ["view"]}
pygments_style = "friendly"
pygments_dark_style = "monokai"
