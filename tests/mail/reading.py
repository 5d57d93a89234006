"""A letter's HTML as a mail program takes it in."""

from __future__ import annotations

from html.parser import HTMLParser


def tags(html: str) -> set[str]:
    """The elements that are really there: in the value of an attribute, ``<b>`` is text."""
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            found.add(tag)

    Reader().feed(html)
    return found
