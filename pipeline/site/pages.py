"""Which pages the site has besides those of content/pages, and what each template is given.

    (nothing)          home, where content/pages has no index.md
    articles/<slug>/   every public article; articles/<slug>/receipts/ what each of its sentences rests on
    archive/           the newest year; archive/<year>/ every year
    topics/            all topics; topics/<id>/ one
    sources/           all sources that articles rest on
    corrections/       all corrections

The handbook and the like are Markdown files of content/pages; what they are given beside their text is here too.
Nothing here knows MkDocs, writes a file or escapes for HTML.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from pipeline.library.dates import MONTHS
from pipeline.model import Article
from pipeline.site.claims import claims_path
from pipeline.site.publication import Card, CorrectionNote, Publication, corrections
from pipeline.site.receipts import receipts_path, receipts_view
from pipeline.site.registers import all_corrections, all_sources, retractions

HOME_CARDS = 12  # below the lead; the archive has them all
CORRECTIONS_SHOWN_FOR = dt.timedelta(days=31)
REGISTERS = (("Sources", "sources/"), ("Corrections", "corrections/"))
FOOT_LINKS = (
    ("How this is made", "how-this-is-made/", "how-this-is-made.md"),
    ("About", "about/", "about.md"),
    ("Handbook", "handbook/", "handbook/index.md"),
    ("Privacy", "privacy/", "privacy.md"),
)
FEEDS = (
    ("RSS", "feed.xml", "application/rss+xml"),
    ("Atom", "atom.xml", "application/atom+xml"),
    ("JSON Feed", "feed.json", "application/feed+json"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the <head> of a page says."""

    title: str
    description: str
    canonical: str | None  # None: not to be found by search engines
    kind: str = "website"  # Open Graph
    published: str = ""
    modified: str = ""
    section: str = ""
    claims: str = ""  # where the same is told to machines, below the site's address


@dataclass(frozen=True, slots=True)
class Output:
    """One generated page: where it stands, which template draws it, from which values."""

    path: str  # below the site's address, with a slash at the end
    template: str
    title: str
    head: Head
    values: Mapping[str, Any] = field(default_factory=dict)
    modified: dt.datetime | None = None  # of what it shows


@dataclass(frozen=True, slots=True)
class SiteView:
    """What every template knows of the site."""

    name: str
    publisher: str
    description: str
    language: str
    stylesheet: str
    receipts_stylesheet: str
    links: tuple[tuple[str, str], ...]  # of the foot: words, path
    feeds: tuple[tuple[str, str, str], ...] = FEEDS


@dataclass(frozen=True, slots=True)
class Month:
    name: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A year of the archive: its months, newest first, and a tick for each of its days."""

    number: int
    months: tuple[Month, ...]
    days: int
    days_path: str  # a line, dashed by the style sheet into one tick a day
    hits_path: str  # taller ticks of days with an article
    words: str


def generated_pages(publication: Publication) -> tuple[Output, ...]:
    """Every page that the articles make; the home page is left to content/pages/index.md where there is one."""
    return (
        _home(publication),
        *_articles(publication),
        *_archive(publication),
        *_topics(publication),
        *_registers(publication),
    )


def site_view(
    publication: Publication, *, stylesheet: str, receipts_stylesheet: str, written: Container[str]
) -> SiteView:
    """What all templates know. The foot links those of `FOOT_LINKS` whose file is among *written* (names below content/pages)."""
    settings = publication.settings
    return SiteView(
        name=settings.site_name,
        publisher=settings.publisher,
        description=settings.site_description,
        language=settings.language,
        stylesheet=stylesheet,
        receipts_stylesheet=receipts_stylesheet,
        links=(*((words, path) for words, path, file in FOOT_LINKS if file in written), *REGISTERS),
    )


def home(publication: Publication) -> dict[str, Any]:
    """What the home page shows beside its own text: the lead, the cards below it, the corrections of the last month."""
    cards = [publication.cards[article.slug] for article in publication.articles[: HOME_CARDS + 1]]
    return {
        "lead": cards[0] if cards else None,
        "cards": cards[1:],
        "more": len(publication.articles) > len(cards),
        "recent_corrections": _recent_corrections(publication),
    }


def last_changed(publication: Publication, outputs: Sequence[Output]) -> dict[str, dt.datetime | None]:
    """When each page last changed, by its path: an article when it was modified, a list when its newest article came."""
    return {output.path: output.modified for output in outputs}


def page_head(publication: Publication, *, title: str, path: str, description: str = "") -> Head:
    """The head of a page of content/pages. The home page bears the newsletter's name alone."""
    settings = publication.settings
    return Head(
        title=f"{title} · {settings.site_name}" if path else settings.site_name,
        description=description or settings.site_description,
        canonical=publication.url(path),
    )


def lost_head(publication: Publication) -> Head:
    """The head of the page for addresses that do not exist."""
    settings = publication.settings
    return Head(f"Page not found · {settings.site_name}", settings.site_description, canonical=None)


# --- the generated pages -----------------------------------------------------------------------------------------------------


