"""Our own feeds: RSS 2.0 (with content:encoded, dc:creator, atom:link), Atom 1.0 (RFC 4287), JSON Feed 1.1.

    /                       everything that we publish
    /topics/<id>/           one topic
    /authors/<id>/          one author
        feed.xml atom.xml feed.json

All three formats carry the same items: the newest public articles with their full text, corrections first, then the text, the list
of its sources, and what its sentences rest on. Sources are links of the item too (``via``), and `_signal` tells them to programs.
Every address is absolute; an item's id is its page's address, which never changes. Dates are the articles' own, never the build's,
so that building again gives the same bytes. An article is made ready once, however many feeds it stands in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import marshal
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import cached_property
from html import escape
from typing import Any, Final, NamedTuple, TypeAlias

from pipeline.library import authorship, direction, provenance
from pipeline.model import Article, Person, Status, Topic
from pipeline.site.boxes import boxed
from pipeline.site.publication import (
    ArticleView,
    CorrectionNote,
    ForEach,
    Publication,
    SourceRow,
    author_path,
    corrections,
    fingerprint,
    title_alone,
)
from pipeline.site.xmltext import XML, element, marked_up, plain

FEED_ITEMS: Final = 30
PART_ITEMS: Final = 20  # in the feed of a topic or an author
FORMATS: Final = (
    ("RSS", "feed.xml", "application/rss+xml"),
    ("Atom", "atom.xml", "application/atom+xml"),
    ("JSON Feed", "feed.json", "application/feed+json"),
)
HOW_PAGE: Final = "how-this-is-made/"
GENERATOR: Final = "Open Signal"
NEVER: Final = dt.datetime(
    1990, 1, 1, tzinfo=dt.UTC
)  # of a feed without items, which Atom must date; older looks like a slip

_LIKE_MARKUP: Final = re.compile(r"</\w+>|&#?\w+;")
_ATOM: Final = "http://www.w3.org/2005/Atom"
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_DC: Final = "http://purl.org/dc/elements/1.1/"


class OwnFeed(NamedTuple):
    """A list of our articles that readers can follow."""

    path: str  # of its folder, below the site's address; the page there shows the same articles
    title: str
    description: str
    articles: tuple[Article, ...]  # those that it carries, newest first
    author: Person | None = None  # where all of them are this person's

    @property
    def files(self) -> tuple[tuple[str, str, str], ...]:
        """Format, path and media type of each of its files."""
        return tuple((name, self.path + file, media_type) for name, file, media_type in FORMATS)


class Author(NamedTuple):
    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An article as every feed carries it."""

    url: str
    title: str
    dek: str
    html: str
    published: dt.datetime
    modified: dt.datetime
    authors: tuple[Author, ...]
    topics: tuple[str, ...]
    lang: str
    links: tuple[Mapping[str, str], ...] = ()  # what it rests on, as attributes of a link
    signal: Mapping[str, Any] = field(default_factory=dict)  # the same for programs
    fraction: str = ""  # of a second, where another article changed within the same one


class Written(NamedTuple):
    """An item, written down in each of the formats."""

    published: dt.datetime
    modified: dt.datetime
    rss: str
    atom: str
    json: str


def own_feeds(publication: Publication) -> tuple[OwnFeed, ...]:
    """The feed of everything, then those of topics and authors, in the order of their files."""
    settings = publication.settings
    return (
        OwnFeed("", settings.site_name, settings.site_description, publication.articles[:FEED_ITEMS]),
        *(feed_of(publication, topic, articles) for topic, articles in publication.topics),
        *(feed_of(publication, person, articles) for person, articles in publication.authors if articles),
    )


def feed_of(publication: Publication, about: Topic | Person, articles: Sequence[Article]) -> OwnFeed:
    """The feed of one topic or author, whose public *articles* these are, newest first."""
    title = f"{publication.settings.site_name}: {about.name}"
    newest = tuple(articles[:PART_ITEMS])
    if isinstance(about, Topic):
        return OwnFeed(f"topics/{about.id}/", title, about.description, newest)
    return OwnFeed(author_path(about.id), title, about.bio, newest, about)


def group_feeds(feeds: Iterable[OwnFeed]) -> tuple[tuple[str, tuple[OwnFeed, ...]], ...]:
    """*feeds* under the words that lists of them have above the whole, the topics and the authors."""
    chosen = tuple(feeds)
    groups = {
        "Everything": tuple(feed for feed in chosen if not feed.path),
        "Topics": tuple(feed for feed in chosen if feed.path.startswith("topics/")),
        "Authors": tuple(feed for feed in chosen if feed.author),
    }
    return tuple((words, group) for words, group in groups.items() if group)


