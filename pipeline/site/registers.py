"""The two registers of the site: all sources that its articles rest on, and all corrections that were made.

As in `publication`, the values are ready to print and not escaped. What there is to know of each source stands on a page of its
own (`source_pages`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from pipeline.library import weight
from pipeline.library.dates import partial_date_words, short_date
from pipeline.library.receipts import last_read
from pipeline.model import Article, Source, SourceStatus, Status
from pipeline.site.publication import TIER_WORDS, Card, CorrectionNote, Publication, corrections, fingerprint

MANY: Final = 40  # publishers; more are also found by their first letters
PLACE_MAX: Final = 72  # characters of the address of a page that has no title


class RegisteredSource(NamedTuple):
    """A source as the page of all sources shows it."""

    id: str  # also the anchor
    title: str
    primary: bool
    tier: str
    mark: str  # "sample, invented", "gone", "retracted" or the like, or nothing
    issued: str  # in words; empty where it is not known
    cited: int  # how many articles cite it
    copied: str  # when the stored copy was taken, in words; empty where there is none


class Publisher(NamedTuple):
    """Who published sources that articles cite, and which."""

    name: str
    letter: str  # under which it is found, where it is the first under it; else nothing
    told: str  # "6 sources, 5 primary, cited 9 times, last read 19 Nov 2026"; of a single source what its row does not say
    sources: tuple[RegisteredSource, ...]


class SourceRegister(NamedTuple):
    """All sources that public articles cite, by publisher and title."""

    weight: str  # "86 sources, 70 primary"
    stored: int  # of how many there is a copy
    publishers: tuple[Publisher, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        """The first letters of the publishers, each once; none where they are few."""
        found = tuple(publisher.letter for publisher in self.publishers if publisher.letter)
        return found if len(self.publishers) > MANY else ()


class RegisteredCorrection(NamedTuple):
    card: Card
    note: CorrectionNote


def source_register(publication: Publication) -> SourceRegister:
    """Every source that a public article cites."""
    cited = {id_: len(articles) for id_, articles in publication.citing.items()}
    sources = sorted(
        (publication.library.sources[id_] for id_ in cited),
        key=lambda source: (_plain(source.publisher), source.publisher, source.label.casefold(), source.id),
    )
    letters: set[str] = set()
    publishers = []
    for name, group in groupby(sources, key=lambda source: source.publisher):
        theirs = tuple(group)
        letter = _letter(name)
        publishers.append(
            Publisher(
                name=name,
                letter="" if letter in letters else letter,
                told=_told(theirs, sum(cited[source.id] for source in theirs)),
                sources=tuple(_registered(source, cited[source.id]) for source in theirs),
            )
        )
        letters.add(letter)
    stored = sum(source.snapshot is not None for source in sources)
    return SourceRegister(weight(sources), stored, tuple(publishers))


def made_of_register(publication: Publication) -> bytes:
    """The fingerprint of what `source_register` gives."""
    ids = sorted(publication.citing)
    counts = [len(publication.citing[id_]) for id_ in ids]
    return fingerprint(publication.library.made_of_sources(ids), " ".join(ids), repr(counts))


def title_of(source: Source) -> str:
    """The title of *source*, or where it stands, which tells one untitled page of a publisher from another."""
    if source.title:
        return source.title
    place = re.sub(r"^https?://(www\.)?|/$", "", source.url)
    return f"untitled page at {place if len(place) <= PLACE_MAX else f'{place[:PLACE_MAX]}…'}"


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


def published_texts(publication: Publication) -> dict[str, str]:
    """The ids of the cited sources whose stored texts may be passed on, by the hash of the text."""
    shown = publication.library.shown_texts
    return {shown[id_]: id_ for id_ in publication.citing if id_ in shown}


def _told(sources: Sequence[Source], cited: int) -> str:
    """What is said of a publisher whose *sources* are cited so often."""
    alone = sources[0] if len(sources) == 1 else None
    said = [] if alone else [weight(sources), f"cited {cited} times"]
    read = max(map(last_read, sources))
    if read and not (alone and alone.snapshot):  # else the row says it: the copy is of that day
        said.append(f"last read {partial_date_words(read, short=True)}")
    return ", ".join(said)


def _registered(source: Source, cited: int) -> RegisteredSource:
    status = "" if source.status is SourceStatus.LIVE else source.status.value
    return RegisteredSource(
        id=source.id,
        title=title_of(source),
        primary=source.is_primary,
        tier=TIER_WORDS[source.tier],
        mark=", ".join(word for word in ("sample, invented" if source.sample else "", status) if word),
        issued=partial_date_words(source.issued, short=True) if source.issued else "",
        cited=cited,
        copied=short_date(source.snapshot.at.date()) if source.snapshot else "",
    )


def _letter(name: str) -> str:
    """What a publisher is found under; 0 for digits and signs. No source has an id of one character, so it serves as an anchor."""
    first = _plain(name)[:1].upper()[:1]
    return first if first.isalpha() else "0"


def _plain(name: str) -> str:
    """*name* as it is sorted: without accents, capitals like small letters."""
    parted = unicodedata.normalize("NFD", name)
    return "".join(char for char in parted if not unicodedata.combining(char)).casefold()
