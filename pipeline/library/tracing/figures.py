"""S301 to S304 and S307: whether each figure of a statement stands in a source that it cites, with its unit and its year.

    look_up   quantities | best place | worked out from others | what is wrong | Sightings

The figure of a statement is *borne out* by a place in a source that has it, rounded or converted at most. Where no place has it, it
may be worked out from other figures of the statement (`sums.worked_out`). Everything else is a finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.tracing.compare import Likeness, agrees, likeness
from pipeline.library.tracing.evidence import CARD, FACT, Evidence, Place, stems
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Bound, Figures, Quantity, When, find
from pipeline.library.tracing.sums import MOST, worked_out
from pipeline.library.tracing.units import SHARE
from pipeline.model import Severity

MOST_IN_A_SENTENCE: Final = 200  # quantities, dates and years; the rules compare each with each
NEXT: Final = "mend it, cite the source that has it, or, if you worked it out, mark the paragraph <!-- analysis -->"
NEXT_OF_A_DATE: Final = "mend it, or cite what names it"
WIDTH: Final = 160  # characters of a source's words in a message


class Sighting(NamedTuple):
    """A place that bears out a figure."""

    evidence: Evidence
    place: Place
    given: Quantity
    likeness: Likeness
    score: float  # how much its words are those of the statement


class Sought(NamedTuple):
    """A quantity of a statement, and every place that has it, the likeliest first."""

    said: Quantity
    sightings: tuple[Sighting, ...] = ()
    is_ours: bool = False  # worked out from other figures, or a count of what our own text speaks of

    @property
    def best(self) -> Sighting | None:
        return self.sightings[0] if self.sightings else None


Others = Callable[[], Iterable[Evidence]]  # the other sources of the library, asked only on a miss

CROWD: Final = 60  # figures of a statement; more are a list or a table, whose figures have no words of their own


def look_up(text: str, figures: Figures, cited: Sequence[Evidence], *, before: str = "") -> tuple[Sought, ...]:
    """Each quantity of *text* with the places of the *cited* sources that bear it out."""
    words = stems(text)
    found = [
        Sought(said, tuple(sorted(_sightings(said, words, figures, cited), key=lambda s: (-_rank(s), -s.score))))
        for said in figures.quantities
    ]
    if all(one.sightings for one in found) or len(found) > CROWD:
        return tuple(found)
    # What the sentences before say counts as far as the sources bear it out: a figure is no proof of itself.
    earlier, known = find(before), stems(before)
    borne = (said for said in earlier.quantities if any(True for _ in _sightings(said, known, earlier, cited)))
    ours = (*figures.quantities, *borne)
    places = _operands(found, words | stems(before), cited)
    theirs = [quantity for place in places for quantity in place.figures.quantities][:MOST]
    whens = [when for place in places for when in place.figures.whens][:MOST]

    def is_ours(said: Quantity) -> bool:
        if _counts_our_text(said, text, cited) or _OUR_ARITHMETIC.search(text):
            return True
        others, has_other = [one for one in ours if one is not said], _has_other_unit(said, words, cited)
        if not (said.is_verb and has_other) and worked_out(said, text, others, figures.whens):
            return True
        if has_other:
            return False
        pools = [theirs] if said.unit is not SHARE else [list(place.figures.quantities) for place in places]
        counted = any(said.noun and given.noun == said.noun for given in theirs)
        source = "" if counted else " ".join(place.words for place in places)
        times = (*figures.whens, *whens)
        return any(worked_out(said, text, [*others, *pool], times, source=source) for pool in pools)

    return tuple(one if one.sightings else Sought(one.said, is_ours=is_ours(one.said)) for one in found)


# Who says so has marked what follows from other figures, in words that readers see.
_OUR_ARITHMETIC: Final = Late(
    r"\b(?:our (?:own )?(?:arithmetic|calculation|reckoning)|we (?:calculate|reckon|work(?:ed)? out))\b", re.IGNORECASE
)


def _has_other_unit(said: Quantity, words: frozenset[str], cited: Sequence[Evidence]) -> bool:
    if said.dimension == "fold" and any(
        given.dimension == "fold"
        for e in cited
        for p in e.with_quantities
        if len(p.stems & words) > 1
        for given in p.figures.quantities
    ):
        return True  # "tripled" of what the source says has doubled
    if said.dimension == "fold":
        return False
    if said.unit is SHARE and any(
        given.unit is SHARE for e in cited for p in e.sharing(words, least=2) for given in p.figures.quantities
    ):
        return True
    is_distinct = len(f"{said.number:g}".replace(".", "").strip("0")) > 1
    likes = (likeness(said, given) for e in cited for _, quantities in e.candidates(said) for given in quantities)
    return any(
        like < (Likeness.NONE if is_distinct else Likeness.OTHER_UNIT) or (is_distinct and like is Likeness.LOOSE)
        for like in likes
    )


def _operands(found: Sequence[Sought], words: frozenset[str], cited: Sequence[Evidence]) -> list[Place]:
    """The figures of the paragraphs that a statement is about: what else it may have worked something out from."""
    places: list[Place] = []
    for one in found:
        if one.best is not None and one.best.place.kind != CARD:
            places += _paragraph(one.best.evidence, one.best.place)
    if not places:
        scored = [
            (sum(evidence.weight(stem) for stem in words & place.stems), evidence, place)
            for evidence in cited
            for place in evidence.places
            if place.kind != CARD and words & place.stems
        ]
        if scored:
            _, evidence, place = max(scored, key=lambda item: item[0])
            places = list(_paragraph(evidence, place))
    return list(dict.fromkeys(places))


def _paragraph(evidence: Evidence, place: Place) -> Sequence[Place]:
    if place.line is not None:
        return evidence.lines[place.line]
    if place.kind == FACT:
        return [other for other in evidence.places if other.kind == FACT][:MOST]
    return (place,)


def _rank(sighting: Sighting) -> float:
    """The number as it is before a rounded one, prose that speaks of the same thing before both."""
    return sighting.likeness + min(sighting.score, 6)


def _sightings(
    said: Quantity, words: frozenset[str], figures: Figures, cited: Sequence[Evidence]
) -> Iterable[Sighting]:
    for evidence in cited:
        for place, quantities in evidence.candidates(said):
            best = Likeness.NONE
            bearer = None
            for given in quantities:
                like = likeness(said, given)
                if like > best:
                    best, bearer = like, given
            if bearer is not None:
                score = sum(evidence.weight(stem) for stem in words & place.stems)
                is_guess = said.is_small_word or (said.is_verb and best < Likeness.SAME)
                if is_guess and not words & place.around:
                    continue
                if best is Likeness.LOOSE and (
                    _says_little(said, bearer, place, words) or not evidence.lends(said, bearer, place)
                ):
                    continue
                if said.is_negative and not bearer.is_negative and not _LESS.search(place.words):
                    continue
                score += 0.5 * sum(
                    any(agrees(ours, theirs) for theirs in place.figures.whens) for ours in figures.whens
                )
                yield Sighting(evidence, place, bearer, best, score - (0.5 if place.kind == CARD else 0))


_LESS: Final = Late(
    r"\b(?:f[ae]ll\w*|drop\w*|declin\w*|decreas\w*|shr[aiu]nk\w*|cut\w*|reduc\w*|lower\w*|los[est]\w*|minus|negative"
    r"|below|down|deficit\w*|contract\w*|less|fewer|slump\w*|slip\w*|sank|plung\w*)\b",
    re.IGNORECASE,
)


def _says_little(said: Quantity, given: Quantity, place: Place, words: frozenset[str]) -> bool:
    """A small number without a unit may be anything: 6 of "by 6 to 3" is not six months. In the row of a table it may be."""
    if said.unit is None or given.unit is not None or given.value >= 100 or place.is_foreign:
        return False
    is_row = sum(not quantity.unit and not quantity.noun for quantity in place.figures.quantities) > 2
    return not words & place.around or (given.value < 13 and given.step == 1 and not is_row)


def check_odd(text: str, figures: Figures) -> Iterator[Finding]:
    """S301: numbers in signs that nothing here reads, so that nobody can say where they stand."""
    for start, end in figures.odd:
        message = f'"{text[start:end]}" cannot be looked up; write it in plain digits'
        yield Finding("S301", start, end, message, Severity.ERROR)


def too_many(figures: Figures) -> Iterator[Finding]:
    """S301: more figures than anybody reads in one sentence; none of them is looked up."""
    if (count := len(figures.quantities) + len(figures.whens)) > MOST_IN_A_SENTENCE:
        first, last = figures.quantities[0] if figures.quantities else figures.whens[0], MOST_IN_A_SENTENCE
        message = f"{count} figures in one sentence are not looked up; split it, so that none has more than {last}"
        yield Finding("S301", first.start, first.end, message, Severity.ERROR)


def check_figures(sought: Sequence[Sought], text: str, cited: Sequence[Evidence], others: Others) -> Iterable[Finding]:
    """S301 to S304: what is wrong with the quantities that were looked up."""
    if any(evidence.is_away for evidence in cited):
        sought = [one for one in sought if one.sightings]
    for one in sought:
        if one.best is None and not one.is_ours:
            yield _missing(one.said, text, cited, others)
        elif one.best is not None and (said := one.said).per and not _is_per(one):
            what = f'"{said.words}" says per {said.per}, and the source does not'
            message = f"{what}: {_where(one.best.evidence, one.best.place)}; take the rate of the source"
            yield Finding("S302", said.start, said.end, message, Severity.WARNING)
    yield from _collapsed(sought, text)


_YEARLY: Final = {
    "year": r"\b(?:year|annual\w*|yearly|(?:19|20)\d\d|twelve months|12 months|per annum)\b",
    "month": r"\bmonth(?:ly)?\b",
    "week": r"\bweek(?:ly)?\b",
    "day": r"\b(?:day|daily)\b",
    "hour": r"\b(?:hour|hourly)\b",
}


def _is_per(one: Sought) -> bool:
    """True when a place that bears out the quantity names the time that it is per, in whatever words."""
    times = [time for time in one.said.per.split() if time in _YEARLY]
    if not times or any(s.place.kind == CARD or s.place.is_foreign for s in one.sightings):
        return True
    return any(
        re.search(_YEARLY[time], s.place.words + " " + s.place.before, re.IGNORECASE)
        for time in times
        for s in one.sightings
    )


def _missing(said: Quantity, text: str, cited: Sequence[Evidence], others: Others) -> Finding:
    words = stems(text)
    alike: list[tuple[float, Evidence, Place, Quantity, Likeness]] = []
    for evidence in cited:
        for place, quantities in evidence.candidates(said):
            for given in quantities:
                like = likeness(said, given)
                if like is Likeness.LOOSE and (said.unit is not given.unit or said.noun):
                    like = Likeness.OTHER_UNIT  # the same digits, and nothing there lends them this unit or scale
                if like < 0:
                    alike.append((len(words & place.stems), evidence, place, given, like))
    severity = Severity.WARNING if is_soft(said) else Severity.ERROR
    if alike:
        _, evidence, place, given, like = max(alike, key=lambda item: (item[0], -item[4]))
        where = _where(evidence, place)
        if like in (Likeness.PERCENT_FOR_POINTS, Likeness.POINTS_FOR_PERCENT):
            what = f'"{said.words}" is "{given.words}" in the source: percent and percentage points are two things'
            return Finding("S303", said.start, said.end, f"{what}: {where}; take the source's", severity)
        if (
            like in (Likeness.OTHER_CURRENCY, Likeness.OTHER_RATE)
            or len(f"{said.value:g}".replace(".", "").replace("e+", "")) > 1
        ):
            what = f'"{_short(said, text)}" is "{_short(given, place.words)}" in the source'
            return Finding(
                "S302", said.start, said.end, f"{what}: {where}; mend the unit, or cite where it stands", severity
            )
    names = ", ".join(evidence.id for evidence in cited)
    told = f"{_elsewhere(said, words, others)}{_nearest(said, words, cited)}"
    message = f'"{_short(said, text)}" does not occur in {names}{told}; {NEXT}'
    return Finding("S301", said.start, said.end, message, severity)


_EARLIER: Final = Late(r" (?:earlier|later|before|after|ago|on|since|apart)\b")


def _counts_our_text(said: Quantity, text: str, cited: Sequence[Evidence]) -> bool:
    """True for what counts our own text, "the two reports", and for "two years earlier" where no source tells of a time."""
    if said.is_small_word and said.value <= 2:
        return not re.match(r" of the (?:\d|three|four|five|six|seven|eight|nine|ten|eleven|twelve)", text[said.end :])
    if said.spelled and said.value == 1 and said.unit is not None and said.dimension == "time":
        one = re.compile(
            rf"\b(?:an?|one|last|past|previous|each|every) {said.unit.name.rstrip('s')}\b|\b(?:annual|monthly"
            rf"|daily)"
        )
        return any(
            one.search(place.words) for evidence in cited for place in evidence.places
        )  # "in one year" for "in a year"
    if said.dimension != "time" or not _EARLIER.match(text, said.end):
        return False
    words = stems(text)
    return not any(
        given.dimension == "time"
        for evidence in cited
        for place in evidence.with_quantities
        if words & place.stems
        for given in place.figures.quantities
    )


def is_soft(said: Quantity) -> bool:
    """True where a number may be the writer's own way of counting: two to ten in words, a fraction in words, "doubled"."""
    return (
        said.is_small_word
        or said.is_verb
        or (said.spelled and said.unit is not None and said.unit.name == "of the whole")
    )


