"""The feeds for readers: RSS 2.0 (with content:encoded, dc:creator, atom:link), Atom 1.0 (RFC 4287), JSON Feed 1.1.

All three carry the same items: the newest public articles with their full text, corrections first, then the text, the list of its
sources, and what its sentences rest on. Sources are links of the item too (``via``), and `_signal` tells them to programs.
Every address is absolute; an item's id is its page's address, which never changes. Dates are the articles' own, never the
build's, so that building again gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

from pipeline.library import authorship, provenance
from pipeline.model import Article, Status
from pipeline.site.publication import ArticleView, CorrectionNote, Publication, SourceRow, corrections

FEED_ITEMS = 30
HOW_PAGE = "how-this-is-made/"
NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # the date of a feed without items, which Atom must have

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
for _prefix, _namespace in (("atom", _ATOM), ("content", _CONTENT), ("dc", _DC)):
    ET.register_namespace(_prefix, _namespace)

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


@dataclass(frozen=True, slots=True)
class Item:
    url: str
    title: str
    dek: str
    html: str
    published: dt.datetime
    modified: dt.datetime
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    lang: str
    links: tuple[Mapping[str, str], ...] = ()  # what it rests on, as attributes of a link
    signal: Mapping[str, Any] = field(default_factory=dict)  # the same for programs


def feed_items(publication: Publication) -> tuple[Item, ...]:
    """The newest articles as all three feeds carry them."""
    return tuple(_item(publication, article) for article in publication.articles[:FEED_ITEMS])


def rss(publication: Publication, items: Sequence[Item]) -> str:
    settings = publication.settings
    root = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", settings.site_name)
    _add(channel, "link", settings.site_url)
    _add(channel, "description", settings.site_description)
    _add(channel, "language", settings.language)
    _add(channel, "generator", "Open Signal")
    _add(channel, "docs", "https://www.rssboard.org/rss-specification")
    own = {"href": publication.url("feed.xml"), "rel": "self", "type": "application/rss+xml"}
    _add(channel, f"{{{_ATOM}}}link", **own)
    if items:
        _add(channel, "pubDate", format_datetime(max(item.published for item in items)))
        _add(channel, "lastBuildDate", format_datetime(_updated(items)))
    for item in items:
        entry = ET.SubElement(channel, "item")
        _add(entry, "title", item.title)
        _add(entry, "link", item.url)
        _add(entry, "guid", item.url, isPermaLink="true")
        _add(entry, "pubDate", format_datetime(item.published))
        for author in item.authors:
            _add(entry, f"{{{_DC}}}creator", author)
        for topic in item.topics:
            _add(entry, "category", topic)
        for link in item.links:
            _add(entry, f"{{{_ATOM}}}link", **link)
        _add(entry, "description", item.dek)
        _add(entry, f"{{{_CONTENT}}}encoded", item.html)
    return _document(root)


def atom(publication: Publication, items: Sequence[Item]) -> str:
    settings = publication.settings
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": settings.language})
    _add(root, "title", settings.site_name)
    _add(root, "subtitle", settings.site_description)
    _add(root, "id", settings.site_url)
    _add(root, "link", href=publication.url("atom.xml"), rel="self", type="application/atom+xml")
    _add(root, "link", href=settings.site_url, rel="alternate", type="text/html")
    _add(root, "updated", _rfc3339(_updated(items)))
    _add(root, "generator", "Open Signal")
    _add(ET.SubElement(root, "author"), "name", settings.publisher)
    for item in items:
        entry = ET.SubElement(root, "entry", {"xml:lang": item.lang})
        _add(entry, "title", item.title, type="text")
        _add(entry, "id", item.url)
        _add(entry, "link", href=item.url, rel="alternate", type="text/html")
        for link in item.links:
            _add(entry, "link", **link)
        _add(entry, "published", _rfc3339(item.published))
        _add(entry, "updated", _rfc3339(item.modified))
        for author in item.authors:
            _add(ET.SubElement(entry, "author"), "name", author)
        for topic in item.topics:
            _add(entry, "category", term=topic)
        _add(entry, "summary", item.dek, type="text")
        _add(entry, "content", item.html, type="html")
    return _document(root)


def json_feed(publication: Publication, items: Sequence[Item]) -> str:
    settings = publication.settings
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": settings.site_name,
        "home_page_url": settings.site_url,
        "feed_url": publication.url("feed.json"),
        "description": settings.site_description,
        "language": settings.language,
        "authors": [{"name": settings.publisher, "url": settings.site_url}],
        "items": [
            {
                "id": item.url,
                "url": item.url,
                "title": item.title,
                "summary": item.dek,
                "content_html": item.html,
                "date_published": _rfc3339(item.published),
                "date_modified": _rfc3339(item.modified),
                "authors": [{"name": author} for author in item.authors],
                "tags": list(item.topics),
                "language": item.lang,
                "_signal": item.signal,
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1) + "\n"


# --- an item -----------------------------------------------------------------------------------------------------------------


def _item(publication: Publication, article: Article) -> Item:
    url = publication.url(article.url_path)
    people = publication.library.people
    notes = _corrections_html(corrections(article), retracted=article.status is Status.RETRACTED)
    made = publication.url(HOW_PAGE)
    before = f"<p>{escape(provenance(article))}</p>\n" if article.imported else ""
    line = f'{before}<p>{escape(authorship(article, people))}. <a href="{escape(made)}">How this is made</a></p>'
    body = publication.rendered[article.slug].absolute(url)
    view = publication.view(article)
    receipts = publication.url(view.receipts_url)
    rests = f'<p>{escape(view.tally)}. <a href="{escape(receipts)}">What each sentence rests on</a></p>\n'
    return Item(
        url=url,
        title=article.title,
        dek=article.dek,
        html=f"{notes}{body}\n{_sources_html(view)}{rests}{line}",
        published=article.date.astimezone(dt.UTC),
        modified=article.modified.astimezone(dt.UTC),
        authors=tuple(people[a].name for a in article.authors if a in people) or (publication.settings.publisher,),
        topics=tuple(topic.name for topic in publication.cards[article.slug].topics),
        lang=article.lang,
        links=_links(publication, view),
        signal=_signal(publication, view),
    )


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
    items = "".join(f'<li id="{escape(row.anchor)}">{_source_html(row)}</li>\n' for row in view.sources)
    return f"<h2>Sources</h2>\n<p>{escape(view.independence)}</p>\n<ol>\n{items}</ol>\n"


def _source_html(row: SourceRow) -> str:
    robust = "".join(f' {name}="{escape(value)}"' for name, value in row.robust.items())
    title = f'<a href="{escape(row.url)}"{robust}>{escape(row.title)}</a>' if row.url else escape(row.title)
    words = [*row.facts, row.tier, row.stored, *(["sample, invented"] if row.sample else [])]
    words += [f"reports {row.via}"] if row.via else []
    words += [row.note] if row.note else []
    quotes = "".join(f"<blockquote><p>{escape(quote)}</p></blockquote>" for quote in row.quotes)
    return f"{title} ({escape('; '.join(words))}){quotes}"


# --- writing XML -------------------------------------------------------------------------------------------------------------


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> None:
    element = ET.SubElement(parent, tag, {name: _NOT_XML.sub("", value) for name, value in attributes.items()})
    element.text = _NOT_XML.sub("", text) or None


def _document(root: ET.Element) -> str:
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _updated(items: Sequence[Item]) -> dt.datetime:
    return max((item.modified for item in items), default=NEVER)


def _rfc3339(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
