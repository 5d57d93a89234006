"""S340: more than 25 words of a stored text that follow one another in an article without quotation marks. A hint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.library.quotes import Text, normal
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.statements import Statement
from pipeline.model import Severity, Source

MOST: Final = 25  # words
_PROBE: Final = (
    MOST + 1
) // 2  # of 26 words in a row, 13 stand whole in one of the pieces of 13 into which a text is cut


def copied(statement: Statement, texts: Sequence[tuple[Source, Text]]) -> Iterator[Finding]:
    """One finding for a *statement* that has a long run of words of one of *texts*."""
    if statement.text.isascii() and statement.text.count(" ") < MOST:  # other signs may be several words once normal
        return
    for start, end in _ours(statement):
        piece = normal(statement.text[start:end])
        words = piece.split()
        if len(words) <= MOST:
            continue
        for source, text in texts:
            length, first = _longest_run(words, text)
            if length > MOST:
                at = start + max(0, statement.text[start:end].find(words[first]))
                message = f"{length} words follow one another here as in {source.id}; quote them, or write your own"
                yield Finding("S340", at, end, message, Severity.WARNING)
                return


def _ours(statement: Statement) -> Iterator[tuple[int, int]]:
    """The spans of the statement between its quotations."""
    start = 0
    for low, high in statement.verbatim:
        yield start, low
        start = high
    yield start, len(statement.text)


def _longest_run(words: Sequence[str], text: Text) -> tuple[int, int]:
    """The length of the longest run of *words* in *text*, and with which word it begins; runs too short to matter may be missed."""
    best = 0, 0
    for low in range(0, len(words) - _PROBE + 1, _PROBE):
        at = text.flat.find(" ".join(words[low : low + _PROBE]))
        if at < 0:
            continue
        behind = text.flat[at:].split(maxsplit=len(words) - low)[: len(words) - low]
        before = text.flat[max(0, at - 20 * low) : at].split()
        after = _same(words[low:], behind)
        ahead = _same(words[:low][::-1], before[::-1])
        best = max(best, (after + ahead, low - ahead))
    return best


def _same(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many words two sequences have in common at their beginning."""
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one.strip(".,;:") != other.strip(".,;:"):
            return number
    return min(len(ours), len(theirs))
