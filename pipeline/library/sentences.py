"""Where sentences of English prose end. No grammar: a full stop that ends no sentence is known by the word before it."""

from __future__ import annotations

import re
from typing import Final

# The next sentence opens with a capital, a digit, a quotation mark or a bracket (or with Markdown that leads to one).
_OPENS: Final = r"\s+[*_\[(\"'“‘]*[A-Z0-9$€£¥ÀÁÂÄÅÆÇÉÈÊËÍÎÏÑÓÔÖØÚÛÜÝ]"
_OPENING: Final = re.compile(rf"{_OPENS}|\s+<?https?://")
# A stop, what closes with it, and the citations that follow, bare addresses among them; then space, or the end.
_END: Final = re.compile(
    r"[.!?…]+[\"'”’)\]]*(?:\[\^[^\]\s]+\])*(?:(?:\s+<?https?://\S+)+(?=" + _OPENS + r"|\s*$))?(?=\s|$)"
)
_NEVER_LAST: Final = frozenset("mr mrs ms dr prof st sen rep gov e.g i.e viz vs cf".split())
_BEFORE_A_NUMBER: Final = frozenset(
    "no nos fig figs vol p pp art sec ca approx jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_INITIALS: Final = re.compile(r"(?:[a-z]\.)*[a-z]")  # U.S., J. Smith
_NUMBER: Final = re.compile(r"\s+\d")
_WORD: Final = re.compile(r"[\w.'’]*$")


def sentence_ends(text: str) -> list[int]:
    """The offsets at which the sentences of *text* end; the last one is its length if anything follows the last stop."""
    ends = [m.end() for m in _END.finditer(text) if _is_end(text, m)]
    if not text.strip():
        return []
    if not ends or text[ends[-1] :].strip():
        ends.append(len(text))
    return ends


def sentences(text: str) -> list[str]:
    """The sentences of *text*, each without the space around it."""
    ends = sentence_ends(text)
    return [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]


def _is_end(text: str, stop: re.Match[str]) -> bool:
    if not _OPENING.match(text, stop.end()):
        return not text[stop.end() : stop.end() + 200].strip()
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    before = text[text.rfind(" ", 0, stop.start()) + 1 : stop.start()]
    if not before.isalpha():
        if "://" in before:
            return True
        word = _WORD.search(text[max(0, stop.start() - 20) : stop.start()])
        before = word[0] if word else ""
    before = before.lower()
    if before in _NEVER_LAST or _INITIALS.fullmatch(before):
        return False
    return not (before in _BEFORE_A_NUMBER and _NUMBER.match(text, stop.end()))
