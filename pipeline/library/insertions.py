"""Words of a source that the build sets itself: ``![[id.quote]]``, and a block quote that is nothing but a citation.

They cannot be misquoted: they come from the source's file, and neither Markdown nor our typography changes a letter of them.
`render` takes these in among its extensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol, TypeAlias
from xml.etree import ElementTree as ET

from markdown import Markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AMP_SUBSTITUTE, AtomicString

from pipeline.model import Source

INSERTED: Final = "inserted"  # attribute of an element that holds words of a source as they are
Found: TypeAlias = tuple[ET.Element | None, int | None, int | None]


class Citations(Protocol):
    """What `render` knows of the citations of a text."""

    sources: Mapping[str, Source]
    places: dict[int, tuple[ET.Element, str, str | None]]
    bundles: list[ET.Element]
    attributed: bool

    def place(self, source: str, quote: str | None) -> ET.Element: ...

    def bundle(self, *parts: ET.Element) -> ET.Element: ...


def words_of(sources: Mapping[str, Source], source: str, quote: str | None) -> str | None:
    """The words of a quote; None where the source or the quote is not there."""
    found = sources[source].quotes.get(quote) if quote and source in sources else None
    return found.text if found else None


class Insertion(InlineProcessor):
    """Words of a source in a sentence, in quotation marks and with their citation; of a quote that is not there, what was typed."""

    def __init__(self, pattern: str, md: Markdown, citations: Citations) -> None:
        super().__init__(pattern, md)
        self._citations = citations

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        words = words_of(self._citations.sources, m[1], m[2])
        if words is None:
            return None, None, None
        inserted = _inserted(f"“{words}”")
        return self._citations.bundle(inserted, self._citations.place(m[1], m[2])), m.start(0), m.end(0)


def _inserted(words: str) -> ET.Element:
    """*words* of a source as they are: neither Markdown, nor entities, nor marks that we would print otherwise."""
    element = ET.Element("span", {INSERTED: ""})
    element.text = AtomicString(
        words.replace("&", f"{AMP_SUBSTITUTE}amp;")
    )  # Python-Markdown keeps what looks like &lt;
    return element


class InsertedWords(Treeprocessor):
    """Sets what inline patterns gave in one piece apart, and words that stand alone as a block quote, without marks."""

    def __init__(self, md: Markdown, citations: Citations) -> None:
        super().__init__(md)
        self._citations = citations

    def run(self, root: ET.Element) -> None:
        if self._citations.bundles:
            _unbundle(root, {id(bundle) for bundle in self._citations.bundles})
            for parent in list(root.iter()):
                for child in list(parent):
                    is_inserted = _is_all(child, "span", "sup") and child[0].get(INSERTED) is not None
                    if child.tag == "p" and is_inserted and not _is_beside_others(parent, child):
                        _as_block(parent, child)
        for quote in list(root.iter("blockquote")):
            if len(quote) == 1 and quote[0].tag == "p" and _is_all(quote[0], "sup"):
                _, source, name = self._citations.places.get(id(quote[0][0]), (None, "", None))
                words = words_of(self._citations.sources, source, name)
                if words is not None:
                    quote[0].insert(0, _inserted(words))
        for parent in list(root.iter()) if self._citations.attributed else ():
            for at, child in reversed(list(enumerate(parent, start=1))):
                if child.tag == "blockquote" and len(child) == 1 and _is_all(child[0], "span", "sup"):
                    _, source, _ = self._citations.places.get(id(child[0][1]), (None, "", None))
                    if child[0][0].get(INSERTED) is not None and source in self._citations.sources:
                        parent.insert(at, _attribution(self._citations.sources[source]))


def _attribution(source: Source) -> ET.Element:
    """The line below words of *source* that stand by themselves: whose they are."""
    line = ET.Element("p", {"class": "label"})
    line.text = AtomicString("— ")
    line.append(_inserted(f"{source.label}, {source.publisher}" if source.title else source.publisher))
    return line


def _unbundle(root: ET.Element, bundles: set[int]) -> None:
    for parent in list(root.iter()):
        for at, child in reversed(list(enumerate(parent))):
            if id(child) in bundles:
                parts = list(child)
                parts[-1].tail = child.tail
                parent[at : at + 1] = parts


def _is_all(element: ET.Element, *tags: str) -> bool:
    """True when *element* holds children of these *tags* and no word beside them."""
    if [child.tag for child in element] != list(tags) or (element.text or "").strip():
        return False
    return not any((child.tail or "").strip() for child in element)


def _is_beside_others(parent: ET.Element, paragraph: ET.Element) -> bool:
    """True for the words of an item, and for a paragraph of a longer block quote: there they keep their marks."""
    return (parent.tag == "li" and parent[0] is paragraph) or (parent.tag == "blockquote" and len(parent) > 1)


def _as_block(parent: ET.Element, paragraph: ET.Element) -> None:
    words = paragraph[0]
    words.text = AtomicString((words.text or "")[1:-1])
    if parent.tag == "blockquote" and len(parent) == 1:
        return
    block = ET.Element("blockquote")
    block.tail, paragraph.tail = paragraph.tail, None
    parent[list(parent).index(paragraph)] = block
    block.append(paragraph)
