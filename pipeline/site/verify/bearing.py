"""Whether the words of a passage bear out a part of a sentence: a quotation or a number, as the article writes it.

This does not ask the rules by which an article was checked when it was built (`library.tracing`). It is a second, simpler reading:
wide where those are narrow, so that it finds what was changed afterwards and not what is a matter of taste. Units and the size of
a unit are not looked at: 4 GW is 4,000 MW, and 9% is 0.09.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from typing import Final

from pipeline.library.quotes import normal, occurs

NEAR: Final = 0.025  # "950" for 945
NEAR_ABOUT: Final = 0.08  # "nearly half" for 47%
REACHED: Final = 0.005  # what we work out ourselves, rounded
ABOUT: Final = 0.03  # the same, where the sentence says "about"
MANY: Final = 60  # numbers, beyond which nothing is worked out: a sentence reckons with a few
FASTEST: Final = 100_000  # times, beyond which no rate is told

_ABOUT: Final = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|some|approximately|over|under|above|below|more|less|fewer|than|least|most|up|half)\b"
)
_NUMERAL: Final = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[a-z]+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_MONTHS: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_MONTH_BEFORE: Final = re.compile(rf"\b{_MONTHS}\s+(?:\d+ (?:and|to) |\d+-)?$")
_MONTH_AFTER: Final = re.compile(rf"(?:st|nd|rd|th)?(?: (?:and|to) \d+|-\d+)?\s+{_MONTHS}\b")
_MONTH_NAMES: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTH_OF_A_YEAR: Final = re.compile(rf"\b({'|'.join(_MONTH_NAMES)})[a-z]*\.? ((?:19|20)\d\d)")
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
    (1.0, "once single million billion trillion thousand hundred"),  # powers of ten are one
    (2.0, "both twice double doubles doubled doubling second pair"),
    (3.0, "triple triples tripled tripling thrice"),
    (4.0, "quadruple quadrupled quadrupling"),
    (12.0, "dozen dozens"),
    (1 / 2, "half halve halves halved halving"),
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
_ONE: Final = re.compile(r"\b(?:a|an|first)\b")


def bears_out(part: str, words: str, *, beside: str = "") -> bool:
    """True when *part* stands in *words*, or each number in it does, in whatever unit or spelling, or follows from numbers there
    and *beside* (the sentence that the part stands in)."""
    if occurs(part, words) or occurs(_unquoted(part), words):
        return True
    if _QUOTED.match(normal(part)):
        return False
    wanted, given, near = numbers(part), numbers(words, powers=True), _near(part)
    return bool(wanted) and all(
        any(_same(number, other, near) for other in given)
        or follows(number, given, _without(numbers(beside), wanted), near=ABOUT)
        for number in wanted
    )


def numbers(text: str, *, powers: bool = False) -> list[float]:
    """The numbers in *text*, in digits or in words, each once; powers of ten that go with others only where *powers* are asked."""
    text = normal(text).casefold()
    found = [float(numeral.replace(",", "")) for numeral in _NUMERAL.findall(text)]
    for word in _WORD.findall(text):
        value = _WORDS.get(word) or _WORDS.get(word.removesuffix("fold"))
        if value is not None and not (found and value == 1.0 and not powers):
            found.append(value)
    if not found and _ONE.search(text):
        found.append(1.0)
    return list(dict.fromkeys(found))


def figures(sentence: str) -> Iterator[str]:
    """The numerals of a sentence that somebody could have got wrong: no date, and no part of a name (H100, GPT-4, Article 50)."""
    text = normal(sentence)
    for numeral in _NUMERAL.finditer(text):
        before, after = text[: numeral.start()], text[numeral.end() :]
        in_a_name = _NAME_BEFORE.search(before) or _NAME_AFTER.match(after)
        in_a_date = _MONTH_BEFORE.search(before) or _MONTH_AFTER.match(after)
        if not (in_a_name or in_a_date or _YEAR.fullmatch(numeral[0])):
            yield numeral[0]


def follows(number: float, given: Collection[float], beside: Collection[float] = (), *, near: float = REACHED) -> bool:
    """True when *number* is a sum, a difference, a product, a ratio or a change in percent of two numbers, at least one of which
    is *given* while the other may stand *beside*; or the rest of one to a hundred."""
    given, beside = list(given)[:MANY], list(beside)[-MANY:]
    results = [result for one in given for result in (100 - one, one / 100, 2 * one)]
    for one, other in itertools.product(given, [*given, *beside]):
        if one == other:
            continue
        results += [one + other, abs(one - other), one * other, one * other / 100]
        if one and other:
            ratios = (one / other, other / one)
            results += [way for ratio in ratios for way in (ratio, 100 * ratio, 100 * abs(ratio - 1))]
    return any(abs(number - result) <= near * abs(number) for result in results)


def worked_out(figure: str, sentence: str, passages: Collection[str], before: Collection[str]) -> bool:
    """True when a numeral of *sentence* follows from other numbers of it, of its *passages*, and of what stands *before*, or stands
    there itself."""
    number = float(figure.replace(",", ""))
    given = [value for text in (sentence, *passages) for value in numbers(text)]
    beside = [value for text in before for value in numbers(text)]
    near = _rounded(figure, sentence)
    if number in beside or follows(number, _without(given, [number]), _without(beside, [number]), near=near):
        return True
    # What came of a rate in a year, told of another span: 280 times in 23 months are 19 times a year.
    yearly = [value ** (12 / months) for value in given if 1 < value < FASTEST for months in _months_apart(sentence)]
    return any(abs(number - result) <= near * number for result in yearly)


def _rounded(figure: str, sentence: str) -> float:
    """How far a number may lie from what it was rounded from: half of its last digit, and more behind "about"."""
    at = normal(sentence).find(figure)
    if _ABOUT.search(normal(sentence)[max(0, at - 20) : at].casefold()):
        return ABOUT
    number, decimals = float(figure.replace(",", "")), len(figure.partition(".")[2])
    return max(REACHED, min(ABOUT, 0.5 * 10.0**-decimals / number)) if number else REACHED


def _months_apart(text: str) -> list[int]:
    """How many months lie between the dates in *text* that follow each other."""
    months = [12 * int(year) + _MONTH_NAMES.index(name) for name, year in _MONTH_OF_A_YEAR.findall(normal(text))]
    return [abs(later - earlier) for earlier, later in itertools.pairwise(months) if later != earlier]


def _same(one: float, other: float, near: float) -> bool:
    """The same number, rounded or in another unit of tens."""
    if one == other:
        return True
    if one <= 0 or other <= 0:
        return False
    return any(abs(one * 10.0**power - other) <= near * other for power in range(-12, 13))


def _near(part: str) -> float:
    return NEAR_ABOUT if _ABOUT.search(normal(part).casefold()) else NEAR


def _without(values: Collection[float], others: Collection[float]) -> list[float]:
    return [value for value in values if value not in others]


def _unquoted(part: str) -> str:
    found = _QUOTED.match(normal(part))
    return found[1].rstrip(".,;") if found else part
