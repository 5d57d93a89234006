"""Reads the words of our own pages back out of them, as a stranger would who has nothing but the page.

What counts as an article's words: its headline, its deck and its body as text, without the citations, each run of white space one
space. `claims` writes their hash beside the page, `verify` takes it again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from html import unescape
from html.parser import HTMLParser
from typing import Final

_IN_A_LINE: Final = frozenset(
    "a abbr b cite code del em i ins kbd mark q s samp small span strong sub sup time u".split()
)
_WITHOUT_END: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
_TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9-]*)((?:[^">]|"[^"]*")*)>')
_CLASSES: Final = re.compile(r'\sclass="([^"]*)"')
_CITATIONS: Final = frozenset({"cite", "cite-sep"})


def article_words(page: str) -> str:
    """The words of the article on *page*, as HTML."""
    return " ".join(words_of(page, {("h1", ""), ("p", "deck"), ("div", "prose")}, inside="article"))


def words_of_article(title: str, deck: str, body: str) -> str:
    """What `article_words` finds on the page of an article: *title* and *deck* are text, *body* is HTML that `library.clean` gave.

    There each tag is closed by its own, and no ``<`` is anything else: an expression reads that in a quarter of the time.
    """
    pieces: list[str] = []
    at, passed_over = 0, 0  # how many elements of superscript are open, from a citation on
    for tag in _TAG.finditer(body):
        if not passed_over:
            pieces.append(body[at : tag.start()])
        at, name = tag.end(), tag[2]
        if name not in _IN_A_LINE:
            pieces.append(" ")
        elif name == "sup" and (passed_over or _is_citation(tag[3])):
            passed_over += -1 if tag[1] else 1
    words = unescape("".join((*pieces, body[at:])))
    return " ".join(" ".join(part.split()) for part in (title, deck, words))


def _is_citation(attributes: str) -> bool:
    classes = _CLASSES.search(attributes)
    return classes is not None and not _CITATIONS.isdisjoint(classes[1].split())


def words_sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def words_of(page: str, wanted: Iterable[tuple[str, str]], *, inside: str = "") -> list[str]:
    """The words of each element of *page* whose tag and class are *wanted* (class empty: any), in order of the page.

    *inside*: only below an element of that class. An element in a wanted element is part of that one's words.
    """
    reader = _Reader(frozenset(wanted), inside)
    reader.feed(page)
    reader.close()
    return [" ".join("".join(pieces).split()) for pieces in reader.found]


class _Reader(HTMLParser):
    def __init__(self, wanted: frozenset[tuple[str, str]], inside: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[list[str]] = []
        self._wanted = wanted
        self._inside = inside
        self._open: list[tuple[str, frozenset[str]]] = []
        self._since: int | None = None  # how many elements were open when the wanted one began
        self._passed_over: int | None = None  # likewise, of a citation

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = frozenset((dict(attrs).get("class") or "").split())
        self._gap(tag)
        if tag in _WITHOUT_END:
            return
        if self._since is None and self._is_wanted(tag, classes):
            self._since = len(self._open)
            self.found.append([])
        elif self._since is not None and self._passed_over is None and tag == "sup" and classes & _CITATIONS:
            self._passed_over = len(self._open)
        self._open.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        if not any(name == tag for name, _ in self._open):
            return
        while self._open.pop()[0] != tag:
            pass
        self._gap(tag)
        if self._passed_over is not None and len(self._open) <= self._passed_over:
            self._passed_over = None
        if self._since is not None and len(self._open) <= self._since:
            self._since = None

    def handle_data(self, data: str) -> None:
        if self._since is not None and self._passed_over is None:
            self.found[-1].append(data)

    def _gap(self, tag: str) -> None:
        """Words in two blocks are two words, also where no white space parts the blocks."""
        if tag not in _IN_A_LINE and self._since is not None:
            self.found[-1].append(" ")

    def _is_wanted(self, tag: str, classes: frozenset[str]) -> bool:
        if self._inside and not any(self._inside in above for _, above in self._open):
            return False
        return (tag, "") in self._wanted or any((tag, name) in self._wanted for name in classes)
