"""Older addresses that lead on to articles: a page at each, for any host, and the file `_redirects`, for hosts that read one.

Hosts that read `_redirects` answer 301 before a page is loaded; everywhere else the page sends browsers on at once, and tells
search engines by its canonical address.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator
from functools import partial
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

from pipeline.library import typographic
from pipeline.model import Article
from pipeline.site.pages import Output
from pipeline.site.publication import Publication, fingerprint

REDIRECTS: Final = "_redirects"
_SAFE: Final = "/~!$&()+,;=@"


def alias_files(publication: Publication, *, taken: Container[str]) -> Iterator[Output]:
    """Each file: none that is *taken* by a page of the site, which comes first (`check` tells of it, S052)."""
    targets = {
        alias: article
        for article in reversed(publication.articles)
        for alias in article.aliases
        if _file(alias) not in taken
    }
    for alias, article in targets.items():
        made_of = fingerprint(publication.name(article), alias)
        yield Output(_file(alias), made_of, partial(_page, publication, alias, article))
    if targets:
        base = urlsplit(publication.settings.site_url).path
        lines = "".join(
            line for alias, article in sorted(targets.items()) for line in _lines(base, alias, article.url_path)
        )
        yield Output(REDIRECTS, lines.encode(), partial(str, lines))


def _file(alias: str) -> str:
    return f"{alias}index.html" if alias.endswith("/") else alias


def _lines(base: str, alias: str, target: str) -> Iterator[str]:
    """Some hosts take an address with and without its last slash for two."""
    for address in dict.fromkeys((alias, alias.rstrip("/"))):
        yield f"{base}{quote(address, safe=_SAFE)} {base}{target} 301\n"


def _page(publication: Publication, alias: str, article: Article) -> str:
    settings, target = publication.settings, article.url_path
    title = typographic(article.title, language=article.lang)
    href = escape(f"{posixpath.relpath(target, posixpath.dirname(alias) or '.')}/")
    return f"""<!doctype html>
<html lang="{escape(settings.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Moved: {escape(title)}</title>
<link rel="canonical" href="{escape(publication.url(target))}">
<meta http-equiv="refresh" content="0; url={href}">
</head>
<body>
<main>
<h1>This article has moved</h1>
<p><a href="{href}">{escape(title)}</a></p>
</main>
</body>
</html>
"""
