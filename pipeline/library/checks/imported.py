"""What came along from elsewhere owes no citation, and nothing else may say that it did (S208).

An article with `imported:` was published before it was brought here. Three things hold that to what it says: its date is not later
than the import, `content/imports.yml` tells of that import and of as many articles, and Git never saw the file without the mark.
A sentence that was written after the import is ours, and cites as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.library.checks.published import Past
from pipeline.library.citations import line_and_column
from pipeline.library.files import IMPORTS, Read
from pipeline.model import Article, Move, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library


def check_imported(articles: Sequence[Read[Article]], moves: Iterable[Read[Move]]) -> Iterator[Problem]:
    """Articles that no import brought, and imports that more articles name than they brought."""
    told = {(read.noun.service, read.noun.on): read for read in moves}
    counted: Counter[tuple[str, object]] = Counter()
    for read in articles:
        came = read.noun.imported
        if came is None:
            continue
        counted[came.service, came.on] += 1
        if read.noun.owes_citations:
            message = (
                f"the article is of {read.noun.date:%Y-%m-%d}, after the import of {came.on} that it says it came with; "
                "delete imported:, and cite"
            )
            yield read.problem("S208", ("imported", "on"), message)
        if (came.service, came.on) not in told:
            message = (
                f"{IMPORTS} knows of no import from {came.service} on {came.on}; "
                "delete imported:, and cite, or bring the article along by: opensignal import"
            )
            yield read.problem("S208", ("imported",), message)
    for key, move in told.items():
        if counted[key] > move.noun.articles:
            message = (
                f"{counted[key]:,} articles say that they came from {move.noun.service} on {move.noun.on}, "
                f"and that import brought {move.noun.articles:,}; delete imported: where it was added by hand"
            )
            yield move.problem("S208", ("articles",), message)


def check_imported_past(
    articles: Iterable[Read[Article]], library: Library, pasts: Mapping[str, Past]
) -> Iterator[Problem]:
    """Articles that were ours before they were said to come along, and sentences that were added since."""
    for read in articles:
        first = pasts[read.path].first
        if read.noun.imported is None or first is None:
            continue
        if first.article.imported is None:
            message = (
                f"the article was here ({first.version.told}) before it was said to come from elsewhere; "
                "delete imported:, and cite"
            )
            yield read.problem("S208", ("imported",), message)
        elif read.noun.status.is_final and read.noun.body != first.article.body and not read.noun.owes_citations:
            yield from _written_since(read.noun, first.article, library)


def _written_since(article: Article, first: Article, library: Library) -> Iterator[Problem]:
    from pipeline.library.tracing.statements import statements  # takes a tenth of a second, and most runs ask for none
    from pipeline.library.tracing.uncited import uncited

    came_along = {statement.text for statement in statements(first, library.sources)}
    for statement in statements(article, library.sources):
        for finding in uncited(statement) if statement.text not in came_along else ():
            if finding.severity is Severity.ERROR and finding.code != "S206":
                at = statement.places[min(finding.at, len(statement.places) - 1)]
                place = line_and_column(article.body, at, first_line=article.body_line)
                message = f"{finding.message}; this sentence was written after the import"
                yield Problem(article.path, *place, finding.code, message)
