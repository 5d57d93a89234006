"""An article's HTML for readers that know no style sheet of ours: feeds.

    admonitions, details, tabs   a box with its title in bold, open: a table of one cell, the one box that every reader draws
    tables                       with lines, by the attribute that readers keep where they drop styles
    listings                     their text; the name of the file above it, no colours, no numbers of lines
    definition lists             the term in bold
    classes and ids              none: nothing styles the first, and the second would meet those of other articles on one page

It takes what `library.clean` has cleaned: text holds no bare ``<``, attributes stand in double quotes, every element is closed.
"""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9-]*)((?:[^">]|"[^"]*")*)>', re.IGNORECASE)
_CLASS: Final = re.compile(r' class="([^"]*)"')
_OF_THE_PAGE: Final = re.compile(r' (?:class|id|name|open|tabindex)="[^"]*"')
_NAMED: Final = re.compile(r'<span class="filename">(.*?)</span>', re.DOTALL)
_CODE: Final = re.compile(r"<code[^>]*>(.*?)</code>", re.DOTALL)
_MARKUP: Final = re.compile(r"<[^>]*>")
_WITHOUT_END: Final = frozenset({"br", "col", "hr", "img"})

_LINES: Final = ' border="1" cellpadding="6" cellspacing="0"'
# Two boxes, or a box and a table, would touch each other: no reader gives tables a margin of its own.
_BOX: Final = f'<table role="presentation"{_LINES} width="100%" style="margin:1em 0"><tbody><tr><td>'
_BOX_ENDS: Final = "</td></tr></tbody></table>"


def boxed(html: str) -> str:
    """*html* with nothing in it that needs a style sheet to be read as it was meant."""
    written: list[str] = []
    closing: list[str] = []  # what to write where each open element ends
    at = 0
    while found := _TAG.search(html, at):
        written.append(html[at : found.start()])
        at = found.end()
        ends, name, attributes = found[1], found[2].lower(), found[3]
        if ends:
            written.append(closing.pop())
            continue
        classes = _classes(attributes)
        if name == "div" and "highlight" in classes:
            end = _end_of(html, at, name)
            written.append(_listing(html[at:end]))
            at = html.index(">", end) + 1
            continue
        opening, close = _plain(name, classes, _OF_THE_PAGE.sub("", attributes))
        written.append(opening)
        if name not in _WITHOUT_END:
            closing.append(close)
    return "".join([*written, html[at:]])


def _plain(name: str, classes: frozenset[str], attributes: str) -> tuple[str, str]:
    """What stands for the beginning of an element and for its end."""
    if name == "details" or "admonition" in classes:
        return _BOX, _BOX_ENDS
    if name == "summary" or "admonition-title" in classes:
        return "<p><strong>", "</strong></p>"
    if name == "dt":
        return "<dt><strong>", "</strong></dt>"
    if name == "table":
        return f"<table{_LINES}{attributes}>", "</table>"
    if name == "span" and not attributes:
        return "", ""
    return f"<{name}{attributes}>", f"</{name}>"


def _listing(inner: str) -> str:
    """The text of a listing, from what stands in its box."""
    named = _NAMED.search(inner)
    code = _CODE.search(inner)
    text = _MARKUP.sub("", code[1] if code else inner)
    return (f"<p><strong>{named[1]}</strong></p>\n" if named else "") + f"<pre><code>{text}</code></pre>"


def _end_of(html: str, at: int, name: str) -> int:
    """Where the element that was opened before *at* is closed."""
    depth = 1
    for tag in _TAG.finditer(html, at):
        if tag[2].lower() == name:
            depth += -1 if tag[1] else 1
        if not depth:
            return tag.start()
    return len(html)


def _classes(attributes: str) -> frozenset[str]:
    found = _CLASS.search(attributes)
    return frozenset(found[1].split()) if found else frozenset()