def _elsewhere(said: Quantity, words: frozenset[str], others: Others) -> str:
    """It may be no invention but the wrong citation."""
    best: tuple[int, str] = (1, "")
    for evidence in others():
        for place, quantities in evidence.candidates(said):
            shared = len(words & place.stems)
            if shared > best[0] and any(likeness(said, given) >= Likeness.ROUNDED for given in quantities):
                best = (shared, evidence.id)
    return f"; it occurs in {best[1]}: cite that if it is meant" if best[1] else ""


def _nearest(said: Quantity, words: frozenset[str], cited: Sequence[Evidence]) -> str:
    """The place that a writer would want to see: of the same dimension if there is one, and most like the statement."""
    ranked = [
        (
            sum(evidence.weight(stem) for stem in words & place.stems)
            + any(given.dimension == said.dimension for given in place.figures.quantities),
            evidence,
            place,
        )
        for evidence in cited
        for place in evidence.with_quantities
        if place.kind != CARD
    ]
    if not ranked:
        return "; no figure of it is held: take a copy of the source, or record the figure as a fact"
    _, evidence, place = max(ranked, key=lambda item: item[0])
    same = [
        given for given in place.figures.quantities if given.dimension == said.dimension and given.base and said.base
    ]
    close = min(same, key=lambda given: abs(math.log(abs(given.base / said.base))), default=None)
    diff = f" [-{said.words}-] {{+{close.words}+}}" if close else ""
    return f"; nearest:{diff} {_where(evidence, place)}"


