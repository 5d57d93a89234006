"""The built site and its feeds load nothing from anybody else, and follow nobody (P-10)."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from tests import loaded
from tests.site.conftest import SITE


def test_no_page_loads_anything_from_anybody_else(site: Path) -> None:
    """P-10: no script, picture, font, style or frame from another host, and no picture that nobody sees."""
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        read = loaded.read(page.read_text("utf-8"))
        assert loaded.foreign(read.found, base=SITE) == [], page
        assert read.small == [], page

    assert len(pages) > 10


def test_no_style_sheet_loads_anything_from_anybody_else(site: Path) -> None:
    """P-10"""
    sheets = sorted(site.rglob("*.css"))
    for sheet in sheets:
        found = [match[1] or match[2] for match in loaded.CSS.finditer(sheet.read_text("utf-8"))]
        assert loaded.foreign(found, base=SITE) == [], sheet

    assert sheets


def test_no_feed_carries_a_picture_of_anybody_else_or_a_link_that_counts(site: Path) -> None:
    """P-10: what a feed reader shows loads from the site alone, and its links lead straight to where they say."""
    feeds = [*site.rglob("*.xml"), *site.rglob("*.json")]
    for feed in feeds:
        text = feed.read_text("utf-8")
        text = _LEADS.sub("", text)
        bodies = [text, html.unescape(text)] if feed.suffix == ".xml" else list(_strings(json.loads(text)))
        for body in bodies:
            read = loaded.read(body)
            pictures = [address for address in read.found if not address.startswith(SITE)]
            assert loaded.foreign(pictures, base=SITE) == [], feed
            assert read.small == [], feed
            assert not [link for link in read.links if re.search(r"[?&](utm_|fbclid|mc_|ref=|url=http)", link)], feed

    assert len(feeds) >= 3


# A link of an item leads to a source; unlike one of a page, it loads nothing.
_LEADS = re.compile(r'<(?:atom:)?link\b[^>]*\brel="(?:via|related)"[^>]*>')


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []
