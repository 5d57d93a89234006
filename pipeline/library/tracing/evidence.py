"""What is held of a source, indexed once: each sentence of its stored text, each quote and each recorded figure, with its figures.

A *place* is one of these. The first time a text is asked for costs a reading of it; after that looking up is cheap.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pipeline.library.late import Late
from pipeline.library.sentences import sentence_ends
from pipeline.library.tracing.numbers import Bound, Figures, Quantity, When, find, find_otherwise
from pipeline.library.tracing.units import dimensions_in, scales_in
from pipeline.library.weighed import Weighed
from pipeline.model import Basis, Fact, Passage, PassageKind, Source

TEXT, QUOTE, FACT = PassageKind.TEXT, PassageKind.QUOTE, PassageKind.FACT
CARD: Final = "card"  # title, date and address of the source


@dataclass(frozen=True)
class Place:
    """One sentence, quote or figure of a source."""

    words: str
    kind: str
    line: int | None = None
    name: str | None = None
    page: int | None = None
    before: str = ""  # the sentences before it in its paragraph
    is_foreign: bool = False  # of a text in another language than English

    @cached_property
    def around(self) -> frozenset[str]:
        """Its stems, and those of what "it", "they" or "that" in it may stand for."""
        return self.stems | stems(self.before) if _PRONOUN.search(self.words) else self.stems

    @cached_property
    def times(self) -> frozenset[str]:
        return times_in(self.figures)

    @cached_property
    def sequence(self) -> tuple[str, ...]:
        return sequence(self.words)

    @cached_property
    def figures(self) -> Figures:
        figures = find(self.words)
        more = find_otherwise(self.words, foreign=self.is_foreign) if self.kind in (TEXT, QUOTE) else ()
        return Figures((*figures.quantities, *more), figures.whens) if more else figures

    @cached_property
    def stems(self) -> frozenset[str]:
        return stems(self.words)

    @cached_property
    def beside(self) -> str:
        """Its words and those shortly before it: what may lend a bare number its unit and scale."""
        return f"{self.before[-300:]} {self.words}"

    @cached_property
    def is_row(self) -> bool:
        """True for what looks like the row of a table, or a cell of one: its unit and scale stand in a head somewhere above."""
        if self.kind not in (TEXT, QUOTE):
            return False
        return (
            not _STOP_AT_THE_END.search(self.words)
            or sum(not q.unit and not q.noun for q in self.figures.quantities) > 2
        )

    @property
    def basis(self) -> Basis:
        return Basis.TRACED if self.kind in (TEXT, QUOTE) else Basis.RECORDED

    def passage(self, source: str, bears: tuple[str, ...]) -> Passage:
        kind = FACT if self.kind == CARD else PassageKind(self.kind)
        return Passage(source, self.words, kind, self.name, self.line, self.page, bears)


_PRONOUN: Final = Late(
    r"\b(?:it|its|they|them|their|that|this|these|those|none|neither|both|one|the (?:fleet|rest|others?|company|plan|rule"
    r"|firm|trial))\b",
    re.IGNORECASE,
)


_STOP_AT_THE_END: Final = Late(r"[.!?;:][\"'”’)\]]*$")


SAME_SCALE: Final = 0.05  # of a power of ten: no rounding moves a number as far


@dataclass(frozen=True, eq=False)
class Evidence:
    """A source, and every place in it where something may stand."""

    source: Source
    places: tuple[Place, ...]
    has_text: bool
    is_away: bool  # a copy was taken, and is not on this machine

    @property
    def id(self) -> str:
        return self.source.id

    @cached_property
    def is_foreign(self) -> bool:
        return any(place.is_foreign for place in self.places)

    @cached_property
    def sentences(self) -> tuple[Place, ...]:
        """The places that are prose of the source: what the language of a statement can be compared with."""
        return tuple(place for place in self.places if place.kind in (TEXT, QUOTE) and not place.is_foreign)

    @cached_property
    def with_quantities(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.figures.quantities)

    @cached_property
    def _by_digits(self) -> tuple[list[tuple[float, int, Quantity]], list[tuple[int, Quantity]]]:
        """Its quantities by their digits, wherever the decimal point stands; and those that have to be looked at for any number."""
        digits: list[tuple[float, int, Quantity]] = []
        always: list[tuple[int, Quantity]] = []
        for at, place in enumerate(self.with_quantities):
            for quantity in place.figures.quantities:
                if quantity.is_verb or quantity.dimension == "fold" or not quantity.number:
                    always.append((at, quantity))
                else:
                    digits.append((_digits(quantity.number), at, quantity))
                    if quantity.unit is not None and not quantity.unit.is_exact:
                        digits.append((_digits(quantity.base), at, quantity))
        return sorted(digits, key=lambda item: item[:2]), always

    def candidates(self, said: Quantity) -> list[tuple[Place, list[Quantity]]]:
        """The places with quantities that may be *said*, in order: those of nearly the same digits."""
        digits, always = self._by_digits
        found: dict[int, list[Quantity]] = {}
        if said.is_verb or said.dimension == "fold" or not said.number:
            return [(place, list(place.figures.quantities)) for place in self.with_quantities]
        room = math.log10(
            1 + max(0.026, 0.55 * said.step / abs(said.value), 0.115 if said.bound is not Bound.FLAT else 0)
        )
        for centre in {_digits(said.number), _digits(said.base)}:
            for shift in (-1, 0, 1):
                start = bisect.bisect_left(digits, centre + shift - room, key=lambda item: item[0])
                for mantissa, at, quantity in digits[start:]:
                    if mantissa > centre + shift + room:
                        break
                    found.setdefault(at, []).append(quantity)
        for at, quantity in always:
            found.setdefault(at, []).append(quantity)
        return [
            (self.with_quantities[at], quantities) for at, quantities in sorted(found.items(), key=lambda item: item[0])
        ]

    @cached_property
    def _postings(self) -> dict[str, list[int]]:
        postings: dict[str, list[int]] = {}
        for at, place in enumerate(self.places):
            for word in (*place.stems, *place.times):
                postings.setdefault(word, []).append(at)
        return postings

    def scores(self, words: frozenset[str]) -> list[tuple[Place, float]]:
        """The places that have one of *words* (stems), in order, each with the weight of all that it has."""
        scores: dict[int, float] = {}
        for word in words & self._postings.keys():
            weight = self.weight(word)
            for at in self._postings[word]:
                scores[at] = scores.get(at, 0.0) + weight
        return [(self.places[at], scores[at]) for at in sorted(scores)]

    def sharing(self, words: frozenset[str], *, least: int) -> list[Place]:
        """The places that have at least so many of *words* (stems, and times as `times_in` writes them), in order."""
        postings = self._postings
        counts = Counter(itertools.chain.from_iterable([postings[word] for word in words if word in postings]))
        return [self.places[at] for at in sorted(counts) if counts[at] >= least]

    @cached_property
    def names(self) -> frozenset[str]:
        """The words that have a capital within a sentence: no word that only happens to open one."""
        return frozenset(name for place in self.places for name in _INNER_CAPITAL.findall(place.words))

    @cached_property
    def initials(self) -> frozenset[str]:
        """The initials of each name of several words that it has."""
        runs = re.findall(
            r"(?:[A-Z][a-z]+(?: (?:of|for|and|the))* ?){2,6}", " ".join(place.words for place in self.places)
        )
        names = [[word[0] for word in run.split() if word[0].isupper()] for run in runs]
        return frozenset("".join(name[:end]).lower() for name in names for end in range(2, len(name) + 1))

    @cached_property
    def dated(self) -> tuple[Place, ...]:
        """The places that name a day or a month."""
        return tuple(p for p in self.places if p.kind != CARD and any(when.month for when in p.figures.whens))

    @cached_property
    def card_whens(self) -> tuple[When, ...]:
        return tuple(when for place in self.places if place.kind == CARD for when in place.figures.whens)

    @cached_property
    def text_whens(self) -> tuple[When, ...]:
        return tuple(when for place in self.places if place.kind != CARD for when in place.figures.whens)

    @cached_property
    def whens(self) -> tuple[When, ...]:
        return tuple(when for place in self.places for when in place.figures.whens)

    @cached_property
    def years(self) -> frozenset[int]:
        """The years that it names, and those that "last year" and "next year" mean by its date."""
        years = {when.year for when in self.whens if when.year is not None and not when.is_decade}
        issued = int(self.source.issued[:4]) if self.source.issued and self.source.issued[:4].isdigit() else None
        if issued is not None:
            years.add(issued)
            years |= {issued + shift for shift, words in _RELATIVE if any(words.search(p.words) for p in self.places)}
        return frozenset(years)

    @cached_property
    def lines(self) -> dict[int, tuple[Place, ...]]:
        """The sentences of each line of its text."""
        lines: dict[int, list[Place]] = {}
        for place in self.places:
            if place.line is not None:
                lines.setdefault(place.line, []).append(place)
        return {number: tuple(places) for number, places in lines.items()}

    @cached_property
    def counts(self) -> Counter[str]:
        """In how many places each stem stands."""
        return Counter(stem for place in self.places for stem in place.stems)

    @cached_property
    def lower(self) -> str:
        return " ".join(place.words for place in self.places).lower()

    def lends(self, said: Quantity, given: Quantity, place: Place) -> bool:
        """True when the words around *given*, which has no unit or no scale, give it those of *said*."""
        if place.is_foreign:
            return True  # its units have other names
        near = self.all_words if place.is_row or place.kind == CARD else place.beside
        is_bare = given.unit is None and said.unit is not None and said.dimension != "fold"  # "240 times" counts, too
        if is_bare and said.dimension not in dimensions_in(near):
            return False
        if given.value != given.number or not said.value or not given.value:
            return True
        shift = math.log10(abs(said.value / given.value))
        return any(abs(shift - math.log10(scale)) < SAME_SCALE for scale in (1.0, *scales_in(near)))

    @cached_property
    def all_words(self) -> str:
        return " ".join(place.words for place in self.places)

    def weight(self, stem: str) -> float:
        """How much *stem* tells: a word of every sentence tells nothing.

        A multiple of 2**-20, so that sums of weights are exact (IEEE 754) and the same in whichever order they are made: sets have
        another one in each process.
        """
        return self._weights.get(stem, 0.0)

    @cached_property
    def _weights(self) -> dict[str, float]:
        return {stem: round(_GRAIN / (1 + 0.5 * (count - 1))) / _GRAIN for stem, count in self.counts.items()}


_GRAIN: Final = 2**20
_INNER_CAPITAL: Final = re.compile(
    r"(?<=[a-z,;] )[A-Z][\w&-]+|(?<=[A-Z][a-z]{2} )[A-Z][\w&-]+|[A-Z][\w&-]{1,60}+(?= [A-Z])"
)


def _digits(number: float) -> float:
    """The logarithm of the digits of *number*, wherever its decimal point stands: that of 5.5 is that of 5,500."""
    return math.log10(abs(number)) % 1 if number else 0.0


def times_in(figures: Figures, start: int = 0, end: int | None = None) -> frozenset[str]:
    """The years, months and quarters named between *start* and *end*, as words that no text has."""
    found = set()
    for when in figures.whens:
        if start <= when.start and (end is None or when.start < end):
            if when.year is not None:
                found.add(f"={when.year}")
            if when.month is not None:
                found.add(f"=m{when.month}")
            if when.part:
                found.add(f"={when.part}")
    return frozenset(found)


_RELATIVE: Final = (
    (
        -1,
        Late(
            r"\b(?:last year|a year (?:ago|earlier|before)|(?:the )?(?:previous|prior|preceding) year|the year before"
            r"|year[- ]over[- ]year|year[- ]on[- ]year)\b",
            re.IGNORECASE,
        ),
    ),
    (1, Late(r"\b(?:next year|the coming year|the year after)\b", re.IGNORECASE)),
)


def evidence_of(source: Source, text: str | None, *, is_away: bool = False) -> Evidence:
    """What is held of *source*, whose stored text is *text* (None where there is none here)."""
    characters = len(text or "") + A_FIGURE * (1 + len(source.quotes) + len(source.facts))
    return _made.get(
        (_Key(source), text, is_away), lambda: _evidence(source, text, is_away=is_away), characters=characters
    )


class _Key:
    """A source as a key: two with one id and equal facts are one to us, and its mappings cannot be hashed."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __hash__(self) -> int:
        return hash(self.source.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and (self.source is other.source or self.source == other.source)


MOST_HELD: Final = 4_000_000  # characters of texts that are held indexed, each of which takes some thirty bytes
RESTING: Final = 1_000_000  # of them, between two articles
A_FIGURE: Final = 100  # characters that a recorded figure or a quote counts for
_made: Final[Weighed[tuple[_Key, str | None, bool], Evidence]] = Weighed(MOST_HELD, resting=RESTING)


def _evidence(source: Source, text: str | None, *, is_away: bool) -> Evidence:
    issued = source.issued or " ".join(
        re.findall(r"(?:19|20)\d\d$", source.id)
    )  # an id ends in the year, as editors name them
    places = [Place(quote.text, QUOTE, name=quote.id, page=quote.page) for quote in source.quotes.values()]
    places += _sentences(text or "")
    places += [Place(told(fact), FACT, name=fact.id) for fact in source.facts.values()]
    places += [Place(words, CARD) for words in (source.title or "", issued, _dates_in(source.url)) if words]
    return Evidence(source, tuple(places), text is not None, is_away)


def _sentences(text: str) -> tuple[Place, ...]:
    places = []
    foreign = is_foreign(text)
    for number, line in enumerate(text.split("\n"), 1):
        ends = sentence_ends(line)
        for start, end in zip([0, *ends], ends, strict=False):
            before = line[max(0, start - LONGEST) : start].strip()
            places += [
                Place(words, TEXT, line=number, before=before, is_foreign=foreign)
                for words in _pieces(line[start:end].strip())
            ]
    return tuple(places)


# Characters of a sentence; what is longer is a list or a table, or means harm, and is read in pieces.
LONGEST: Final = 1_500


def _pieces(words: str) -> Iterator[str]:
    while len(words) > LONGEST:
        cut = words.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield words[:cut].strip()
        words = words[cut:]
    if words.strip():
        yield words.strip()


_ENGLISH: Final = re.compile(r"\b(?:the|of|and|to|in|is|for|that|with|by|was|from|are|has|not|it)\b", re.IGNORECASE)
FEWEST: Final = 40  # words that tell a language


def is_foreign(text: str) -> bool:
    """True when the words that every English text is full of are few in *text*; of a short one nothing is said."""
    words = len(_WORDS.findall(text[:4000]))
    return words >= FEWEST and len(_ENGLISH.findall(text[:4000])) < 0.1 * words


def told(fact: Fact) -> str:
    """A recorded figure as a sentence: what it is, its value and unit, its period."""
    value = fact.value if fact.unit in ("date", "text", "year") else f"{_grouped(fact.value)} {fact.unit}"
    what, bound = _split_bound(fact.what)
    period = f" ({_period(fact.period)})" if fact.period else ""
    return f"{what}: {bound}{value}{period}"


_BOUND_AT_THE_END: Final = Late(
    r",? \(?(about|around|nearly|almost|roughly|over|more than|at least|up to|up to roughly|up to about|under"
    r"|less than)\)?$"
)


def _split_bound(what: str) -> tuple[str, str]:
    """``ERCOT large-load queue, about`` is a name and a bound."""
    found = _BOUND_AT_THE_END.search(what)
    return (what[: found.start()].rstrip(","), f"{found[1]} ") if found else (what, "")


def _grouped(value: str) -> str:
    return f"{int(value):,}" if value.isdigit() and 4 < len(value) < 20 else value


def _period(period: str) -> str:
    return period.replace("/", " to ")


def _dates_in(url: str) -> str:
    """The dates and years in an address, as far as they are sure: /2026/01/28/ and /2026-01-28-."""
    return " ".join("-".join(part for part in found.groups() if part) for found in _URL_DATE.finditer(url))


_URL_DATE: Final = Late(r"(?<!\d)((?:19|20)\d\d)(?:[/-](0[1-9]|1[0-2])(?:[/-]([0-3]\d))?)?(?!\d)")


# --- words ------------------------------------------------------------------------------------------------------------------------

_WORDS: Final = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ']*")
_STOP: Final = frozenset(
    "a about above according across after again against ago all almost already also although always am among an and "
    "another any are"
    " around as at away back be became because become been before behind being below between both but by came can come "
    "could did do"
    " does doing done down during each either else enough even ever every few for from further gave get give given gives "
    "go goes"
    " going gone got had has have having he her here hers him his how however i if in include included includes including "
    "indeed instead"
    " into is it its itself just kept last less let like likely made make makes many may me might mine more "
    "much must my near"
    " nearly need never next no nor not now of off often on once one only onto or other others our out over own per "
    "perhaps put puts quite"
    " rather really roughly said same say says see seem seems seen set several shall she should since so some soon still "
    "such take"
    " taken takes than that the their them then there these they thing things this those though through thus to together "
    "too took"
    " toward towards two under until up upon us use used using very via was way we well went were what when where whether "
    "which while who"
    " whole whom whose why will with within without would yet you your percent cent per billion million thousand trillion "
    "dollars dollar"
    " euros pounds year years month months day days week weeks hour hours today three four five six seven eight nine ten "
    "half quarter"
    " doubled tripled times tell tells told report reports reported put account accounts number numbers figure figures total"
    " january february march april june july august september october november december".split()
)
_ENDINGS: Final = (
    "ures",
    "ure",
    "ization",
    "isation",
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ied",
    "ers",
    "ed",
    "es",
    "er",
    "ly",
    "al",
    "s",
    "e",
    "y",
)


@functools.lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """*word* without the endings that change with its place in a sentence; crude, and the same for both sides."""
    word = word.lower().removesuffix("'s").replace("centre", "center").replace("isation", "ization").replace("'", "")
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for least in (3, 4):
        for ending in _ENDINGS:
            if len(word) - len(ending) >= (least + 2 if ending in ("ly", "al") else least) and word.endswith(ending):
                word = word[: -len(ending)]
                break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


_IRREGULAR: Final = {
    "rose": "ris", "risen": "ris", "fell": "fall", "fallen": "fall", "grew": "grow", "grown": "grow", "bought": "buy",
    "sold": "sell", "sales": "sell", "sale": "sell", "spent": "spend", "built": "build", "held": "hold", "drew": "draw",
    "drawn": "draw", "paid": "pay", "found": "find", "won": "win", "lost": "los", "men": "man", "women": "woman",
    "people": "person", "growth": "grow", "use": "us", "using": "us", "usage": "us", "american": "us-a", "america": "us-a",
    "european": "europ", "europe": "europ", "british": "brit", "britain": "brit", "irish": "irel", "ireland": "irel",
    "spanish": "spa", "spain": "spa", "chinese": "chin", "china": "chin",
}  # fmt: skip


@functools.lru_cache(maxsize=256)  # each rule asks for those of one statement
def stems(text: str) -> frozenset[str]:
    """The stems of the words of *text* that tell what it is about."""
    found = {
        stem(word)
        for word in _WORDS.findall(text.translate(_APOSTROPHE))
        if word.lower() not in _STOP and len(word) > 1
    }
    if "U" in text and _UNITED_STATES.search(text):
        found.add("us-a")
    return frozenset(found)


_UNITED_STATES: Final = Late(r"U\.S\.|\bUS\b|United States")


@functools.lru_cache(maxsize=256)
def sequence(text: str) -> tuple[str, ...]:
    """The words and numbers of *text* in order, without their endings."""
    return tuple([stem(word) for word in _WORDS_AND_NUMBERS.findall(text)])


_WORDS_AND_NUMBERS: Final = re.compile(r"[A-Za-z][\w'-]*|\d[\d.,]*")


_APOSTROPHE: Final = str.maketrans({"’": "'"})
