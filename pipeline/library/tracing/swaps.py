"""S305 for two figures that have changed places where their order or their years tell it, whatever the words around them.

    the source    Of 640 firms that were asked, 212 had postponed it; 310 hours in 2025 against 120 in 2024
    swapped       Of 212 firms that were asked, 640 had postponed it; 310 hours in 2024 against 120 in 2025

`binding` compares words; here a figure is bound to the year behind it, to the year at the head of its column, and to "of".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.evidence import CARD, Place
from pipeline.library.tracing.figures import Sighting, Sought, is_soft
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Figures, Quantity, find
from pipeline.model import Severity


def check_swaps(
    sought: Sequence[Sought], text: str, figures: Figures, columns: Sequence[tuple[str, str]] = ()
) -> Iterator[Finding]:
    """The first pair of figures whose years, or whose whole and part, are those of one another in the source.

    *columns* are those of a row: the heading of each, and what stands in it.
    """
    years = {id(one): _year_of_column(one.said, columns) or _year_behind(text, one.said, figures) for one in sought}
    for first, second in itertools.combinations([one for one in sought if not is_soft(one.said)], 2):
        if first.said.dimension != second.said.dimension or first.said.other_end is not None:
            continue
        pair = _in_one_sentence(first, second)
        if pair is None:
            continue
        place, one, other = pair
        ours = years[id(first)], years[id(second)]
        its = _year_behind(place.words, one, place.figures), _year_behind(place.words, other, place.figures)
        are_of_other_years = None not in ours and ours[0] != ours[1] and ours == (its[1], its[0])
        if are_of_other_years or _is_other_whole(text, first.said, second.said, place.words, one, other):
            message = (
                f'"{first.said.words}" and "{second.said.words}" have changed places against the source: '
                f'"{place.words[:160]}"; mend one of them'
            )
            yield Finding("S305", first.said.start, first.said.end, message, Severity.WARNING)
            return


def _in_one_sentence(first: Sought, second: Sought) -> tuple[Place, Quantity, Quantity] | None:
    def of_text(sought: Sought) -> list[Sighting]:
        return [sighting for sighting in sought.sightings[:4] if sighting.place.kind != CARD]

    for one, other in itertools.product(of_text(first), of_text(second)):
        if one.place is other.place and one.given is not other.given:
            return one.place, one.given, other.given
    return None


def _year_behind(text: str, quantity: Quantity, figures: Figures) -> int | None:
    """The year that stands behind *quantity*, before the next figure; else one right before it: "in 2024, 415"."""
    following = min((q.start for q in figures.quantities if q.start >= quantity.end), default=len(text))
    for when in figures.whens:
        if quantity.end <= when.start < following and not _STOP.search(text[quantity.end : when.start]):
            return when.year
    leading = max((q.end for q in figures.quantities if q.end <= quantity.start), default=0)
    before = [when for when in figures.whens if leading <= when.start and when.end <= quantity.start]
    return before[-1].year if before and not _STOP.search(text[before[-1].end : quantity.start]) else None


_STOP: Final = Late(r"[.;:]")


def _year_of_column(said: Quantity, columns: Sequence[tuple[str, str]]) -> int | None:
    held = [head for head, cell in columns if said.words in cell]
    years = find(held[0]).years if len(held) == 1 else frozenset()
    return next(iter(years)) if len(years) == 1 else None


_OF: Final = Late(r"(?:^|[,;:.] |\d )of (?:the |all )?$", re.IGNORECASE)


def _is_other_whole(text: str, first: Quantity, second: Quantity, words: str, one: Quantity, other: Quantity) -> bool:
    """True when "of" stands before the one figure here, and before the other there: 212 of 640, 640 of 212."""
    if first.unit is not None or second.unit is not None:
        return False

    def wholes(where: str, *quantities: Quantity) -> tuple[bool, ...]:
        return tuple(_OF.search(where, max(0, q.start - 12), q.start) is not None for q in quantities)

    ours, its = wholes(text, first, second), wholes(words, one, other)
    return sum(ours) == 1 and sum(its) == 1 and ours != its
