"""Whether the words of a passage bear out a part of a sentence: a quotation or a number, as the article writes it.

This does not ask the rules by which an article was checked when it was built (`library.tracing`). It is a second, simpler reading:
wide where those are narrow, so that it finds what was changed afterwards and not what is a matter of taste. Where a decimal point
stands is not looked at: 4 GW is 4,000 MW, and 9% is 0.09.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from typing import Final

from pipeline.library.quotes import normal, occurs

NEAR: Final = 0.025  # "a third" for 33%
NEAR_ABOUT: Final = 0.08  # "nearly half" for 47%
REACHED: Final = 0.005  # what we work out ourselves, rounded
ABOUT: Final = 0.03  # the same, where the sentence says "about"
MANY: Final = 60  # numbers, beyond which nothing is worked out: a sentence reckons with a few
FASTEST: Final = 100_000  # times, beyond which no rate is told

_ABOUT: Final = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|some|approximately|over|under|above|below|more|less|fewer|than|least|most|up|half)\b"
)
_NEARLY: Final = re.compile(r"\b(?:about|around|roughly|nearly|almost|approximately|some)\s+\W?\d")
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
# Of units that are no tens of one another: the small one, the large one, and how many of the small one are as much.
_UNITS: Final = tuple(
    (re.compile(rf"\b(?:{small})"), re.compile(rf"\b(?:{large})"), factor)
    for small, large, factor in (
        ("second", "minute", 60),
        ("second", "hour", 3600),
        ("minute", "hour", 60),
        ("minute", "day", 1440),
        ("hour", "day", 24),
        ("hour", "week", 168),
        ("hour", "year", 8766),
        ("day", "week", 7),
        ("day", "month", 30.44),
        ("day", "year", 365.25),
        ("week", "month", 4.348),
        ("week", "year", 52.18),
        ("month", "year", 12),
        ("lit(?:re|er)|cubic met|m3", "gallon", 3.785),
        ("lit(?:re|er)|cubic met|m3", "barrel", 158.99),
        ("lit(?:re|er)|cubic met|m3", "cubic f", 28.317),
        ("lit(?:re|er)|cubic met|m3", "acre[ -]f", 1.2335),
        ("kilomet|km", "mile", 1.609),
        ("met(?:re|er)s?|cm|centimet", "foot|feet|ft", 0.3048),
        ("met(?:re|er)s?|cm|centimet|mm|millimet", "inch", 2.54),
        ("hectare|ha\\b", "acre", 0.4047),
        ("square met|sq m|m2", "square f|sq ft", 0.0929),
        ("square kilomet|km2", "square mile", 2.59),
        ("kg|kilogram|kilos|tonne|ton", "pound|lb", 0.4536),
        ("[mgpe]j|(?:mega|giga|peta|exa)joule", "[kmgt]?wh|(?:kilo|mega|giga|tera)?watt", 3.6),
        ("[kmgt]?wh|(?:kilo|mega|giga|tera)?watt", "mmbtu|million btu", 2.93),
    )
)
_ONE: Final = re.compile(r"\b(?:a|an|first)\b")


def bears_out(part: str, words: str, *, beside: str = "") -> bool:
    """True when *part* stands in *words*, or each number in it does, in whatever unit or spelling, or follows from numbers there
    and *beside* (the sentence that the part stands in)."""
    if occurs(part, words) or occurs(_unquoted(part), words):
        return True
    if _QUOTED.match(normal(part)):
        return False
    given = numbers(words, powers=True)
    factors = _factors(normal(part).casefold(), normal(words).casefold())
    if not re.search(r"\d", part):
        # "a third", "doubled": often our own way to say what the figures of the passage come to.
        reckoned = _without(numbers(beside), numbers(part))
        return any(
            _same(number, other, _wide(part))
            or any(_same(number * factor, other, ABOUT) for factor in factors)
            or follows(number, given, reckoned, near=ABOUT)
            for number in numbers(part)
            for other in given
        )
    sized = numbers(words, powers=True, years=False)
    return all(
        any(_same(number, other, spare) for other in (sized if spare else given))
        or any(_same(number * factor, other, ABOUT) for factor in factors for other in sized)
        for number, spare in _written(part, wide=_wide(part, words))
    )


def _factors(part: str, words: str) -> list[float]:
    """What a number of *part* is to be multiplied by, to be in a unit of *words* that is no ten of its own."""
    there = [factor for small, large, factor in _UNITS if large.search(part) and small.search(words)]
    back = [1 / factor for small, large, factor in _UNITS if small.search(part) and large.search(words)]
    return [*there, *back]


def _written(part: str, *, wide: float) -> Iterator[tuple[float, float]]:
    """The numerals of *part*, each with how far it may lie, as a share of itself, from what it was rounded from: half of its last
    digit (of a hundred and more: that is not a nought), or *wide*. A year is no rounded number."""
    for numeral in _NUMERAL.findall(normal(part)):
        digits, number = numeral.replace(",", ""), float(numeral.replace(",", ""))
        noughts = len(digits) - len(digits.rstrip("0")) if "." not in digits else -len(digits.partition(".")[2])
        half = 0.5 * 10.0 ** (noughts if number >= 100 or noughts < 0 else 0)
        exact = not number or _YEAR.fullmatch(numeral)
        yield number, 0.0 if exact else max(min(half / number, NEAR), wide)


def numbers(text: str, *, powers: bool = False, years: bool = True) -> list[float]:
    """The numbers in *text*, in digits or in words, each once: with or without *years*; powers of ten that go with others only
    where *powers* are asked."""
    text = normal(text).casefold()
    numerals = (numeral for numeral in _NUMERAL.findall(text) if years or not _YEAR.fullmatch(numeral))
    found = [float(numeral.replace(",", "")) for numeral in numerals]
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
    sizes = (one * 10.0**power for power in range(-12, 13))
    return any(abs(size - other) <= near * max(size, other) for size in sizes)


def _wide(part: str, words: str = "") -> float:
    """What "about" leaves open, as a share: behind it in the article much, in the source a little."""
    if not re.search(r"\d", part):
        return NEAR_ABOUT if _ABOUT.search(normal(part).casefold()) else NEAR
    if _NEARLY.search(normal(part).casefold()):
        return ABOUT
    return ABOUT / 2 if _NEARLY.search(normal(words).casefold()) else 0.0


def _without(values: Collection[float], others: Collection[float]) -> list[float]:
    return [value for value in values if value not in others]


def _unquoted(part: str) -> str:
    found = _QUOTED.match(normal(part))
    return found[1].rstrip(".,;") if found else part
