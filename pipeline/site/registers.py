"""The two registers of the site: all sources that its articles rest on, and all corrections that were made.

As in `publication`, the values are ready to print and not escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.library import typographic
from pipeline.library.dates import partial_date_words
from pipeline.library.deeplinks import address, robust_attributes
from pipeline.library.receipts import status_note, stored_words
from pipeline.model import Article, Source, Status
from pipeline.site.claims import is_published, text_path
from pipeline.site.publication import TIER_WORDS, Card, CorrectionNote, ForEach, Publication, corrections, followable

CITING = 24  # articles that are named below a source; of those of many years only the newest


class Named(NamedTuple):
    """An article as a list of many shows it."""

    url: str  # below the site's address
    title: str


@dataclass(frozen=True, slots=True)
class RegisteredSource:
    """A source as the page of all sources shows it."""

    id: str  # also the anchor
    title: str
    url: str | None  # None where it cannot be followed
    robust: Mapping[str, str]
    tier: str
    primary: bool
    sample: bool
    facts: tuple[str, ...]  # publisher, authors and dates, in words
    licence: str
    stored: str
    sha256: str  # of the stored text; empty where there is none
    text: str | None  # where the site shows it; None where it may not be passed on
    archive: str | None
    via: tuple[str, str] | None  # what it reports: title, and where this page or the web tells of it
    note: str
    cards: tuple[Named, ...]  # the newest articles that cite it, newest first
    more: int  # how many older ones there are


@dataclass(frozen=True, slots=True)
class RegisteredCorrection:
    card: Card
    note: CorrectionNote


def all_sources(publication: Publication) -> tuple[RegisteredSource, ...]:
    """Every source that a public article cites, by publisher and title."""
    citing = publication.citing
    sources = [publication.library.sources[id_] for id_ in citing]
    by_name = sorted(sources, key=lambda source: (source.publisher.casefold(), source.label.casefold(), source.id))
    names = ForEach(publication, _named)
    return tuple(_registered(publication, source, citing, names) for source in by_name)


def with_corrections(publication: Publication) -> tuple[Article, ...]:
    """The articles of which the page of all corrections tells."""
    return tuple(a for a in publication.articles if a.corrections or a.status is Status.RETRACTED)


def all_corrections(publication: Publication) -> tuple[RegisteredCorrection, ...]:
    """Every correction of a public article, newest first."""
    found = [
        RegisteredCorrection(publication.cards[article.slug], note)
        for article in publication.articles
        for note in corrections(article)
    ]
    return tuple(sorted(found, key=lambda each: each.note.iso, reverse=True))


def retractions(publication: Publication) -> tuple[Card, ...]:
    """The articles that we no longer stand by, newest first."""
    return tuple(publication.cards[a.slug] for a in publication.articles if a.status is Status.RETRACTED)


def published_texts(publication: Publication) -> dict[str, Source]:
    """The sources whose stored texts may be passed on, by the hash of the text."""
    found = {}
    for id_ in publication.citing:
        source = publication.library.sources[id_]
        if source.snapshot is not None and is_published(source, publication.library.texts):
            found[source.snapshot.text_sha256] = source
    return found


def _registered(
    publication: Publication, source: Source, citing: Mapping[str, Sequence[Article]], names: Mapping[str, Named]
) -> RegisteredSource:
    shown = is_published(source, publication.library.texts)
    sha256 = source.snapshot.text_sha256 if source.snapshot else ""
    return RegisteredSource(
        id=source.id,
        title=source.label,
        url=followable(address(source)),
        robust=robust_attributes(source),
        tier=TIER_WORDS[source.tier],
        primary=source.is_primary,
        sample=source.sample,
        facts=_facts(source),
        licence=LICENCES.get(source.licence, source.licence),
        stored=stored_words(source),
        sha256=sha256,
        text=text_path(sha256) if shown else None,
        archive=followable(source.archive or ""),
        via=_origin(publication, source, citing),
        note=status_note(source),
        cards=tuple(names[article.slug] for article in citing[source.id][:CITING]),
        more=len(citing[source.id][CITING:]),
    )


def _named(article: Article) -> Named:
    return Named(article.url_path, typographic(article.title, language=article.lang))


LICENCES = {"unknown": "licence unknown", "all-rights-reserved": "all rights reserved", "us-gov": "US government work"}


def _facts(source: Source) -> tuple[str, ...]:
    facts = [source.publisher] if source.title else []
    facts += [", ".join(source.authors)] if source.authors else []
    facts += [f"issued {partial_date_words(source.issued)}"] if source.issued else []
    facts += [f"read {partial_date_words(source.accessed)}"] if source.accessed else []
    facts += [f"replaced by {source.superseded_by}"] if source.superseded_by else []
    return tuple(facts)


def _origin(
    publication: Publication, source: Source, citing: Mapping[str, Sequence[Article]]
) -> tuple[str, str] | None:
    origin = publication.library.sources.get(source.via or "")
    if origin is None:
        return None
    return origin.label, f"#{origin.id}" if origin.id in citing else followable(origin.url) or ""
