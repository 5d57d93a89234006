"""Claims: what is wrong with each sentence of an article, and citations that belong to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.library.tracing import left_over
from pipeline.model import Article, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library


def check_claims(article: Article, library: Library) -> Iterator[Problem]:
    """S20x, S3xx and S11x: the problems of its claims, and S206 for a citation that covers nothing."""
    claims = library.claims(article)
    for claim in claims:
        yield from claim.problems
    for citation in left_over(article, claims):
        message = f'the citation of "{citation.source}" belongs to no sentence; put it behind the full stop of the one it bears out'
        yield Problem(article.path, citation.line, citation.column, "S206", message, Severity.WARNING)
