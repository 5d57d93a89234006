"""What the pages of an article show beside its words: their parts, the sources they link, and nothing that hides or adds words.

Pages are compared with the claims file alone. A theme of one's own keeps the names of elements and classes that are asked for here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from pipeline.library.quotes import normal
from pipeline.site.publication import TIER_WORDS
from pipeline.site.verify.papers import ClaimsFile, Source

_WITHOUT_END: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
_HIDING: Final = frozenset({"del", "s", "strike", "script", "style", "template", "noscript", "iframe", "object"})
_DATA: Final = "application/ld+json"
# The sha256 of the one script that stands on articles: theme/partials/copy.html, which copies listings and changes no word.
_OURS: Final = "046c4eeb59b1adfb108d7be865ccf80eeab63e60c6a38cf456e429b2355bec63"
# By element and class, what an article is made of; each stands there once.
_PARTS: Final = frozenset(
    {
        ("header", "head"),
        ("div", "prose"),
        ("section", "sources"),
        ("section", "changes"),
        ("nav", "series"),
        ("nav", "onward"),
        ("section", "related"),
    }
)
_OF_HEAD: Final = frozenset(
    {
        ("p", "kicker"),
        ("h1", ""),
        ("p", "deck"),
        ("svg", "strip"),
        ("p", "meta"),
        ("p", "byline"),
        ("p", "came"),
        ("p", "switch"),
        ("p", "notice"),
    }
)
_OF_SOURCES: Final = frozenset({("h2", ""), ("p", "meta"), ("ol", "")})
_UNTITLED: Final = re.compile(r" \(untitled [a-z ]+\)$")
_ORIGINS: Final = re.compile(r"(\d+) origins?\b")


@dataclass
class _Node:
    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[_Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def below(self) -> Iterator[_Node]:
        """Every element below, in order of the page."""
        left = [child for child in reversed(self.children) if isinstance(child, _Node)]
        while left:
            node = left.pop()
            yield node
            left += [child for child in reversed(node.children) if isinstance(child, _Node)]

    @property
    def words(self) -> str:
        found: list[str] = []
        left: list[_Node | str] = [self]
        while left:
            each = left.pop()
            if isinstance(each, str):
                found.append(each)
            else:
                left += reversed(each.children)
        return " ".join("".join(found).split())

    def all(self, tag: str, name: str = "") -> list[_Node]:
        return [node for node in self.below if node.tag == tag and (not name or name in node.classes)]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in _WITHOUT_END:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in ("path", "svg", "use", "circle", "rect", "g"):  # of SVG, where an element may close itself
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _read(page: bytes) -> _Node:
    builder = _Builder()
    builder.feed(page.decode("utf-8", "replace"))
    builder.close()
    return builder.root


def wrong_with_article(page: bytes, file: ClaimsFile) -> Iterator[str]:
    """What the page of an article shows otherwise than its claims file, or hides."""
    root = _read(page)
    yield from _hidden(root, "article", "the article's page")
    for article in root.all("article", "article"):
        yield from _foreign_parts(article, _PARTS, "the article")
        for head in article.all("header", "head"):
            yield from _foreign_parts(head, _OF_HEAD, "the head of the article")
        for title in article.all("h1"):
            if _bare(title.words) != _bare(file.article.title):
                yield f'the title on its page is "{title.words}", and in the claims file "{file.article.title}"'
    panels = root.all("section", "sources")
    if file.sources and len(panels) != 1:
        yield "its page shows no list of its sources, or more than one"
        return
    for panel in panels:
        yield from _foreign_parts(panel, _OF_SOURCES, "the list of sources")
        for told in panel.all("p", "meta")[:1]:
            if (found := _ORIGINS.search(told.words)) and int(found[1]) != len(file.origins):
                yield f"its page tells of {found[0]}, and the claims file of {len(file.origins)}"
        rows = [node for node in panel.all("li") if node.all("cite")]
        if len(rows) != len(file.sources):
            yield f"its page lists {len(rows)} sources, and the claims file {len(file.sources)}"
        for row, source in zip(rows, sorted(file.sources, key=lambda source: source.number), strict=False):
            yield from _wrong_with_row(row, source, "its page")


def wrong_with_receipts(page: bytes, file: ClaimsFile) -> Iterator[str]:
    """What the receipts of an article link otherwise than its claims file, or hide."""
    root = _read(page)
    yield from _hidden(root, "receipts", "the receipts page")
    sources = {source.id: source for source in file.sources}
    meant = [passage for claim in file.claims for passage in claim.passages]
    shown = root.all("div", "passage")
    if len(shown) != len(meant):
        yield f"the receipts page shows {len(shown)} passages, and the claims file has {len(meant)}"
        return
    for row, passage in zip(shown, meant, strict=True):
        if source := sources.get(passage.source):
            yield from _wrong_with_links(row, source, "the receipts page")
            yield from _wrong_with_tier(row, source, "the receipts page")


@dataclass(frozen=True)
class RegisterRow:
    """A row of the page of all sources."""

    row: _Node
    publisher: str  # what stands above it


def rows_of_register(page: bytes) -> Mapping[str, RegisterRow]:
    """What the page of all sources shows of each, by its id."""
    found, publisher = {}, ""
    for row in _read(page).all("tr"):
        if "id" in row.attributes:
            found[row.attributes["id"]] = RegisterRow(row, publisher)
        else:
            publisher = row.words
    return found


def wrong_with_register(rows: Mapping[str, RegisterRow], file: ClaimsFile) -> Iterator[str]:
    """What the page of all sources shows otherwise than the claims file of an article."""
    where = "the page of all sources"
    for source in file.sources:
        if source.id not in rows:
            yield f"{where} does not list {source.id}"
            continue
        shown, row = rows[source.id], rows[source.id].row
        yield from _wrong_with_links(row, source, where)
        for link in row.all("a")[:1]:
            if source.title and _bare(link.words) != _bare(source.title):
                yield f'{where} calls {source.id} "{link.words}", and the claims file "{source.title}"'
        if _bare(source.publisher) not in _bare(shown.publisher):
            yield f'{where} does not name "{source.publisher}" as the publisher of {source.id}'
        for cell in row.all("td")[1:2]:
            yield from _wrong_tier(cell.words, source, where)


@dataclass(frozen=True)
class SourcePage:
    """What the page of a source tells of it."""

    head: _Node
    sha256: str  # of the stored text, as it says; empty where it says nothing
    hidden: tuple[str, ...]  # what could hide words of it or change them


def read_source_page(page: bytes, id_: str) -> SourcePage:
    root = _read(page)
    head = next(
        (head for article in root.all("article", "source") for head in article.all("header", "head")), _Node("")
    )
    sha256 = "".join(code.words for record in root.all("dl", "record") for code in record.all("code"))
    return SourcePage(head, sha256, tuple(_hidden(root, "source", _page_of(id_))))


def wrong_with_source(shown: SourcePage, source: Source) -> Iterator[str]:
    """What the page of *source* shows otherwise than the claims file of an article, or hides."""
    where = _page_of(source.id)
    yield from shown.hidden
    yield from _wrong_with_row(shown.head, source, where)
    if shown.sha256 != (source.snapshot.text_sha256 if source.snapshot else ""):
        yield f"{where} names another stored text than the claims file"


def _page_of(id_: str) -> str:
    return f"the page of the source {id_}"


def _hidden(root: _Node, name: str, where: str) -> Iterator[str]:
    articles = root.all("article", name)
    for node in (node for article in articles for node in article.below):
        wrong = next((word for word in node.attributes if word in ("hidden", "style") or word.startswith("on")), "")
        if node.tag in _HIDING or wrong:
            yield f"{where} holds <{node.tag}{f' {wrong}' if wrong else ''}>, which can hide words or change them"
    inside = {id(node) for article in articles for node in article.below}
    for script in root.all("script"):
        if id(script) not in inside and script.attributes.get("type") != _DATA and not _is_ours(script):
            yield f"{where} holds a <script>, which can change its words"


def _is_ours(script: _Node) -> bool:
    text = "".join(child for child in script.children if isinstance(child, str))
    return not script.attributes and hashlib.sha256(text.encode()).hexdigest() == _OURS


def _foreign_parts(node: _Node, known: frozenset[tuple[str, str]], where: str) -> Iterator[str]:
    """Words and elements right below *node* that do not belong there, and such as stand there twice."""
    seen: set[tuple[str, str]] = set()
    for child in node.children:
        if isinstance(child, str):
            if child.strip():
                yield f'{where} holds words of no part of it: "{" ".join(child.split())}"'
            continue
        kinds = {(child.tag, name) for name in ("", *child.classes)} & known
        if not kinds or kinds & seen:
            yield f'{where} holds <{child.tag}> that is no part of it: "{child.words}"'
        seen |= kinds


def _wrong_with_row(row: _Node, source: Source, where: str) -> Iterator[str]:
    for cite in row.all("cite"):
        yield from _wrong_with_links(cite, source, where)
        shown = cite.words if source.title else _UNTITLED.sub("", cite.words)
        if _bare(shown) != _bare(source.title or source.publisher):
            yield f'{where} calls {source.id} "{cite.words}", and the claims file "{source.title or source.publisher}"'
    if _bare(source.publisher) not in _bare(row.words):
        yield f'{where} does not name "{source.publisher}" as the publisher of {source.id}'
    yield from _wrong_with_tier(row, source, where)


def _wrong_with_tier(row: _Node, source: Source, where: str) -> Iterator[str]:
    for shown in row.all("span", "tier"):
        yield from _wrong_tier(shown.words, source, where)


def _wrong_tier(shown: str, source: Source, where: str) -> Iterator[str]:
    words = {tier.value: told for tier, told in TIER_WORDS.items()}.get(source.tier)
    if _bare(shown) != _bare(words or ""):
        yield f'{where} calls {source.id} "{shown}", and the claims file "{source.tier}"'


def _wrong_with_links(node: _Node, source: Source, where: str) -> Iterator[str]:
    """A link into the web leads to the source, or to a copy of it that the claims file names."""
    known = {_page(address) for address in (source.url, source.archive) if address}
    for link in node.all("a"):
        for name in ("href", "data-originalurl", "data-versionurl"):
            address = link.attributes.get(name, "")
            if re.match(r"(?:[a-z][a-z0-9+.-]*:|//)", address.strip(), re.IGNORECASE) and _page(address) not in known:
                yield f"{where} links {source.id} to {address}, and the claims file to {source.url}"


def _page(address: str) -> str:
    return address.strip().partition("#")[0]


def _bare(words: str) -> str:
    return "".join(normal(words).split())