def _where(evidence: Evidence, place: Place) -> str:
    words = place.words if len(place.words) <= WIDTH else place.words[: WIDTH - 1].rsplit(" ", 1)[0] + " …"
    line = f", line {place.line}" if place.line else f", fact {place.name}" if place.kind == FACT else ""
    return f'"{words}" ({evidence.id}{line})'


def _short(quantity: Quantity, text: str) -> str:
    """The quantity with what it counts."""
    if not quantity.noun:
        return quantity.words
    end = text.lower().find(quantity.noun, quantity.end)
    return text[quantity.start : end + len(quantity.noun)] if 0 < end - quantity.end < 40 else quantity.words


# --- ranges -----------------------------------------------------------------------------------------------------------------------

_ONE_END: Final = Late(
    r"\b(?:low(?:er|est)?|high(?:er|est)?|slowest|fastest|smallest|largest|upper|top|bottom|ceiling|floor|maximum|minimum"
    r"|worst|best|peak"
    r"|pessimistic|optimistic|up to|at (?:least|most)|as (?:much|many|long|high|low|little|few) as|(?:no|not) (?:more|less"
    r"|fewer) than"
    r"|(?:one|other|either) end|end of|scenario|case|limit)\b",
    re.IGNORECASE,
)


def _collapsed(sought: Sequence[Sought], text: str) -> Iterable[Finding]:
    """S304: the source has a range, and the statement only one end of it as if that were all."""
    for one in sought:
        if (
            one.best is None
            or one.said.other_end is not None
            or one.said.bound not in (Bound.FLAT, Bound.ABOUT)
            or one.said.unit is None
        ):
            continue
        sightings = [s for s in one.sightings if s.likeness >= Likeness.LOOSE and s.score >= one.best.score - 0.5]
        ends = [_other_end(s) for s in sightings]
        if not ends or any(end is None for end in ends):
            continue
        value, _words = ends[0]  # type: ignore[misc]
        others = [other.said for other in sought if other is not one]
        if any(
            abs(other.value - value) <= other.step / 2 or abs(other.number - value) <= other.step / 2
            for other in others
        ):
            continue
        if _ONE_END.search(text):
            continue
        where = _where(one.best.evidence, one.best.place)
        message = f'"{one.said.words}" is one end of a range; give both ends, or say which; {where}'
        yield Finding("S304", one.said.start, one.said.end, message, Severity.WARNING)