def made_of_list(feeds: Iterable[OwnFeed]) -> bytes:
    """The fingerprint of what a list of *feeds* shows."""
    return fingerprint(*(repr((feed.path, feed.title, feed.description)) for feed in feeds))


class Newsstand:
    """The files of the feeds of *publication*; an article is made ready for all of them when the first asks for it.

    How an article is written in feeds is kept: when one of thirty changes, the other twenty-nine are as they were.
    """

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._written = ForEach(publication, self._write)

    def file(self, feed: OwnFeed, write: Writer) -> str:
        """*feed* in the format that *write* writes."""
        return write(self._publication, feed, [self._written[article.slug] for article in feed.articles])

    def made_of(self, feed: OwnFeed) -> bytes:
        """The fingerprint of the files of *feed*."""
        about = repr((feed.path, feed.title, feed.description, feed.author))
        alone = repr([self._alone(article) for article in feed.articles])
        return fingerprint(
            about, alone, *map(self._publication.whole, feed.articles), self._publication.faces(feed.articles)
        )

    def _write(self, article: Article) -> Written:
        publication, examined = self._publication, self._publication.library.examined
        if examined is None or not publication.surroundings:
            return written(feed_item(publication, article, alone=self._alone(article)))
        of_article = publication.whole(article), publication.face(article), str(self._alone(article))
        name = fingerprint("feeds", publication.surroundings, *of_article)
        known = examined.recall(name)
        if known is not None:
            return Written(*_moments(article), *marshal.loads(known))  # noqa: S302 -- makes strings, never objects of a class
        made = written(feed_item(publication, article, alone=self._alone(article)))
        formats = made.rss, made.atom, made.json
        examined.keep(name, marshal.dumps(formats), day=publication.now.toordinal())
        return made

    def _alone(self, article: Article) -> bool:
        return self._seconds[int(article.modified.timestamp())] == 1

    @cached_property
    def _seconds(self) -> Counter[int]:
        return Counter(self._publication.seconds)


def rss(publication: Publication, feed: OwnFeed, items: Sequence[Written]) -> str:
    """*feed* as RSS 2.0."""
    settings = publication.settings
    about = [
        element("title", feed.title),
        element("link", publication.url(feed.path)),
        element("description", feed.description or feed.title),
        element("language", settings.language),
        element("generator", GENERATOR),
        element("docs", "https://www.rssboard.org/rss-specification"),
        element("atom:link", href=publication.url(feed.path + "feed.xml"), rel="self", type="application/rss+xml"),
        *(element("atom:link", **link) for link in _hub(publication)),
    ]
    if items:
        about.append(element("pubDate", format_datetime(max(each.published for each in items))))
        about.append(element("lastBuildDate", format_datetime(_updated(items))))
    spaces = f'xmlns:atom="{_ATOM}" xmlns:content="{_CONTENT}" xmlns:dc="{_DC}"'
    lines = [XML, f'<rss version="2.0" {spaces}>', "<channel>", *about, *(each.rss for each in items)]
    return "\n".join([*lines, "</channel>", "</rss>", ""])


def atom(publication: Publication, feed: OwnFeed, items: Sequence[Written]) -> str:
    """*feed* as Atom 1.0."""
    settings = publication.settings
    home = publication.url(feed.path)
    author = _author(publication, feed.author) if feed.author else Author(settings.publisher, settings.site_url)
    about = [
        _atom_text("title", feed.title),
        *([_atom_text("subtitle", feed.description)] if feed.description else []),
        element("id", home),
        element("link", href=publication.url(feed.path + "atom.xml"), rel="self", type="application/atom+xml"),
        element("link", href=home, rel="alternate", type="text/html"),
        *(element("link", **link) for link in _hub(publication)),
        element("updated", _rfc3339(_updated(items))),
        element("generator", GENERATOR),
        _atom_author(author),
    ]
    lines = [
        XML,
        f'<feed xmlns="{_ATOM}" xml:lang="{plain(settings.language)}">',
        *about,
        *(each.atom for each in items),
    ]
    return "\n".join([*lines, "</feed>", ""])


