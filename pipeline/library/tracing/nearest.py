"""The sentence of a source that says what a statement says, and how much two sentences have in common."""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from collections.abc import Sequence

from pipeline.library.tracing.evidence import QUOTE, TEXT, Evidence, Place, stems
from pipeline.library.tracing.figures import Sought
from pipeline.library.tracing.numbers import find


def closest(text: str, cited: Sequence[Evidence], sought: Sequence[Sought]) -> tuple[Evidence, Place] | None:
    """The sentence of the cited sources that says what *text* says, if one clearly does."""
    words = stems(text)
    if not words:
        return None
    years = find(text).years
    best: tuple[float, Evidence, Place] | None = None
    bearing = Counter(id(sighting.place) for one in sought for sighting in one.sightings)
    for evidence in cited:
        for place, weight in evidence.scores(words):
            if place.kind not in (TEXT, QUOTE) or place.is_foreign:
                continue
            score = weight + 1.5 * bearing[id(place)] + (0.2 * len(years & place.figures.years) if years else 0)
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


def cover(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """How much of *ours* stands in *theirs*, in order."""
    blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(ours) if ours else 0.0


@functools.lru_cache(maxsize=64)  # several rules ask for that of one statement and the sentence that says the same
def ratio(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """How alike the two are as a whole, from 0 to 1."""
    return difflib.SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
