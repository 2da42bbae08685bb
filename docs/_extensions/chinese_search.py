"""Search in Chinese pages: a text without spaces is indexed, and searched, by its pairs of characters."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage


class ChineseSearch(SearchLanguage):
    """The terms of a text: words of letters and digits, and pairs of Chinese characters."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = r"""
function splitQuery(query) {
  const terms = query.match(/[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])[\p{Letter}\p{Number}_])+/gu) || [];
  return terms.flatMap((term) => {
    if (!/[\u4e00-\u9fff]/.test(term) || term.length < 2) return [term];
    return Array.from({ length: term.length - 1 }, (_, start) => term.slice(start, start + 2));
  });
}
"""

    def split(self, input: str) -> list[str]:
        """Return the terms of a text."""
        terms: list[str] = []
        for term in re.findall(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+", input):
            pairs = [term[start : start + 2] for start in range(len(term) - 1)]
            terms += pairs if pairs and "\u4e00" <= term[0] <= "\u9fff" else [term]
        return terms

    def stem(self, word: str) -> str:
        """Return the term as it is, in lower case."""
        return word.lower()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_search_language(ChineseSearch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