def _other_end(sighting: Sighting) -> tuple[float, str] | None:
    given, place = sighting.given, sighting.place
    if given.other_end is not None:
        return given.other_end, place.words
    if place.kind != FACT or place.name is None:
        return None
    for low, high in (("low", "high"), ("lowest", "highest"), ("lower", "upper"), ("slowest", "fastest")):
        for mine, its in ((low, high), (high, low)):
            if mine not in place.name.split("-") and f" {mine}" not in f" {place.words.lower()}":
                continue
            for other in sighting.evidence.places:
                if (
                    other.kind == FACT
                    and other is not place
                    and other.words.lower().split(":")[0] == place.words.lower().split(":")[0].replace(mine, its)
                ):
                    ends = other.figures.quantities
                    if ends:
                        return ends[-1].value, place.words
    return None


# --- years and dates --------------------------------------------------------------------------------------------------------------


def look_up_dates(text: str, figures: Figures, cited: Sequence[Evidence]) -> Iterator[tuple[When, Evidence, Place]]:
    """Each day, and each month of a year, with the place that names it and is most about the same; bare years say too little."""
    words = stems(text)
    for when in figures.whens:
        if when.month is None or (when.day is None and when.year is None):
            continue
        named = [
            (sum(evidence.weight(stem) for stem in words & place.stems), evidence, place)
            for evidence in cited
            for place in evidence.dated
            if words & place.stems and any(agrees(when, other) for other in place.figures.whens)
        ]
        if named:
            _, evidence, place = max(named, key=lambda item: item[0])
            yield when, evidence, place


