"""An article as plain text, for mail: made from its Markdown, never from HTML.

Links and citations become ``[1]``, ``[2]`` in one row of numbers, and a list at the end says where each leads. Lines are wrapped at
*width* columns; code, addresses and words longer than a line are not broken.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from pipeline.library import links
from pipeline.library.citations import CODE_MARK, PARAGRAPH, prose
from pipeline.library.deeplinks import address
from pipeline.library.receipts import status_note, stored_words
from pipeline.library.render import body_tree, too_deep
from pipeline.model import Article, Source

if TYPE_CHECKING:
    from pipeline.library import Library

WIDTH: Final = 72
NARROWEST: Final = 20  # columns that are left to text however deep it is indented
_BREAK: Final = "\u2028"  # a line break that the author wants, until the lines are wrapped
_INDENT: Final = "    "
_GAP: Final = "  "  # between the columns of a table
_UNDERLINES: Final = {"h1": "=", "h2": "-", "h3": "."}
_BLOCKS: Final = frozenset(
    "h1 h2 h3 h4 h5 h6 p ul ol li dl dt dd blockquote pre table hr div details summary section figure".split()
)
_NO_PROSE: Final = re.compile(
    CODE_MARK + r"|[ ]{4}|\t|[ ]{0,3}(?:#|\||>|<|[-*+][ ]|\d+[.)][ ]|!!!|\?\?\?|===|:[ ]|```|~~~|[-*_]{3,}\s*$"
    r"|!\[(?!\[)|!\[\[[^\[\]]*\]\]\s*$)"
)


def to_plain_text(article: Article, library: Library, *, site_url: str, width: int = WIDTH) -> str:
    """The whole of *article*: title, dek, body, sources and links. Raises `ContentError` as the renderer does."""
    writer = _Writer(article, library, site_url=site_url, width=width)
    title = writer.heading("h1", article.title)
    return _joined([title, writer.wrapped(article.dek), *writer.body(article), *writer.sources()])


def opening_to_plain_text(
    article: Article, library: Library, *, site_url: str, paragraphs: int, numbers: Numbers, width: int = WIDTH
) -> tuple[str, tuple[str, ...]]:
    """The first *paragraphs* of *article* without citations, and the links in it, whose numbers are those of a larger text."""
    writer = _Opening(article, library, site_url=site_url, width=width, numbers=numbers)
    opening = dataclasses.replace(article, body=summary_paragraphs(article, paragraphs))
    return _joined(writer.body(opening)), tuple(writer.links)


def summary_paragraphs(article: Article, n: int) -> str:
    """The first *n* paragraphs of the body, as Markdown; headings, lists, tables, quotes, code and boxes are passed over.

    For their HTML, render the article with this as its body: the citations are then numbered for themselves.
    """
    found: list[str] = []
    for paragraph in PARAGRAPH.finditer(prose(article.body)):
        if len(found) < n and not _NO_PROSE.match(paragraph[0]):
            found.append(article.body[paragraph.start() : paragraph.end()].strip())
    return "\n\n".join(found)


def _joined(blocks: list[str]) -> str:
    return "\n\n".join(block for block in blocks if block.strip()) + "\n"


class Numbers:
    """The numbers of the links of one text: an address has one for good, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, url: str) -> int:
        return self._numbers.setdefault(url, len(self._numbers) + 1)

    def row(self, url: str, words: str = "", *, width: int = WIDTH) -> str:
        """Where a number leads, for the list below the text: ``[3] words``, and the address on a line of its own."""
        label = f"[{self.of(url)}] "
        lines = [*textwrap.wrap(" ".join(words.split()), width - len(label), break_long_words=False), url]
        return label + textwrap.indent("\n".join(lines), " " * len(label))[len(label) :]


