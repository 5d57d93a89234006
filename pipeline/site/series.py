"""Series: articles that are read in order, on a page of their own and by a box in each of them.

A part is told its number and its neighbours and no total, so that a new one changes the page of the part before and of the series.
The pages are in `series_pages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.library import Library
from pipeline.model import Article, Series


class Part(NamedTuple):
    """Where an article stands in its series."""

    series: Series
    number: int  # from 1, by date
    before: Article | None
    after: Article | None

    @property
    def url(self) -> str:
        return series_path(self.series.id)


def series_path(id_: str) -> str:
    """Where the page of a series stands, below the site's address."""
    return f"series/{id_}/"


def series_of(articles: Sequence[Article], library: Library) -> Mapping[str, tuple[Article, ...]]:
    """The parts of each series in order, by its id; only of those with a part among *articles* (newest first)."""
    found: dict[str, list[Article]] = {}
    for article in reversed(articles):
        if article.series is not None and article.series in library.series:
            found.setdefault(article.series, []).append(article)
    return {id_: tuple(found[id_]) for id_ in library.series if id_ in found}


def parts_of(found: Mapping[str, tuple[Article, ...]], library: Library) -> Mapping[str, Part]:
    """Where each article of *found* stands in its series, by its slug."""
    return {
        article.slug: Part(
            library.series[id_],
            place + 1,
            row[place - 1] if place else None,
            row[place + 1] if place + 1 < len(row) else None,
        )
        for id_, row in found.items()
        for place, article in enumerate(row)
    }
