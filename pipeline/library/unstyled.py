"""An article's HTML for letters, where no style sheet can be relied on. (What feeds need is in `site.boxes`: they keep no class.)

    admonition, details, tab   a box (a table of one cell) that begins with its title, open
    listing                    a plain ``pre`` without colours; its file name is a line before it
    figure, mark               a ``div`` and bold words, since mail programs drop the elements themselves

Tables, lists, task lists, citations and all text stay as they are. What comes in has passed `clean`: it is well-formed, text holds
no bare ``<`` and attributes stand in double quotes. Nothing is added but plain elements and the classes `box`, `boxed`, `box-title`
and `caption`, which a letter's own sheet may dress.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PIECE: Final = re.compile(r'<(/?)([a-z][a-z0-9]*)((?:[^">]|"[^"]*")*)>|[^<]+')
_CLASS: Final = re.compile(r' class="([^"]*)"')
_VOID: Final = frozenset({"br", "col", "hr", "img"})
_BOX: Final = (
    '<table class="box" role="presentation" border="1" cellpadding="12" cellspacing="0"><tr><td class="boxed">',
    "</td></tr></table>",
)
_TITLE: Final = ('<p class="box-title"><strong>', "</strong></p>")
_NOTHING: Final = ("", "")


def unstyled(html: str) -> str:
    """*html*, as `render_article` gives it, in elements that every mail program shows."""
    return "".join(_pieces(html))


def _pieces(html: str) -> Iterator[str]:
    open_elements: list[tuple[str, str]] = []  # name, and what stands for its end
    for piece in _PIECE.finditer(html):
        closing, name, attributes = piece[1], piece[2], piece[3]
        if name is None or name in _VOID:
            yield piece[0]
        elif closing:
            assert open_elements[-1][0] == name, "a cleaned article is well-formed"
            yield open_elements.pop()[1]
        else:
            listing = any(outer == "pre" for outer, _ in open_elements)
            begin, end = _translated(name, attributes, piece[0], listing=listing)
            open_elements.append((name, end))
            yield begin


def _translated(name: str, attributes: str, tag: str, *, listing: bool) -> tuple[str, str]:
    """What begins and what ends an element in the place of *tag*; within a *listing* colours go."""
    found = _CLASS.search(attributes)
    classes = found[1].split() if found else []
    if listing:
        return _NOTHING if name in ("code", "span") else (tag, f"</{name}>")
    if name == "details" or "admonition" in classes:
        return _BOX
    if name == "summary" or "admonition-title" in classes:
        return _TITLE
    if "filename" in classes:
        return '<p class="caption">', "</p>"
    if name == "div":  # around a listing, or around tabs
        return _NOTHING
    if name == "pre":
        return "<pre>", "</pre>"
    if name == "figure":
        return "<div>", "</div>"
    if name == "figcaption":
        return '<p class="caption">', "</p>"
    if name == "mark":
        return "<strong>", "</strong>"
    return tag, f"</{name}>"
