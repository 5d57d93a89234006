"""When two texts are one text, and how many origins a set of sources goes back to: syndication is not corroboration.

Texts are compared by their shingles, that is, by every five words that follow one another. Of each text a *sketch* is kept, the 128
smallest hashes of its shingles (MinHash with one hash function: Broder, "On the resemblance and containment of documents", 1997).
Two sketches give the likeness of two texts, the part of all their shingles that both have, to within about four hundredths, and of
short texts exactly; what lies near the bar is counted out.

All of it is the same on every machine and in every run. Nothing here says who copied from whom.
"""

from __future__ import annotations

import heapq
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pipeline.library.urls import page_key
from pipeline.library.weighed import Weighed
from pipeline.model import Source

SHINGLE: Final = 5  # words
SKETCHED: Final = 128  # hashes of one text
COPY: Final = 0.6  # of all shingles of two texts are in both: one is a copy of the other
# So much of the shorter one's shingles is in the longer one: it was taken over whole, and more was written around it.
HELD: Final = 0.8
FEWEST: Final = 8  # shingles; what is shorter says too little to be known by it
_UNSURE: Final = 0.15  # how far from a bar sketches are not believed

_WORD: Final = re.compile(r"\w+")
_SPREAD: Final = 0x9E37_79B9_7F4A_7C15  # odd: CRC-32 alone is too regular to draw the smallest by
_BITS: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a text to compare it by."""

    size: int  # shingles that it has, each counted once
    smallest: tuple[int, ...]  # of their hashes, in order

    @property
    def is_whole(self) -> bool:
        """True when it holds every shingle of its text."""
        return self.size == len(self.smallest)


def are_copies(text_a: str, text_b: str) -> bool:
    """True when one text was made from the other: they share most of their words in order, or one holds nearly all of the other."""
    a, b = sketch(text_a), sketch(text_b)
    if min(a.size, b.size) < FEWEST:
        return a.size > 0 and a == b
    if not (a.is_whole and b.is_whole) and _are_apart(a, b, len(set(a.smallest).intersection(b.smallest)) / SKETCHED):
        return False  # at most so much alike: most pairs are told apart by it, at a fifth of the price
    likeness = sketched_likeness(a, b)
    if likeness >= COPY + _UNSURE:
        return True
    if _are_apart(a, b, likeness):
        return False
    all_a, all_b = _shingles(text_a), _shingles(text_b)
    both = len(all_a & all_b)
    return both >= COPY * (len(all_a) + len(all_b) - both) or both >= HELD * min(len(all_a), len(all_b))


def _are_apart(a: Sketch, b: Sketch, likeness: float) -> bool:
    """True when two texts of this *likeness* are surely no copies."""
    shared = likeness / (1 + likeness) * (a.size + b.size)
    return likeness < COPY - _UNSURE and shared / min(a.size, b.size) < HELD - 2 * _UNSURE


# Characters that a sketch counts for at least: that of a short text takes as much room as that of a long one.
A_SKETCH: Final = 2_000


def sketch(text: str) -> Sketch:
    """The sketch of *text*. White space, punctuation and case do not matter to it."""
    return _sketches.get(text, lambda: _sketch_of(text), characters=max(len(text), A_SKETCH))


def _sketch_of(text: str) -> Sketch:
    found = _shingles(text)
    return Sketch(len(found), tuple(heapq.nsmallest(SKETCHED, found)))


def sketched_likeness(a: Sketch, b: Sketch) -> float:
    """The part of the shingles of two texts that both have, from 0 to 1, as far as their sketches tell."""
    both = set(a.smallest).intersection(b.smallest)
    if not both:
        return 0.0
    union = dict.fromkeys(sorted((*a.smallest, *b.smallest)))  # each once; two rows in order are merged at once
    if a.is_whole and b.is_whole:
        return len(both) / len(union)
    drawn = list(union)[:SKETCHED]
    return len(both.intersection(drawn)) / len(drawn)


def _shingles(text: str) -> frozenset[int]:
    """A number of 64 bits for every five words of *text* that follow one another."""
    return _cut.get(text, lambda: _shingles_of(text), characters=len(text))


def _shingles_of(text: str) -> frozenset[int]:
    words = _WORD.findall(text.casefold())
    runs = zip(*(words[start:] for start in range(SHINGLE)), strict=False)
    return frozenset(zlib.crc32(" ".join(run).encode()) * _SPREAD & _BITS for run in runs)


_sketches: Final[Weighed[str, Sketch]] = Weighed(2_000_000)  # a text is compared with many others
_cut: Final[Weighed[str, frozenset[int]]] = Weighed(2_000_000, resting=0)  # the sources of an article, two by two


# --- where sources come from ------------------------------------------------------------------------------------------


def origins(sources: Iterable[Source], texts: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The ids of *sources*, grouped by the origin that they go back to: "3 sources, 1 origin" is one group of three.

    Two sources have one origin when one reports the other (``via``), when both report a third one, cited or not, when they lie at
    one address, or when their stored texts are copies. *texts* holds stored texts by id, as far as they are here; a source without
    one is told apart by what its file says. Groups and members stand in the order of *sources*.
    """
    listed = list({source.id: source for source in sources}.values())
    if len(listed) < 2:
        return tuple((source.id,) for source in listed)
    vias = {source.id: source.via for source in listed}
    leader = {source.id: source.id for source in listed}

    def found(id_: str) -> str:
        while leader[id_] != id_:
            id_ = leader[id_]
        return id_

    first: dict[str, str] = {}
    for source in listed:
        for sign in (f"id {_reported(source.id, vias)}", f"at {page_key(source.url)}"):
            leader[found(source.id)] = found(first.setdefault(sign, source.id))
    for a, b in combinations((source.id for source in listed if texts.get(source.id)), 2):
        if found(a) != found(b) and are_copies(texts[a], texts[b]):
            leader[found(b)] = found(a)
    groups: dict[str, list[str]] = {}
    for source in listed:
        groups.setdefault(found(source.id), []).append(source.id)
    return tuple(tuple(group) for group in groups.values())


def _reported(id_: str, vias: Mapping[str, str | None]) -> str:
    """The source at the end of the chain of reports that *id_* begins; one of a ring, should an editor have made one."""
    chain = {id_: None}
    while (via := vias.get(id_)) is not None and via not in chain:
        chain[via] = None
        id_ = via
    return min(chain) if vias.get(id_) in chain else id_
