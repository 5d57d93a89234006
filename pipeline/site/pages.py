"""Which files the site has besides the pages of content/pages, and what each is made of.

    (nothing)          home, where content/pages has no index.md
    articles/<slug>/   every public article; articles/<slug>/receipts/ what each of its sentences rests on
    archive/           the newest year; archive/<year>/ every year
    topics/            all topics; topics/<id>/ the newest of one, topics/<id>/page/<n>/ the older ones, counted from the oldest
    sources/           all sources that articles rest on; `source_pages` makes a page for each
    corrections/       all corrections
    search/            what asks the search index
    feeds/             all feeds of ours
    authors/, series/  `authors` and `series_pages` make these, `aliases` the pages at older addresses
    feed.xml, ...      what machines read: `machines`

The handbook and the like are Markdown files of content/pages; what they are given beside their text is here too.
Nothing here knows MkDocs, writes a file or escapes for HTML.

**To add a file**, yield an `Output` for it: its path, a fingerprint of what it is made of, and a function that makes it. A build
compares the fingerprint with that of the last build and calls the function only where it is another one, in whichever process; so
the function may be slow, and whatever it reads must be in the fingerprint:

- of one article alone, all that its own files show: ``publication.whole(article)``. Such a file is yielded in `bundles`; what it
  shows of others must be in ``publication.bundles`` too
- of the page of a source, all that it shows must be in ``publication.of_sources`` too
- of an article in a list, all that a card shows: ``publication.face(article)``, of several ``publication.faces(articles)``
- of an article that is linked: ``publication.name(article)``, beside its date ``publication.dated(article)``
- settings, templates, style sheets, icons, code and versions need not be named: with others of them all files are made again
- topics, people and sources by themselves: ``repr`` of the nouns
- where all of this is too much thought: ``publication.everything``, which is right always and slow, since the file is then made
  again after every change of any article

`tests/site/test_incremental.py` edits everything there is and compares with a build that starts from nothing: give it what you add.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from pipeline.library.dates import MONTHS, timestamp
from pipeline.model import Article, Topic
from pipeline.site.claims import claims_path
from pipeline.site.feeds import OwnFeed, feed_of, group_feeds, made_of_list, own_feeds
from pipeline.site.publication import Card, CorrectionNote, Publication, corrections, fingerprint
from pipeline.site.receipts import receipts_path, receipts_view
from pipeline.site.registers import (
    all_corrections,
    made_of_register,
    retractions,
    source_register,
    with_corrections,
)
from pipeline.site.twins import twin_path

HOME_CARDS = 12  # below the lead; the archive has them all
TOPIC_CARDS = 48  # on a page of older articles of a topic; its first one has up to twice as many
CORRECTIONS_SHOWN_FOR = dt.timedelta(days=31)
AUTHORS = ("Authors", "authors/")
SERIES = ("Series", "series/")
REGISTERS = (("Sources", "sources/"), ("Corrections", "corrections/"), ("Feeds", "feeds/"))
FOOT_LINKS = (
    ("How this is made", "how-this-is-made/", "how-this-is-made.md"),
    ("About", "about/", "about.md"),
    ("Handbook", "handbook/", "handbook/index.md"),
    ("Privacy", "privacy/", "privacy.md"),
)


class Head(NamedTuple):
    """What the <head> of a page says."""

    title: str  # with the newsletter's name
    name: str  # without it, as those show it who name the site beside it (ogp.me)
    description: str
    canonical: str | None  # None: not to be found by search engines
    kind: str = "website"  # Open Graph
    published: str = ""
    modified: str = ""
    section: str = ""
    claims: str = ""  # where the same is told to machines, below the site's address
    markdown: str = ""  # where the same stands as Markdown, likewise
    feed: OwnFeed | None = None  # that carries the same articles, where it is not the whole
    article: Article | None = None  # that the page is of


class Drawn(NamedTuple):
    """A page as it is handed to the template that draws it."""

    template: str
    title: str
    head: Head
    values: Mapping[str, Any]


Content: TypeAlias = Drawn | str | bytes


class Output(NamedTuple):
    """One file of the site that articles make."""

    path: str  # below the site: "archive/index.html", "feed.xml"
    made_of: bytes  # a fingerprint: the file is made again when it is another one
    make: Callable[[], Content]
    modified: dt.datetime | None = None  # of what a page shows; the sitemap tells it
    late: bool = False  # made when all others are, since it tells their hashes (`Publication.claims_known`)

    @property
    def url(self) -> str | None:
        """Where the page stands below the site's address; None for a file that is no page."""
        return self.path.removesuffix("index.html") if self.path.endswith("index.html") else None


class SiteView(NamedTuple):
    """What every template knows of the site."""

    name: str
    publisher: str
    description: str
    language: str
    stylesheet: str
    receipts_stylesheet: str
    search_script: str
    links: tuple[tuple[str, str], ...]  # of the foot: words, path
    feeds: tuple[tuple[str, str, str], ...] = OwnFeed("", "", "", ()).files