def check_years(figures: Figures, cited: Sequence[Evidence], *, before: str) -> Iterable[Finding]:
    """S307: each year, day, month and quarter of a statement stands in a source that it cites."""
    if not figures.whens or any(evidence.is_away for evidence in cited):
        return
    known = find(before).whens
    names = ", ".join(evidence.id for evidence in cited)
    whens = [when for evidence in cited for when in evidence.text_whens]
    cards = [when for evidence in cited for when in evidence.card_whens]
    years = frozenset(year for evidence in cited for year in evidence.years)
    for when in figures.whens:
        if any(agrees(when, other) for other in (*whens, *known, *(() if when.part else cards))):
            continue
        if when.year is not None and not _has_year(when, years):
            yield Finding(
                "S307",
                when.start,
                when.end,
                f'"{when.words}" does not occur in {names}{_nearest_when(when, whens)}; {NEXT_OF_A_DATE}',
                Severity.ERROR,
            )
        elif any(evidence.is_foreign for evidence in cited):
            continue  # its months have other names
        elif when.month is not None and when.day is None and when.year is None:
            continue  # a month alone: too little to be sure of
        elif (rivals := [other for other in whens if _is_rival(when, other)]) or when.day is not None:
            severity = Severity.ERROR if rivals or _has_days(whens) else Severity.WARNING
            yield Finding(
                "S307",
                when.start,
                when.end,
                f'"{when.words}" does not occur in {names}{_nearest_when(when, whens)}; {NEXT_OF_A_DATE}',
                severity,
            )


def _has_year(when: When, years: frozenset[int]) -> bool:
    if when.is_decade and when.year is not None:
        return any(year // 10 * 10 == when.year for year in years)
    return when.year in years


def _is_rival(when: When, other: When) -> bool:
    """True when *other* is another day, month or quarter of the year (or of none) that *when* names: one of them is wrong."""
    if when.year is not None and other.year is not None and when.year != other.year:
        return False
    if when.part:
        return bool(other.part) and other.part[0] == when.part[0]
    return when.month is not None and other.month is not None


def _has_days(whens: Sequence[When]) -> bool:
    return any(when.day is not None for when in whens)


def _nearest_when(when: When, whens: Sequence[When]) -> str:
    def distance(other: When) -> tuple[bool, float, float]:
        years = abs(when.year - other.year) if when.year and other.year else 0.5
        months = abs(when.month - other.month) if when.month and other.month else 0.5
        return (when.day, when.month) != (other.day, other.month), years, months

    shown = [other for other in whens if other.year is not None or other.month is not None]
    return f'; the nearest date there is "{min(shown, key=distance).words}"' if shown else "; it names no date at all"
