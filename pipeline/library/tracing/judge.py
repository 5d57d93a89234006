"""Whether the numbers of a statement stand in what is held of its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.library.quotes import normal
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.held import Held
from pipeline.library.tracing.statements import Statement
from pipeline.library.tracing.uncited import figures
from pipeline.model import Article, Basis, Passage

if TYPE_CHECKING:
    from pipeline.library import Library

_DIGITS: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Looked:
    """A number that was looked up: as the article writes it, and how it stands with it."""

    words: str
    at: int
    basis: Basis


@dataclass(frozen=True, slots=True)
class Verdict:
    numbers: tuple[Looked, ...] = ()
    passages: tuple[Passage, ...] = ()
    findings: tuple[Finding, ...] = ()
    disagree: bool = False
    origins: int = 0


def judge(statement: Statement, held: Sequence[Held], *, library: Library, article: Article) -> Verdict:
    """Look up each number of *statement* in the texts and recorded figures of its sources."""
    numbers: list[Looked] = []
    passages: list[Passage] = []
    for low, high in figures(statement):
        words = statement.text[low:high]
        passage = next(_passages(words, held), None)
        if passage is not None:
            passages.append(passage)
            numbers.append(Looked(words, low, Basis.RECORDED if passage.kind == "fact" else Basis.TRACED))
        else:
            away = any(one.away for one in held)
            numbers.append(Looked(words, low, Basis.UNSEEN if away else Basis.UNTRACED))
    return Verdict(tuple(numbers), tuple(passages), origins=len(held))


def _passages(words: str, held: Sequence[Held]) -> Iterator[Passage]:
    digits = _plain(words)
    for one in held:
        for number, line in enumerate(one.text.lines if one.text else ()):
            if digits in map(_plain, _DIGITS.findall(line)):
                yield Passage(one.source.id, line, "text", line=number + 1, bears=(words,))
        for fact in one.source.facts.values():
            if digits in map(_plain, _DIGITS.findall(f"{fact.value} {fact.what} {fact.period or ''}")):
                recorded = f"{fact.what}: {fact.value} {fact.unit}"
                yield Passage(one.source.id, recorded, "fact", name=fact.id, bears=(words,))


def _plain(words: str) -> str:
    found = _DIGITS.search(normal(words))
    return found[0].replace(",", "") if found else words
