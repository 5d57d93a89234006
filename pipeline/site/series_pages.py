"""The pages of series: all of them, and one each. Where no series has begun, there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from pipeline.model import Article, Series
from pipeline.site.pages import Drawn, Output, page_head
from pipeline.site.publication import Publication, fingerprint
from pipeline.site.series import series_path


def series_pages(publication: Publication) -> Iterator[Output]:
    """The series in their file's order."""
    known = publication.library.series
    groups = [(known[id_], parts) for id_, parts in publication.series.items()]
    if not groups:
        return
    shown: list[bytes | str] = []
    for series, parts in groups:
        shown += [repr(series), *map(publication.name, parts)]
    newest = max(parts[-1].date for _, parts in groups)
    yield Output("series/index.html", fingerprint(*shown), partial(_all, publication, groups), newest)
    for series, parts in groups:
        made_of = fingerprint(repr(series), publication.faces(parts))
        draw = partial(_one, publication, series, parts)
        yield Output(f"{series_path(series.id)}index.html", made_of, draw, parts[-1].date)


def _all(publication: Publication, groups: Sequence[tuple[Series, Sequence[Article]]]) -> Drawn:
    cards = publication.cards
    values = {"groups": [(one, series_path(one.id), [cards[part.slug] for part in parts]) for one, parts in groups]}
    described = "Articles that belong together, each series in its order."
    head = page_head(publication, title="Series", path="series/", description=described)
    return Drawn("all-series.html", "Series", head, values)


def _one(publication: Publication, series: Series, parts: Sequence[Article]) -> Drawn:
    described = series.description or f"All parts of the series {series.name}."
    head = page_head(publication, title=series.name, path=series_path(series.id), description=described)
    values = {"series": series, "cards": [publication.cards[part.slug] for part in parts]}
    return Drawn("series.html", series.name, head, values)
