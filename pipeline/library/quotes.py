"""Whether the words of a quote stand in the stored text of its source, however either was typed.

Both are brought to the normal form N first: compatibility forms (NFKC), straight quotation marks, one hyphen for every dash, plain
spaces, nothing invisible, words joined that were hyphenated at a line's end, white space collapsed. Case, digits and what stands
between digits are kept: 5.5 is not 5,5 and $5 is not 5.

This says that words occur in a text, nothing about whether they are true or used fairly.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

WINDOW: Final = 1_000  # characters that the parts of a quote with an elision may lie apart: about a paragraph

_INVISIBLE: Final = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_LINE_END_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])-[ \t]*\n[ \t]*(?=[a-zß-öø-ÿ])")
_MARKS: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－⸺⸻", "-"),
    }
)
_ELISION: Final = re.compile(
    r"\s*(?:\[\s*\.\.\.\s*\]|\(\s*\.\.\.\s*\)|\.\.\.)\s*"
)  # NFKC makes three dots of the one character
_FOOTNOTE_MARKER: Final = re.compile(r"\s?\[\d{1,3}(?:\s?[,-]\s?\d{1,3})*\]")


@functools.lru_cache(maxsize=64)  # a source has several quotes, and its text is long
def normal(text: str) -> str:
    """*text* in the normal form N; `normal` of it is the same again."""
    text = _INVISIBLE.sub("", text).translate(_MARKS)  # before NFKC, which makes a space and an accent of a lone accent
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_MARKS)
    return " ".join(_LINE_END_HYPHEN.sub("", text).split())


def occurs(quote: str, text: str) -> bool:
    """True when *quote* stands in *text*, compared in normal form and as whole words and numbers.

    An elision (``…`` or ``[…]``) stands for words left out, unless the text has those very characters; the parts must follow one
    another within `WINDOW` characters. Reference marks such as ``[12]`` in the text are passed over.
    """
    wanted, given = normal(quote), normal(text)
    if not wanted:
        return False
    return _stands_in(wanted, given) or _stands_in(wanted, _FOOTNOTE_MARKER.sub("", given))


def nearest(quote: str, text: str) -> str:
    """The passage of *text*, about as long as *quote*, that shares most words with it; empty where nothing is like it."""
    wanted = set(normal(quote).lower().split())
    words = normal(text).split()
    size = len(normal(quote).split())
    hits = [word.lower() in wanted for word in words]
    if not wanted or not any(hits):
        return ""
    shared = sum(hits[:size])
    best, at = shared, 0
    for start in range(1, len(words) - size + 1):
        shared += hits[start + size - 1] - hits[start - 1]
        if shared > best:
            best, at = shared, start
    return " ".join(words[at : at + size]) if best * 2 >= size else ""


def _stands_in(wanted: str, given: str) -> bool:
    if any(_places(wanted, given, 0)):
        return True
    parts = [part for part in _ELISION.split(wanted) if part]
    return len(parts) > 1 and any(_rest_follows(parts[1:], given, end) for end in _places(parts[0], given, 0))


def _rest_follows(parts: list[str], given: str, after: int) -> bool:
    if not parts:
        return True
    nearby = (end for end in _places(parts[0], given, after) if end - len(parts[0]) - after <= WINDOW)
    return any(_rest_follows(parts[1:], given, end) for end in nearby)


def _places(part: str, given: str, start: int) -> Iterator[int]:
    """Where *part* ends, each time it stands in *given* as whole words and numbers."""
    at = given.find(part, start)
    while at >= 0:
        end = at + len(part)
        if not _cuts_before(part, given, at) and not _cuts_after(part, given, end):
            yield end
        at = given.find(part, at + 1)


def _cuts_before(part: str, given: str, at: int) -> bool:
    """True when a word or a number goes on to the left of *at*: ``5 billion`` of ``5.5 billion``, ``3%`` of ``-3%``."""
    if not part[0].isalnum() or at == 0:
        return False
    if given[at - 1].isalnum():
        return True
    if not part[0].isdigit():
        return False
    return re.search(r"\d[.,']$|(?:^|[\s(])[-+]$", given[max(0, at - 2) : at]) is not None


def _cuts_after(part: str, given: str, end: int) -> bool:
    """True when a word or a number goes on to the right of *end*: ``17`` of ``17%``, ``5`` of ``5.5``."""
    if not part[-1].isalnum() or end == len(given):
        return False
    if given[end].isalnum():
        return True
    return part[-1].isdigit() and re.match(r"[.,']\d|\s?%", given[end : end + 2]) is not None