def json_feed(publication: Publication, feed: OwnFeed, items: Sequence[Written]) -> str:
    """*feed* as JSON Feed 1.1."""
    settings = publication.settings
    author = _author(publication, feed.author) if feed.author else Author(settings.publisher, settings.site_url)
    about = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": publication.url(feed.path),
        "feed_url": publication.url(feed.path + "feed.json"),
        **({"description": feed.description} if feed.description else {}),
        "language": settings.language,
        "authors": [_json_author(author)],
        **({"hubs": [{"type": "WebSub", "url": settings.websub_hub}]} if settings.websub_hub else {}),
    }
    head = json.dumps(about, ensure_ascii=False, indent=1).removesuffix("\n}")
    listed = ",\n".join(each.json for each in items)
    return f'{head},\n "items": [\n{listed}\n ]\n}}\n'


Writer: TypeAlias = Callable[[Publication, OwnFeed, Sequence[Written]], str]
WRITERS: Final[tuple[Writer, ...]] = (rss, atom, json_feed)  # of `FORMATS`, in their order


# --- an item -----------------------------------------------------------------------------------------------------------------


def feed_item(publication: Publication, article: Article, *, alone: bool) -> Item:
    """*article* as all feeds carry it; *alone*: no other changed within the same second."""
    url = publication.url(article.url_path)
    people = publication.library.people
    notes = _corrections_html(corrections(article), retracted=article.status is Status.RETRACTED)
    made = publication.url(HOW_PAGE)
    before = f"<p>{escape(provenance(article))}</p>\n" if article.imported else ""
    line = f'{before}<p>{escape(authorship(article, people))}. <a href="{escape(made)}">How this is made</a></p>'
    body = _with_direction(boxed(publication.rendered[article.slug].absolute(url)), article.lang)
    view = publication.view(article)
    receipts = publication.url(view.receipts_url)
    rests = f'<p>{escape(view.tally)}. <a href="{escape(receipts)}">What each sentence rests on</a></p>\n'
    published, modified = _moments(article)
    known = tuple(_author(publication, people[author]) for author in article.authors if author in people)
    return Item(
        url=url,
        title=title_alone(article),
        dek=article.dek,
        html=f"{notes}{body}\n{_sources_html(view)}{rests}{line}",
        published=published,
        modified=modified,
        authors=known or (Author(publication.settings.publisher, publication.settings.site_url),),
        topics=tuple(topic.name for topic in publication.cards[article.slug].topics),
        lang=article.lang,
        links=_links(publication, view),
        signal=_signal(publication, view),
        fraction="" if alone else _fraction(article),
    )


def _moments(article: Article) -> tuple[dt.datetime, dt.datetime]:
    """When *article* was published, and last changed."""
    return article.date.astimezone(dt.UTC), article.modified.astimezone(dt.UTC)


def written(item: Item) -> Written:
    """*item* in each of the formats."""
    return Written(item.published, item.modified, rss_item(item), atom_entry(item), json_item(item))


def rss_item(item: Item) -> str:
    return _parent(
        "item",
        element("title", item.title),
        element("link", item.url),
        element("guid", item.url, isPermaLink="true"),
        element("pubDate", format_datetime(item.published)),
        *(element("dc:creator", author.name) for author in item.authors),
        *(element("category", topic) for topic in item.topics),
        *(element("atom:link", **link) for link in item.links),
        marked_up("description", escape(item.dek, quote=False)),  # HTML by the specification, so its words are escaped
        marked_up("content:encoded", item.html),
    )


def atom_entry(item: Item) -> str:
    return _parent(
        f'entry xml:lang="{plain(item.lang)}"',
        _atom_text("title", item.title),
        element("id", item.url),
        element("link", href=item.url, rel="alternate", type="text/html"),
        *(element("link", **link) for link in item.links),
        element("published", _rfc3339(item.published)),
        element("updated", _rfc3339(item.modified, fraction=item.fraction)),
        *(_atom_author(author) for author in item.authors),
        *(element("category", term=topic) for topic in item.topics),
        _atom_text("summary", item.dek),
        marked_up("content", item.html, type="html"),
    )


def json_item(item: Item) -> str:
    values = {
        "id": item.url,
        "url": item.url,
        "title": item.title,
        "summary": item.dek,
        "content_html": item.html,
        "date_published": _rfc3339(item.published),
        "date_modified": _rfc3339(item.modified),
        "authors": [_json_author(author) for author in item.authors],
        "tags": list(item.topics),
        "language": item.lang,
        "_signal": item.signal,
    }
    return json.dumps(values, ensure_ascii=False, indent=1)


