"""What makes Python-Markdown faster and changes nothing of what it gives: it asks every rule about every block and every text.

Most blocks are plain paragraphs, and most rules look for a sign that most texts do not have. `Shortcuts` is registered behind all
other extensions, since it wraps their rules; tests/library/test_shortcuts.py holds that whatever is rendered with it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.treeprocessors import InlineProcessor
from markdown.util import AtomicString

# Without one of these signs in it, a text holds nothing that the inline pattern of the name could match.
SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "backtick": ("`",),
    "escape": ("\\",),
    "insertion": ("![[",),
    "pandoc_citation": ("[@",),
    "citation": ("[^",),
    "reference": ("[",),
    "link": ("[",),
    "image_link": ("![",),
    "image_reference": ("![",),
    "short_reference": ("[",),
    "short_image_ref": ("![",),
    "autolink": ("<",),
    "automail": ("<",),
    "html": ("<",),
    "entity": ("&",),
    "linebreak": ("  \n",),
    "em_strong": ("*", "_"),
}
_FIRST: Final = 200  # priority before all others
_LETTER: Final = r"[^\W\d_]"
# Lines that begin with a letter: no rule for blocks knows them, but the one for paragraphs.
_PLAIN: Final = re.compile(rf"{_LETTER}[^\n]*(?:\n{_LETTER}[^\n]*)*")


class Shortcuts(Extension):
    """Passes by the rules that cannot be meant."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 -- Python-Markdown's name
        md.parser.blockprocessors.register(_PlainParagraph(md.parser), "plain_paragraph", _FIRST)
        md.treeprocessors.register(_Inline(md), "inline", 20)  # in the place of its own


class _PlainParagraph(BlockProcessor):
    def test(self, parent: ET.Element, block: str) -> bool:
        return _PLAIN.fullmatch(block) is not None

    def run(self, parent: ET.Element, blocks: list[str]) -> bool | None:
        return self.parser.blockprocessors["paragraph"].run(parent, blocks)


class _Inline(InlineProcessor):
    """Asks a pattern only about a text that has a sign of it: most texts have none, and most patterns look at every letter."""

    def run(self, tree: ET.Element, ancestors: list[str] | None = None) -> ET.Element:
        patterns = self.md.inlinePatterns
        signs = {id(patterns[name]): signs for name, signs in SIGNS.items() if name in patterns}
        self._patterns = [(pattern, signs.get(id(pattern), ("",))) for pattern in patterns]
        return super().run(tree, ancestors)

    def _InlineProcessor__handleInline(self, data: str, patternIndex: int = 0) -> str:  # noqa: N802, N803 -- its own name
        if isinstance(data, AtomicString):
            return data
        start, number = 0, patternIndex
        while number < len(self._patterns):
            pattern, signs = self._patterns[number]
            for sign in signs:  # a loop, since `any` takes five times as long
                if data.find(sign, start) >= 0:
                    data, is_matched, start = self._InlineProcessor__applyPattern(pattern, data, number, start)  # type: ignore[attr-defined]
                    break
            else:
                is_matched = False
            if not is_matched:
                number, start = number + 1, 0
        return data
