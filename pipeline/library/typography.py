"""Typographic apostrophes and quotation marks for what readers see of English; editors type straight ones, and files keep them.
And which languages are written from the right.

Nothing that `checks` compares passes through here, nor what a source said.
"""

from __future__ import annotations

import re
from typing import Final, Literal

NOTHING: Final = "\u200b"  # stands for markup, which has no width: a mark looks past it
APART: Final = "\u2029"  # parts one paragraph from the next

_MARKS: Final = re.compile("[\"']")
_OPENS_AFTER: Final = "([{<=/-–—“‘"
_PARTNER: Final = re.compile(rf"[^'{APART}]*[^\s'](?:'(?=\w)[^'{APART}]*)*'(?!\w)")
_FROM_RIGHT_TO_LEFT: Final = frozenset("ar arc ckb dv fa he ks nqo ps sd syr ug ur yi".split())
_DECADE: Final = re.compile(r"\d\ds\b")


def is_english(language: str) -> bool:
    """True for the languages whose marks these are: ``en``, ``en-GB``."""
    return language.lower().partition("-")[0] == "en"


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Where lines of *language* begin, as HTML says it."""
    return "rtl" if language.lower().partition("-")[0] in _FROM_RIGHT_TO_LEFT else "ltr"


def typographic(text: str, *, language: str = "en") -> str:
    """*text* with ’ ‘ ” “ in place of ' and ", each character where it was; in another *language* than English as it is.

    A double mark between blanks tells neither beginning nor end, and stays.
    """
    if ("'" not in text and '"' not in text) or not is_english(language):
        return text
    written: list[str] = []
    at, before = 0, " "
    for found in _MARKS.finditer(text):
        words = text[at : found.start()]
        at, before = found.end(), words.rstrip(NOTHING)[-1:] or before
        before = _mark(found[0], before, text, found.start())
        written += [words, before]
    return "".join((*written, text[at:]))


def _mark(char: str, before: str, text: str, at: int) -> str:
    after = text[at + 1 :].lstrip(NOTHING)[:1] or " "
    opens = (before.isspace() or before in _OPENS_AFTER) and not after.isspace()
    if char == '"':
        return "“" if opens else '"' if before.isspace() else "”"
    paired = opens and not _DECADE.match(text, at + 1) and _PARTNER.match(text, at + 1)
    return "‘" if paired else "’"