def _with_direction(body: str, lang: str) -> str:
    """*body* as it reads where nothing around it says that its words go from right to left: no format has a place for that."""
    if direction(lang) == "ltr":
        return body
    return f'<div lang="{escape(lang)}" dir="rtl">\n{body}\n</div>'


def _links(publication: Publication, view: ArticleView) -> tuple[Mapping[str, str], ...]:
    """Each source (``via``, RFC 4287 4.2.7.2), the receipts and the claims file."""
    via = [{"rel": "via", "href": row.url, "title": row.title} for row in view.sources if row.url]
    receipts = {"rel": "related", "href": publication.url(view.receipts_url), "type": "text/html", "title": "Receipts"}
    claims = {
        "rel": "related",
        "href": publication.url(view.claims_url),
        "type": "application/json",
        "title": "Claims and what they rest on",
    }
    return (*via, receipts, claims)


def _signal(publication: Publication, view: ArticleView) -> dict[str, Any]:
    """The extension of JSON Feed 1.1; the handbook explains it."""
    return {
        "about": publication.url(HOW_PAGE),
        "claims": publication.url(view.claims_url),
        "receipts": publication.url(view.receipts_url),
        "tally": view.tally,
        "independence": view.independence,
        "sources": [
            {
                "title": row.title,
                "url": row.url,
                "tier": row.tier,
                "stored": row.has_copy,
                "about": publication.url(row.about),
            }
            for row in view.sources
        ],
    }


def _corrections_html(notes: Sequence[CorrectionNote], *, retracted: bool) -> str:
    first = "<p><strong>Retracted.</strong> We no longer stand by this article.</p>\n" if retracted else ""
    return first + "".join(
        f"<p><strong>Corrected {note.date_words}.</strong> {escape(f'{note.told} {note.why}'.rstrip())}</p>\n"
        for note in notes
    )


def _sources_html(view: ArticleView) -> str:
    if not view.sources:
        return ""
    items = "".join(f"<li>{_source_html(row)}</li>\n" for row in view.sources)
    return f"<h2>Sources</h2>\n<p>{escape(view.independence)}</p>\n<ol>\n{items}</ol>\n"


def _source_html(row: SourceRow) -> str:
    robust = "".join(f' {name}="{escape(value)}"' for name, value in row.robust.items())
    title = f'<a href="{escape(row.url)}"{robust}>{escape(row.title)}</a>' if row.url else escape(row.title)
    words = [*row.facts, row.tier, row.stored, *(["sample, invented"] if row.sample else [])]
    words += [f"reports {row.via}"] if row.via else []
    words += [row.note] if row.note else []
    quotes = "".join(f"<blockquote><p>{escape(quote)}</p></blockquote>" for quote in row.quotes)
    return f"{title} ({escape('; '.join(words))}){quotes}"


# --- small parts -------------------------------------------------------------------------------------------------------------


def _hub(publication: Publication) -> Iterator[Mapping[str, str]]:
    """Where a change of the feed is announced (WebSub 4)."""
    if publication.settings.websub_hub:
        yield {"href": publication.settings.websub_hub, "rel": "hub"}


def _author(publication: Publication, person: Person) -> Author:
    return Author(person.name, publication.url(author_path(person.id)))


def _atom_text(tag: str, words: str) -> str:
    """*words* as a text construct (RFC 4287 3.1): where they look like markup, as HTML that says that they are words."""
    if _LIKE_MARKUP.search(words):
        return marked_up(tag, escape(words, quote=False), type="html")
    return element(tag, words)


def _atom_author(author: Author) -> str:
    uri = element("uri", author.url) if author.url else ""
    return f"<author>{element('name', author.name)}{uri}</author>"


def _json_author(author: Author) -> dict[str, str]:
    return {"name": author.name, **({"url": author.url} if author.url else {})}


def _parent(tag: str, *children: str) -> str:
    return "\n".join([f"<{tag}>", *children, f"</{tag.partition(' ')[0]}>"])


def _updated(items: Sequence[Written]) -> dt.datetime:
    return max((each.modified for each in items), default=NEVER)


def _fraction(article: Article) -> str:
    """A part of the second that is this article's for ever: no two entries may be changed at one moment to the W3C's validator, and
    editors date to the second at best, mostly to the day."""
    return f".{int(hashlib.sha256(article.slug.encode()).hexdigest()[:8], 16) % 1_000_000:06}"


def _rfc3339(moment: dt.datetime, *, fraction: str = "") -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