class Month(NamedTuple):
    name: str
    cards: tuple[Card, ...]


class Year(NamedTuple):
    """A year of the archive: its months, newest first, and a tick for each of its days."""

    number: int
    months: tuple[Month, ...]
    days: int
    days_path: str  # a line, dashed by the style sheet into one tick a day
    hits_path: str  # taller ticks of days with an article
    words: str


def generated_pages(publication: Publication) -> Iterator[Output]:
    """Every page that the articles make together; the home page is left to content/pages/index.md where there is one."""
    yield _home(publication)
    yield from _archive(publication)
    yield from _topics(publication)
    yield from _registers(publication)
    topics = publication.library.topics.values()
    yield Output("search/index.html", fingerprint(*map(repr, topics)), partial(_search, publication))
    yield Output("feeds/index.html", made_of_list(own_feeds(publication)), partial(_feeds, publication))


def site_view(
    publication: Publication,
    *,
    stylesheet: str,
    receipts_stylesheet: str,
    search_script: str,
    written: Container[str],
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
        search_script=search_script,
        links=(
            *((words, path) for words, path, file in FOOT_LINKS if file in written),
            AUTHORS,
            *([SERIES] if publication.series else []),
            *REGISTERS,
        ),
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


def home_made_of(publication: Publication) -> bytes:
    """The fingerprint of what `home` gives."""
    shown = publication.articles[: HOME_CARDS + 1]
    more = len(publication.articles) > len(shown)
    return fingerprint(
        publication.faces(shown), str(more), publication.faces(a for a, _ in _corrected_of_late(publication))
    )


def page_head(publication: Publication, *, title: str, path: str, description: str = "") -> Head:
    """The head of a page of content/pages. The home page bears the newsletter's name alone."""
    settings = publication.settings
    return Head(
        title=f"{title} · {settings.site_name}" if path else settings.site_name,
        name=title if path else settings.site_name,
        description=description or settings.site_description,
        canonical=publication.url(path),
    )


def lost_head(publication: Publication) -> Head:
    """The head of the page for addresses that do not exist."""
    return page_head(publication, title="Page not found", path="404.html")._replace(canonical=None)


# --- the generated pages -----------------------------------------------------------------------------------------------------


def _home(publication: Publication) -> Output:
    return Output(
        "index.html", home_made_of(publication), partial(_drawn_home, publication), _newest(publication.articles)
    )


def _drawn_home(publication: Publication) -> Drawn:
    title = publication.settings.site_name
    head = page_head(publication, title=title, path="")
    return Drawn("home.html", title, head, home(publication))


def article_pages(publication: Publication, article: Article) -> Iterator[Output]:
    """The page of *article*, and that of its receipts."""
    mine = publication.whole(article)
    made_of = fingerprint(mine, publication.beside(article))
    page = partial(_article, publication, article)
    yield Output(f"{article.url_path}index.html", made_of, page, article.modified)
    receipts = partial(_receipts, publication, article)
    yield Output(f"{receipts_path(article)}index.html", mine, receipts, article.modified)


def _article(publication: Publication, article: Article) -> Drawn:
    card = publication.cards[article.slug]
    head = page_head(publication, title=card.title, path=article.url_path, description=card.dek)._replace(
        kind="article",
        published=card.iso,
        modified=timestamp(article.modified),
        section=card.topics[0].name if card.topics else "",
        claims=claims_path(article),
        markdown=twin_path(article),
        article=article,
    )
    return Drawn("article.html", card.title, head, {"article": publication.view(article)})


def _receipts(publication: Publication, article: Article) -> Drawn:
    view = receipts_view(publication, article)
    path, title = receipts_path(article), f"Receipts: {view.card.title}"
    head = page_head(publication, title=title, path=path, description=f"What each sentence rests on. {view.card.dek}")
    head = head._replace(claims=view.claims_url)
    return Drawn("receipts.html", title, head, {"receipts": view})


def _archive(publication: Publication) -> Iterator[Output]:
    years = publication.by_year(publication.articles)
    numbers = [number for number, _ in years]
    made_of = [fingerprint(repr(numbers), publication.faces(articles)) for _, articles in years]
    number, articles = years[0] if years else (0, ())
    drawn = partial(_year, publication, "archive/", "Archive", number, articles, numbers)
    yield Output("archive/index.html", made_of[0] if years else b"", drawn, _newest(articles))
    for (number, articles), parts in zip(years, made_of, strict=True):
        path = f"archive/{number}/"
        drawn = partial(_year, publication, path, f"Archive {number}", number, articles, numbers)
        yield Output(f"{path}index.html", parts, drawn, _newest(articles))


def _year(
    publication: Publication, path: str, title: str, number: int, articles: Sequence[Article], numbers: list[int]
) -> Drawn:
    year = year_of(number, _cards(publication, articles)) if articles else None
    description = f"Every article, by day. {title}."
    return _list(publication, path, "archive.html", title, description, {"year": year, "numbers": numbers})


def _topics(publication: Publication) -> Iterator[Output]:
    groups = publication.topics
    parts: list[bytes | str] = []
    for topic, articles in groups:
        parts += [repr(topic), publication.faces(articles[:3]), str(len(articles))]
    yield Output(
        "topics/index.html", fingerprint(*parts), partial(_all_topics, publication), _newest(publication.articles)
    )
    for topic, articles in groups:
        pages = _numbered(articles)
        for number, shown in pages:
            path = f"topics/{topic.id}/page/{number}/" if number else f"topics/{topic.id}/"
            older = number - 1 if number else len(pages) - 1
            newer = (number + 1) % len(pages) if number else None
            feed = feed_of(publication, topic, articles)
            drawn = partial(_topic, publication, topic, path, shown, number, older, newer, feed)
            made_of = fingerprint(repr(topic), f"{older} {newer}", publication.faces(shown))
            yield Output(f"{path}index.html", made_of, drawn, _newest(shown))


def _numbered(articles: Sequence[Article]) -> list[tuple[int, Sequence[Article]]]:
    """*articles*, newest first, by page: 0 the one that is met first, 1 the oldest; so a new article changes the first alone."""
    full = max(0, len(articles) // TOPIC_CARDS - 1)
    end = len(articles) - full * TOPIC_CARDS
    older = [(full - at, articles[end + at * TOPIC_CARDS : end + (at + 1) * TOPIC_CARDS]) for at in range(full)]
    return [(0, articles[:end]), *older]


def _topic(
    publication: Publication,
    topic: Topic,
    path: str,
    articles: Sequence[Article],
    number: int,
    older: int,
    newer: int | None,
    feed: OwnFeed,
) -> Drawn:
    first = f"topics/{topic.id}/"
    values = {
        "topic": topic,
        "cards": _cards(publication, articles),
        "number": number,
        "older": f"{first}page/{older}/" if older else "",
        "newer": "" if newer is None else f"{first}page/{newer}/" if newer else first,
    }
    title = f"{topic.name}, page {number} from the oldest" if number else topic.name
    return _list(publication, path, "topic.html", title, topic.description, values, feed=feed)


def _all_topics(publication: Publication) -> Drawn:
    groups = [(topic, _cards(publication, articles[:3]), len(articles)) for topic, articles in publication.topics]
    return _list(publication, "topics/", "topics.html", "Topics", "What we write about.", {"groups": groups})


def _registers(publication: Publication) -> Iterator[Output]:
    modified = publication.modified
    yield Output("sources/index.html", made_of_register(publication), partial(_sources, publication), modified)
    corrected = with_corrections(publication)
    yield Output("corrections/index.html", publication.faces(corrected), partial(_corrections, publication), modified)


def _sources(publication: Publication) -> Drawn:
    return _list(
        publication,
        "sources/",
        "sources.html",
        "Sources",
        "Every source that our articles rest on, by publisher, with a page that tells what we hold of it and who cites it.",
        {"register": source_register(publication)},
    )


def _corrections(publication: Publication) -> Drawn:
    return _list(
        publication,
        "corrections/",
        "corrections.html",
        "Corrections",
        "Every error that we found in what we had published, with what it should have been.",
        {"corrections": all_corrections(publication), "retracted": retractions(publication)},
    )


def _search(publication: Publication) -> Drawn:
    values = {"topics": tuple(publication.library.topics.values()), "zone": publication.settings.timezone}
    return _list(publication, "search/", "search.html", "Search", "Look for words in all our articles.", values)


def _feeds(publication: Publication) -> Drawn:
    groups = group_feeds(own_feeds(publication))
    description = (
        "Everything we publish, in full and with its sources, for feed readers: the whole, each topic, each author."
    )
    return _list(publication, "feeds/", "feeds.html", "Feeds", description, {"groups": groups})


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
    *,
    feed: OwnFeed | None = None,
) -> Drawn:
    head = page_head(publication, title=title, path=path, description=description)._replace(feed=feed)
    return Drawn(template, title, head, values)


# --- parts -------------------------------------------------------------------------------------------------------------------


def _cards(publication: Publication, articles: Sequence[Article]) -> tuple[Card, ...]:
    return tuple(publication.cards[article.slug] for article in articles)


def _newest(articles: Sequence[Article]) -> dt.datetime | None:
    """When the first of *articles* is dated, which is the newest."""
    return articles[0].date if articles else None


def _corrected_of_late(publication: Publication) -> Iterator[tuple[Article, CorrectionNote]]:
    """Counted back from the newest article, not from today, so that building again changes nothing."""
    newest = _newest(publication.articles)
    since = (newest - CORRECTIONS_SHOWN_FOR).date().isoformat() if newest else ""
    for article in publication.articles:
        if article.corrections:
            yield from ((article, note) for note in corrections(article) if note.iso >= since)


def _recent_corrections(publication: Publication) -> list[tuple[Card, CorrectionNote]]:
    found = [(publication.cards[article.slug], note) for article, note in _corrected_of_late(publication)]
    return sorted(found, key=lambda pair: pair[1].iso, reverse=True)
