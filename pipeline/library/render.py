"""The one renderer: Markdown to HTML that is safe to publish, for the site, the feeds and the mail.

    article.body | Python-Markdown | citations numbered in reading order | nh3 | Rendered

Python-Markdown cleans nothing, and its attribute lists set any attribute without any HTML in sight
(``[x](https://a.example){: onclick=... }``), so whatever comes out of it passes `clean` before anyone sees it.

Plain text is made of the same tree, by `plain`; what is sent is never scraped from HTML.
"""

from __future__ import annotations

import html as entities
import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.toc import slugify
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AMP_SUBSTITUTE, HTML_PLACEHOLDER_RE, AtomicString

from pipeline.errors import ContentError
from pipeline.library import links
from pipeline.library.citations import CITATION, CITED_BY_PANDOC, INSERTION, PANDOC, prose, without_definitions
from pipeline.library.clean import clean_rendered, plain_text
from pipeline.library.insertions import INSERTED, InsertedWords, Insertion, words_of
from pipeline.library.shortcuts import Shortcuts
from pipeline.library.typography import APART, NOTHING, is_english, typographic
from pipeline.model import Article, Quote, Source

if TYPE_CHECKING:
    from pipeline.library import Library

WORDS_A_MINUTE: Final = 230
_OURS: Final = "pipeline.library.render"
AS_TYPED: Final = ""  # a language without rules of ours
_IN_A_LINE: Final = frozenset("a abbr b cite code del em i ins kbd mark q s samp small span strong sub sup u".split())
_PLACEHOLDER: Final = re.compile(
    "\x02[^\x02\x03]*\x03"
)  # of Python-Markdown: raw HTML, an entity, an escaped character
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_WORD: Final = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_LINK_TARGET: Final = re.compile(r"\]\([^)\n]*\)")
_SAME_PAGE: Final = re.compile(r'(<a(?: [a-z]+="[^"]*")*? href=")(#)')


class TocEntry(NamedTuple):
    """A heading of the body: where it is, what it says (plain text), and its level (2 for ``##``)."""

    id: str
    title: str
    level: int


class CitedSource(NamedTuple):
    """A row of the sources panel."""

    number: int
    source: Source
    quotes: tuple[Quote, ...]  # those that the article cites by name, in order of first citation
    anchor: str  # id that the row must have: "source-1"
    back: tuple[str, ...]  # ids of the places that cite it: "cite-1-1", "cite-1-2"


class Rendered(NamedTuple):
    """An article's body, ready to be set into a page."""

    html: str
    toc: tuple[TocEntry, ...]
    cited: tuple[CitedSource, ...]
    words: int
    minutes: int

    def absolute(self, page_url: str) -> str:
        """The HTML for where it stands on no page of its own (feeds, mail): links to the same page begin with *page_url*."""
        return _SAME_PAGE.sub(lambda m: f"{m[1]}{entities.escape(page_url)}#", self.html)


def render_article(article: Article, library: Library, *, site_url: str) -> Rendered:
    """Render the body of *article*; the same article, library and *site_url* give the same bytes.

    Citations of sources that the library does not hold stay as typed (`checks` reports them). Raises `ContentError` for a body
    that nests too deeply to be rendered.
    """

    def resolve(url: str) -> str | None:
        return links.address(url, article.path, library, site_url=site_url)

    engine = _engine(language=article.lang)
    html = engine.html(article.body, library.sources, path=article.path)
    words = count_words(article.body, library.sources)
    return Rendered(
        html=clean_rendered(html, resolve=resolve, ids=engine.ids),
        toc=engine.toc,
        cited=engine.citations.cited,
        words=words,
        minutes=max(1, round(words / WORDS_A_MINUTE)),
    )


def foreign_markdown(text: str) -> str:
    """The HTML of Markdown that was written for another service, whose footnotes are none of our citations; none of it is clean.

    Raises `ContentError` for a text that nests too deeply.
    """
    try:
        return Markdown(extensions=["extra", "sane_lists"]).convert(text)
    except RecursionError as error:
        raise too_deep("the text") from error


