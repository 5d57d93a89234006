"""Whether the words of a passage bear out a part of a sentence: a quotation or a number, as the article writes it.

This does not ask the rules by which an article was checked when it was built (`library.tracing`). It is a second, simpler reading:
wide where those are narrow, so that it finds what was changed afterwards and not what is a matter of taste.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipeline.library.quotes import normal, occurs

NEAR: Final = 0.025  # "950" for 945
NEAR_ABOUT: Final = 0.08  # "nearly half" for 47%

_ABOUT: Final = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|some|approximately|over|under|above|below|more|less|fewer|than|least|most|up|half)\b"
)
_NUMERAL: Final = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[a-z]+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_MONTHS: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_MONTH_BEFORE: Final = re.compile(rf"\b{_MONTHS}\s+(?:\d+ (?:and|to) |\d+-)?$")
_MONTH_AFTER: Final = re.compile(rf"(?:st|nd|rd|th)?(?: (?:and|to) \d+|-\d+)?\s+{_MONTHS}\b")
_NAME_BEFORE: Final = re.compile(
    r"[A-Za-z/.,:-]$|\b(?:Article|Section|Chapter|Part|Annex|Figure|Table|Page|Rule|Title|Act|No\.?|Phase|Version|Level|Tier)s?\s+$"
)
_NAME_AFTER: Final = re.compile(r"\w|[-/:]\d")
_QUOTED: Final = re.compile(r'^["\'](.*)["\']$', re.DOTALL)
_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen twenty"
).split()
_TENS: Final = "thirty forty fifty sixty seventy eighty ninety".split()
_OTHERS: Final = (  # values and the words for them
    (1.0, "a an single once first"),
    (2.0, "both twice double doubled second pair"),
    (3.0, "triple tripled thrice"),
    (12.0, "dozen dozens"),
    (100.0, "hundred hundreds"),
    (1 / 2, "half halved halves"),
    (1 / 3, "third thirds"),
    (1 / 4, "quarter quarters"),
    (1 / 5, "fifth fifths"),
    (1 / 10, "tenth tenths"),
)
_WORDS: Final = {
    **{word: float(value) for value, word in enumerate(_SMALL)},
    **{word: 10.0 * tens for tens, word in enumerate(_TENS, start=3)},
    **{word: value for value, words in _OTHERS for word in words.split()},
}


def bears_out(part: str, words: str) -> bool:
    """True when *part* stands in *words*, or each number in it does, in whatever unit or spelling."""
    if occurs(part, words) or occurs(_unquoted(part), words):
        return True
    if _QUOTED.match(normal(part)):
        return False
    wanted, given = list(numbers(part)), list(numbers(words))
    near = NEAR_ABOUT if _ABOUT.search(normal(part).casefold()) else NEAR
    return bool(wanted) and all(any(_same(number, other, near) for other in given) for number in wanted)


def numbers(text: str) -> Iterator[float]:
    """The numbers in *text*, in digits or in words."""
    text = normal(text).casefold()
    for numeral in _NUMERAL.findall(text):
        yield float(numeral.replace(",", ""))
    for word in _WORD.findall(text):
        if word in _WORDS:
            yield _WORDS[word]


def figures(sentence: str) -> Iterator[str]:
    """The numerals of a sentence that somebody could have got wrong: no date, and no part of a name (H100, GPT-4, Article 50)."""
    text = normal(sentence)
    for numeral in _NUMERAL.finditer(text):
        before, after = text[: numeral.start()], text[numeral.end() :]
        in_a_name = _NAME_BEFORE.search(before) or _NAME_AFTER.match(after)
        in_a_date = _MONTH_BEFORE.search(before) or _MONTH_AFTER.match(after)
        if not (in_a_name or in_a_date or _YEAR.fullmatch(numeral[0])):
            yield numeral[0]


def _same(one: float, other: float, near: float) -> bool:
    """The same number, rounded or in another unit of tens (4,000 MW and 4 GW, 9% and 0.09)."""
    if one == other:
        return True
    if one <= 0 or other <= 0:
        return False
    return any(abs(one * 10.0**power - other) <= near * other for power in range(-12, 13))


def _unquoted(part: str) -> str:
    found = _QUOTED.match(normal(part))
    return found[1].rstrip(".,;") if found else part
