"""CommonMark as HTML: what Hugo (goldmark) and Jekyll (kramdown) write, with the tables, footnotes and lists of terms of both.

Our own renderer will not do: in a list it counts four blanks where these count those of the marker, and so would tear apart
the second paragraph of an item.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from pipeline.library.render import too_deep

DEEPEST: Final = 100  # levels of quotes and lists; what lies below, the library would leave out without a word


def commonmark(text: str) -> str:
    """The HTML of *text*; none of it is clean. Raises `ContentError` for a text that nests too deeply."""
    engine = _engine()
    environment: dict[str, object] = {}
    tokens = engine.parse(text, environment)
    if any(token.level >= DEEPEST for token in tokens):
        raise too_deep("the text")
    html: str = engine.renderer.render(tokens, engine.options, environment)
    return html


@cache
def _engine() -> MarkdownIt:
    engine = MarkdownIt("commonmark", {"html": True, "maxNesting": DEEPEST + 1}).enable(["table", "strikethrough"])
    return engine.use(footnote_plugin).use(deflist_plugin)
