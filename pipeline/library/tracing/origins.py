"""S330 to S333: what the sources of a statement are to one another: at odds, copies of one text, out of date, or reports only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from pipeline.library.copies import are_copies
from pipeline.library.late import Late
from pipeline.library.tracing.compare import likeness
from pipeline.library.tracing.evidence import CARD, FACT, Evidence, Place
from pipeline.library.tracing.figures import Sought
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Quantity
from pipeline.model import Severity

ALIKE: Final = 0.6  # of the words of two places are in both: they speak of one thing


class Disagreement(NamedTuple):
    """Two sources that give different figures for one thing."""

    said: Quantity
    other: str  # id of the source
    place: Place
    given: Quantity
    is_told: bool  # the statement gives both


def disagreements(sought: Sequence[Sought], cited: Sequence[Evidence]) -> Iterator[Disagreement]:
    """Where one cited source bears out a figure, and another has a different one for the same thing and time."""
    for one in sought:
        best = one.best
        if best is None or best.place.kind == CARD or one.said.is_verb:
            continue
        bearers = {sighting.evidence.id for sighting in one.sightings if sighting.place.kind != CARD}
        for evidence in cited:
            if evidence.id in bearers:
                continue
            found = _otherwise(best.place, best.given, evidence)
            if found is not None:
                place, given = found
                is_told = any(likeness(other.said, given) > 0 for other in sought if other is not one)
                yield Disagreement(one.said, evidence.id, place, given, is_told)


def _otherwise(place: Place, given: Quantity, evidence: Evidence) -> tuple[Place, Quantity] | None:
    for other in evidence.with_quantities:
        if other.kind == CARD or (other.kind == FACT) != (place.kind == FACT):
            continue
        rivals = [q for q in other.figures.quantities if q.dimension == given.dimension and q.noun == given.noun]
        alike = [q for q in place.figures.quantities if q.dimension == given.dimension and q.noun == given.noun]
        if len(rivals) != 1 or len(alike) != 1 or likeness(given, rivals[0]) > 0 or likeness(rivals[0], given) > 0:
            continue
        both, all_ = place.stems & other.stems, place.stems | other.stems
        if (len(both) < 3 and place.kind != FACT) or not all_ or len(both) < ALIKE * len(all_):
            continue
        ours, theirs = place.figures.years, other.figures.years
        if ours & theirs or (not ours and not theirs):
            return other, rivals[0]
    return None


def check_agreement(found: Sequence[Disagreement]) -> Iterator[Finding]:
    """S330: the statement gives one figure where its own sources have two."""
    seen = set()
    for one in found:
        if not one.is_told and one.said.start not in seen:
            seen.add(one.said.start)
            message = (
                f'"{one.said.words}" is "{one.given.words}" in {one.other}, which is cited too: "{one.place.words[:160]}"; '
                "give both, or say why one is taken"
            )
            yield Finding("S330", one.said.start, one.said.end, message, Severity.WARNING)


_OLD_NEWS: Final = Late(
    r"\b(?:earlier|previous\w*|former\w*|old|older|original\w*|had|was|were|then|once|ago|first|at the time|superseded"
    r"|replaced|before|used to|revised|compared|than)\b|\b(?:19|20)\d\d\b"
)


def check_age(
    text: str,
    sought: Sequence[Sought],
    cited: Sequence[Evidence],
    newest: Mapping[str, str],
    held: Callable[[str], Evidence | None],
) -> Iterator[Finding]:
    """S331: a figure rests on sources that were replaced, as if it were today's, and what replaced them has another."""
    if not cited or not all(evidence.id in newest for evidence in cited) or _OLD_NEWS.search(text):
        return
    for one in sought:
        if one.best is None or one.best.place.kind == CARD:
            continue
        newer = held(newest[one.best.evidence.id])
        if newer is None or newer in cited or any(_bears(one.said, place) for place in newer.with_quantities):
            continue
        message = (
            f'"{one.said.words}" is a figure of {one.best.evidence.id}, which {newer.id} has replaced and does not repeat; '
            "give the newer figure, or say that this is the earlier one"
        )
        yield Finding("S331", one.said.start, one.said.end, message, Severity.WARNING)
        return


def _speak_of_one_thing(place: Place, other: Place) -> bool:
    return len(place.stems & other.stems) * 2 >= len(place.stems | other.stems)


def _bears(said: Quantity, place: Place) -> bool:
    return any(likeness(said, given) > 0 for given in place.figures.quantities)


def check_copies(text: str, cited: Sequence[Evidence], texts: Mapping[str, str]) -> Iterator[Finding]:
    """S332: several sources are cited, and all of them are one text."""
    ids = [evidence.id for evidence in cited]
    if len(ids) < 2 or any(id_ not in texts for id_ in ids):
        return
    if all(are_copies(texts[a], texts[b]) for a, b in combinations(ids, 2)):
        message = (
            f"{' and '.join([', '.join(ids[:-1]), ids[-1]])} are copies of one text and count as one source; find an "
            f"independent one"
        )
        yield Finding("S332", 0, len(text), message, Severity.WARNING)


def check_primary(
    sought: Sequence[Sought], cited: Sequence[Evidence], held: Callable[[str], Evidence | None]
) -> Iterator[Finding]:
    """S333: a figure is cited from reports alone, and the source that they report has it itself."""
    if any(evidence.source.is_primary for evidence in cited):
        return
    for one in sought:
        if one.best is None or one.best.place.kind == CARD:
            continue
        via = one.best.evidence.source.via
        primary = held(via) if via else None
        if (
            primary is not None
            and primary.source.is_primary
            and any(
                _bears(one.said, place) and _speak_of_one_thing(place, one.best.place)
                for place in primary.with_quantities
            )
        ):
            message = f'"{one.said.words}" comes from {one.best.evidence.id}, which reports {primary.id}; that has it too: cite it'
            yield Finding("S333", one.said.start, one.said.end, message, Severity.WARNING)
            return
