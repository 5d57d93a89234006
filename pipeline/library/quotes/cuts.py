"""Where a passage may not begin or end: in the middle of a word, of a number, or of what a number cannot be read without."""

from __future__ import annotations

import re
from typing import Final

from pipeline.library.late import Late
from pipeline.library.quotes.text import MARKER

_NUMBER_GOES_ON: Final = Late(
    r"[.,'/:^]\d"  # 5 of 5.5, 10 of 10^6
    r"|-\d"  # 9 of 9-17%
    r"|\s?[%‰]"  # 17 of 17%
    r"|\s(?:hundred|thousand|million|billion|trillion|crore|lakh|bn|mn|tn|percent|percentage|per\scent)\b"
    r"|\+(?!\w)|×"
)
# 9% of "9% to 17%", 9 of "9 to 17 GW", $405 of "$405 to $480"; "rose 9% to 17 GW" is no range, and "from 9% to 17%" two figures.
_RANGE_GOES_ON: Final = Late(r"(?P<percent>\s?[%‰])?\s(?:to|or)\s[$€£¥₹]?\d[\d.,]*(?P<other>\s?[%‰])?")
_FROM: Final = Late(
    r"\b(?:from|grew|rose|fell|up|down|increased|decreased|dropped|climbed)\s[$€£¥₹]?[\d.,]*[%‰]?$", re.IGNORECASE
)
_YEAR: Final = Late(r"(?<!\S)(?:19|20)\d\d$")
_SUFFIX: Final = Late(r"-(?:free|less|proof|neutral|negative)\b")
_POSSESSIVE: Final = Late(r"'s?(?!\w)", re.IGNORECASE)
_NUMBER_BEGAN: Final = Late(
    r"\d[.,'/:]$"  # 5 of 5.5
    r"|\d-$"  # 17% of 9-17%
    r"|(?:^|[\s(])[-+.]$"  # 3% of -3%, 5 of .5
    r"|\^-?$"
    r"|[<>≤≥~≈±]\s?$"
    r"|[$€£¥₹]\s?$"
    r"|(?:\b[A-Z]{1,6}|\b(?:mid|pre|post|non|sub))-$"  # 4 of GPT-4, 2030 of pre-2030
)
_PREFIX: Final = Late(r"\b(?:non|un|anti|ex|pre|semi|quasi|half|near|sub|mis|dis|counter|pseudo)-$", re.IGNORECASE)


def cuts(flat: str, start: int, end: int) -> bool:
    """True when *start* to *end* of *flat* cut a word or a number in two: ``5 billion`` of ``5.5 billion``, ``17`` of ``17%``."""
    return cuts_before(flat, start) or cuts_after(flat, end)


def cuts_before(flat: str, start: int) -> bool:
    """True when *start* cuts what begins before it."""
    first = flat[start]
    if start == 0 or not (first.isalnum() or first in "$€£¥₹"):
        return False
    previous = flat[start - 1]
    if previous.isalnum():
        return not (_is_ideogram(first) or _is_ideogram(previous))
    before = flat[max(0, start - 12) : start]
    if first.isdigit() or first in "$€£¥₹":
        return _NUMBER_BEGAN.search(before) is not None
    if previous == "'":
        return len(before) > 1 and before[-2].isalnum()
    return previous == "-" and _PREFIX.search(before) is not None


def cuts_after(flat: str, end: int) -> bool:
    """True when *end* cuts what goes on behind it."""
    last = flat[end - 1]
    if end == len(flat) or not (last.isalnum() or last in "%‰"):
        return False
    if (last.isdigit() or last in "%‰") and _range_goes_on(flat, end):
        return True
    if not last.isalnum():
        return False
    following = flat[end]
    if following.isalnum():
        return not (_is_ideogram(last) or _is_ideogram(following))
    after = flat[end : end + 24]
    if last.isdigit():
        marker = MARKER.match(flat, end)
        if marker is not None:
            after = flat[marker.end() : marker.end() + 24]
        return _NUMBER_GOES_ON.match(after) is not None
    if following == "'":
        return after[1:2].isalnum() and _POSSESSIVE.match(after) is None
    return following == "-" and _SUFFIX.match(after) is not None


def _range_goes_on(flat: str, end: int) -> bool:
    """True when a number that ends at *end* is the lower end of a range."""
    range_ = _RANGE_GOES_ON.match(flat, end)
    if range_ is None or (flat[end - 1] in "%‰") != bool(range_["other"]):
        return False
    before = flat[max(0, end - 24) : end]
    return _FROM.search(before) is None and _YEAR.search(before) is None


def _is_ideogram(char: str) -> bool:
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff"