def markdown_extensions(*, language: str = "en") -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Names and settings of the extensions for texts in *language*, as Python-Markdown and MkDocs take them.

    In articles, citations come on top.
    """
    settings: dict[str, dict[str, Any]] = {
        "attr_list": {},
        "def_list": {},
        "admonition": {},
        "md_in_html": {},
        "tables": {"use_align_attribute": True},  # a style attribute would not survive cleaning
        "toc": {"slugify": heading_id, "permalink": False},
        "pymdownx.highlight": {"guess_lang": False, "pygments_lang_class": True, "anchor_linenums": False},
        "pymdownx.superfences": {},
        "pymdownx.details": {},
        "pymdownx.tabbed": {"alternate_style": True},
        f"{_OURS}:TabsWithoutScript": {},
        f"{_OURS}:ListingsApart": {},
        f"{_OURS}:TaskLists": {},
    }
    if is_english(language):
        settings[f"{_OURS}:PrintedMarks"] = {}
    return list(settings), {name: dict(values) for name, values in settings.items() if values}


def heading_id(title: str, separator: str) -> str:
    """The id of a heading; never one of those that belong to citations and the sources panel."""
    slug = slugify(title, separator).strip(separator) or "section"
    return f"section-{slug}" if re.match(r"(source|cite)-\d", slug) else slug


def count_words(body: str, sources: Mapping[str, Source]) -> int:
    """How many words of the Markdown in *body* a reader reads; code, comments and citations do not count, inserted words do."""

    def inserted(m: re.Match[str]) -> str:
        return words_of(sources, m[1], m[2]) or ""

    text = re.sub(f"{CITATION}|{PANDOC}", "", prose(body))
    if "![[" in text:
        text = re.sub(INSERTION, inserted, text)
    pieces = _LINK_TARGET.sub("]", text).split()
    odd = [piece for piece in pieces if not piece.isalnum()]
    return len(pieces) - len(odd) + len(_WORD.findall(" ".join(odd)))


def body_tree(article: Article, sources: Mapping[str, Source], *, attributed: bool = True) -> ET.Element:
    """The body as a tree of plain elements (p, h2, ul, table, pre, a, ...), for `plain`.

    A citation is an empty ``sup`` whose attribute ``source`` names it; words of a source are a ``span``; code is a ``pre`` or
    ``code`` with its text; raw HTML has become the text in it. Nothing of this is safe to publish as HTML. Raises `ContentError`
    as `render_article` does. Where words of a source stand by themselves, a line below says whose they are, if *attributed*.
    """
    engine = _engine(language=AS_TYPED, highlight=False)
    return engine.tree(article.body, sources, path=article.path, attributed=attributed)


# --- Python-Markdown, set up once a thread ----------------------------------------------------------------------------------------

_local = threading.local()


def _engine(*, language: str, highlight: bool = True) -> _Engine:
    """This thread's engine: setting one up takes longer than rendering an article with it."""
    name = f"{'english' if is_english(language) else 'other'}{' highlighted' if highlight else ''}"
    if not hasattr(_local, name):
        setattr(_local, name, _Engine(language=language, highlight=highlight))
    engine: _Engine = getattr(_local, name)
    return engine


class _Engine:
    """Python-Markdown with our extensions, used again and again."""

    def __init__(self, *, language: str, highlight: bool) -> None:
        names, settings = markdown_extensions(language=language)
        if not highlight:
            settings["pymdownx.highlight"] = {"use_pygments": False}
        self.citations = _Citations()
        self._md = Markdown(extensions=[*names, self.citations, Shortcuts()], extension_configs=settings)

    def html(self, text: str, sources: Mapping[str, Source], *, path: str) -> str:
        """Unclean HTML; `toc`, `ids` and `citations.cited` then tell of this text."""
        self._md.reset()
        self.citations.sources = sources
        try:
            return self._md.convert(without_definitions(text))
        except RecursionError as error:
            _local.__dict__.clear()  # the parser is left in the middle of things: the next text gets a fresh one
            raise too_deep(path) from error

    def tree(self, text: str, sources: Mapping[str, Source], *, path: str, attributed: bool) -> ET.Element:
        """What `html` would write out, as a tree without placeholders (the steps are those of `Markdown.convert`)."""
        self._md.reset()
        self.citations.sources = sources
        self.citations.attributed = attributed
        lines = without_definitions(text).split("\n")
        try:
            for preprocessor in self._md.preprocessors:
                lines = preprocessor.run(lines)
            root = self._md.parser.parseDocument(lines).getroot()
            assert root is not None  # Python-Markdown makes it first of all
            for treeprocessor in self._md.treeprocessors:
                changed = treeprocessor.run(root)
                root = root if changed is None else changed
        except RecursionError as error:
            _local.__dict__.clear()  # the parser is left in the middle of things: the next text gets a fresh one
            raise too_deep(path) from error
        _settle(root, self._md.htmlStash.rawHtmlBlocks)
        return root

    @property
    def toc(self) -> tuple[TocEntry, ...]:
        return tuple(_flat(getattr(self._md, "toc_tokens", [])))

    @property
    def ids(self) -> set[str]:
        """Every id that we gave."""
        return {entry.id for entry in self.toc} | {id_ for row in self.citations.cited for id_ in row.back}


