"""What readers are told of a claim and of what it rests on, in the same words on the site, in feeds and in letters.

*Traced* and *recorded* are never one: the first stands in a text that we store, the second is a figure that an editor took down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.library.credits import weight
from pipeline.library.dates import date_words
from pipeline.model import Basis, Claim, Passage, PassageKind, Source, SourceStatus

PROMISE: Final = (
    "every quotation and number is looked up in the stored copies of its sources; what has none is marked as recorded"
)
RECORDED: Final = "recorded by the editor, no stored copy yet"


@dataclass(frozen=True, slots=True)
class Standing:
    """A basis as readers see it."""

    words: str  # at the side of the sentence
    meaning: str


STANDINGS: Final[Mapping[Basis, Standing]] = {
    Basis.QUOTED: Standing("Quoted", "the words in quotation marks stand so in a stored copy of the source"),
    Basis.TRACED: Standing("Number traced", "each number stands in a stored copy of a source that the sentence names"),
    Basis.RECORDED: Standing("Recorded", "a figure that the editor took down by hand; there is no stored copy yet"),
    Basis.CITED: Standing("Source named", "names its source, and holds no number and no quotation to look up"),
    Basis.UNSEEN: Standing("Copy not here", "a copy was taken, but was not at hand when this page was made"),
    Basis.UNTRACED: Standing("Not traced", "a number or a quotation stands in none of the sources that it names"),
    Basis.ANALYSIS: Standing("Our reading", "what we make of it ourselves; it claims no source"),
    Basis.IMPORTED: Standing(
        "Not looked up", "came along from where this was published before, without sources to look it up in"
    ),
}
SINGLE_SOURCE: Final = "Single source"
DISAGREE: Final = "Sources disagree"


def tally(claims: Iterable[Claim]) -> tuple[tuple[Basis, int], ...]:
    """How many sentences rest on what, in the order of `STANDINGS`, without those that none does."""
    counted = Counter(claim.basis for claim in claims)
    return tuple((basis, counted[basis]) for basis in STANDINGS if counted[basis])


def tally_words(claims: Sequence[Claim]) -> str:
    """``41 sentences: 12 quoted, 20 number traced, 3 recorded, 6 our reading``."""
    number = f"{len(claims)} sentence{'' if len(claims) == 1 else 's'}"
    parts = [f"{count} {STANDINGS[basis].words.lower()}" for basis, count in tally(claims)]
    return f"{number}: {', '.join(parts)}" if parts else number


def has_a_single_source(claim: Claim) -> bool:
    """True when all that a claim names goes back to one origin, so that no second one bears it out."""
    return claim.is_factual and claim.origins == 1


def independence(sources: int, origins: int) -> str:
    """``3 sources, 1 origin``: reports and copies of one study are one origin."""
    if not sources:
        return "no sources"
    return f"{sources} source{'' if sources == 1 else 's'}, {origins} origin{'' if origins == 1 else 's'}"


def weight_of(sources: Sequence[Source], origins: int) -> str:
    """The signal strip in words, and how many origins several sources go back to: ``6 sources, 5 primary, 4 origins``."""
    return weight(sources) + (f", {origins} origin{'' if origins == 1 else 's'}" if len(sources) > 1 else "")


def place_words(passage: Passage, source: Source) -> str:
    """Where in the source a passage stands."""
    if passage.kind is PassageKind.FACT:
        return RECORDED if source.snapshot is None else "recorded by the editor"
    places = [f"page {passage.page}"] if passage.page else []
    places += [f"line {passage.line} of our copy"] if passage.line else []
    return ", ".join(places) or "in our copy"


def stored_words(source: Source) -> str:
    """What we hold of a source."""
    if source.snapshot is None:
        return RECORDED
    return f"stored copy of {date_words(source.snapshot.at.date())}"


def last_read(source: Source) -> str:
    """When *source* was last read: 2026, 2026-11 or 2026-11-19; empty where nobody wrote it down."""
    return max(source.accessed or "", source.snapshot.at.date().isoformat() if source.snapshot else "")


def status_note(source: Source) -> str:
    """What became of a source after we read it; nothing where it is as it was."""
    said = {
        SourceStatus.MOVED: "moved to another address after publication",
        SourceStatus.CHANGED: "changed after publication: words that we rest on are no longer on the page",
        SourceStatus.GONE: "no longer on the web",
        SourceStatus.RETRACTED: "retracted by its publisher",
    }.get(source.status, "")
    if not said:
        return ""
    seen = f" (seen {date_words(source.status_at)})" if source.status_at else ""
    kept = f"; our copy of {date_words(source.snapshot.at.date())} is kept" if source.snapshot else ""
    return f"{said}{seen}{kept}"