def _home(publication: Publication) -> Output:
    title = publication.settings.site_name
    head = page_head(publication, title=title, path="")
    return Output("", "home.html", title, head, home(publication), _newest(publication.articles))


def _articles(publication: Publication) -> Iterator[Output]:
    for article in publication.articles:
        card = publication.cards[article.slug]
        head = Head(
            title=f"{card.title} · {publication.settings.site_name}",
            description=card.dek,
            canonical=publication.url(article.url_path),
            kind="article",
            published=card.iso,
            modified=_iso(article.modified),
            section=card.topics[0].name if card.topics else "",
            claims=claims_path(article),
        )
        values = {"article": publication.view(article)}
        yield Output(article.url_path, "article.html", card.title, head, values, article.modified)
        yield _receipts(publication, article)


def _receipts(publication: Publication, article: Article) -> Output:
    view = receipts_view(publication, article)
    path, title = receipts_path(article), f"Receipts: {view.card.title}"
    head = replace(
        page_head(publication, title=title, path=path, description=f"What each sentence rests on. {view.card.dek}"),
        claims=view.claims_url,
    )
    return Output(path, "receipts.html", title, head, {"receipts": view}, article.modified)


def _archive(publication: Publication) -> Iterator[Output]:
    cards = [publication.cards[article.slug] for article in publication.articles]
    years = [year_of(number, tuple(group)) for number, group in groupby(cards, key=lambda card: card.date.year)]
    numbers = [year.number for year in years]
    newest = _newest(publication.articles)
    for path, title, year in [
        ("archive/", "Archive", years[0] if years else None),
        *((f"archive/{year.number}/", f"Archive {year.number}", year) for year in years),
    ]:
        values = {"year": year, "numbers": numbers}
        modified = _newest([a for a in publication.articles if year and publication.local(a.date).year == year.number])
        yield _list(
            publication, path, "archive.html", title, f"Every article, by day. {title}.", values, modified or newest
        )


def _topics(publication: Publication) -> Iterator[Output]:
    groups = [(topic, articles, _cards(publication, articles)) for topic, articles in publication.topics()]
    values: dict[str, Any] = {"groups": [(topic, cards[:3], len(cards)) for topic, _, cards in groups]}
    everything = _newest(publication.articles)
    yield _list(publication, "topics/", "topics.html", "Topics", "What we write about.", values, everything)
    for topic, articles, cards in groups:
        path = f"topics/{topic.id}/"
        values = {"topic": topic, "cards": cards}
        yield _list(publication, path, "topic.html", topic.name, topic.description, values, _newest(articles))


def _registers(publication: Publication) -> Iterator[Output]:
    modified = max((article.modified for article in publication.articles), default=None)
    sources = all_sources(publication)
    yield _list(
        publication,
        "sources/",
        "sources.html",
        "Sources",
        "Every source that our articles rest on, what we hold of it, and which articles cite it.",
        {"sources": sources, "stored": sum(1 for source in sources if source.sha256)},
        modified,
    )
    yield _list(
        publication,
        "corrections/",
        "corrections.html",
        "Corrections",
        "Every error that we found in what we had published, with what it should have been.",
        {"corrections": all_corrections(publication), "retracted": retractions(publication)},
        modified,
    )


def year_of(number: int, cards: Sequence[Card]) -> Year:
    """The year *number* with its *cards*, newest first."""
    months = groupby(cards, key=lambda card: card.date.month)
    days = (dt.date(number + 1, 1, 1) - dt.date(number, 1, 1)).days
    hits = sorted({card.date.timetuple().tm_yday - 1 for card in cards})
    return Year(
        number=number,
        months=tuple(Month(f"{MONTHS[month - 1]} {number}", tuple(group)) for month, group in months),
        days=days,
        days_path=f"M1 23.5h{days * 3 - 1}",
        hits_path="".join(f"M{day * 3 + 1} 4v20" for day in hits),
        words=f"{number}: {len(cards)} article{'' if len(cards) == 1 else 's'} on {len(hits)} day{'' if len(hits) == 1 else 's'}",
    )


def _list(
    publication: Publication,
    path: str,
    template: str,
    title: str,
    description: str,
    values: Mapping[str, Any],
    modified: dt.datetime | None,
) -> Output:
    head = page_head(publication, title=title, path=path, description=description)
    return Output(path, template, title, head, values, modified)


# --- parts -------------------------------------------------------------------------------------------------------------------


def _cards(publication: Publication, articles: Sequence[Article]) -> tuple[Card, ...]:
    return tuple(publication.cards[article.slug] for article in articles)


def _newest(articles: Sequence[Article]) -> dt.datetime | None:
    return max((article.date for article in articles), default=None)


def _recent_corrections(publication: Publication) -> list[tuple[Card, CorrectionNote]]:
    """Counted back from the newest article, not from today, so that building again changes nothing."""
    newest = _newest(publication.articles)
    if newest is None:
        return []
    since = (newest - CORRECTIONS_SHOWN_FOR).date().isoformat()
    found = [
        (publication.cards[article.slug], note)
        for article in publication.articles
        for note in corrections(article)
        if note.iso >= since
    ]
    return sorted(found, key=lambda pair: pair[1].iso, reverse=True)


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
