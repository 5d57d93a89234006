"""The normal form N, in which the words of two texts are compared however either was typed.

Compatibility forms (NFKC), straight quotation marks, one hyphen for every dash, plain spaces, nothing invisible, words joined that
were hyphenated at a line's end, white space collapsed. Case, digits and what stands between digits are kept: 5.5 is not 5,5 and $5
is not 5. One thing differs from NFKC: a raised digit that marks a note or a power is kept apart from the word or number before it,
or supply¹ would be the word supply1, and 10⁶ the number 106.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from pipeline.library.late import Late

_SOFT_HYPHEN: Final = "\u00ad"
_INVISIBLE: Final = re.compile(
    "[\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0001-\U000e007f\U000e0100-\U000e01ef]"
)
# Only what ends a line as a hyphen does: a long dash there stands between two words.
_LINE_END_HYPHEN: Final = re.compile(f"(?<=[^\\W\\d_])[-‐‑{_SOFT_HYPHEN}][ \\t]*\\r?\\n[ \\t]*(?=([^\\W\\d_]))")
_PLAIN_MARKS: Final = {
    **dict.fromkeys("‘’‚‛′ʼ`´‹›❛❜", "'"),
    **dict.fromkeys("“”„‟″«»❝❞〝〞", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－⸺⸻", "-"),
}
_MARK: Final = re.compile(f"[{''.join(_PLAIN_MARKS)}]")
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PLAIN: Final = str.maketrans(_RAISED, "0123456789")
_POWER: Final = Late(rf"(?<=\d)([⁻⁺]?)([{_RAISED}]+)")
# Behind a word of three letters or a mark of punctuation it is a note; m² and CO₂ are units and names.
_NOTE: Final = Late(rf"(?:(?<=[^\W\d_]{{3}})|(?<=[.,;:!?)\]\"'%”’]))([{_RAISED}]+(?:[,⁻–-][{_RAISED}]+)*)")


@functools.lru_cache(maxsize=1024)  # a source has several quotes
def normal(text: str) -> str:
    """*text* in the normal form N; `normal` of it is the same again."""
    return " ".join(_same_letters(_joined(text)).split())


def normal_lines(text: str) -> tuple[str, ...]:
    """Each line of *text* in the normal form N; a word that a hyphen parts at the end of one stays in two pieces."""
    return tuple(" ".join(line.split()) for line in _same_letters(text).split("\n"))


def _same_letters(text: str) -> str:
    """*text* in N but for its white space."""
    if text.isascii():
        return text.replace("`", "'")
    text = _with_notes(_INVISIBLE.sub("", text).replace(_SOFT_HYPHEN, ""))
    text = _with_plain_marks(text)  # before NFKC, which makes a space and an accent of a lone accent
    if unicodedata.is_normalized("NFKC", text):
        return text
    return _with_plain_marks(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace(_SOFT_HYPHEN, ""))


def _with_plain_marks(text: str) -> str:
    return _MARK.sub(lambda found: _PLAIN_MARKS[found[0]], text)


def _joined(text: str) -> str:
    """*text* with the words joined that a hyphen parts at the end of a line; before a capital the hyphen is the word's own."""
    if "\n" not in text:
        return text
    text = _INVISIBLE.sub("", text)
    return _LINE_END_HYPHEN.sub(lambda found: "" if found[1].islower() else found[0], text)


def _with_notes(text: str) -> str:
    if not any(digit in text for digit in _RAISED):
        return text
    text = _POWER.sub(lambda found: f"^{'-' if found[1] == '⁻' else ''}{found[2].translate(_PLAIN)}", text)
    return _NOTE.sub(lambda found: f"[{found[1].translate(_PLAIN).replace('⁻', '-')}]", text)
