"""Small changes to HTML that `library.clean` has already cleaned: text holds no bare ``<`` and attributes stand in double quotes.

Only whole tags are touched, so that words which look like markup, in a listing or in a title attribute, stay words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape

from pipeline.model import Source

_TAG = re.compile(r'</?([a-z][a-z0-9-]*)(?:[^">]|"[^"]*")*>', re.IGNORECASE)
_FIRST_CITATION = re.compile(r'<sup class="cite">(?=<a href="#source-(\d+)" id="cite-\1-1")')
_EN_SPACE = "\u2002"
_TITLE = re.compile(r"<h1[ >].*?</h1>\s*", re.DOTALL)

SHORT_CODE = 24  # characters that stay on one line; they fit beside the margins of the narrowest phone
_WORDS_OF_CODE = re.compile(r"([^<\n]+)</code>")
_ALIGN = re.compile(r' align="(left|right|center)"')
_TABLE_BOX = '<div class="table" role="group" aria-label="Table" tabindex="0">'


def dressed(html: str) -> str:
    """*html* as our style sheet wants it: tables in boxes that scroll sideways, listings too, by keyboard as well; alignment in
    classes, since the attribute is obsolete (HTML, 16.2); and short code in the text marked, so that ``--json`` is not broken
    after its hyphens."""

    def dress(match: re.Match[str]) -> str:
        name, tag = match[1].lower(), match[0]
        if tag == "<code>" and _is_short(_WORDS_OF_CODE.match(html, match.end())):
            return '<code class="short">'
        if name == "table":
            return f"{tag}</div>" if tag.startswith("</") else f"{_TABLE_BOX}{tag}"
        if name == "pre" and not tag.startswith("</"):
            return f'<pre tabindex="0"{tag[4:]}'
        return _ALIGN.sub(r' class="align-\1"', tag) if name in ("th", "td") else tag

    return _TAG.sub(dress, html)


def without_title(html: str) -> str:
    """*html* without its first h1, which the page's template prints."""
    return _TITLE.sub("", html, count=1)


def with_margin_notes(html: str, sources: Mapping[int, Source]) -> str:
    """*html* with the name of each source at its first citation; the style sheet sets it in the margin of a wide screen."""

    def note(match: re.Match[str]) -> str:
        source = sources.get(int(match[1]))
        if source is None:
            return match[0]
        primary = " primary" if source.is_primary else ""
        words = escape(f"{match[1]}{_EN_SPACE}{source.publisher}")
        return f'<sup class="cite{primary}" data-note="{words}">'

    return _FIRST_CITATION.sub(note, html)


def _is_short(code: re.Match[str] | None) -> bool:
    return code is not None and len(unescape(code[1])) <= SHORT_CODE
