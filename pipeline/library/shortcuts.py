"""What makes Python-Markdown faster and changes nothing of what it gives: it asks every rule about every block and every text.

Most blocks are plain paragraphs, and most rules look for a sign that most texts do not have. `Shortcuts` is registered behind all
other extensions, since it wraps their rules; tests/library/test_shortcuts.py holds that whatever is rendered with it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension

# Without this sign in it, a text holds nothing that the inline pattern of the name could match.
SIGNS: Final[Mapping[str, str]] = {
    "backtick": "`",
    "escape": "\\",
    "insertion": "![[",
    "pandoc_citation": "[@",
    "citation": "[^",
    "reference": "[",
    "link": "[",
    "image_link": "![",
    "image_reference": "![",
    "short_reference": "[",
    "short_image_ref": "![",
    "autolink": "<",
    "automail": "<",
    "html": "<",
    "entity": "&",
}
_FIRST: Final = 200  # priority before all others
_LETTER: Final = r"[^\W\d_]"
# Lines that begin with a letter: no rule for blocks knows them, but the one for paragraphs.
_PLAIN: Final = re.compile(rf"{_LETTER}[^\n]*(?:\n{_LETTER}[^\n]*)*")


class Shortcuts(Extension):
    """Passes by the rules that cannot be meant."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 -- Python-Markdown's name
        md.parser.blockprocessors.register(_PlainParagraph(md.parser), "plain_paragraph", _FIRST)
        for name, sign in SIGNS.items():
            if name in md.inlinePatterns:
                pattern: Any = md.inlinePatterns[name]
                pattern.compiled_re = _Sought(pattern.compiled_re, sign)


class _PlainParagraph(BlockProcessor):
    def test(self, parent: ET.Element, block: str) -> bool:
        return _PLAIN.fullmatch(block) is not None

    def run(self, parent: ET.Element, blocks: list[str]) -> bool | None:
        return self.parser.blockprocessors["paragraph"].run(parent, blocks)


class _Sought:
    """The expression *wanted*, looked for only where its *sign* is: most expressions look at every letter, and this does not."""

    def __init__(self, wanted: re.Pattern[str], sign: str) -> None:
        self._wanted = wanted
        self._sign = sign

    def finditer(self, text: str, start: int = 0) -> Iterable[re.Match[str]]:
        return self._wanted.finditer(text, start) if text.find(self._sign, start) >= 0 else ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wanted, name)
