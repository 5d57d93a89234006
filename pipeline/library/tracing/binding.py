"""S305: a figure that stands in the source, and belongs to something else there; `names` has the same of names.

    176 of the source's "homes used 1,450 and data centres 176" given as what homes used

Prose is compared by its words only, so these are hints. A figure is bound to the words of its clause; what speaks against a binding
are words of the statement that stand with another figure of the same kind in the source, and with the one it took not at all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.clauses import are_rivals, around, behind, beside, is_time, lead, without_figures
from pipeline.library.tracing.compare import agrees, likeness
from pipeline.library.tracing.evidence import CARD, FACT, TEXT, Evidence, Place, sequence, stem, stems, times_in
from pipeline.library.tracing.figures import CROWD, Sighting, Sought, is_soft
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.names import check_names_of_figures
from pipeline.library.tracing.nearest import ratio
from pipeline.library.tracing.numbers import Figures, Quantity, When
from pipeline.model import Severity


def check_binding(
    sought: Sequence[Sought], text: str, figures: Figures, like: tuple[Evidence, Place] | None
) -> Iterable[Finding]:
    """S305 for the figures of a statement, told once; *like* is the sentence of its sources that says the same."""
    if any(sighting.evidence.is_foreign for one in sought for sighting in one.sightings):
        return  # words of two languages cannot be compared
    if len(figures.quantities) > CROWD:
        return
    doubts = [
        _swapped(sought, text, figures),
        _claimed(sought, text, figures),
        _other_time(sought, text, figures, like),
    ]
    if like is not None:
        evidence, place = like
        doubts += [
            _misread(sought, text, evidence, place),
            _foreign(sought, text, figures, evidence),
            check_names_of_figures(sought, text, evidence),
        ]
    yield from itertools.islice(itertools.chain.from_iterable(doubts), 1)


def _claimed(sought: Sequence[Sought], text: str, figures: Figures) -> Iterator[Finding]:
    """A figure whose words are those of another figure, in each place that has it."""
    said_times = times_in(figures)
    all_words = stems(text) | said_times
    for one in sought:
        if one.best is None or one.best.place.kind == CARD or is_soft(one.said):
            continue
        ours = around(text, one.said, figures)
        if len(said_times) == 1:
            ours |= said_times
        told: list[tuple[Place, Quantity]] = []
        for sighting in one.sightings:
            if sighting.place.kind == CARD:
                continue
            rival = _rival(one.said, text, figures, ours, all_words, sighting, sought)
            if rival is None:
                break  # one place that fits is enough
            told.append(rival)
        else:
            yield _bound_otherwise(one.said, told[0], one.best)


def _bound_otherwise(said: Quantity, rival: tuple[Place, Quantity], best: Sighting) -> Finding:
    place, given = rival
    where = f"{best.evidence.id}{f', line {place.line}' if place.line else ''}"
    message = (
        f'"{said.words}" stands with other words in the source; what this sentence speaks of has "{given.words}" there: '
        f'"{place.words[:160]}" ({where}); mend one, or reword'
    )
    return Finding("S305", said.start, said.end, message, Severity.WARNING)


def _rival(
    said: Quantity,
    text: str,
    figures: Figures,
    ours: frozenset[str],
    all_words: frozenset[str],
    sighting: Sighting,
    sought: Sequence[Sought],
) -> tuple[Place, Quantity] | None:
    """Another figure of the source that the words around ours speak of, where the one that was taken shares none of them."""
    place, given, evidence = sighting.place, sighting.given, sighting.evidence
    mine = around(place.words, given, place.figures)
    near, near_mine = beside(text, said, figures), beside(place.words, given, place.figures)
    for other in place.figures.quantities:
        if other is given or not (are_rivals(other, given) or _count_alike(other, said)) or _is_said(other, sought):
            continue
        its = around(place.words, other, place.figures)
        if _other_clause(ours, mine, its):
            return place, other
        near_its = beside(place.words, other, place.figures)
        if (
            near_mine
            and near & near_its - near_mine
            and not near & (near_mine | behind(place.words, given, place.figures))
        ):
            return place, other
    whole = place.around | place.times
    best: tuple[float, tuple[Place, Quantity] | None] = (0.0, None)
    for rival in evidence.sharing(all_words, least=2):
        if rival is place or rival.kind == CARD or (rival.kind == FACT) != (place.kind == FACT):
            continue
        has_other_time = _is_of_another_time(ours, place.times, rival.times) and len(rival.stems & all_words) > 1
        shared = all_words & (rival.stems | rival.times) - whole
        if len(shared) < 2 and not has_other_time:
            continue
        rivals = [q for q in rival.figures.quantities if are_rivals(q, given)]
        if not rivals or any(_is_said(q, sought) for q in rivals):
            continue
        if has_other_time:
            return rival, rivals[0]
        for_it = sum(_weight(evidence, word) for word in shared)
        for_mine = sum(_weight(evidence, word) for word in all_words & whole - rival.around - rival.times)
        if for_it >= 1.4 and for_it >= 2 * for_mine and for_it > best[0]:
            best = for_it, (rival, rivals[0])
    return best[1]


def _is_of_another_time(ours: frozenset[str], mine: frozenset[str], its: frozenset[str]) -> bool:
    """True when the only times of our clause are those of the other sentence, and the one with our number has times of its own."""
    times = {word for word in ours if is_time(word)}
    return bool(times) and bool(mine) and times <= its and not times & mine


def _other_clause(ours: frozenset[str], mine: frozenset[str], its: frozenset[str]) -> bool:
    """True when the words of our clause are those of another figure's clause and not of the one with our number."""
    times = frozenset(filter(is_time, ours)), frozenset(filter(is_time, mine)), frozenset(filter(is_time, its))
    if times[0] & times[2] and times[1] and not times[0] & times[1]:
        return True
    if not mine - times[1]:
        return (
            False  # "from 8.9 billion": what it is stands with the other figure, and only a year could tell them apart
        )
    for_it, for_mine = ours & its - mine - times[2], ours & mine - its
    return (bool(for_it) and not for_mine) or (len(for_it) >= 2 and len(for_it) >= 2 * len(for_mine))


