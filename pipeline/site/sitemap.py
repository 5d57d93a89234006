"""sitemap.xml (sitemaps.org 0.9), the sitemap of news, and robots.txt (RFC 9309)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from itertools import takewhile
from typing import Final, NamedTuple

from pipeline.library.dates import timestamp
from pipeline.model import Article, Status
from pipeline.site.publication import Publication
from pipeline.site.xmltext import XML, element

SITEMAP: Final = "sitemap.xml"
NEWS: Final = "news-sitemap.xml"
MOST: Final = 50_000  # addresses that one sitemap may hold
NEWS_FOR: Final = dt.timedelta(days=2)  # what is older is no news to those who read the sitemap of news
MOST_NEWS: Final = 1_000
NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS_NAMESPACE: Final = "http://www.google.com/schemas/sitemap-news/0.9"
_TRADITIONAL: Final = frozenset({"hant", "tw", "hk", "mo"})


class Sitemap(NamedTuple):
    """One of the sitemap's files: of pages, or of the other files."""

    tag: str  # url | sitemap
    rows: tuple[tuple[str, dt.datetime | None], ...]

    def text(self) -> str:
        tag = "urlset" if self.tag == "url" else "sitemapindex"
        return _document(tag, (_row(self.tag, address, modified) for address, modified in self.rows))


def sitemaps(
    pages: Iterable[tuple[str, dt.datetime | None]], *, site_url: str, most: int = MOST
) -> tuple[tuple[str, Sitemap], ...]:
    """The sitemap of *pages* (absolute address, and when it last changed where that is known), by address, with its path.

    Beyond *most* pages it becomes a list of sitemaps, and each of these follows.
    """
    rows = tuple(sorted(pages, key=lambda page: page[0]))
    if len(rows) <= most:
        return ((SITEMAP, Sitemap("url", rows)),)
    first, *names = sitemap_paths(len(rows), most=most)
    parts = [(name, rows[at * most : (at + 1) * most]) for at, name in enumerate(names)]
    listed = tuple((site_url + name, _newest(part)) for name, part in parts)
    return ((first, Sitemap("sitemap", listed)), *((name, Sitemap("url", part)) for name, part in parts))


def sitemap_paths(number: int, *, most: int = MOST) -> tuple[str, ...]:
    """The files of the sitemap of so many pages."""
    parts = -(-number // most)
    return (SITEMAP, *(f"sitemap-{part}.xml" for part in range(1, parts + 1))) if parts > 1 else (SITEMAP,)


def fresh(publication: Publication) -> tuple[Article, ...]:
    """The articles of the last two days that we stand by, newest first."""
    oldest = publication.now - NEWS_FOR
    dated = takewhile(lambda article: article.date >= oldest, publication.articles)
    return tuple(article for article in dated if article.status is not Status.RETRACTED)[:MOST_NEWS]


def news_sitemap(publication: Publication) -> str:
    """The articles that are fresh, for search engines that show news."""
    rows = (_news_row(publication, article) for article in fresh(publication))
    return _document("urlset", rows, f' xmlns:news="{_NEWS_NAMESPACE}"')


def robots(site_url: str) -> str:
    """Everybody may read everything; where the maps are."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {site_url}{SITEMAP}\nSitemap: {site_url}{NEWS}\n"


def _document(tag: str, rows: Iterable[str], spaces: str = "") -> str:
    return "\n".join([XML, f'<{tag} xmlns="{NAMESPACE}"{spaces}>', *rows, f"</{tag}>", ""])


def _row(tag: str, address: str, modified: dt.datetime | None) -> str:
    when = f"<lastmod>{_w3c(modified)}</lastmod>" if modified else ""
    return f"<{tag}><loc>{escape(address, quote=False)}</loc>{when}</{tag}>"


def _news_row(publication: Publication, article: Article) -> str:
    language = element("news:language", _language(article.lang))
    named = f"<news:publication>{element('news:name', publication.settings.site_name)}{language}</news:publication>"
    dated = element("news:publication_date", _w3c(article.date))
    news = f"<news:news>{named}{dated}{element('news:title', article.title)}</news:news>"
    return f"<url><loc>{escape(publication.url(article.url_path), quote=False)}</loc>{news}</url>"


def _language(lang: str) -> str:
    """*lang* as the sitemap of news has it: without script and region, but for Chinese, of which it knows two kinds."""
    language, *parts = lang.lower().split("-")
    if language != "zh":
        return language
    return "zh-tw" if _TRADITIONAL & set(parts) else "zh-cn"


def _newest(rows: Sequence[tuple[str, dt.datetime | None]]) -> dt.datetime | None:
    return max((modified for _, modified in rows if modified), default=None)


# An article and its receipts stand behind each other, and were changed at one moment.
_w3c: Final = lru_cache(maxsize=64)(timestamp)
