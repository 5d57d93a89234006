"""sitemap.xml (sitemaps.org 0.9) and robots.txt (RFC 9309)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from xml.sax.saxutils import escape

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(pages: Iterable[tuple[str, dt.datetime | None]]) -> str:
    """The sitemap of *pages*: absolute address, and when it last changed where that is known. Sorted by address."""
    lines = [_line(address, modified) for address, modified in sorted(pages, key=lambda page: page[0])]
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', f'<urlset xmlns="{NAMESPACE}">', *lines, "</urlset>", ""]
    )


def robots(site_url: str) -> str:
    """Everybody may read everything; where the map is."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {site_url}sitemap.xml\n"


def _line(address: str, modified: dt.datetime | None) -> str:
    when = f"<lastmod>{modified.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}</lastmod>" if modified else ""
    return f"<url><loc>{escape(address)}</loc>{when}</url>"