def too_deep(path: str) -> ContentError:
    """What to raise for a text that Python cannot follow into its depth."""
    return ContentError(f"{path}: lists, quotes or emphasis are nested too deeply to be rendered; write it flatter")


def _flat(tokens: list[dict[str, Any]]) -> Iterator[TocEntry]:
    for token in tokens:
        yield TocEntry(token["id"], entities.unescape(token["name"]), token["level"])
        yield from _flat(token["children"])


# --- citations --------------------------------------------------------------------------------------------------------------------


class _Citations(Extension):
    """Turns ``[^id]`` into numbered links, and ``![[id.quote]]`` into the words themselves with such a link behind them.

    It knows afterwards which sources were cited, and where.
    """

    sources: Mapping[str, Source]

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 -- Python-Markdown's name
        self.reset()
        md.registerExtension(self)
        # After code spans (190) and backslashes (180), before links (170): code stays code, and no link swallows a citation.
        md.inlinePatterns.register(_Citation(CITATION, md, self), "citation", 175)
        md.inlinePatterns.register(Insertion(INSERTION, md, self), "insertion", 175.2)
        md.inlinePatterns.register(_PandocCitation(PANDOC, md, self), "pandoc_citation", 175.1)
        md.treeprocessors.register(InsertedWords(md, self), "inserted_words", 19.5)  # after inline patterns (20)
        md.treeprocessors.register(
            _OwnHeadingIds(md), "own_heading_ids", 6
        )  # after attribute lists (8), before the toc (5)
        md.treeprocessors.register(_Numbering(md, self), "numbering", 1)  # after the toc, whose titles carry no numbers

    def reset(self) -> None:
        self.sources = {}
        self.attributed = True  # words that stand by themselves are followed by a line on whose they are
        self.places: dict[int, tuple[ET.Element, str, str | None]] = {}  # by identity of the element
        self.bundles: list[
            ET.Element
        ] = []  # elements that stand for what is in them, until the text around them is read
        self.cited: tuple[CitedSource, ...] = ()

    def place(self, source: str, quote: str | None) -> ET.Element:
        """A new citation."""
        place = ET.Element("sup", {"class": "cite", "source": source})
        ET.SubElement(place, "a")
        self.places[id(place)] = (place, source, quote)
        return place

    def bundle(self, *parts: ET.Element) -> ET.Element:
        """One element for several: all that an inline pattern may give."""
        bundle = ET.Element("span")
        bundle.text = AtomicString("")  # so that no other pattern looks into it
        bundle.extend(parts)
        self.bundles.append(bundle)
        return bundle


_Found: TypeAlias = tuple[ET.Element | None, int | None, int | None]
_LEFT_ALONE: Final[_Found] = (None, None, None)


class _OurInline(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, citations: _Citations) -> None:
        super().__init__(pattern, md)
        self._citations = citations


class _Citation(_OurInline):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override]  # noqa: N802
        if m[1] not in self._citations.sources:
            return _LEFT_ALONE
        return self._citations.place(m[1], m[2]), m.start(0), m.end(0)


class _PandocCitation(_OurInline):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override]  # noqa: N802
        ids = [one[1] for one in CITED_BY_PANDOC.finditer(m[1])]
        if any(id_ not in self._citations.sources for id_ in ids):
            return _LEFT_ALONE
        return self._citations.bundle(*(self._citations.place(id_, None) for id_ in ids)), m.start(0), m.end(0)


