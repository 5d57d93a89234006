"""S305: a figure or a name that stands in the source, and belongs to something else there.

    176 of the source's "homes used 1,450 and data centres 176" given as what homes used

Prose is compared by its words only, so these are hints. A figure is bound to the words of its clause; what speaks against a binding
are words of the statement that stand with another figure of the same kind in the source, and with the one it took not at all.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.library.tracing.compare import agrees, likeness
from pipeline.library.tracing.evidence import CARD, FACT, QUOTE, TEXT, Evidence, Place, sequence, stem, stems, times_in
from pipeline.library.tracing.figures import Sighting, Sought, is_soft
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Figures, Quantity, When, find
from pipeline.model import Severity

_EDGE: Final = re.compile(
    r"[;:()]|,(?!\d)|\s-\s|[–—]|\b(?:and|while|whereas|but|against|compared (?:with|to)|versus|than|after|from|or|though"
    r"|although|where)\b"
)
NEAR: Final = 3  # words beside a number that say what it is


def _is_time(word: str) -> bool:
    return word.startswith("=")


def around(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words that *quantity* is bound to in *text*: those of its clause, with the years and months that stand there."""
    text = _without_figures(text, figures)
    start, end = _clause(text, quantity, figures)
    clause = text[start : quantity.start] + " " + text[quantity.end : end]
    edges = [0, *(edge.end() for edge in _EDGE.finditer(text, 0, quantity.start))]
    return stems(clause) | times_in(figures, edges[-1], end)


def _without_figures(text: str, figures: Figures) -> str:
    """*text* with its numbers and dates blanked, so that no unit is taken for a word of it."""
    spans = [*((q.start, q.end) for q in figures.quantities), *((w.start, w.end) for w in figures.whens)]
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _clause(text: str, quantity: Quantity, figures: Figures) -> tuple[int, int]:
    edges = [0, *(edge.end() for edge in _EDGE.finditer(text, 0, quantity.start))]
    start = edges.pop()
    others = [q.start for q in figures.quantities if q.start < quantity.start]
    while edges and not stems(text[start : quantity.start]) and not any(edges[-1] <= at < start for at in others):
        start = edges.pop()  # "its nearest rival, Opaline, 9%"
    after = _EDGE.search(text, quantity.end)
    return start, after.start() if after else len(text)


