"""Which words of a sentence a figure is bound to: those of its clause, those beside it, and the times that are named there."""

from __future__ import annotations

import re
from typing import Final

from pipeline.library.tracing.evidence import stem, stems, times_in
from pipeline.library.tracing.numbers import Figures, Quantity

_EDGE: Final = re.compile(
    r"[;:()]|,(?!\d)|\s-\s|[–—]|\b(?:and|while|whereas|but|against|compared (?:with|to)|versus|than|after|from|or|though"
    r"|although|where)\b"
)
NEAR: Final = 3  # words beside a number that say what it is


def around(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words that *quantity* is bound to in *text*: those of its clause, with the years and months that stand there."""
    text = without_figures(text, figures)
    start, end = _clause(text, quantity, figures)
    clause = text[start : quantity.start] + " " + text[quantity.end : end]
    edges = [0, *(edge.end() for edge in _EDGE.finditer(text, 0, quantity.start))]
    return stems(clause) | times_in(figures, edges[-1], end)


def without_figures(text: str, figures: Figures) -> str:
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


def lead(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words between *quantity* and the one before it that it could be taken for."""
    start = max((q.end for q in figures.quantities if q.end <= quantity.start and are_rivals(q, quantity)), default=0)
    edge = _EDGE.search(text, start, quantity.start) if start else None
    start = edge.end() if edge else start
    return stems(without_figures(text, figures)[start : quantity.start])


def beside(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words right before *quantity*, up to the number before it."""
    start = max((q.end for q in figures.quantities if q.end <= quantity.start), default=0)
    plain = without_figures(text, figures)[start : quantity.start]
    words = [stem(word) for word in re.findall(r"[A-Za-z][\w'-]*", plain) if stems(word)]
    return frozenset(words[-NEAR:])


def behind(text: str, quantity: Quantity, figures: Figures) -> frozenset[str]:
    """The words right behind *quantity*, as far as they are not those of the next one."""
    end = min((q.start for q in figures.quantities if q.start >= quantity.end), default=len(text))
    # "$4 billion in a round of $350 million": the round is the next one's.
    after = re.sub(r"(?:\S+ )?\S+ of $", "", text[quantity.end : end])
    words = [stem(word) for word in re.findall(r"[A-Za-z][\w'-]*", after) if stems(word)]
    return frozenset(words[:NEAR])


def are_rivals(one: Quantity, other: Quantity) -> bool:
    """True when the two could be taken for one another."""
    bare = (one.stands_alone or other.stands_alone) and "time" not in (one.dimension, other.dimension)
    alike = bare and 0.01 < one.value / (other.value or 1) < 100
    if one.dimension or other.dimension:
        alike = alike or one.dimension == other.dimension
    else:
        alike = alike or bool(one.noun and other.noun)
    return alike and not _same(one.base, other.base) and not _same(one.value, other.value)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * abs(other)


def is_time(word: str) -> bool:
    """True for the words that `times_in` makes of years, months and quarters."""
    return word.startswith("=")