class _Numbering(Treeprocessor):
    """Gives the citations their numbers in the order in which they are read (inline patterns run in another one)."""

    def __init__(self, md: Markdown, citations: _Citations) -> None:
        super().__init__(md)
        self._citations = citations

    def run(self, root: ET.Element) -> None:
        places = self._citations.places
        if not places:
            return
        rows: dict[str, CitedSource] = {}
        for element in root.iter("sup"):
            if id(element) not in places:
                continue
            _, source, quote = places[id(element)]
            row = rows.get(source) or self._row(len(rows) + 1, source)
            rows[source] = row = self._cited_again(row, quote)
            element[0].attrib.update({"href": f"#{row.anchor}", "id": row.back[-1]})
            element[0].text = str(row.number)
        _part(root, places)
        self._citations.cited = tuple(rows.values())

    def _row(self, number: int, source: str) -> CitedSource:
        return CitedSource(number, self._citations.sources[source], quotes=(), anchor=f"source-{number}", back=())

    def _cited_again(self, row: CitedSource, quote: str | None) -> CitedSource:
        words = row.source.quotes.get(quote) if quote else None
        return row._replace(
            quotes=row.quotes if words is None or words in row.quotes else (*row.quotes, words),
            back=(*row.back, f"cite-{row.number}-{len(row.back) + 1}"),
        )


def _part(root: ET.Element, places: Mapping[int, Any]) -> None:
    """Put a comma between citations that touch, so that 1 and 2 do not read as 12 where no style sheet parts them."""
    for parent in list(root.iter()):
        children = list(parent)
        for at, (left, right) in reversed(list(enumerate(itertools.pairwise(children), start=1))):
            if id(left) in places and id(right) in places and not left.tail:
                comma = ET.Element("sup", {"class": "cite-sep"})
                comma.text = ", "
                parent.insert(at, comma)


class _OwnHeadingIds(Treeprocessor):
    """Takes back an id that an attribute list gave to a heading and that belongs to a citation, or is none."""

    def run(self, root: ET.Element) -> None:
        for heading in root.iter():
            given = heading.get("id") if heading.tag in _HEADINGS else None
            if given is not None and given != heading_id(given, "-"):
                del heading.attrib["id"]


# --- tabs -------------------------------------------------------------------------------------------------------------------------


class TabsWithoutScript(Extension):
    """Turns the tabs of pymdownx (radio buttons that need a style sheet) into a group of ``details``, of which one is open.

    So they work in any feed reader and without any style, and survive cleaning.
    """

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.treeprocessors.register(_TabsToDetails(md), "tabs_to_details", 28)  # before inline patterns (20)


class _TabsToDetails(Treeprocessor):
    def run(self, root: ET.Element) -> None:
        sets = [div for div in root.iter("div") if "tabbed-set" in (div.get("class") or "").split()]
        for number, tabs in enumerate(sets, start=1):
            checked = ["checked" in button.attrib for button in tabs.findall("input")]
            labels = tabs.findall("div[@class='tabbed-labels']/label")
            blocks = tabs.findall("div[@class='tabbed-content']/div")
            tabs.clear()
            for is_open, label, block in zip(checked, labels, blocks, strict=True):
                tab = ET.SubElement(tabs, "details", {"class": "tab", "name": f"tabs-{number}"})
                if is_open:
                    tab.set("open", "open")
                label.tag, label.attrib = "summary", {}
                tab.append(label)
                tab.extend(block)


# --- task lists -------------------------------------------------------------------------------------------------------------------


class TaskLists(Extension):
    """Prints ``[ ]`` and ``[x]`` at the beginning of an item of a list as the signs for them, which need no form to be shown."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.treeprocessors.register(_TaskLists(md), "task_lists", 27.5)  # before inline patterns (20) take the brackets


class _TaskLists(Treeprocessor):
    def run(self, root: ET.Element) -> None:
        for item in root.iter("li"):
            first = item[0] if len(item) and item[0].tag == "p" and not (item.text or "").strip() else item
            first.text = _TASK.sub(lambda m: f"{'☐' if m[1] == ' ' else '☑'} ", first.text or "") or None


_TASK: Final = re.compile(r"^\s*\[([ xX])\][ \t]+(?=\S)")


# --- apostrophes and quotation marks ----------------------------------------------------------------------------------------------


class PrintedMarks(Extension):
    """Prints typographic marks where the text has straight ones; never in code, attributes or raw HTML."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        # After inline patterns (20), so that code is known; before the toc (5), whose titles are printed too.
        md.treeprocessors.register(_PrintedMarks(md), "printed_marks", 5.5)