def _weight(evidence: Evidence, word: str) -> float:
    return 0.625 if is_time(word) else evidence.weight(word)  # as exact as the others


def _count_alike(given: Quantity, said: Quantity) -> bool:
    """True when both count the same thing, and not the same number of it."""
    return bool(said.noun) and stem(given.noun) == stem(said.noun) and likeness(said, given) <= 0


def _is_said(given: Quantity, sought: Sequence[Sought]) -> bool:
    return any(likeness(one.said, given) > 0 for one in sought)


def _swapped(sought: Sequence[Sought], text: str, figures: Figures) -> Iterator[Finding]:
    """Two figures of one sentence of the source that have changed places."""
    for at, first in enumerate(sought):
        for second in sought[at + 1 :]:
            if (
                not are_rivals(first.said, second.said)
                or first.said.other_end is not None
                or is_soft(first.said)
                or is_soft(second.said)
            ):
                continue
            pair = _in_one_place(first, second)
            if (
                pair is not None
                and pair[0].given.dimension == pair[1].given.dimension
                and _is_crossed(text, figures, first, second, *pair)
            ):
                one = pair[0]
                message = (
                    f'"{first.said.words}" and "{second.said.words}" have changed places against the source: '
                    f'"{one.place.words[:160]}" ({one.evidence.id}); mend one of them'
                )
                yield Finding("S305", first.said.start, first.said.end, message, Severity.WARNING)
                return


