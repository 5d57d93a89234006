"""What the claims of an article come to: all that is wrong with them, and how many of them say something and cite for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.model import Article, Claim, Problem, Severity


class Summary(NamedTuple):
    """What a check wants to know of an article's claims."""

    problems: tuple[Problem, ...]
    factual: int
    cited: int


def summarized(article: Article, claims: Sequence[Claim]) -> Summary:
    """What is wrong with *claims* and with the citations of *article* that belong to none of them, and how many say something."""
    factual = [claim for claim in claims if claim.is_factual]
    problems = tuple(problem for claim in claims for problem in claim.problems)
    return Summary(
        (*problems, *_left_over(article, claims)), len(factual), sum(bool(claim.citations) for claim in factual)
    )


def _left_over(article: Article, claims: Sequence[Claim]) -> Iterator[Problem]:
    """S206 for the citations that cover nothing, such as one in a heading."""
    belong = {citation for claim in claims for citation in claim.citations}
    for citation in article.citations:
        if citation not in belong:
            message = f'the citation of "{citation.source}" belongs to no sentence; put it behind the full stop of one'
            yield Problem(article.path, citation.line, citation.column, "S206", message, Severity.WARNING)
