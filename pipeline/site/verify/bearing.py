"""Whether the words of a passage bear out a part of a sentence: a quotation or a number, as the article writes it.

This does not ask the rules by which an article was checked when it was built (`library.tracing`). It is a second, simpler reading:
wide where those are narrow, so that it finds what was changed afterwards and not what is a matter of taste. It knows few units, and
lets a number be another by thousands, and by hundreds where that is a unit: 4 GW is 4,000 MW, and 9% is 0.09, but not 90%.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

from pipeline.library.quotes import normal, occurs

NEAR: Final = 0.04  # "three quarters" for 73%, "4,000" for 3,900
NEAR_ABOUT: Final = 0.08  # "nearly half" for 47%
REACHED: Final = 0.005  # what we work out ourselves, rounded
ABOUT: Final = 0.03  # the same, where the sentence says "about"
MANY: Final = 60  # numbers, beyond which nothing is worked out: a sentence reckons with a few
MOST_IN_A_PART: Final = 20  # numbers, beyond which a part is borne out by the same words alone
FASTEST: Final = 100_000  # times, beyond which no rate is told

_ABOUT: Final = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|some|approximately|over|under|above|below|more|less|fewer|than|least|most|up|half)\b"
)
_NEARLY: Final = re.compile(r"\b(?:about|around|roughly|nearly|almost|approximately|some)\s+\W?\d")
_NUMERAL: Final = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_FRACTION_SIGN: Final = re.compile("(\\d*)([¼½¾⅐-⅞])")
_WORD: Final = re.compile(r"\b[a-z]+\b")
_ISO_DATE: Final = re.compile(r"\b\d{4}-\d\d(?:-\d\d)?\b|\b[FQH]Y?\d+\b")
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
    (1, "once single million billion trillion thousand hundred"),  # powers of ten are one
    (2, "both twice double doubles doubled doubling pair"),
    (3, "triple triples tripled tripling thrice"),
    (4, "quadruple quadrupled quadrupling"),
    (12, "dozen dozens"),
)
_WORDS: Final = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * tens for tens, word in enumerate(_TENS, start=3)},
    **{word: value for value, words in _OTHERS for word in words.split()},
}
_PARTS: Final = "half third quarter fifth sixth seventh eighth ninth tenth".split()  # from a second on
_HALVED: Final = re.compile(r"\b(?:halve|halves|halved|halving|half)\b")
_COUNT: Final = rf"(?:\d+|{'|'.join((*_SMALL, *_TENS))})"
_TENS_AND_ONES: Final = re.compile(rf"\b(twenty|{'|'.join(_TENS)})[- ]({'|'.join(_SMALL[1:10])})\b")
_AND_A_HALF: Final = re.compile(rf"\b({_COUNT}|an?)((?: [a-z]+)?) and a half\b")
_SHARE: Final = re.compile(rf"\b(?:({_COUNT})[- ]|(?:an? )?)({'|'.join(_PARTS)})s?\b")
_OUT_OF: Final = re.compile(rf"\b({_COUNT}) (?:in|out of|of)(?: every)? ({_COUNT}|a hundred|a thousand)\b(?![.,]?\d)")
_ROUGHLY: Final = "~"  # before a numeral that stood there as a share in words
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
        ("met(?:re|er)s?|cm|centimet", "inch", 2.54),
        ("mm|millimet", "inch", 25.4),
        ("hectare|ha\\b", "acre", 0.4047),
        ("square met|sq m|m2", "square f|sq ft", 0.0929),
        ("square kilomet|km2", "square mile", 2.59),
        ("kg|kilogram|kilos|tonne|ton", "pound|lb", 0.4536),
        ("[mgpe]j|(?:mega|giga|peta|exa)joule", "[kmgt]?wh|(?:kilo|mega|giga|tera)?watt", 3.6),
        ("[kmgt]?wh|(?:kilo|mega|giga|tera)?watt", "mmbtu|million btu", 293.1),
    )
)
_ONE: Final = re.compile(r"\b(?:a|an|first)\b")
_POWERS: Final = (0, 3, 6, 9, 12)  # of ten, that lie between units, up and down: kilo, mega, giga, tera
_HUNDREDS: Final = re.compile(r"%|\b(?:per ?cents?|percentages?|hundreds?|cents?|centimet\w+|cm|hectares?|ha)\b")
_LAKHS: Final = re.compile(r"\b(?:lakhs?|crores?)\b")
_HUNDRED_OF: Final = re.compile(r"\b([\d.]+|[a-z]+)[- ]hundred[- ](?=(?:thousand|million|billion|trillion)s?\b)")


def bears_out(part: str, words: str, *, beside: str = "") -> bool:
    """True when *part* stands in *words*, or each number in it does, in whatever unit or spelling, or follows from numbers there.

    *beside* is the sentence that the part stands in, and what stands before it.
    """
    if occurs(part, words) or occurs(_unquoted(part), words):
        return True
    if _QUOTED.match(normal(part)):
        return False
    given, sized = numbers(words, powers=True), numbers(words, powers=True, years=False)
    factors = _factors(_plain(f"{part} {beside}"), _plain(words))
    powers = _powers(_plain(f"{part} {words}"))
    is_ours = not re.search(r"\d", part)  # "a third", "doubled": often our own way to say what the figures come to
    reckoned = [*given, *_without(numbers(beside), numbers(part))] if is_ours else []
    wanted = list(_written(part, wide=_wide(f"{_word_before(part, beside)}{part}", words)))
    return 0 < len(wanted) <= MOST_IN_A_PART and all(
        any(_same(number, other, spare, powers) for other in (sized if spare else given))
        or any(_same(number * factor, other, ABOUT, powers) for factor in factors for other in sized)
        or _adds_up(number, words)
        or (is_ours and follows(number, reckoned, near=NEAR_ABOUT))
        for number, spare in wanted
    )


def _written(part: str, *, wide: float) -> Iterator[tuple[float, float]]:
    """The numbers of *part*, each with how far it may lie, as a share of itself, from what it was rounded from: half of its last
    digit, of a hundred and more half of the last that is not a nought, or *wide*. A year is no rounded number."""
    text = _in_digits(part)
    numerals = list(_NUMERAL.finditer(text))
    for numeral in numerals:
        digits, number = numeral[0].replace(",", ""), float(numeral[0].replace(",", ""))
        if number == 1 and len(numerals) > 1 and numeral[0] == "1":
            continue  # of "three million": the power of ten goes with the other
        noughts = len(digits) - len(digits.rstrip("0")) if "." not in digits else -len(digits.partition(".")[2])
        half = 0.5 * 10.0 ** (noughts if number >= 100 or noughts < 0 else 0)
        if not number or _YEAR.fullmatch(numeral[0]):
            yield number, 0.0
        elif text[: numeral.start()].endswith(_ROUGHLY):
            yield number, max(NEAR, wide)
        else:
            yield number, max(min(half / number, NEAR) if noughts > 0 else half / number, wide)


def _adds_up(number: float, words: str) -> bool:
    """True when it is a sum or a difference of two numbers of one passage: 2.6 billion and 400 million are 3 billion."""
    sums = _sums(words)
    at = bisect.bisect_left(sums, number)
    return any(math.isclose(number, result) for result in sums[max(0, at - 1) : at + 1])


@functools.lru_cache(maxsize=64)
def _sums(words: str) -> list[float]:
    given = numbers(_ISO_DATE.sub("", words), years=False)[:MANY]
    pairs = itertools.permutations(given, 2)
    return sorted(one + sign * other * 10.0**power for one, other in pairs for sign in (1, -1) for power in (-3, 0, 3))


def _factors(part: str, words: str) -> list[float]:
    """What a number of *part* is to be multiplied by, to be in a unit of *words* that is no ten of its own."""
    there = [factor for small, large, factor in _UNITS if large.search(part) and small.search(words)]
    back = [1 / factor for small, large, factor in _UNITS if small.search(part) and large.search(words)]
    return [*there, *back]


def numbers(text: str, *, powers: bool = False, years: bool = True) -> list[float]:
    """The numbers in *text*, in digits or in words, each once: with or without *years*; a power of ten that goes with others only
    where *powers* are asked."""
    numerals = [n for n in _NUMERAL.findall(_in_digits(text)) if years or not _YEAR.fullmatch(n)]
    found = list(dict.fromkeys(float(numeral.replace(",", "")) for numeral in numerals))
    return found if powers or len(found) < 2 else [value for value in found if value != 1.0]


def _plain(text: str) -> str:
    return normal(_FRACTION_SIGN.sub(_decimal, text)).casefold()


def _decimal(found: re.Match[str]) -> str:
    """41½ as 41.5"""
    return f"{float(found[1] or 0) + unicodedata.numeric(found[2]):g}"


def _in_digits(text: str) -> str:
    """*text* with the numbers in it that stand there in words as numerals: ``fifty-eight``, ``two and a half``, ``three quarters``,
    ``one in eight``, ``doubled``."""

    def value(word: str) -> float:
        known = {"": 1, "a": 1, "an": 1, "a hundred": 100, "a thousand": 1000, **_WORDS}
        return float(known.get(word, word))

    def hundreds(found: re.Match[str]) -> str:
        known = found[1] in ("a", "an", *_WORDS) or re.fullmatch(r"\d+(?:\.\d+)?", found[1])
        return f"{100 * value(found[1]):g} " if known else f"{found[1]} 100 "

    def share(found: re.Match[str]) -> str:
        return f"{_ROUGHLY}{value(found[1] or '') / (_PARTS.index(found[2]) + 2):.6f}"

    def out_of(found: re.Match[str]) -> str:
        few, many = value(found[1]), value(found[2])
        return f"{found[0]} {_ROUGHLY}{few / many:.6f}" if 0 < few < many else found[0]

    text = _TENS_AND_ONES.sub(lambda m: str(_WORDS[m[1]] + _WORDS[m[2]]), _plain(text))
    text = _HUNDRED_OF.sub(hundreds, text)
    text = _AND_A_HALF.sub(lambda m: f"{value(m[1]) + 0.5}{m[2]}", text)
    text = _OUT_OF.sub(out_of, _SHARE.sub(share, text))
    text = _HALVED.sub(f"{_ROUGHLY}0.5", text)
    text = _WORD.sub(lambda m: str(_number_of(m[0]) if _number_of(m[0]) is not None else m[0]), text)
    return text if re.search(r"\d", text) or not _ONE.search(text) else f"{text} 1"


def _number_of(word: str) -> int | None:
    return _WORDS.get(word, _WORDS.get(word.removesuffix("fold")))


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
    if any(abs(number - months) <= 1 for months in _months_apart(" ".join((*before, sentence)))):
        return True
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


def _powers(text: str) -> list[int]:
    """The powers of ten by which a number may be another, up and down, with the units that *text* names."""
    some = [*_POWERS, *((2,) if _HUNDREDS.search(text) else ()), *((1, 4, 5, 7) if _LAKHS.search(text) else ())]
    return [sign * power for power in some for sign in (1, -1)]


def _same(one: float, other: float, near: float, powers: Collection[int]) -> bool:
    """The same number, rounded or in a unit that is one of these *powers* of ten away."""
    if one == other:
        return True
    if one <= 0 or other <= 0:
        return False
    sizes = (one * 10.0**power for power in powers)
    return any(abs(size - other) <= near * size * (1 + 1e-9) for size in sizes)


def _wide(part: str, words: str = "") -> float:
    """What "about" leaves open, as a share: behind it in the article much, in the source a little."""
    text = _in_digits(part)
    if _ROUGHLY in text:
        return NEAR_ABOUT if _ABOUT.search(text) else NEAR
    if _NEARLY.search(text):
        return ABOUT
    return ABOUT / 2 if _NEARLY.search(_plain(words)) else 0.0


def _word_before(part: str, sentence: str) -> str:
    """The word before *part* in its sentence: "nearly" of "nearly 90" is seldom said to be borne out itself."""
    found = re.search(rf"\b([A-Za-z]+ ){re.escape(normal(part))}(?!\w)", normal(sentence))
    return found[1] if found else ""


def _without(values: Collection[float], others: Collection[float]) -> list[float]:
    return [value for value in values if value not in others]


def _unquoted(part: str) -> str:
    found = _QUOTED.match(normal(part))
    return found[1].rstrip(".,;") if found else part