def _lead(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words between *quantity* and the one before it that it could be taken for."""
    start = max((q.end for q in figures.quantities if q.end <= quantity.start and _rivals(q, quantity)), default=0)
    edge = _EDGE.search(text, start, quantity.start) if start else None
    start = edge.end() if edge else start
    return stems(_without_figures(text, figures)[start : quantity.start])


def _beside(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words right before *quantity*, up to the number before it."""
    start = max((q.end for q in figures.quantities if q.end <= quantity.start), default=0)
    plain = _without_figures(text, figures)[start : quantity.start]
    words = [stem(word) for word in re.findall(r"[A-Za-z][\w'-]*", plain) if stems(word)]
    return frozenset(words[-NEAR:])


def _behind(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    end = min((q.start for q in figures.quantities if q.start >= quantity.end), default=len(text))
    after = re.sub(
        r"(?:\S+ )?\S+ of $", "", text[quantity.end : end]
    )  # "in a round of $350 million" is said of the next one
    words = [stem(word) for word in re.findall(r"[A-Za-z][\w'-]*", after) if stems(word)]
    return frozenset(words[:NEAR])


def check_binding(
    sought: Sequence[Sought], text: str, figures: Figures, like: tuple[Evidence, Place] | None
) -> Iterable[Finding]:
    """S305 for the figures of a statement; *like* is the sentence of its sources that is most like it."""
    if any(sighting.evidence.is_foreign for one in sought for sighting in one.sightings):
        return  # words of two languages cannot be compared
    said_times = times_in(figures)
    all_words = stems(text) | said_times
    flagged = False
    for swapped in _swapped(sought, text, figures):
        flagged = True
        yield swapped
    for one in sought:
        best = one.best
        if best is None or flagged or best.place.kind == CARD or is_soft(one.said):
            continue
        ours = around(text, one.said, figures)
        if len(said_times) == 1:
            ours |= said_times
        good = [sighting for sighting in one.sightings if sighting.place.kind != CARD]
        told: list[tuple[Place, Quantity]] = []
        for sighting in good:
            rival = _rival(one.said, text, figures, ours, all_words, sighting, sought)
            if rival is None:
                break
            told.append(rival)
        else:
            flagged = True
            yield _bound_otherwise(one.said, told[0], best)
    if not flagged:
        yield from _other_time(sought, text, figures, like)
    if not flagged and like is not None:
        wrong = [*_misread(sought, text, *like)] or [*_foreign(sought, text, figures, like[0])]
        yield from wrong or _other_name(sought, text, like[0])


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
    near, near_mine = _beside(text, said, figures), _beside(place.words, given, place.figures)
    for other in place.figures.quantities:
        if other is given or not (_rivals(other, given) or _count_alike(other, said)) or _is_said(other, sought):
            continue
        its = around(place.words, other, place.figures)
        if _other_clause(ours, mine, its):
            return place, other
        near_its = _beside(place.words, other, place.figures)
        if (
            near_mine
            and near & near_its - near_mine
            and not near & (near_mine | _behind(place.words, given, place.figures))
        ):
            return place, other
    whole = place.around | place.times
    best: tuple[float, tuple[Place, Quantity] | None] = (0.0, None)
    for rival in evidence.sharing(all_words, least=2):
        if rival is place or rival.kind == CARD or (rival.kind == FACT) != (place.kind == FACT):
            continue
        rivals = [q for q in rival.figures.quantities if _rivals(q, given)]
        if not rivals or any(_is_said(q, sought) for q in rivals):
            continue
        if _is_of_another_time(ours, place.times, rival.times) and len(rival.stems & all_words) > 1:
            return rival, rivals[0]
        shared = all_words & (rival.stems | rival.times) - whole
        for_it = sum(_weight(evidence, word) for word in shared)
        for_mine = sum(_weight(evidence, word) for word in all_words & whole - rival.around - rival.times)
        if len(shared) >= 2 and for_it >= 1.4 and for_it >= 2 * for_mine and for_it > best[0]:
            best = for_it, (rival, rivals[0])
    return best[1]


def _is_of_another_time(ours: frozenset[str], mine: frozenset[str], its: frozenset[str]) -> bool:
    """True when the only times of our clause are those of the other sentence, and the one with our number has times of its own."""
    times = {word for word in ours if _is_time(word)}
    return bool(times) and bool(mine) and times <= its and not times & mine


def _other_clause(ours: frozenset[str], mine: frozenset[str], its: frozenset[str]) -> bool:
    """True when the words of our clause are those of another figure's clause and not of the one with our number."""
    times = frozenset(filter(_is_time, ours)), frozenset(filter(_is_time, mine)), frozenset(filter(_is_time, its))
    if times[0] & times[2] and times[1] and not times[0] & times[1]:
        return True
    if not mine - times[1]:
        return (
            False  # "from 8.9 billion": what it is stands with the other figure, and only a year could tell them apart
        )
    for_it, for_mine = ours & its - mine - times[2], ours & mine - its
    return (bool(for_it) and not for_mine) or (len(for_it) >= 2 and len(for_it) >= 2 * len(for_mine))


def _weight(evidence: Evidence, word: str) -> float:
    return 0.6 if _is_time(word) else evidence.weight(word)


def _rivals(one: Quantity, other: Quantity) -> bool:
    """True when the two could be taken for one another."""
    bare = (one.stands_alone or other.stands_alone) and "time" not in (one.dimension, other.dimension)
    alike = bare and 0.01 < one.value / (other.value or 1) < 100
    if one.dimension or other.dimension:
        alike = alike or one.dimension == other.dimension
    else:
        alike = alike or bool(one.noun and other.noun)
    return alike and not _same(one.base, other.base) and not _same(one.value, other.value)


def _count_alike(given: Quantity, said: Quantity) -> bool:
    """True when both count the same thing, and not the same number of it."""
    return bool(said.noun) and stem(given.noun) == stem(said.noun) and likeness(said, given) <= 0


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * abs(other)


def _is_said(given: Quantity, sought: Sequence[Sought]) -> bool:
    return any(likeness(one.said, given) > 0 for one in sought)


def _swapped(sought: Sequence[Sought], text: str, figures: Figures) -> Iterator[Finding]:
    """Two figures of one sentence of the source that have changed places."""
    for at, first in enumerate(sought):
        for second in sought[at + 1 :]:
            if (
                not _rivals(first.said, second.said)
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
    before = _lead(text, first.said, figures), _lead(text, second.said, figures)
    its = (
        _lead(one.place.words, one.given, one.place.figures),
        _lead(other.place.words, other.given, other.place.figures),
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
    ratio = _ratio(sequence(text), like.sequence)
    for one in sought:
        best = one.best
        if best is None or best.place.kind == CARD or (is_soft(one.said) and one.said.unit is None):
            continue
        here = [sighting for sighting in one.sightings if sighting.place is like]
        if here:
            sides = _halves(text, one.said), _halves(like.words, here[0].given)
            if (ratio >= 0.3 and _is_comparand(text, like, *sides)) or (
                ratio >= 0.5 and (_is_inverted(*sides) or _is_stranger(*sides, text, evidence, like))
            ):
                yield _bound_otherwise(one.said, (like, here[0].given), best)
                return
            continue
        given_here = [given for given in like.figures.quantities if not _is_said(given, sought)]
        rivals = [given for given in given_here if _count_alike(given, one.said)]
        if not rivals and ratio >= 0.6:
            rivals = [given for given in given_here if _rivals(given, one.said)]
        if rivals and not any(
            stem(sighting.given.noun) == stem(one.said.noun) for sighting in one.sightings if one.said.noun
        ):
            yield _bound_otherwise(one.said, (like, rivals[0]), best)
            return


def _foreign(sought: Sequence[Sought], text: str, figures: Figures, evidence: Evidence) -> Iterator[Finding]:
    """A number whose place speaks of nothing that the statement speaks of, where a sentence with another number does."""
    words = stems(_without_figures(text, figures))
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


def _other_name(sought: Sequence[Sought], text: str, evidence: Evidence) -> Iterator[Finding]:
    """A number given to somebody who is named elsewhere in the source, and nowhere near the number."""
    source = f"{evidence.source.publisher} {evidence.source.title or ''}".lower()
    names = [name for name in _names(text) if name.lower() not in source and name in evidence.names]
    for one in sought:
        best = one.best
        if best is None or best.evidence is not evidence or best.place.kind != TEXT or is_soft(one.said) or not names:
            continue
        near = [f"{s.place.words} {s.place.before}".lower() for s in one.sightings if s.place.kind == TEXT]
        if any(name.lower() in words for name in names for words in near):
            continue
        place = next((p for p in evidence.sentences if names[0] in p.words), None)
        if place is not None:
            told = f'"{one.said.words}" stands nowhere near "{names[0]}" in the source, which says of it'
            message = f'{told}: "{place.words[:160]}" ({evidence.id}); mend one'
            yield Finding("S305", one.said.start, one.said.end, message, Severity.WARNING)
            return


def _is_foreign(words: frozenset[str], place: Place, like: Place) -> bool:
    """True when *like* speaks of two of *words* that *place* says nothing of, and *place* of none that *like* says nothing of."""
    return len(words & like.stems - place.around) >= 2 and not words & place.stems - like.around


_COMPARES: Final = re.compile(r"\b(?:than|against|compared|versus|above|below|behind|ahead)\b")
_COMPARAND: Final = re.compile(r"\b(?:than|against|compared (?:with|to)|versus)\b([^;:]*)")


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
    is_near = like is not None and _ratio(sequence(text), like[1].sequence) >= 0.75
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


_RELATIVE: Final = re.compile(
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


# --- names ------------------------------------------------------------------------------------------------------------------------

_SAY: Final = (
    r"(?:said|says|told|wrote|writes|argued|argues|warned|warns|added|adds|announced|announces|claimed|claims"
    r"|stated|states|noted|notes|reported|reports|predicted|predicts|expects|expected|estimates|estimated|found|finds"
    r"|believes|insists|insisted|denied|denies|called|calls|promised|promises|forecasts?|projects)"
)
_NAME: Final = r"(?:[A-Z][\w&.'-]*(?: (?:of|and|for|the|de|van|von|&) (?=[A-Z]))?[ ]?)+"
_SPEAKERS: Final = (
    re.compile(rf"(?P<name>{_NAME})(?:, [^,.;]{{2,60}}, )?{_SAY}\b"),
    re.compile(rf"\b{_SAY} (?P<name>{_NAME})"),
    re.compile(rf"\b(?:[Aa]ccording to|[Ii]n the words of|by the account of|as told by) (?:the )?(?P<name>{_NAME})"),
)
_NOT_A_NAME: Final = frozenset(
    "The A An It He She They We In On By At But And This That Its Their His Her These Those Both As For".split()
)


def speakers(text: str) -> frozenset[str]:
    """The last words of the names that are said to say something in *text*."""
    found = set()
    for pattern in _SPEAKERS:
        for match in pattern.finditer(text):
            words = [word for word in re.findall(r"[A-Z][\w&'-]*", match["name"]) if word not in _NOT_A_NAME]
            if words:
                found.add(words[-1].removesuffix("'s").lower())
    return frozenset(found)


def check_names(text: str, like: Place, evidence: Evidence) -> Iterator[Finding]:
    """S305 for names: another speaker than in the sentence of the source that says the same, or two names that changed places."""
    source = evidence.id
    ours, theirs = speakers(text), speakers(like.words)
    if ours and theirs and not ours & theirs and not any(name in like.words.lower() for name in ours):
        other = min(theirs)
        name = min(ours)
        at = text.lower().find(name)
        message = f'the source has "{_as_written(other, like.words)}" say this: "{like.words[:160]}" ({source}); mend the speaker'
        yield Finding("S305", max(at, 0), max(at, 0) + len(name), message, Severity.WARNING)
        return
    if (roles := _other_role(text, like.words)) is not None:
        role, other = roles
        at = text.find(role)
        message = f'"{role}" is "{other}" in the source: "{like.words[:160]}" ({source}); mend what they are'
        yield Finding("S305", at, at + len(role), message, Severity.WARNING)
        return
    if (strangers := _substituted(text, like, evidence)) is not None:
        name, other = strangers
        at = text.find(name)
        message = (
            f'the source has "{other}" where this sentence has "{name}": "{like.words[:160]}" ({source}); mend the name'
        )
        yield Finding("S305", max(at, 0), max(at, 0) + len(name), message, Severity.WARNING)
        return
    if (pair := _traded(text, like)) is not None:
        first, second = pair
        at = text.find(first)
        places = f'"{first}" and "{second}" have changed places against the source'
        message = f'{places}: "{like.words[:160]}" ({source}); mend the order'
        yield Finding("S305", max(at, 0), max(at, 0) + len(first), message, Severity.WARNING)


_ROLE: Final = re.compile(
    r"\b(?:[Tt]he |[Ii]ts |[Tt]heir |[a-z]+'s )?([a-z]+),? ((?:[A-Z][\w'-]+ )*[A-Z][\w'-]+)(?=[,.]| (?:said|says|told"
    r"|wrote|voted|wants))"
)


def _other_role(text: str, source: str) -> tuple[str, str] | None:
    """What somebody is called here, and what there: the minister Ida Moen, the regulator Ida Moen."""
    theirs = {found[2]: found[1] for found in _ROLE.finditer(source)}
    for found in _ROLE.finditer(text):
        other = theirs.get(found[2])
        if other is not None and stems(found[1]) and stems(other) and stem(found[1]) != stem(other):
            return found[1], other
    return None


def _as_written(name: str, text: str) -> str:
    at = text.lower().find(name)
    return text[at : at + len(name)] if at >= 0 else name


_PROPER: Final = re.compile(r"\b[A-Z][\w&-]+\b")


def _substituted(text: str, like: Place, evidence: Evidence) -> tuple[str, str] | None:
    """A name of elsewhere in the source in the place of another one, in a sentence that otherwise is that of the source."""
    ours, theirs = _names(text), _names(like.words)
    strange = [name for name in ours if name.lower() not in like.words.lower()]
    missing = [name for name in theirs if name.lower() not in text.lower()]
    if not strange or not missing or _cover(sequence(text), like.sequence) < 0.5:
        return None
    before = (
        like.before
        if re.search(r"\b(?:it|its|they|their|he|she|his|her|the company)\b", like.words, re.IGNORECASE)
        else ""
    )
    if any(name.lower() in before.lower() or name not in evidence.names for name in strange):
        return None
    return strange[0], missing[0]


def _names(text: str) -> list[str]:
    """Words with a capital that do not open the sentence, or are followed by another such word."""
    return [
        found[0]
        for found in _PROPER.finditer(text)
        if found[0] not in _NOT_A_NAME
        and (found.start() > 0 or re.match(r" [A-Z]", text[found.end() :]))
        and stems(found[0])
    ]


_WORD: Final = re.compile(r"\b[a-z][\w'-]{2,}\b")


def _traded(text: str, place: Place) -> tuple[str, str] | None:
    """Two words of both sentences that make the statement more like the source when they trade places: names, or other words."""
    theirs = place.sequence
    given = set(theirs)
    names = [name for name in dict.fromkeys(_PROPER.findall(text)) if name not in _NOT_A_NAME and stem(name) in given]
    found = _trade(text, names[:8], theirs, gain=0.08, least=0.55)
    if found is not None:
        return found
    words = [word for word in dict.fromkeys(_WORD.findall(text)) if stems(word) and stem(word) in given]
    return _trade(text, words[:8], theirs, gain=0.06, least=0.85)


def _trade(
    text: str, words: Sequence[str], theirs: Sequence[str], *, gain: float, least: float
) -> tuple[str, str] | None:
    if len(words) < 2:
        return None
    best: tuple[float, tuple[str, str] | None] = (max(_ratio(sequence(text), theirs) + gain, least), None)
    for at, first in enumerate(words):
        for second in words[at + 1 :]:
            pattern = rf"\b(?:{re.escape(first)}|{re.escape(second)})\b"
            traded = re.sub(pattern, lambda m, one=first, other=second: other if m[0] == one else one, text)  # type: ignore[misc]
            ratio = _ratio(sequence(traded), theirs)
            if ratio > best[0]:
                best = ratio, (first, second)
    return best[1]


def _cover(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """How much of *ours* stands in *theirs*, in order."""
    blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(ours) if ours else 0.0


def _ratio(ours: Sequence[str], theirs: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def closest(text: str, cited: Sequence[Evidence], sought: Sequence[Sought]) -> tuple[Evidence, Place] | None:
    """The sentence of the cited sources that says what *text* says, if one clearly does."""
    words = stems(text)
    if not words:
        return None
    years = find(text).years
    best: tuple[float, Evidence, Place] | None = None
    bearing = Counter(id(sighting.place) for one in sought for sighting in one.sightings)
    for evidence in cited:
        for place in evidence.sharing(words, least=1):
            if place.kind not in (TEXT, QUOTE) or place.is_foreign:
                continue
            score = sum(evidence.weight(one) for one in words & place.stems)
            score += 1.5 * bearing[id(place)] + 0.2 * len(years & place.figures.years)
            if best is None or score > best[0]:
                best = score, evidence, place
    if best is None:
        return None
    _, evidence, place = best
    shared = words & place.stems
    borne = bearing[id(place)]
    smaller = min(len(words), len(place.stems))
    is_close = (
        len(shared) >= 3
        or (len(shared) >= 2 and (borne or len(shared) * 2 >= smaller))
        or (borne and len(shared) * 2 >= smaller)
    )
    return (evidence, place) if is_close and len(shared) * 3 >= smaller else None