class _PrintedMarks(Treeprocessor):
    def run(self, root: ET.Element) -> None:
        pieces = list(_pieces(root))
        if not any(place and ("'" in text or '"' in text) for _, place, text in pieces):
            return
        printed = typographic("".join(_without_placeholders(text) for _, _, text in pieces))
        at = 0
        for element, place, text in pieces:
            if place and ("'" in text or '"' in text):
                marks = printed[at : at + len(text)]
                new = "".join(mark if typed in "\"'" else typed for typed, mark in zip(text, marks, strict=True))
                setattr(element, place, new)
            at += len(text)


def _pieces(element: ET.Element) -> Iterator[tuple[ET.Element, str, str]]:
    """The text in *element* in reading order: whose, "text" or "tail", and what. What must stay as it is has no place."""
    inline = element.tag in _IN_A_LINE
    code = (
        not isinstance(element.tag, str)
        or element.tag in ("code", "pre", "kbd", "samp")
        or element.get(INSERTED) is not None
    )
    if not inline:
        yield element, "", APART
    if element.text:
        yield element, "" if code else "text", "x" * len(element.text) if code else element.text
    for child in element:
        yield from _pieces(child)
        if child.tail:
            yield child, "tail", child.tail
    if not inline:
        yield element, "", APART


def _without_placeholders(text: str) -> str:
    return _PLACEHOLDER.sub(lambda m: NOTHING * len(m[0]), text)


# --- listings ---------------------------------------------------------------------------------------------------------------------


class ListingsApart(Extension):
    """Takes listings out of the paragraph that Python-Markdown makes of them where no empty line parts them from what is next."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.treeprocessors.register(_ListingsApart(md), "listings_apart", 27)  # before inline patterns (20)


class _ListingsApart(Treeprocessor):
    def run(self, root: ET.Element) -> None:
        for parent in list(root.iter()):
            for at, child in reversed(list(enumerate(parent))):
                parts = self._parts(child.text or "") if child.tag == "p" and not len(child) else []
                for part in reversed(parts[1:]):
                    paragraph = ET.Element("p")
                    paragraph.text, paragraph.tail = part, child.tail
                    parent.insert(at + 1, paragraph)
                child.text = parts[0] if parts else child.text

    def _parts(self, text: str) -> list[str]:
        """*text* parted where a listing begins or ends."""
        if "\x02" not in text:
            return []
        groups = itertools.groupby(text.split("\n"), key=self._listing)
        return ["\n".join(lines) for _, lines in groups]

    def _listing(self, line: str) -> str:
        """The *line* itself where it stands for a listing."""
        return line if _stashed_code(line.strip(), self.md.htmlStash.rawHtmlBlocks) is not None else ""


# --- the tree, for plain text -----------------------------------------------------------------------------------------------------


def _settle(root: ET.Element, stash: list[Any]) -> None:
    """Put what Python-Markdown keeps behind placeholders (code, raw HTML, entities) back into the tree, as text."""
    for element in root.iter():
        if element.tag == "code":
            element.text = entities.unescape(element.text or "")
        elif element.text and (code := _stashed_code(element.text.strip(), stash)) is not None:
            element.tag, element.text = "pre", code
        else:
            element.text = _settled(element.text, stash)
        element.tail = _settled(element.tail, stash)


def _stashed_code(text: str, stash: list[Any]) -> str | None:
    found = HTML_PLACEHOLDER_RE.fullmatch(text)
    html = str(stash[int(found[1])]) if found else ""
    if not re.match(r"(<div[^>]*>)?<pre", html):
        return None
    return entities.unescape(re.sub(r"<[^>]*>", "", html)).strip("\n")


def _settled(text: str | None, stash: list[Any]) -> str | None:
    if not text or "\x02" not in text:
        return text
    text = HTML_PLACEHOLDER_RE.sub(lambda m: _words_in(str(stash[int(m[1])])), text)
    return re.sub(f"{AMP_SUBSTITUTE}(#?\\w+;)", lambda m: entities.unescape(f"&{m[1]}"), text)


def _words_in(html: str) -> str:
    """The words of a piece of raw HTML; of a lone tag none, of an entity its character."""
    return entities.unescape(html) if html.startswith("&") else plain_text(html)