class _Writer:
    """Writes the tree of one article, and remembers what its numbers stand for."""

    def __init__(self, article: Article, library: Library, *, site_url: str, width: int) -> None:
        self._path = article.path
        self._library = library
        self._site_url = site_url
        self._width = width
        self._notes: dict[str, Source | str] = {}  # by id of the source or by address, in order of their numbers

    # -- what is asked for

    def body(self, article: Article) -> list[str]:
        tree = body_tree(article, self._library.sources)
        try:
            return self._flow(tree, self._width)
        except RecursionError as error:
            raise too_deep(article.path) from error

    def sources(self) -> list[str]:
        """The list of what the numbers stand for; nothing where there is no number."""
        rows = [self._row(number, note) for number, note in enumerate(self._notes.values(), start=1)]
        return [self.heading("h2", "Sources"), *rows] if rows else []

    def heading(self, tag: str, text: str, width: int | None = None) -> str:
        lines = self.wrapped(text, width)
        line = _UNDERLINES.get(tag, "") * max(map(len, lines.split("\n")), default=0)
        return f"{lines}\n{line}" if line else lines

    def wrapped(self, text: str, width: int | None = None) -> str:
        """*text* with its white space collapsed, in lines of at most *width* columns (by default of the whole width)."""
        columns = max(NARROWEST, self._width if width is None else width)
        return "\n".join(
            textwrap.fill(" ".join(line.split()), columns, break_long_words=False, break_on_hyphens=False)
            for line in text.split(_BREAK)
        ).strip("\n")

    # -- the list of sources

    def _row(self, number: int, note: Source | str) -> str:
        label = f"[{number}] "
        if isinstance(note, str):
            return label + note
        words = self.wrapped(described(note), self._width - len(label))
        return label + textwrap.indent(f"{words}\n{address(note)}", " " * len(label))[len(label) :]

    def _number(self, key: str, note: Source | str) -> str:
        self._notes.setdefault(key, note)
        return f"[{list(self._notes).index(key) + 1}]"

    # -- blocks

    def _flow(self, element: ET.Element, width: int) -> list[str]:
        """The blocks in *element*; text that stands between them is a paragraph."""
        blocks: list[str] = []
        text = element.text or ""
        for child in element:
            if child.tag in _BLOCKS:
                blocks += [self.wrapped(text, width), self._block(child, width)]
                text = ""
            else:
                text = self._with(text, child)
            text += child.tail or ""
        blocks.append(self.wrapped(text, width))
        return [block for block in blocks if block]

    def _block(self, element: ET.Element, width: int) -> str:
        tag = element.tag
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            return self.heading(tag, self._inline(element), width)
        if tag == "pre":
            return textwrap.indent("".join(element.itertext()).rstrip("\n"), _INDENT, lambda line: True).rstrip()
        if tag in ("ul", "ol"):
            return self._list(element, width)
        if tag == "table":
            return self._table(element, width)
        if tag == "hr":
            return "* * *".center(width).rstrip()
        if tag in ("dd", "details") or "admonition" in (element.get("class") or "").split():
            return self._box(element, width)
        inner = "\n\n".join(self._flow(element, width - 2 if tag == "blockquote" else width))
        return textwrap.indent(inner, "> ", lambda line: True) if tag == "blockquote" else inner

    def _box(self, element: ET.Element, width: int) -> str:
        """A definition, an admonition, a tab: its title as a line, what is in it indented."""
        title = ""
        if len(element) and (element[0].tag == "summary" or element[0].get("class") == "admonition-title"):
            title = self.wrapped(self._inline(element[0]), width) + "\n"
            element.remove(element[0])
        return title + textwrap.indent("\n\n".join(self._flow(element, width - len(_INDENT))), _INDENT)

    def _list(self, element: ET.Element, width: int) -> str:
        first = int(element.get("start", "1")) if element.get("start", "1").isdigit() else 1
        items = []
        for number, item in enumerate(element, start=first):
            marker = "- " if element.tag == "ul" else f"{number}. "
            between = "\n\n" if item.find("p") is not None else "\n"
            inner = between.join(self._flow(item, width - len(marker)))
            items.append(marker + textwrap.indent(inner, " " * len(marker))[len(marker) :])
        return ("\n\n" if element.find("li/p") is not None else "\n").join(items)

    def _table(self, element: ET.Element, width: int) -> str:
        """Columns where they fit, else a paragraph for each row."""
        rows = list(element.iter("tr"))
        cells = [[" ".join(self._inline(cell).replace(_BREAK, " ").split()) for cell in row] for row in rows]
        count = max(map(len, cells), default=0)
        for row in cells:
            row.extend([""] * (count - len(row)))
        widths = [max(len(row[column]) for row in cells) for column in range(count)]
        if sum(widths) + len(_GAP) * (count - 1) > width:
            return self._rows(cells, width)
        right = [cell.get("align") == "right" for cell in rows[-1]] + [False] * count
        lines = [
            _GAP.join(
                text.rjust(size) if right[at] else text.ljust(size)
                for at, (text, size) in enumerate(zip(row, widths, strict=True))
            )
            for row in [cells[0], ["-" * size for size in widths], *cells[1:]]
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _rows(self, cells: list[list[str]], width: int) -> str:
        head, *rows = cells
        paragraphs = []
        for row in rows:
            named = [f"{name}: {text}" if name else text for name, text in zip(head[1:], row[1:], strict=True) if text]
            lines = [self.wrapped(row[0] or head[0], width)]
            lines += [textwrap.indent(self.wrapped(text, width - len(_GAP)), _GAP) for text in named]
            paragraphs.append("\n".join(lines))
        return "\n\n".join(paragraphs)

    # -- text

    def _inline(self, element: ET.Element) -> str:
        text = element.text or ""
        for child in element:
            text = self._with(text, child) + (child.tail or "")
        return text

    def _with(self, text: str, child: ET.Element) -> str:
        """*text* and what *child* adds to it."""
        if child.tag == "br":
            return text + _BREAK
        if child.tag == "img":
            return f"{text}[{child.get('alt') or 'image'}]"
        if child.tag == "sup" and child.get("class") == "cite-sep":
            return text
        source = self._library.sources.get(child.get("source", "")) if child.tag == "sup" else None
        if source is not None:
            return _noted(text, self._number(source.id, source))
        words = self._inline(child)
        return self._link(text, words, child.get("href", "")) if child.tag == "a" else text + words

    def _link(self, text: str, words: str, href: str) -> str:
        url = links.address(href, self._path, self._library, site_url=self._site_url)
        if url is None or url.startswith("#") or url.removeprefix("mailto:") == words.strip():
            return text + words
        return _noted(text + words, self._number(url, url))


class _Opening(_Writer):
    """Writes what a digest opens with: sources are named below it, links have their numbers in the whole letter."""

    def __init__(self, article: Article, library: Library, *, site_url: str, width: int, numbers: Numbers) -> None:
        super().__init__(article, library, site_url=site_url, width=width)
        self._numbers = numbers
        self.links: dict[str, None] = {}

    def _number(self, key: str, note: Source | str) -> str:
        self.links[key] = None
        return f"[{self._numbers.of(key)}]"

    def _with(self, text: str, child: ET.Element) -> str:
        is_citation = child.tag == "sup" and child.get("source") in self._library.sources
        return text if is_citation else super()._with(text, child)


def _noted(text: str, number: str) -> str:
    """*text* and a number: apart from the words, close to another number."""
    return text + number if not text or text[-1] in "] \n(" else f"{text} {number}"


def described(source: Source) -> str:
    """*source* in a line: title, publisher, date, and what we hold of it."""
    parts = [source.title or source.publisher, source.publisher if source.title else "", source.issued or ""]
    kind = f"{source.tier} source" + (", an invented sample" if source.sample else "")
    said = "; ".join(words for words in (kind, stored_words(source), status_note(source)) if words)
    return f"{', '.join(part for part in parts if part)} ({said})"
