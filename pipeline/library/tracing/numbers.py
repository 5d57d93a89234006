"""The figures in a text: quantities with their unit and precision, and the days, months, quarters and years that it names.

    find   a text | dates | numerals and number words | scale, unit, bounds | ranges and lists | Figures

No figure in our sense: ordinals (the third, 21st), numbers that are part of a name (H100, GPT-4, Article 50, 5G), times of day,
section numbers, and the words *one* and *a* without a unit. What is in code or in an address must have been taken out before.

`find` reads prose in English and keeps offsets: typographic dashes, spaces and quotation marks may stand as they were typed.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.tracing.units import (
    BEFORE,
    FOLD,
    OTHER_LETTERS,
    SCALE_SIGNS,
    SCALE_WORDS,
    SHARE,
    Named,
    Unit,
    scale_of,
    unit_at,
    unit_before,
    unit_named,
)
from pipeline.library.tracing.words import words_in


class Bound(StrEnum):
    """What the words around a number say of how near it is."""

    FLAT = ""  # the number and no more
    ABOUT = "about"
    NEARLY = "nearly"  # a little less than it
    OVER = "more than"  # it, or more
    UNDER = "less than"
    UP_TO = "up to"  # a ceiling that need not be reached


class Quantity(NamedTuple):
    """A number as it stands in a text, with its unit. *value* and *step* are in the unit as written, scale words multiplied in."""

    start: int
    end: int
    words: str  # from the currency sign to the unit
    number: float  # as written, without scale: 5.5 of "$5.5 billion"
    value: float  # 5,500,000,000
    step: float  # what one more in the last place written is worth: 100,000,000
    unit: Unit | None = None
    per: str = ""  # year, of "10 percent a year"
    bound: Bound = Bound.FLAT
    noun: str = ""  # what is counted, where there is no unit: GPUs
    spelled: bool = False  # in words
    other_end: float | None = None  # value of the other end of a range
    is_low: bool = False  # of the two ends
    is_change: bool = False  # one end of "from 9 to 17": a change, and no range
    stands_alone: bool = False  # with neither unit nor noun before a stop: "and storms 22."
    is_negative: bool = False  # a minus stands before it; *value* is what it is without

    @property
    def dimension(self) -> str:
        return self.unit.dimension if self.unit else ""

    @property
    def base(self) -> float:
        """The value in the first unit of its dimension."""
        return self.value * self.unit.factor if self.unit else self.value

    @property
    def is_small_word(self) -> bool:
        """True for two to ten in words and without a unit: prose counts things of its own with them."""
        return self.spelled and self.unit is None and self.value <= 10 and self.value == self.number

    @property
    def is_verb(self) -> bool:
        """True for a multiple that a word says: doubled, threefold, twice."""
        return self.spelled and self.unit is FOLD and self.words[-5:].lower() != "times"


class When(NamedTuple):
    """A day, month, quarter, half or year that a text names, as far as it names it."""

    start: int
    end: int
    words: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    part: str = ""  # Q1 to Q4, H1, H2
    is_decade: bool = False
    is_fiscal: bool = False


class Figures(NamedTuple):
    quantities: tuple[Quantity, ...] = ()
    whens: tuple[When, ...] = ()
    odd: tuple[tuple[int, int], ...] = ()  # numbers in signs that nothing here reads: ⁴², ㊷, 41e3, 0x2A, 9.4 kGW

    @property
    def years(self) -> frozenset[int]:
        return frozenset(when.year for when in self.whens if when.year is not None and not when.is_decade)


# --- words ------------------------------------------------------------------------------------------------------------------------

_PLAIN: Final = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−﹣－", "-"), **dict.fromkeys("\u00a0\u2009\u202f\u2007", " "), "’": "'", **OTHER_LETTERS}
)

_DIGITS: Final = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen"
        " nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_MULTIPLES: Final = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12}
_PARTS: Final = {
    "half": 1 / 2,
    "halves": 1 / 2,
    "third": 1 / 3,
    "quarter": 1 / 4,
    "fourth": 1 / 4,
    "fifth": 1 / 5,
    "sixth": 1 / 6,
    "seventh": 1 / 7,
    "eighth": 1 / 8,
    "ninth": 1 / 9,
    "tenth": 1 / 10,
    "twelfth": 1 / 12,
    "twentieth": 1 / 20,
}
_FOLDS: Final = {
    **dict.fromkeys("double doubled doubles doubling twice twofold".split(), 2.0),
    **dict.fromkeys("triple tripled triples tripling treble trebled trebles trebling thrice threefold".split(), 3.0),
    **dict.fromkeys("quadruple quadrupled quadruples quadrupling fourfold".split(), 4.0),
    **dict.fromkeys("quintupled quintuple fivefold".split(), 5.0),
    **dict.fromkeys("halve halved halves halving".split(), 0.5),
    **{f"{word}fold": float(value) for word, value in _DIGITS.items() if value > 5},
    "hundredfold": 100.0,
    "thousandfold": 1000.0,
}

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october "
        "oct|november nov"
        "|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_MONTH: Final = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_YEAR: Final = r"(?P<year>(?:19|20|21)\d\d)"
_DAY: Final = r"(?P<day>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_NUMBERED: Final = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "final": 4,
    "last": 4,
}

# Each names one time, the most telling first.
_TIMES: Final = tuple(
    (Late(pattern), "<month>January" in pattern)
    for pattern in (
        rf"(?<![\w.,-]){_YEAR}-(?P<month>0[1-9]|1[0-2])-(?P<day>[0-3]\d)(?:T[\d:.]+Z?)?(?![\w])",
        rf"(?<![\w.,-]){_DAY}(?: of)? {_MONTH},? {_YEAR}(?!\w)",
        rf"\b{_MONTH} {_DAY},? {_YEAR}(?!\w)",
        rf"\b{_MONTH},?(?: of)? {_YEAR}(?!\w)",
        rf"(?<![\w.,-]){_DAY}(?: of)? {_MONTH}(?!\w)",
        rf"\b{_MONTH} {_DAY}(?![\w%]|[.,]\d)",
        rf"(?<![\w-]){_YEAR}-?(?P<part>[QH][1-4])(?!\w)",
        (
            r"(?<![\w-])(?P<part>[QH][1-4])(?:,? (?:of )?(?:(?P<fiscal>FY|fiscal(?: year)?) ?)?(?P<short>'?\d\d(?!\d)|(?:19"
            r"|20)\d\d))?(?!\w)"
        ),
        r"(?<!\w)(?P<fiscal>FY) ?-?(?P<short>\d\d(?!\d)|(?:19|20)\d\d)(?:-(?P<part>[QH][1-4]))?(?!\w)",
        (
            r"\b(?P<numbered>(?i:first|second|third|fourth|final|last|1st|2nd|3rd|4th))[ -](?:(?i:fiscal"
            r"|calendar)[ -])?(?P<what>quarter|half)"
            rf"(?:(?:,? of| in)? (?:(?:its|the) )?(?P<fiscal>(?:fiscal|financial)(?: year)? |FY ?)?(?:{_YEAR}"
            rf"|(?P<short>(?<=FY)\d\d)))?(?![\w])"
        ),
        rf"(?<!\w)(?P<fiscal>(?i:fiscal|financial)(?: year)?) {_YEAR}(?!\w)",
        (
            r"(?:(?<=\b[Ii]n )|(?<=\b[Bb]y )|(?<=[Ss]ince )|(?<=[Uu]ntil )|(?<=[Ff]rom )|(?<=[Ee]arly )|(?<=[Ll]ate )"
            r"|(?<=[Mm]id-)|(?<=last )"
            r"|(?<=next )|(?<=this )|(?<=[Dd]uring )|(?<=\bof )|(?<=[Tt]hrough )|(?<= to )|(?<=[Bb]efore )|(?<=[Aa]fter ))"
            r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December)(?!\w)"
        ),
    )
)
_FULL_DATE: Final = _TIMES[0][0]
_SIGNS_OF_TIME: Final = (
    re.compile(r"(?:19|20|21)\d\d"),
    re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
    re.compile(r"[QH][1-4]|FY|quarter|half|fiscal|financial", re.IGNORECASE),
)
_YEARS: Final = Late(
    r"(?<![\w.,$€£¥₹/#-])(?:mid-|pre-|post-|early-|late-)?((?:19|20)\d\d)(?![\w%]|[.,]\d)(?P<s>(?:-?'?s)?)"
)
_DECADE: Final = Late(r"(?<![\w.,-])((?:19|20)\d0)'?s\b")
_DECADES: Final = ("fifties", "sixties", "seventies", "eighties", "nineties")
_NAMED_DECADE: Final = Late(
    rf"\bthe (?:(?:early|mid|late)[ -])?(?:nineteen[ -])?(?:(?P<name>(?i:{'|'.join(_DECADES)}))|'(?P<short>[3-9]0)s)\b"
)
_WRITTEN_DAY: Final = Late(r"(?<![\w/.-])(\d{1,2})([/.])(\d{1,2})\2((?:19|20)\d\d)(?![\w/])")
_YEAR_SPAN: Final = Late(r"(?<![\w.,$€£¥-])((?:19|20)\d\d)[-/](\d\d|(?:19|20)\d\d)(?![\w%-]|[.,]\d)")
_MONTHS_OF_A_FACT: Final = Late(r"(?<![\w-])((?:19|20)\d\d)-(0[1-9]|1[0-2])(?![\w-])")

_VULGAR: Final = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_NUMERAL: Final = rf"\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}(?:\.\d+)?[{_VULGAR}]?|\d+(?:\.\d+)?[{_VULGAR}]?|\.\d+|[{_VULGAR}]"
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"
_NUMBERED_SIGNS: Final = "①-⓿❶-➓㉈-㉏㉑-㉟㊱-㊿㈠-㈩㊀-㊉Ⅰ-ↈ"
_ODD_SIGNS: Final = frozenset(_RAISED).union(
    chr(code)
    for first, last in zip(_NUMBERED_SIGNS[::3], _NUMBERED_SIGNS[2::3], strict=True)
    for code in range(ord(first), ord(last) + 1)
)
_ODD_IN_LETTERS: Final = (
    r"(?<![\w.])\d+(?:\.\d+)?[eE][+-]?\d+\b|(?<!\w)0[xXbB][0-9A-Fa-f]+\b|\d[\d.,]{0,40}\^\d+\^?"
    r"|\d[\d.,]{0,40} ?[kMGTmµ](?:kW|MW|GW|TW|Wh|kWh|MWh|GWh|TWh)h?\b(?<!\dMWh)(?<!\dGWh)(?<!\dkWh)(?<!\dTWh)(?<! [kMGT]Wh)"
)
# Of a text without those signs: most have none, and their sets are slow to compile.
_ODD: Final = re.compile(_ODD_IN_LETTERS)
_ODD_WITH_SIGNS: Final = Late(
    rf"(?:\d[\d.,]{{0,40}}[{_RAISED}]|(?<![\w)\]”\"'’.,;:!?])[{_RAISED}])[{_RAISED}.,]*(?<![.,])"
    rf"|[{_NUMBERED_SIGNS}]+|{_ODD_IN_LETTERS}"
)
_WORD: Final = "|".join(sorted([*_DIGITS, *_MULTIPLES], key=len, reverse=True))
_PART: Final = "|".join(
    sorted([*_PARTS, *(f"{part}s" for part in _PARTS if part not in ("half", "halves"))], key=len, reverse=True)
)
_FOLD_WORD: Final = "|".join(sorted(_FOLDS, key=len, reverse=True))
_FIRST_LETTERS: Final = "".join(sorted({"a", *(word[0] for word in (*_DIGITS, *_MULTIPLES, *_FOLDS, "half"))}))
# What no way to open a quantity begins with is left out first: there are a hundred words, and each would be tried at each letter.
_OPENING: Final = re.compile(
    rf"(?![a-z ])(?P<money>(?<![A-Za-z$])(?:{BEFORE}) ?)?(?P<sign>(?<![\w)])[-+~<>≈≥≤])?(?<![\w.,/:#@^])(?:(?<!-)"
    rf"|(?<=[-+]))(?P<num>{_NUMERAL})"
    rf"|\b(?=(?i:[{_FIRST_LETTERS}]))(?:"
    rf"(?P<words>(?i:(?:half )?an? (?=(?:hundred|thousand|million|billion|trillion|dozen)\b))?"
    rf"(?i:{_WORD})\b(?:(?:(?<=hundred) and |(?<=thousand) and |(?<=million) and |[ -])(?i:{_WORD})\b)*(?P<more> and (?:a"
    rf"|one) (?:half|quarter|third)\b)?)"
    rf"|(?P<fold>(?i:{_FOLD_WORD}))\b"
    rf"|(?P<half>(?i:half|halves))\b)"
)
_FRACTION: Final = Late(rf"\b(?i:(?P<top>an?|one|two|three|four|five|six|seven|eight|nine)[ -](?P<part>{_PART}))\b")
_PART_WORDS: Final = frozenset({*_PARTS, *(f"{part}s" for part in _PARTS)})
_SIGN_OF_ONE_IN: Final = re.compile(rf" (?:in|out of|of (?:every|each)) (?:every |each |an? )?(?:\d|(?i:{_WORD})\b)")
_AND_A_HALF: Final = Late(
    rf"\b(?i:(?P<top>an?|{_WORD})) (?P<unit>(?i:seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    rf"|decades?)) and an? (?P<part>half|quarter|third)\b"
)
_ONE_IN: Final = Late(
    rf"\b(?P<a>{_NUMERAL}|(?i:{_WORD}))(?: [a-z]+){{0,2}} (?:in|out of|of(?= every| each)) (?:every |each )?(?P<b>(?:an? )?hundred"
    rf"|{_NUMERAL}|(?i:{_WORD}))\b(?! (?:years?|months?|percent|per cent)|[%.,]\d?\d)"
)
_SCALES: Final = re.compile(
    rf"(?: ?-?(?:{SCALE_WORDS}|(?<=\d){SCALE_SIGNS}|(?<=\d ){SCALE_SIGNS}(?=[ ,.;:)]|$))(?![A-Za-z]))*"
)
_GAP: Final = re.compile(r" of | ?-?")  # between a number and its unit
_UNIT_ENDS: Final = re.compile(r"(?![A-Za-z²³]|-?\d)")
_PER: Final = re.compile(
    r" ?(?:a|an|per|each|every|/) ?(?P<per>million tokens|thousand tokens|kilowatt[- ]hour|megawatt[- ]hour|[A-Za-z]+)\b"
    r"(?! (?:earlier|ago|later|before|after|and a half)\b)",
    re.IGNORECASE,
)
_PER_LATER: Final = re.compile(
    r" of [a-z]+ (?:a|per|each|every) (?P<per>second|minute|hour|day|week|month|quarter|year)\b(?! (?:earlier|ago|later"
    r"|before|after)\b)"
)
_PER_WHAT: Final = {
    "kwh": "kilowatt-hour",
    "mwh": "megawatt-hour",
    "annum": "year",
    "yr": "year",
    "hr": "hour",
    "capita": "head",
}
_PER_A: Final = frozenset("second minute hour day week month quarter year decade head person token share".split())

_BOUNDS: Final = (
    (Bound.NEARLY, r"(?:nearly|almost|close to|just (?:under|below|short of|shy of)|not quite|approaching)"),
    (
        Bound.ABOUT,
        r"(?:about|around|roughly|approximately|some|circa|ca\.|an estimated|or so|in the region of|on the order of|~|≈)",
    ),
    (
        Bound.UP_TO,
        (
            r"(?:(?:of )?(?:only )?up to|as (?:much|many|high) as|at most|a maximum of|no more than|not more than|capped at"
            r"|a ceiling of)"
        ),
    ),
    (
        Bound.OVER,
        (
            r"(?:(?:slightly |just |well |far |a little |much )?(?:more|greater|higher|larger) than|(?:just |well )?(?:over"
            r"|above)|at least|in excess of|upwards? of|exceed(?:ing|s|ed)?|topp(?:ing|ed)|pass(?:ed|ing|es)"
            r"|no (?:less|fewer) than|not less than|a minimum of|north of|>|≥)"
        ),
    ),
    (Bound.UNDER, r"(?:(?:less|fewer|lower|smaller) than|under|below|<|≤)"),
)
_BOUND_NAMED: Final = "|".join(f"(?P<{bound.name}>{words})" for bound, words in _BOUNDS)
_BOUND_BEFORE: Final = re.compile(
    rf"(?<!\w)(?:{_BOUND_NAMED})(?: (?:only|a|an|the|roughly|about|some))*[ ]?$", re.IGNORECASE
)
_BOUND_BEHIND: Final = re.compile(
    r"(?:\+| or (?P<over>more|above|over|larger|upwards?|longer|higher)\b| and (?P<and>more|above|over|upwards?)\b"
    r"| (?P<up>upwards?)\b| or (?P<under>less|fewer|below|lower)\b| or (?P<so>so)\b)"
)

# A number that belongs to a name before it: Article 50, Phase 2, Llama 3, No. 14.
_NAME_BEFORE: Final = Late(
    r"\b(?:Articles?|Art\.|Sections?|Sec\.|Annex|Chapter|Part|Figure|Fig\.|Tables?|Pages?|p\.|pp\.|Rule|Title|Regulation"
    r"|Directive|Act|Nos?\.|Version|Phase"
    r"|Step|Level|Tier|Schedule|Paragraph|Order|Docket|Bill|Decision|Volume|Vol\.|Footnote|Note|Item|Unit|Reactor|Block"
    r"|Line|Route|Room|Gate)s? (?:\d{1,4}[a-z]?\()?$"
)
_CAPITAL_BEFORE: Final = Late(r"(?:^|[^A-Za-z])([A-Z][A-Za-z]*[A-Za-z]) $")
_NO_NAME: Final = frozenset(
    "In On By At To From Of For The A An And Or But Some About Around Nearly Almost Over Under Only Up Between With Until "
    "Since After"
    " Before During As If When Its Their Our Than Just Roughly Put Take Divide Add Raise Read Set Of Some That These Those "
    "All Both"
    " January February March April May June July August September October November December Another Every Each Even Now "
    "Then FY".split()
)
_NOUN: Final = Late(
    r"[ -](?:(?!(?:a|an|the|of|in|on|at|to|by|for|from|with|and|or|but|as|that|which|who|it|than|more|less|including|if"
    r"|when|while|is|are|was|were|be|been|will|would|can|could|may|might|had|have|has|went|go|goes|did"
    r"|do)\b)[A-Za-z][\w-]{0,40}(?<!ing)[ ]){0,2}?"
    r"(?P<noun>[A-Za-z][A-Za-z-]{0,40}(?:s|people|men|women|staff))\b"
)
_NO_NOUN: Final = frozenset(
    "was is as has its this does less plus us towards perhaps across always thus besides hers his yes comes includes makes "
    "gives goes leaves"
    " falls rises means stands needs covers takes brings sits adds equals exceeds remains represents reflects belongs says "
    "shows puts sees"
    " counts gets looks appears seems becomes follows starts ends runs holds keeps lies depends applies concerns works "
    "helps lets".split()
)
_LINK: Final = Late(
    r"^,? ?(?P<link>to|and|or|-|against|versus|from|up to|but|,)(?: (?:about|around|roughly|nearly|some|as (?:much"
    r"|many) as|over|more than|just|to|the))* ?$"
)


def find_otherwise(text: str, *, foreign: bool = False) -> tuple[Quantity, ...]:
    """The numbers of *text* that are written as English does not write them, read as those who write so mean them.

    Digits in groups of three with a space between ("31 900"), which in the row of a table may be two numbers; and in a *foreign*
    language a comma for the decimal point ("6,17") and a point between groups ("6.969").
    """
    found = []
    for pattern in (_SPACED, *(_FOREIGN if foreign else ())):
        for number in pattern.finditer(text):
            plain = re.sub(r"[ .](?=\d{3})", "", number[0]).replace(",", ".")
            rest = f"{text[: number.start()]}{plain}{text[number.end() :]}"
            read = next((q for q in find(rest).quantities if q.start <= number.start() < q.end), None)
            if read is not None:
                found.append(read._replace(end=read.end + len(number[0]) - len(plain)))
    return tuple(found)


_SPACED: Final = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d,]|\.\d)")
_FOREIGN: Final = (
    Late(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+(?:,\d+)?(?![\d,]|\.\d)"),
    Late(r"(?<![\d.,])\d+,\d{1,2}(?![\d,]|\.\d)"),
)


# A text without any of these signs and words has no figures.
_DIGIT: Final = re.compile(r"\d")
_SIGNS: Final = _ODD_SIGNS | frozenset(_VULGAR)
_FIGURE_WORDS: Final = frozenset({*_DIGITS, *_MULTIPLES, *_PART_WORDS, *_FOLDS, *_MONTHS, *_DECADES})
_NO_FIGURES: Final = Figures()
_COMMA: Final = re.compile(r",? ")


def may_have_figures(text: str) -> bool:
    """False for a *text* in which no sign and no word of a figure stands; quick, for most sentences have none."""
    if _DIGIT.search(text) is not None or not _FIGURE_WORDS.isdisjoint(words_in(text)):
        return True
    return not text.isascii() and not _SIGNS.isdisjoint(text)


@functools.lru_cache(maxsize=8192)
def find(text: str) -> Figures:
    """The figures of *text*, in order of place."""
    if not may_have_figures(text):
        return _NO_FIGURES
    plain = text.translate(_PLAIN)
    whens, masked = _whens(plain, text)
    quantities = _quantities(masked, text)
    named = unit_at(masked, len("In "), free=_COMMA) if masked.startswith("In ") else None
    if named is not None:  # "In gallons, that is about 4.5 billion."
        quantities = [one._replace(unit=named.unit) if one.unit is None and not one.noun else one for one in quantities]
    odd_ones = _ODD if _ODD_SIGNS.isdisjoint(text) else _ODD_WITH_SIGNS
    odd = tuple(found.span() for found in odd_ones.finditer(text))
    return Figures(tuple(_ranged(quantities, masked)), tuple(sorted(whens, key=lambda when: when.start)), odd)


# --- times ------------------------------------------------------------------------------------------------------------------------


def _whens(plain: str, text: str) -> tuple[list[When], str]:
    """The times of *plain*, and *plain* with them blanked."""
    whens: list[When] = []
    has_year, has_month, has_part = (bool(sign.search(plain)) for sign in _SIGNS_OF_TIME)
    for pattern, needs_month in _TIMES:
        if not (has_month if needs_month else has_part or (has_year and pattern is _FULL_DATE)):
            continue
        for found in pattern.finditer(plain):
            when = _when(found, text)
            if when is not None:
                whens.append(when)
                plain = _blank(plain, *found.span())
    has_decade = "0s" in plain or not words_in(text).isdisjoint(_DECADES)
    for found in _NAMED_DECADE.finditer(plain) if has_decade else ():
        year = _DECADES.index(found["name"].lower()) * 10 + 1950 if found["name"] else 1900 + int(found["short"])
        whens.append(When(*found.span(), text[found.start() : found.end()], year, is_decade=True))
        plain = _blank(plain, *found.span())
    if not has_year:
        return whens, plain
    for found in _MONTHS_OF_A_FACT.finditer(plain):
        whens.append(When(*found.span(), text[found.start() : found.end()], int(found[1]), int(found[2])))
        plain = _blank(plain, *found.span())
    for found in _YEAR_SPAN.finditer(plain):
        first, last = int(found[1]), int(found[2])
        last = last if last > 99 else first // 100 * 100 + last
        if first < last <= first + 60:
            for start, end, year in ((found.start(), found.end(1), first), (found.start(2), found.end(), last)):
                whens.append(When(start, end, text[found.start() : found.end()], year))
            plain = _blank(plain, *found.span())
    for found in _WRITTEN_DAY.finditer(plain):
        first, second = int(found[1]), int(found[3])
        day_first = found[2] == "." or first > 12
        if max(first, second) > 31 or min(first, second) > 12 or not first or not second:
            continue
        month, day = (second, first) if day_first else (first, second)
        if found[2] == "/" and first <= 12 and second <= 12 and first != second:
            whens.append(
                When(*found.span(), text[found.start() : found.end()], int(found[4]))
            )  # the month may be either
        else:
            whens.append(When(*found.span(), text[found.start() : found.end()], int(found[4]), month, day))
        plain = _blank(plain, *found.span())
    for found in _DECADE.finditer(plain):
        whens.append(When(*found.span(), text[found.start() : found.end()], int(found[1]), is_decade=True))
        plain = _blank(plain, *found.span())
    for found in _YEARS.finditer(plain):
        if _is_no_year(plain, found):
            continue
        whens.append(When(found.start(1), found.end(1), found[1], int(found[1])))
        plain = _blank(plain, *found.span(1))
    return whens, plain


_COUNTED: Final = Late(
    rf"(?:{SCALE_WORDS}|GPUs|sites|homes|people|firms|companies|employees|workers|jobs|chips|respondents|executives)\b"
)
_WORD_ENDS: Final = re.compile(r"(?![A-Za-z])")


def _is_no_year(plain: str, found: re.Match[str]) -> bool:
    """True for four digits that look like a year and count something: 2000 homes."""
    end = found.end(1)
    if not plain.startswith((" ", "-"), end):
        return False
    counts = unit_at(plain, end + 1, free=_WORD_ENDS) or _COUNTED.match(plain, end + 1)
    return counts is not None and not plain[max(0, found.start(1) - 3) : found.start(1)].lower().endswith(
        ("in ", "by ", "of ")
    )


def _when(found: re.Match[str], text: str) -> When | None:
    had = found.groupdict()
    year = int(had["year"]) if had.get("year") else None
    if short := (had.get("short") or "").lstrip("'"):
        year = int(short) if len(short) == 4 else 2000 + int(short)
    month = None
    if name := had.get("month"):
        month = int(name) if name.isdigit() else _MONTHS[name.rstrip(".").lower()]
    part = had.get("part") or ""
    if what := had.get("what"):
        number = _NUMBERED[had["numbered"].lower()]
        if what == "half":
            # "the second half" of a sentence of its own may be of anything
            if year is None or (number > 2 and had["numbered"].lower() not in ("final", "last")):
                return None
            number = min(number, 2)
        elif year is None and had["numbered"].lower() in ("last", "final"):
            return None
        part = f"{'Q' if what == 'quarter' else 'H'}{number}"
    return When(
        *found.span(),
        text[found.start() : found.end()].strip(),
        year,
        month,
        int(had["day"]) if had.get("day") else None,
        part,
        is_fiscal=bool(had.get("fiscal")),
    )


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + "\x00" * (end - start) + text[end:]


# --- quantities -------------------------------------------------------------------------------------------------------------------


def _quantities(plain: str, text: str) -> list[Quantity]:
    found: list[Quantity] = []
    taken = 0
    for fraction in _fractions(plain, text):
        found.append(fraction)
        plain = _blank(plain, fraction.start, fraction.end)
    for opening in _OPENING.finditer(plain):
        if opening.start() < taken:
            continue
        quantity = _quantity(opening, plain, text)
        if quantity is not None:
            found.append(quantity)
            taken = quantity.end
    return sorted(found, key=lambda quantity: quantity.start)


def _fractions(plain: str, text: str) -> list[Quantity]:
    """Parts of a whole in words: a year and a half, two thirds of, three quarters, one in five, nine out of ten."""
    parts: list[Quantity] = []
    if " and a" in plain:
        for found in _AND_A_HALF.finditer(plain):
            top = 1 if found["top"].lower() in ("a", "an") else _plain_number(found["top"])
            value, unit = top + _PARTS[found["part"]], unit_named(found["unit"])
            words = text[found.start() : found.end()]
            parts.append(Quantity(*found.span(), words, value, value, 0.1, unit, spelled=True))
            plain = _blank(plain, *found.span())
    if _SIGN_OF_ONE_IN.search(plain):
        for found in _ONE_IN.finditer(plain):
            top, bottom = _plain_number(found["a"]), _plain_number(found["b"].replace("a ", ""))
            if 0 < top < bottom and (bottom <= 20 or bottom in (25, 30, 40, 50, 100, 1000)):
                parts.append(_part(found.span(), plain, text, top / bottom, 0.5 / bottom if bottom < 100 else 0.01))
                plain = _blank(plain, *found.span())
    if not _PART_WORDS.isdisjoint(words_in(text)):
        for found in _FRACTION.finditer(plain):
            name = found["part"].lower()
            top = {"a": 1, "an": 1}.get(found["top"].lower()) or _DIGITS[found["top"].lower()]
            if _is_part(found, plain, name):
                singular = name if name in _PARTS else name.removesuffix("s")
                parts.append(_part(found.span(), plain, text, top * _PARTS[singular], 0.04))
    return parts


def _is_part(found: re.Match[str], plain: str, name: str) -> bool:
    """False for "a third source", "a quarter earlier" and "a tenth plant", which are no parts of anything."""
    start, end = found.span()
    is_time = _A_TIME_BEHIND.match(plain, end) or _A_TIME_BEFORE.search(plain, max(0, start - 8), start)
    if is_time and name in ("half", "quarter"):
        return False
    is_plural = name.endswith("s") and name != "halves"
    by = _BY_BEFORE.search(plain, max(0, start - 16), start)
    return bool(is_plural or by or _WHOLE_BEHIND.match(plain, end))


_A_TIME_BEHIND: Final = Late(r"[ -](?:year|hour|century|earlier|later|ago)")
_A_TIME_BEFORE: Final = Late(r"\b(?:in|per|each|every|first|last|second|this|next) $", re.IGNORECASE)
_BY_BEFORE: Final = Late(r"\b(?:by|to|at)(?: (?:about|around|nearly|almost|roughly|over))? $", re.IGNORECASE)
_WHOLE_BEHIND: Final = Late(
    r" of\b| the\b| (?:less|more|higher|lower|as|larger|smaller)\b| to (?:\d|an? |half|two|three)|[.,;:)]|$"
)


def _part(span: tuple[int, int], plain: str, text: str, share: float, step: float) -> Quantity:
    bound = _bound_before(plain, span[0])
    return Quantity(*span, text[span[0] : span[1]], 100 * share, share, step, SHARE, bound=bound, spelled=True)


def _quantity(opening: re.Match[str], plain: str, text: str) -> Quantity | None:
    start, end = opening.span()
    if opening["fold"] or opening["half"]:
        return _word_alone(opening, plain, text)
    is_spelled = bool(opening["words"])
    if is_spelled:
        number, value, step = _spelled(opening["words"])
    else:
        digits = opening["num"].replace(",", "")
        if len(digits) > _MOST_DIGITS:
            return None
        number = value = _read_digits(digits)
        step = 10.0 ** -len(digits.partition(".")[2]) if "." in digits else 0.1 if digits[-1] in _VULGAR else 1.0
        if (counted := _COUNTED_OUT.match(plain, end)) is not None and number > 12:
            end = counted.end()  # the 41st month is one of 41
        if _is_part_of_something(plain, opening):
            return None
    unit = unit_before(opening["money"].strip()) if opening["money"] else None
    scales = _SCALES.match(plain, end)
    assert scales is not None  # it matches the empty string, as the next
    for scale in _SCALE.finditer(plain, end, scales.end()):
        times = scale_of(scale[1])
        value, step, end = value * times, step * times, scale.end()
    if abs(value) > _MOST:
        return None
    gap = _GAP.match(plain, scales.end())
    assert gap is not None
    named = unit_at(plain, gap.end(), free=_UNIT_ENDS)
    if named and _means_unit(named, gap[0], plain, has_scale=end > opening.end(), has_money=unit is not None):
        is_same = unit is not None and named.unit.dimension == unit.dimension
        if unit is None or is_same or named.unit.is_money:
            unit, end = unit if is_same else named.unit, named.end
    elif unit is None and end == opening.end() and not is_spelled and plain[end : end + 1].isalpha():
        return None  # 4o, 5G, 19th: part of a name, or an ordinal
    if unit is None and _is_no_figure(opening, plain, end, value):
        return None
    if unit is None and _FACTOR_BEFORE.search(plain, max(0, start - 24), start):
        unit = FOLD
    noun: str = ""
    counted = None
    if unit is None and (counted := _NOUN.match(plain, end)) is not None and counted["noun"].lower() not in _NO_NOUN:
        noun = counted["noun"].lower()
    bound = _bound(opening, plain, end, is_time=unit is not None and unit.dimension == "time")
    per, end = _rate(plain, counted.end() if noun and counted is not None else end, end, has_unit=unit is not None)
    alone = unit is None and not noun and _ENDS.match(plain, end) is not None
    words = text[start:end].strip()
    return Quantity(
        start,
        end,
        words,
        number,
        value,
        step,
        unit,
        per,
        bound,
        noun,
        spelled=is_spelled,
        stands_alone=alone,
        is_negative=opening["sign"] == "-" or _MINUS_BEFORE.search(plain, max(0, start - 40), start) is not None,
    )


_COUNTED_OUT: Final = re.compile(r"(?:st|nd|rd|th)(?=[ -](?:month|week|day|hour|minute)s?\b)")
# What is longer or larger is no figure of anything: a key, or harm.
_MOST_DIGITS: Final = 20
_MOST: Final = 1e24
_SCALE: Final = re.compile(rf" ?-?({SCALE_WORDS}|{SCALE_SIGNS})(?![A-Za-z])")
_FACTOR_BEFORE: Final = Late(r"\bfactor of (?:about |around |roughly |nearly |almost )?$")
_ENDS: Final = Late(r"\.?\s*$|[.,;)]")
_MINUS_BEFORE: Final = re.compile(
    r"(?:^|[^\d])(?<![\w%] )\bminus $|(?:\bis|\bwas|\bof|\bat|\bto|\bby) minus $", re.IGNORECASE
)
_NOT_HALF_BEFORE: Final = Late(r"(?:first|second|other|latter|last|and a|per) $", re.IGNORECASE)
_HALF_BEHIND: Final = Late(r" (?:of|the|as|its|their|a (?:million|billion|percent)|that|those|all)\b")
_NO_MULTIPLE: Final = Late(r"-[a-z]| check| counting")
_FEW_BEFORE: Final = Late(r"\b(?:few|several|many|some|hundred) $", re.IGNORECASE)
_TO_A_NUMBER: Final = Late(rf" to (?:\d|(?i:{_WORD})\b)")
_OVER_BEFORE: Final = Late(r"\bover (?:the )?$", re.IGNORECASE)


def _word_alone(opening: re.Match[str], plain: str, text: str) -> Quantity | None:
    """Doubled, threefold, twice; half of."""
    start, end = opening.span()
    words, bound = text[start:end], _bound_before(plain, start)
    if opening["half"]:
        if _NOT_HALF_BEFORE.search(plain, max(0, start - 8), start) or not _HALF_BEHIND.match(plain, end):
            return None
        return Quantity(start, end, words, 50, 0.5, 0.04, SHARE, bound=bound, spelled=True)
    if _NO_MULTIPLE.match(plain, end):
        return None  # double-blind
    times = _FOLDS[opening["fold"].lower()]
    return Quantity(start, end, words, times, times, 1, FOLD, bound=bound, spelled=True)


def _is_no_figure(opening: re.Match[str], plain: str, end: int, value: float) -> bool:
    """True for what has no unit and counts nothing: one of them, a few million, Article 50."""
    if not opening["words"]:
        return _names_something(plain, opening, end)
    if value == 1:
        return not _TO_A_NUMBER.match(plain, end)
    start = opening.start()
    return opening["words"].lower() in _MULTIPLES and bool(_FEW_BEFORE.search(plain, max(0, start - 9), start))


def _bound(opening: re.Match[str], plain: str, end: int, *, is_time: bool) -> Bound:
    start = opening.start()
    bound = _sign_bound(opening["sign"]) or _bound_before(plain, start)
    if is_time and bound is Bound.OVER and _OVER_BEFORE.search(plain, max(0, start - 10), start):
        return Bound.FLAT  # over three years: during them
    if bound is Bound.FLAT and (behind := _BOUND_BEHIND.match(plain, end)):
        return _behind_bound(behind)
    return bound


def _rate(plain: str, at: int, end: int, *, has_unit: bool) -> tuple[str, int]:
    """What the quantity is per, ``kilowatt month`` of "184 dollars per kilowatt a month", and where it ends with that."""
    rates: list[str] = []
    rate = _PER.match(plain, at) or (_PER_LATER.match(plain, at) if has_unit else None)
    while rate is not None and len(rates) < 2:
        word = _PER_WHAT.get(rate["per"].lower(), rate["per"].lower())
        if word not in _PER_A and not rate[0].lstrip().startswith(("per", "/")):
            break
        rates.append(word)
        at = rate.end()
        if " tokens" not in word and has_unit:  # the tokens are counted for themselves
            end = at
        rate = _PER.match(plain, at)
    return " ".join(rates), end


def _is_part_of_something(plain: str, opening: re.Match[str]) -> bool:
    """True for a numeral inside a name, a version, a time of day, a ratio or an address."""
    start, end = opening.span("num")
    before, after = plain[max(0, start - 2) : start], plain[end : end + 2]
    if re.match(r"\.\d|[:/@]\d|_|-\d+-\d", plain[end : end + 6]):
        return True
    if before[-1:] == "-" and before[:1].isalpha() and not opening["money"]:
        return True  # GPT-4
    if re.match(r"(?:st|nd|rd|th)\b", after):
        return _COUNTED_OUT.match(plain, end) is None or _read_digits(opening["num"].replace(",", "")) <= 12
    return bool(re.search(r"[\w]\.$|\d[:/]$", before))


def _means_unit(named: Named, gap: str, plain: str, *, has_scale: bool, has_money: bool) -> bool:
    """False where a short sign behind a number, with *gap* between them, is a word or a letter of its own."""
    unit = named.words
    if gap == " of " and not named.unit.is_money:
        return False
    if unit in ("t", "m", "g", "l", "L", "W", "x", "X", "J") and not (
        gap in ("", " ") and (unit in "tWgx" or gap == "")
    ):
        return False
    if unit == "times" and re.match(r" (?:a|per|each|daily|weekly)\b", plain[named.end :]) and not has_scale:
        return True
    if unit in ("points", "point") and has_money:
        return False
    return not (unit == "second" and gap == " ")


def _names_something(plain: str, opening: re.Match[str], end: int) -> bool:
    """True for the number of an article, a table or a model: Article 50, Llama 3."""
    before = plain[max(0, opening.start() - 40) : opening.start()]
    if _NAME_BEFORE.search(before):
        return True
    if end > opening.end() or opening["money"]:
        return False
    capital = _CAPITAL_BEFORE.search(before)
    if capital is None or capital[1] in _NO_NAME:
        return False
    is_small = "," not in opening["num"] and _read_digits(opening["num"]) < 100
    return is_small and not re.match(
        r" ?(?:(?!was|is|has|as|does)[a-z]+s\b|percent|%|to \d|and \d)", plain[end : end + 40]
    )


def _spelled(words: str) -> tuple[float, float, float]:
    """Number, value and step of a number in words: two hundred and twelve, half a million, three and a half, a dozen."""
    words = words.lower()
    extra = 0.0
    for name, share in (("half", 0.5), ("quarter", 0.25), ("third", 1 / 3)):
        if words.endswith((f" and a {name}", f" and one {name}")):
            extra, words = share, words[: words.rindex(" and ")]
    half = words.startswith("half ")
    total = group = 0.0
    largest = 1.0
    for word in re.split(r"[ -]", words.removeprefix("half ")):
        if word in ("a", "an", "and"):
            continue
        if word in _DIGITS:
            group += _DIGITS[word]
            continue
        times = _MULTIPLES[word]
        largest = max(largest, times)
        if times >= 1000:
            total, group = total + (group or 1) * times, 0
        else:
            group = (group or 1) * times
    value = total + group + extra * (largest if largest >= 1000 else 1)
    # Two hundred is no 212, as 200 is none: only from a thousand on are numbers in words round ones.
    step = 1.0 if (group and total) or largest < 1000 else largest / 10 if largest == 1000 else largest
    if half:
        return value / 2, value / 2, step / 10
    number = value / largest if largest >= 1000 else value  # three, of three million
    return number, value, step / 10 if extra else step


def _plain_number(words: str) -> float:
    words = words.strip().lower()
    return _spelled(words)[1] if words[0].isalpha() else _read_digits(words.replace(",", ""))


def _read_digits(digits: str) -> float:
    """The value of a numeral without commas; it may end in a fraction of one sign, as 41½ does."""
    if digits[-1] not in _VULGAR:
        return float(digits)
    return float(digits[:-1] or 0) + unicodedata.numeric(digits[-1])


def _bound_before(plain: str, start: int) -> Bound:
    found = _BOUND_BEFORE.search(plain, max(0, start - 32), start)
    return Bound[found.lastgroup] if found and found.lastgroup else Bound.FLAT


def _sign_bound(sign: str | None) -> Bound | None:
    return {
        "~": Bound.ABOUT,
        "≈": Bound.ABOUT,
        ">": Bound.OVER,
        "≥": Bound.OVER,
        "<": Bound.UNDER,
        "≤": Bound.UNDER,
    }.get(sign or "")


def _behind_bound(found: re.Match[str]) -> Bound:
    if found["so"]:
        return Bound.ABOUT
    return Bound.UNDER if found["under"] else Bound.OVER


# --- ranges and lists -------------------------------------------------------------------------------------------------------------


def _ranged(quantities: list[Quantity], plain: str) -> list[Quantity]:
    """*quantities* with what neighbours lend one another: unit and scale in "52 to 56 billion dollars", and the ends of ranges."""
    done = list(quantities)
    for at in range(len(done) - 2, -1, -1):
        left, right = done[at], done[at + 1]
        link = _LINK.match(plain[left.end : right.start])
        if link is None:
            continue
        word = link["link"]
        is_listed = word in ("and", "or") and not link[0].startswith(",")
        before = plain[max(0, left.start - 24) : left.start].lower()
        is_between = word == "and" and re.search(r"\bbetween (?:about |around |roughly )?$", before) is not None
        left, right = _lend(left, right, is_range=word in ("to", "-") or is_between, is_listed=is_listed)
        is_range = word in ("to", "-") and not re.search(r"\bfrom (?:about |around |roughly |nearly )?$", before)
        is_range = is_range or is_between
        if is_range and left.dimension == right.dimension and 0 <= left.base < right.base:
            left = left._replace(other_end=right.value, is_low=True)
            right = right._replace(other_end=left.value)
        elif word in ("to", "from"):
            left, right = left._replace(is_change=True), right._replace(is_change=True)
        done[at], done[at + 1] = left, right
    return done


def _lend(left: Quantity, right: Quantity, *, is_range: bool, is_listed: bool) -> tuple[Quantity, Quantity]:
    left_scale, right_scale = left.value / (left.number or 1), right.value / (right.number or 1)
    bare = not left.noun and not left.per and (left.unit is None or left.unit == right.unit)
    spelled = left.spelled or right.spelled
    if bare and left_scale == 1 < right_scale and (is_range or not spelled) and left.number < 1000:
        left = left._replace(value=left.number * right_scale, step=left.step * right_scale)
    if (
        left.unit is None
        and right.unit is not None
        and not left.noun
        and (is_range or (is_listed and right.unit.dimension != "time"))
    ):
        left = left._replace(unit=right.unit, per=right.per)
    if (
        right.unit is None
        and not right.noun
        and left.unit is not None
        and left.unit.is_money
        and (right_scale > 1 or is_range)
    ):
        right = right._replace(unit=left.unit)
    if left.unit is None and right.unit is None and not left.noun:
        left = left._replace(noun=right.noun)
    return left, right
