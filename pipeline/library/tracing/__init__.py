"""From each sentence of an article to the passages of its sources that bear it out.

    trace    body | statements | citations | quotations | numbers | claims
             `statements`, `held` (what we hold of a source), `uncited`, `quoted`, `speakers`, `copied`, `judge` (numbers)

The same article and the same sources give the same claims, on every machine and in every run. Nothing here says that a sentence is
true: it says where its words and figures stand, and where they do not.

Small values are named tuples: an article has thousands, a frozen dataclass takes four times as long to make, and its class, which
every run makes anew, eight times.
Expressions that few sentences need are `Late` (`library.late`): compiled when one first asks them.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipeline.library.quotes import normal
from pipeline.library.tracing import judge as judging
from pipeline.library.tracing.copied import copied
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.held import Held, held, stored
from pipeline.library.tracing.quoted import Verdict, look_up, named
from pipeline.library.tracing.speakers import misattributed
from pipeline.library.tracing.statements import Statement, statements
from pipeline.library.tracing.summary import Summary, summarized
from pipeline.library.tracing.uncited import figures_of, uncited
from pipeline.model import Article, Basis, Claim, Passage, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library

__all__ = ["Finding", "Held", "Statement", "Summary", "statements", "summarized", "trace"]

_NO_VERDICT: Final = judging.Verdict()
# The weakest part of a sentence decides what it rests on.
_WEAKEST_FIRST: Final = (Basis.UNTRACED, Basis.UNSEEN, Basis.RECORDED, Basis.TRACED, Basis.QUOTED)


def trace(article: Article, library: Library) -> tuple[Claim, ...]:
    """The claims of *article*, in order, each with what it rests on and what is wrong with it.

    In an article that is not finished yet, nothing that is wrong is an error, and what is not cited yet is not told.
    """
    places = _Places(article)
    cited = [library.sources[id_] for id_ in article.source_ids if id_ in library.sources]
    known = frozenset(normal(source.title).lower() for source in cited if source.title)
    texts = [(source, text) for source in cited if (text := stored(source, library)) is not None]
    is_final, owes = article.status.is_final, article.owes_citations
    claims: list[Claim] = []
    told: set[str] = set()  # figures that were given with a source
    quoted: list[str] = []  # words whose place is known already: they may be repeated in our own reading
    for statement in library.statements(article):
        sources: tuple[Held, ...] = ()
        quotations: tuple[Verdict, ...] = ()
        verdict = _NO_VERDICT
        passages: tuple[Passage, ...] = ()
        lacks = tuple(uncited(_without_repeated(statement, quoted), known=known, told=told)) if is_final else ()
        found = list(lacks if owes else ())
        if statement.cites:
            sources = held(statement, library)
            quotations = tuple(look_up(statement, sources, library))
            verdict = judging.judge(statement, sources, library=library, article=article)
            found += [f for q in quotations for f in q.findings]
            found += [*verdict.findings, *misattributed(statement, sources)]
            told.update(figures_of(statement))
            passages = _merged([*(p for q in quotations for p in q.passages), *verdict.passages, *named(sources)])
            quoted += [normal(q.quotation.words) for q in quotations if q.basis is Basis.QUOTED]
        found += copied(statement, texts)
        line, column = places.at(statement.places[0])
        claims.append(
            Claim(
                number=len(claims) + 1,
                text=statement.text,
                start=statement.start,
                end=statement.end,
                line=line,
                column=column,
                basis=_basis(statement, quotations, verdict, lacks, came_along=not owes),
                citations=statement.citations,
                passages=passages,
                origins=verdict.origins,
                disagree=verdict.disagree,
                problems=tuple([places.problem(finding, statement) for finding in found]),
            )
        )
    return tuple(claims)


def _without_repeated(statement: Statement, quoted: Sequence[str]) -> Statement:
    """*statement* without the quotations whose words were traced earlier in the article."""
    if statement.cites or not statement.quotations or not quoted:
        return statement
    left = tuple(q for q in statement.quotations if not any(normal(q.words) in known for known in quoted))
    return statement._replace(quotations=left)


def _basis(
    statement: Statement,
    quotations: Sequence[Verdict],
    verdict: judging.Verdict,
    lacks: Sequence[Finding],
    *,
    came_along: bool,
) -> Basis:
    if lacks and any(finding.code != "S206" for finding in lacks):
        return Basis.IMPORTED if came_along else Basis.UNTRACED
    if not statement.cites:
        return Basis.ANALYSIS
    parts = [one.basis for one in quotations] + [number.basis for number in verdict.numbers]
    misquoted = any(one.basis is Basis.UNTRACED for one in quotations)
    if statement.analysis and not misquoted and (not parts or Basis.UNTRACED in parts):
        return Basis.ANALYSIS  # what we work out ourselves stands in no source, and is said to be ours
    return next((basis for basis in _WEAKEST_FIRST if basis in parts), Basis.CITED)


def _merged(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Each passage once, with all the parts of the sentence that it bears out."""
    together: dict[Passage, tuple[str, ...]] = {}
    for passage in passages:
        bare = replace(passage, bears=())
        together[bare] = tuple(dict.fromkeys((*together.get(bare, ()), *passage.bears)))
    return tuple(replace(passage, bears=bears) for passage, bears in together.items())


class _Places:
    """Lines and columns of an article's body, found once."""

    def __init__(self, article: Article) -> None:
        self._article = article
        self._starts = [0, *(match.end() for match in re.finditer("\n", article.body))]

    def at(self, offset: int) -> tuple[int, int]:
        """The line of the file and the column of *offset*."""
        line = bisect.bisect_right(self._starts, offset) - 1
        return line + self._article.body_line, offset - self._starts[line] + 1

    def problem(self, finding: Finding, statement: Statement) -> Problem:
        offset = statement.places[min(finding.at, len(statement.places) - 1)]
        severity = finding.severity if self._article.status.is_final else Severity.WARNING
        return Problem(self._article.path, *self.at(offset), finding.code, finding.message, severity)
