"""Compose an issue once for a selection of articles: subject, text and HTML, with blanks where subscribers differ.

A daily or weekly issue is a digest: the first article leads with its opening, the others follow in brief, each with its sources by
name. A letter of an ``each`` issue carries its article whole.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from pipeline.config import Settings
from pipeline.errors import ContentError, SettingsError
from pipeline.library import (
    Library,
    render_article,
    summary_paragraphs,
    summary_to_plain_text,
    to_plain_text,
    typographic,
)
from pipeline.library.citations import CITATION
from pipeline.library.credits import authorship, weight
from pipeline.mail.layout import MAX_PREHEADER, WIDTH, render_html, render_text
from pipeline.mail.message import build_message
from pipeline.mail.plan import Composed
from pipeline.mail.stamp import BLANKS
from pipeline.model import Article, Cadence, Issue

OPENING_PARAGRAPHS = 2
NAMED_SOURCES = 3
MAX_HTML = 90_000  # octets decoded; Gmail clips a letter at about 102 kB
MAX_HTML_ENCODED = 102_400


@dataclass(frozen=True, slots=True)
class Links:
    """Where a subscriber's own links lead."""

    unsubscribe: str
    preferences: str
    how: str


def compose(issue: Issue, articles: Sequence[Article], *, library: Library, settings: Settings) -> Composed:
    """The letter of *issue* that carries *articles*, newest first.

    Raises `ContentError` when it would be too large to be shown whole, `SettingsError` when the law's postal address is missing.
    """
    if not settings.postal_address.strip():
        raise SettingsError("postal_address is empty; law asks for it in every letter: set it in pyproject.toml")
    whole = issue.cadence is Cadence.EACH
    items = [_item(article, library, settings, whole=whole, lead=place == 0) for place, article in enumerate(articles)]
    subject = str(items[0]["subject"])
    links = Links(
        unsubscribe=f"{settings.web_url}unsubscribe/{BLANKS['unsubscribe']}",
        preferences=f"{settings.web_url}preferences/{BLANKS['preferences']}",
        how=f"{settings.site_url}how-this-is-made/",
    )
    values = {
        "subject": subject,
        "preheader": _preheader(articles),
        "line": _line(issue, articles, library),
        "why": why(issue.cadence, settings),
        "links": links,
        "item": items[0],
        "items": items,
    }
    kind = "article" if whole else "digest"
    html = render_html(kind, settings, values)
    text = render_text(kind, settings, values)
    _must_fit(html, issue)
    message = build_message(
        sender=(settings.sender_name, settings.sender_address),
        to=BLANKS["recipient"],
        subject=subject,
        text=text,
        html=html,
        date=issue.closes_at,
        message_id=f"<{BLANKS['message_id']}@{settings.sender_address.rpartition('@')[2]}>",
        headers=list_headers(settings, links),
    )
    return Composed(subject=subject, message=message)


def _item(article: Article, library: Library, settings: Settings, *, whole: bool, lead: bool) -> dict[str, Any]:
    """What the templates show of one article."""
    sources = [library.sources[name] for name in article.source_ids if name in library.sources]
    topic = library.topics.get(article.topics[0]) if article.topics else None
    item: dict[str, Any] = {
        "topic": topic.name if topic else settings.site_name,
        "title": article.title,
        "subject": article.email_subject or article.title,
        "dek": article.dek,
        "set_title": typographic(article.title, language=article.lang),  # for the HTML part; plain text stays as typed
        "set_dek": typographic(article.dek, language=article.lang),
        "url": settings.site_url + article.url_path,
        "weight": weight(sources),
        "sources": sorted(sources, key=lambda source: not source.is_primary)[:NAMED_SOURCES],
        "more": max(0, len(sources) - NAMED_SOURCES),
    }
    if whole:
        rendered = render_article(article, library, site_url=settings.site_url)
        item["html"] = rendered.absolute(item["url"])
        item["text"] = to_plain_text(article, library, site_url=settings.site_url, width=WIDTH)
        item["cited"], item["minutes"], item["made"] = (
            rendered.cited,
            rendered.minutes,
            authorship(article, library.people),
        )
    elif lead:
        opening = _opening(article)
        item["opening_html"] = render_article(opening, library, site_url=settings.site_url).absolute(item["url"])
        item["opening_text"] = summary_to_plain_text(
            opening, library, site_url=settings.site_url, paragraphs=OPENING_PARAGRAPHS, width=WIDTH
        )
    return item


def _opening(article: Article) -> Article:
    """The article cut to its first paragraphs, without citations: the letter names the sources below them."""
    opening = summary_paragraphs(article, OPENING_PARAGRAPHS)
    return replace(article, body=re.sub(f"{CITATION}|<!--.*?-->", "", opening, flags=re.DOTALL), citations=())


def _preheader(articles: Sequence[Article]) -> str:
    """What the inbox shows behind the subject: the editor's words, else the next titles, else the dek."""
    lead, rest = articles[0], articles[1:3]
    text = lead.email_preheader or " · ".join(article.title for article in rest) or lead.dek
    return textwrap.shorten(text, MAX_PREHEADER, placeholder=" …")


def _line(issue: Issue, articles: Sequence[Article], library: Library) -> str:
    day = f"{issue.date:%A} {issue.date.day} {issue.date:%B %Y}"
    number = len({name for article in articles for name in article.source_ids if name in library.sources})
    if issue.cadence is Cadence.EACH:
        return day
    what = "The week to " if issue.cadence is Cadence.WEEKLY else ""
    stories = "1 article" if len(articles) == 1 else f"{len(articles)} articles"
    return f"{what}{day} · {stories} · {number} {'source' if number == 1 else 'sources'}"


def why(cadence: Cadence, settings: Settings) -> str:
    return (
        f"You get this because you asked for {settings.site_name} {CADENCE_WORDS[cadence]} and confirmed it by e-mail."
    )


CADENCE_WORDS: Mapping[Cadence, str] = {
    Cadence.DAILY: "daily",
    Cadence.WEEKLY: "weekly",
    Cadence.EACH: "article by article",
}


def list_headers(settings: Settings, links: Links) -> dict[str, str]:
    """RFC 2369, 2919, 8058 and 3834: what lets a mail reader sort, unsubscribe and keep quiet."""
    host = urlsplit(settings.site_url).hostname or "localhost"
    slug = re.sub(r"[^a-z0-9]+", "-", settings.site_name.lower()).strip("-") or "newsletter"
    return {
        "Reply-To": settings.reply_to or settings.sender_address,
        "List-Id": f"<{slug}.{host}>",
        "List-Unsubscribe": f"<{links.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": f"<{settings.site_url}subscribe/>",
        "List-Archive": f"<{settings.site_url}archive/>",
        **automatic_headers(),
    }


def automatic_headers() -> dict[str, str]:
    """What tells other machines not to answer (RFC 3834, M-37). Never ``All``: that would eat bounces."""
    return {
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def _must_fit(html: str, issue: Issue) -> None:
    """Gmail cuts a larger letter off, and with it the way to unsubscribe (M-10)."""
    size = len(html.encode())
    encoded = size + html.count("=") * 2 + sum(2 for c in html.encode() if c > 126)
    if size > MAX_HTML or encoded > MAX_HTML_ENCODED:
        raise ContentError(
            f"{issue.key}: the HTML of a letter is {size // 1000} kB ({encoded // 1000} kB encoded), and mail readers show no more "
            f"than {MAX_HTML // 1000} kB ({MAX_HTML_ENCODED // 1000} kB encoded); "
            "shorten the article, or give it `email: {skip: true}`"
        )
