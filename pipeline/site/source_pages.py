"""A page for each source that articles rest on: what it is, what we hold of it, and which articles cite it.

As in `publication`, the values are ready to print and not escaped. The list of all sources is in `registers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from pipeline.library import Kin, typographic
from pipeline.library.dates import partial_date_words, short_date, timestamp
from pipeline.library.deeplinks import address, robust_attributes
from pipeline.library.receipts import last_read, status_note, stored_words
from pipeline.model import Article, Source, SourceStatus, Tier
from pipeline.site.claims import text_path
from pipeline.site.pages import Drawn, Output, page_head
from pipeline.site.publication import MARKS, TIER_WORDS, ForEach, Publication, fingerprint, followable
from pipeline.site.receipts import receipts_path, source_path
from pipeline.site.registers import title_of

CITING: Final = 100  # articles that the page of a source names; where more cite it, the newest
TIER_MEANINGS: Final[Mapping[Tier, str]] = {
    Tier.PRIMARY: "whoever made or measured what it tells of",
    Tier.SECONDARY: "reports what others made or measured",
    Tier.AGGREGATOR: "collects what others report",
}
LICENCES: Final = {
    "all-rights-reserved": "all rights reserved",
    "us-gov": "US government work",
}


class Citing(NamedTuple):
    """An article that cites a source."""

    url: str  # below the site's address
    receipts_url: str
    title: str
    iso: str
    short_date: str
    mark: str  # "Corrected", "Retracted" or nothing


class Other(NamedTuple):
    """A source that another one names."""

    title: str
    url: (
        str | None
    )  # its page here where articles cite it, else its place on the web; None where that cannot be followed


class SourceView(NamedTuple):
    """A source as its own page shows it."""

    id: str
    title: str
    titled: bool
    address: str  # on the web
    url: str | None  # where it is found now; None where that cannot be followed
    robust: Mapping[str, str]
    tier: str
    meaning: str  # of the tier
    primary: bool
    sample: bool
    publisher: str
    authors: str
    container: str  # the journal, newspaper or book that it stands in
    doi: str
    issued: str
    read: str  # when we did last
    licence: str
    reports: Other | None
    replaces: Other | None
    replaced_by: Other | None
    retracted: bool
    note: str  # what became of it since it was read
    stored: str
    sha256: str  # of the stored text; empty where there is none
    text: str | None  # where the site shows it; None where it may not be passed on
    archive: str | None
    citing: tuple[Citing, ...]  # newest first
    earlier: int  # how many older ones cite it


def source_pages(publication: Publication) -> Iterator[Output]:
    """The page of each source that a public article cites.

    `Publication.of_sources` must tell of whatever these show: they are looked at only where it is another one (`bundles`).
    """
    library, cited = publication.library, publication.citing
    rows = ForEach(publication, partial(_citing, publication))
    for id_, articles in cited.items():
        others = list(filter(None, _others(publication, id_)))
        made_of = fingerprint(
            library.made_of_sources([id_, *others]),
            *("cited" if other in cited else "" for other in others),
            *map(publication.dated, articles[:CITING]),
            str(len(articles)),
        )
        draw = partial(_drawn, publication, id_, rows)
        yield Output(f"{source_path(id_)}index.html", made_of, draw, articles[0].date)


def _others(publication: Publication, id_: str) -> tuple[str | None, str | None, str | None]:
    """The ids of the sources that the source *id_* reports, replaces and is replaced by."""
    kin = publication.library.related_sources.get(id_, Kin())
    return kin.via, kin.supersedes, publication.library.newer.get(id_) or kin.superseded_by


def _drawn(publication: Publication, id_: str, rows: Mapping[str, Citing]) -> Drawn:
    source = publication.library.sources[id_]
    view = _view(publication, source, rows)
    title = f"Source: {title_of(source)}"
    issued = f", {view.issued}" if view.issued else ""
    described = f"{view.publisher}{issued}: what this source is, what we hold of it, and which of our articles cite it."
    head = page_head(publication, title=title, path=source_path(id_), description=described)
    return Drawn("source.html", title, head, {"source": view})


def _view(publication: Publication, source: Source, rows: Mapping[str, Citing]) -> SourceView:
    articles = publication.citing[source.id]
    sha256 = source.snapshot.text_sha256 if source.snapshot else ""
    reports, replaces, replaced_by = (_other(publication, id_) for id_ in _others(publication, source.id))
    return SourceView(
        id=source.id,
        title=source.label,
        titled=source.title is not None,
        address=source.url,
        url=followable(address(source)),
        robust=robust_attributes(source),
        tier=TIER_WORDS[source.tier],
        meaning=TIER_MEANINGS[source.tier],
        primary=source.is_primary,
        sample=source.sample,
        publisher=source.publisher,
        authors=", ".join(source.authors),
        container=source.container or "",
        doi=source.doi or "",
        issued=partial_date_words(source.issued) if source.issued else "",
        read=partial_date_words(last_read(source)),
        licence=LICENCES.get(source.licence, source.licence),
        reports=reports,
        replaces=replaces,
        replaced_by=replaced_by,
        retracted=source.status is SourceStatus.RETRACTED,
        note=status_note(source),
        stored=stored_words(source),
        sha256=sha256,
        text=text_path(sha256) if source.id in publication.library.shown_texts else None,
        archive=followable(source.archive or ""),
        citing=tuple(rows[article.slug] for article in articles[:CITING]),
        earlier=len(articles[CITING:]),
    )


def _other(publication: Publication, id_: str | None) -> Other | None:
    other = publication.library.sources.get(id_ or "")
    if other is None:
        return None
    return Other(other.label, source_path(other.id) if other.id in publication.citing else followable(address(other)))


def _citing(publication: Publication, article: Article) -> Citing:
    date = publication.local(article.date)
    return Citing(
        url=article.url_path,
        receipts_url=receipts_path(article),
        title=typographic(article.title, language=article.lang),
        iso=timestamp(date),
        short_date=short_date(date),
        mark=MARKS.get(article.status, ""),
    )