def _is_crossed(text: str, figures: Figures, first: Sought, second: Sought, one: Sighting, other: Sighting) -> bool:
    ours = around(text, first.said, figures), around(text, second.said, figures)
    theirs = _bound(one), _bound(other)
    straight, crossed = _tally(ours, theirs)
    if sum(crossed) >= sum(straight) + 2 and (min(crossed) > 0 or sum(straight) == 0):
        return True
    if min(crossed) > 0 and sum(crossed) > sum(straight):
        return True
    before = lead(text, first.said, figures), lead(text, second.said, figures)
    its = (
        lead(one.place.words, one.given, one.place.figures),
        lead(other.place.words, other.given, other.place.figures),
    )
    straight, crossed = _tally(before, its)
    return sum(crossed) > sum(straight) and min(crossed) > 0


def _bound(sighting: Sighting) -> frozenset[str]:
    bound = around(sighting.place.words, sighting.given, sighting.place.figures)
    return bound | sighting.place.around if len(sighting.place.figures.quantities) == 1 else bound


def _tally(
    ours: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many words stay with their figure, and how many stand with the other one: of the first, of the second."""
    straight = len(ours[0] & theirs[0] - theirs[1]), len(ours[1] & theirs[1] - theirs[0])
    crossed = len(ours[0] & theirs[1] - theirs[0]), len(ours[1] & theirs[0] - theirs[1])
    return straight, crossed


def _in_one_place(first: Sought, second: Sought) -> tuple[Sighting, Sighting] | None:
    """The figures where one source has both: in one sentence, or as two recorded figures."""
    for one in first.sightings[:4]:
        for other in second.sightings[:4]:
            if one.place is other.place and one.place.kind != CARD and one.given is not other.given:
                return one, other
    one, other = first.best, second.best  # type: ignore[assignment]
    if one is None or other is None or one.evidence is not other.evidence or one.place is other.place:
        return None
    return (one, other) if one.place.kind == other.place.kind and one.place.kind != CARD else None


def _misread(sought: Sequence[Sought], text: str, evidence: Evidence, like: Place) -> Iterator[Finding]:
    """A number from elsewhere in the source where the sentence that ours repeats has another, or has its two sides turned."""
    alike = ratio(sequence(text), like.sequence)
    for one in sought:
        best = one.best
        if best is None or best.place.kind == CARD or (is_soft(one.said) and one.said.unit is None):
            continue
        here = [sighting for sighting in one.sightings if sighting.place is like]
        if here:
            sides = _halves(text, one.said), _halves(like.words, here[0].given)
            if (alike >= 0.3 and _is_comparand(text, like, *sides)) or (
                alike >= 0.5 and (_is_inverted(*sides) or _is_stranger(*sides, text, evidence, like))
            ):
                yield _bound_otherwise(one.said, (like, here[0].given), best)
                return
            continue
        given_here = [given for given in like.figures.quantities if not _is_said(given, sought)]
        rivals = [given for given in given_here if _count_alike(given, one.said)]
        if not rivals and alike >= 0.6:
            rivals = [given for given in given_here if are_rivals(given, one.said)]
        if rivals and not any(
            stem(sighting.given.noun) == stem(one.said.noun) for sighting in one.sightings if one.said.noun
        ):
            yield _bound_otherwise(one.said, (like, rivals[0]), best)
            return


def _foreign(sought: Sequence[Sought], text: str, figures: Figures, evidence: Evidence) -> Iterator[Finding]:
    """A number whose place speaks of nothing that the statement speaks of, where a sentence with another number does."""
    words = stems(without_figures(text, figures))
    for one in sought:
        best = one.best
        if (
            best is None
            or best.evidence is not evidence
            or best.place.kind != TEXT
            or is_soft(one.said)
            or one.said.spelled
        ):
            continue
        for like in evidence.sharing(words, least=2):
            if like.kind != TEXT or not like.figures.quantities:
                continue
            if any(sighting.place is like for other in sought for sighting in other.sightings):
                continue
            if all(_is_foreign(words, sighting.place, like) for sighting in one.sightings):
                yield _bound_otherwise(one.said, (like, like.figures.quantities[0]), best)
                return


def _is_foreign(words: frozenset[str], place: Place, like: Place) -> bool:
    """True when *like* speaks of two of *words* that *place* says nothing of, and *place* of none that *like* says nothing of."""
    return len(words & like.stems - place.around) >= 2 and not words & place.stems - like.around


_COMPARES: Final = Late(r"\b(?:than|against|compared|versus|above|below|behind|ahead)\b")
_COMPARAND: Final = Late(r"\b(?:than|against|compared (?:with|to)|versus)\b([^;:]*)")


def _is_comparand(
    text: str, like: Place, ours: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]
) -> bool:
    """True when the number is given to what the source only compares its owner with: "34 euros, against 1,200 for lessons"."""
    found = _COMPARAND.search(like.words)
    if found is None or _COMPARES.search(text) is not None:
        return False
    compared = stems(found[1]) & theirs[1] - theirs[0]
    return bool(compared & ours[0]) and bool(theirs[0] - stems(text))


def _halves(text: str, quantity: Quantity) -> tuple[frozenset[str], frozenset[str]]:
    return stems(text[: quantity.start]), stems(text[quantity.end :])


def _is_stranger(
    ours: tuple[frozenset[str], frozenset[str]],
    theirs: tuple[frozenset[str], frozenset[str]],
    text: str,
    evidence: Evidence,
    like: Place,
) -> bool:
    """True when another subject of the source stands before the number than the one that stands there in the source."""
    known = like.stems | stems(like.before)
    first, its_first = _first(text), _first(like.words)
    if first in known or its_first in stems(text) or not evidence.counts[first]:
        return False
    return first in ours[0] and its_first in theirs[0] and len(stems(text) & like.stems) >= 2


def _first(text: str) -> str:
    """The first word of *text* that tells what it is about."""
    return next((stem(word) for word in re.findall(r"[A-Za-z][\w'-]*", text) if stems(word)), "")


def _is_inverted(ours: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]) -> bool:
    """True when what stands before the number here stands behind it in the source, and the reverse."""
    return bool(ours[0] & theirs[1] - theirs[0]) and bool(ours[1] & theirs[0] - theirs[1])


def _other_time(
    sought: Sequence[Sought], text: str, figures: Figures, like: tuple[Evidence, Place] | None
) -> Iterator[Finding]:
    """A year or month that stands in the source, and not where the figures of the statement do."""
    lines = {
        (sighting.evidence.id, sighting.place.line): sighting
        for one in sought
        for sighting in one.sightings
        if sighting.place.kind != CARD and sighting.place.line is not None and not is_vague(one.said)
    }
    is_near = like is not None and ratio(sequence(text), like[1].sequence) >= 0.75
    if is_near:
        lines = {}
    places = [place for sighting in lines.values() for place in sighting.evidence.lines[sighting.place.line or 0]]
    if not places and like is not None and like[1].line is not None:
        places = list((like[1],) if is_near else like[0].lines[like[1].line])
    if not places or any(one.best is None for one in sought):
        return
    near = [when for place in places for when in place.figures.whens]
    if any(_RELATIVE.search(place.words) for place in places):
        return  # "last year" is a year, and which one depends on when it was said
    for when in figures.whens:
        alike = [other for other in near if _is_alike(when, other)]
        if alike and not any(agrees(when, other) for other in near):
            place = next(place for place in places if alike[0] in place.figures.whens)
            message = (
                f'"{when.words}" stands elsewhere in the source; here it has "{alike[0].words}": "{place.words[:160]}" '
                f"(line {place.line}); mend the date"
            )
            yield Finding("S305", when.start, when.end, message, Severity.WARNING)
            return


_RELATIVE: Final = Late(
    r"\b(?:last|this|next|previous|following|coming|past) (?:year|month|quarter|week|spring|summer|autumn|winter)\b"
)


def is_vague(said: Quantity) -> bool:
    """True for a number so small that it says little of where it is from."""
    return said.spelled or (said.unit is None and said.value < 20)


def _is_alike(when: When, other: When) -> bool:
    """True when both name a year, a month or a part of a year: one could have been put for the other."""
    if when.part or other.part:
        return bool(when.part) == bool(other.part)
    if when.month is not None:
        return other.month is not None
    return when.year is not None and other.year is not None
