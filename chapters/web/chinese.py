"""Search in Chinese, since Sphinx 9.0's own splits no words when a page asks."""

import re
from itertools import pairwise

from sphinx.search.en import SearchEnglish


class SearchChinese(SearchEnglish):
    """English words, and Chinese by pairs of characters."""

    lang = "zh"
    js_splitter_code = r"""
function splitQuery(query) {
  return (query.match(/[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+/g) || []).flatMap((word) =>
    /[\u4e00-\u9fff]{3}/.test(word)
      ? Array.from(word).slice(1).map((c, i) => word[i] + c) : [word]);
}"""

    def split(self, text):
        """Return the words of a text."""
        words = []
        for word in re.findall(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+", text):
            pairs = "\u4e00" <= word[0] <= "\u9fff" and len(word) > 2
            words += map("".join, pairwise(word)) if pairs else [word]
        return words


def setup(app):
    """Register it with Sphinx."""
    app.add_search_language(SearchChinese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
