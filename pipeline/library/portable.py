"""An article's body as Markdown that any program reads, made from what its author wrote, not from HTML.

    [^id], [@id], ![[id.quote]]       footnotes with the numbers that the site prints; the words of the source in their place
    links to files of the repository  whole addresses; where they lead nowhere for readers, their words
    admonitions, details, tabs        a block quote with its title in bold
    definition lists                  the term in bold, a list of its definitions
    attribute lists, comments         gone; so is raw HTML, but for its words
    options of listings               gone, but for the language; the name of the file above it

Tables, task lists and footnotes stay: what is known as GitHub's Markdown has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pipeline.library import links
from pipeline.library.citations import (
    CODE_MARK,
    WORDLESS,
    apart,
    cited_places,
    prose,
    without_code,
    without_definitions,
)
from pipeline.library.insertions import words_of
from pipeline.library.notation import plain_markdown
from pipeline.library.plain import described
from pipeline.library.render import CitedSource
from pipeline.model import Article, Source

if TYPE_CHECKING:
    from pipeline.library import Library

_Change: TypeAlias = tuple[int, int, str]  # from where to where, and what is to stand there

_LINK: Final = re.compile(
    r"\]\(\s*<?(?P<url>[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
)
_REFERENCE: Final = re.compile(r"^ {0,3}\[[^\]\n^]+\]:[ \t]*<?(?P<url>[^\s<>]+)>?", re.MULTILINE)
_ATTRIBUTE: Final = r"(?:[.#][\w:-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'{}]+))"
_ATTRIBUTES: Final = re.compile(rf"[ \t]*\{{:?[ ]*{_ATTRIBUTE}(?:[ ]+{_ATTRIBUTE})*[ ]*\}}")
_SILENT: Final = re.compile(
    r"(?<!\\)<(script|style|template|noscript|iframe|object|svg|math|title|textarea)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_HTML: Final = re.compile(r"(?<!\\)</?([A-Za-z][A-Za-z0-9-]*)(?=[\s/>])((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_KEPT: Final = frozenset({"sub", "sup", "kbd", "br", "mark"})
_IN_A_LINE: Final = frozenset(
    "a abbr b cite code del em i img ins kbd mark q s samp small span strong sub sup u var".split()
)

_UNUSUAL: Final = re.compile(r"^\s*(?:!!!|\?\?\?|===|:[ \t]|```|~~~)|^ {4}|\t", re.MULTILINE)  # what `_blocks` is for
_EMPTY_LINES: Final = re.compile(r"\n(?:[ ]*\n){2,}")
_BOX: Final = re.compile(
    r"(?P<indent>\s*)(?:!!!|\?\?\?\+?)[ ]+(?P<kind>[\w-]+)(?:[ ]+[\w-]+)*(?:[ ]+\"(?P<title>.*?)\")?\s*"
)
_TAB: Final = re.compile(r"(?P<indent>\s*)===[!+]*[ ]+\"(?P<title>.*?)\"\s*")
_DEFINITION: Final = re.compile(r"(?P<indent> {0,3}):(?: {1,3}|\t)(?P<words>\S.*)")
_FENCE: Final = re.compile(r"(?P<lead>[> \t]*(?:[-*+]|\d+[.)])?[ \t]*)(?P<fence>`{3,}|~{3,})(?P<options>[^\n`]*)")
_NAMED: Final = re.compile(r"\btitle=(?:\"([^\"]*)\"|'([^']*)')")
_LANGUAGE: Final = re.compile(r"\s*\{?\s*\.?([A-Za-z][\w+#-]*)(?![\w+#-]*=)")


@dataclass(frozen=True, slots=True)
class Portable:
    """The body of an article, and the definitions of its footnotes."""

    body: str
    sources: tuple[str, ...]


def portable(article: Article, library: Library, cited: Iterable[CitedSource], *, site_url: str) -> Portable:
    """The body of *article* as any program reads it; *cited* are its sources with their numbers, as it was rendered."""
    rows = tuple(cited)
    whole = without_definitions(article.body)
    body, text = whole.rstrip(), prose(article.body)
    changes = [
        *((start, end, "") for start, end, is_comment in (apart(whole) if "<!--" in whole else ()) if is_comment),
        *_citations(text, library, {row.source.id: row.number for row in rows}),
        *_links(body, text, article, library, site_url=site_url),
    ]
    body = _changed(body, changes)
    while changes := [change for change in _markup(body) if body[change[0] : change[1]] != change[2]]:
        body = _changed(body, changes)  # mostly once: what is taken away may have parted a tag
    text = "\n".join(_blocks(_lines(body))) if _UNUSUAL.search(body) else _EMPTY_LINES.sub("\n\n", body)
    return Portable(text.strip("\n"), tuple(map(_definition, rows)))


def _changed(body: str, changes: Iterable[_Change]) -> str:
    """*body* with *changes*; of two that overlap, the one that begins first, and of these the longest."""
    written, at = [], 0
    for start, end, words in sorted(changes, key=lambda change: (change[0], -change[1])):
        if start >= at:
            written += [body[at:start], words]
            at = end
    return "".join([*written, body[at:]])


# --- citations and links ----------------------------------------------------------------------------------------------------------


def _citations(text: str, library: Library, numbers: dict[str, int]) -> Iterator[_Change]:
    alone = {m.start("citation") for m in WORDLESS.finditer(text)} if ">" in text else set()
    for start, end, cited, inserted in cited_places(text):
        if any(id_ not in numbers for id_, _ in cited):
            continue  # stands as typed on the site too
        notes = "".join(f"[^{numbers[id_]}]" for id_, _ in cited)
        source, quote = cited[0]
        words = words_of(library.sources, source, quote)
        if words is None or not (inserted or start in alone):
            yield start, end, notes
            continue
        lead = text[text.rfind("\n", 0, start) + 1 : start]
        last = text[end : text.find("\n", end) if "\n" in text[end:] else len(text)].strip() == ""
        if start in alone or (not lead.strip() and last and _parted(text, start, end)):
            quoted = "" if start in alone else "> "
            below = f"{lead}{quoted}".rstrip()
            whose = _whose(library.sources[source])
            yield start, end, f"{quoted}{plain_markdown(words)}{notes}\n{below}\n{lead}{quoted}— {whose}"
        else:
            yield start, end, f"“{plain_markdown(words)}”{notes}"


def _parted(text: str, start: int, end: int) -> bool:
    """True where what stands from *start* to *end* is a paragraph of its own."""
    before, after = text[:start].rstrip(" \t"), text[end:].lstrip(" \t")
    return (not before or re.search(r"\n[ \t]*\n\Z", before) is not None) and (
        not after.strip() or re.match(r"\n[ \t]*\n", after) is not None
    )


def _whose(source: Source) -> str:
    return plain_markdown(f"{source.label}, {source.publisher}" if source.title else source.publisher)


def _links(body: str, text: str, article: Article, library: Library, *, site_url: str) -> Iterator[_Change]:
    if "](" not in text and "]:" not in text:
        return
    page = site_url + article.url_path
    for pattern in (_LINK, _REFERENCE):
        for link in pattern.finditer(text):
            url = body[link.start("url") : link.end("url")]
            whole = links.address(url, article.path, library, site_url=site_url)
            if whole is not None:
                target = page + whole if whole.startswith("#") else whole
                if target != url:
                    yield link.start("url"), link.end("url"), target
            elif pattern is _LINK and (opening := _opening(text, link.start())) is not None:
                yield opening, opening + 1, ""
                yield link.start(), link.end(), ""
            else:
                yield link.start("url"), link.end("url"), page


def _opening(text: str, closing: int) -> int | None:
    """Where the bracket stands that the one at *closing* closes."""
    depth = 0
    for at in range(closing, max(-1, closing - 2000), -1):
        if text[at] in "[]" and text[at - 1 : at] != "\\":
            depth += 1 if text[at] == "]" else -1
            if not depth:
                return at
    return None


def _markup(body: str) -> Iterator[_Change]:
    """Attribute lists and raw HTML."""
    if "{" not in body and "<" not in body:
        return
    text = without_code(body)
    for found in _ATTRIBUTES.finditer(text):
        yield found.start(), found.end(), ""
    for found in _SILENT.finditer(text):
        yield found.start(), found.end(), ""
    for found in _HTML.finditer(text):
        name = found[1].lower()
        if name in _KEPT:
            yield found.start(), found.end(), f"<{'/' if found[0][1] == '/' else ''}{name}>"
        else:
            yield found.start(), found.end(), "" if name in _IN_A_LINE else " "


def _definition(row: CitedSource) -> str:
    quotes = "".join(f" “{plain_markdown(quote.text)}”" for quote in row.quotes)
    url = row.source.url if re.match(r"https?://[^\s<>]+\Z", row.source.url) else ""
    return f"[^{row.number}]: {plain_markdown(described(row.source))}.{f' <{url}>' if url else ''}{quotes}"


# --- blocks -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    words: str
    bare: str  # the same with code blanked

    @property
    def is_empty(self) -> bool:
        return not self.words.strip()

    @property
    def indent(self) -> int:
        return len(self.words) - len(self.words.lstrip(" "))

    def moved(self, columns: int) -> _Line:
        """The line with *columns* less of its indent."""
        return _Line(self.words[columns:], self.bare[columns:])


_NOTHING: Final = _Line("", "")


def _lines(text: str) -> list[_Line]:
    text = text.expandtabs(4) if "\t" in text else text
    return [_Line(*pair) for pair in zip(text.split("\n"), without_code(text).split("\n"), strict=True)]


def _blocks(lines: Sequence[_Line]) -> Iterator[str]:
    """*lines* without what only our own renderer knows; of empty ones that follow each other, one."""
    definitions = _definitions(lines)
    terms = _terms(lines, definitions)
    at, empty = 0, True
    while at < len(lines):
        line = lines[at]
        if box := _opened_box(line):
            end = _end_of_box(lines, at)
            yield from _box(line, box, lines[at + 1 : end], parted=empty)
            at, empty = end, True
            continue
        if at in terms:
            yield from [f"**{line.words.strip()}**", ""]
            line = _NOTHING
        elif (definition := definitions.get(at)) and not line.is_empty:
            yield f"{definition['indent']}- {line.words[definition.start('words') :]}"
        elif CODE_MARK in line.bare:
            yield from _opening_fence(line.words)
        elif line.bare.strip() or line.words.strip() or not empty:
            yield line.words.rstrip(" ") if not line.words.strip() else line.words
        empty = line.is_empty
        at += 1


def _opened_box(line: _Line) -> re.Match[str] | None:
    """The admonition, the details or the tab that *line* opens."""
    if not line.bare.lstrip().startswith(("!!!", "???", "===")):  # looked for first, for it costs little
        return None
    return _BOX.fullmatch(line.bare) or _TAB.fullmatch(line.bare)


def _end_of_box(lines: Sequence[_Line], at: int) -> int:
    """The line on which what stands in the box that opens at *at* has ended."""
    inner = lines[at].indent + 4
    end = at + 1
    for number in range(at + 1, len(lines)):
        if lines[number].is_empty:
            continue
        if lines[number].indent < inner:
            break
        end = number + 1
    return end


def _box(line: _Line, opened: re.Match[str], inner: Sequence[_Line], *, parted: bool) -> Iterator[str]:
    lead = " " * line.indent
    groups = opened.groupdict()
    title = line.words[opened.start("title") : opened.end("title")] if groups["title"] is not None else None
    if title is None:
        title = groups["kind"].capitalize()
    words = [*([f"**{title}**", ""] if title else []), *_blocks([each.moved(line.indent + 4) for each in inner])]
    while words and not words[-1]:
        words.pop()
    if not parted:
        yield ""
    yield from (f"{lead}> {each}".rstrip() for each in words)
    yield ""


def _definitions(lines: Sequence[_Line]) -> dict[int, re.Match[str]]:
    """The definitions among *lines*, by their places."""
    found = {at: _DEFINITION.fullmatch(line.bare) for at, line in enumerate(lines) if ":" in line.bare[:4]}
    return {at: definition for at, definition in found.items() if definition}


def _terms(lines: Sequence[_Line], definitions: Iterable[int]) -> set[int]:
    """The places of the lines that *definitions* follow, at once, behind other terms, or behind one empty line."""
    terms = set()
    for definition in definitions:
        at = definition - 1
        if at >= 0 and lines[at].is_empty:
            at -= 1
        while at >= 0 and _may_be_term(lines[at]):
            terms.add(at)
            at -= 1
    return terms


def _may_be_term(line: _Line) -> bool:
    words = line.bare.strip()
    if not words or line.indent > 3 or _DEFINITION.fullmatch(line.bare):
        return False
    return not words.startswith(("#", "-", "*", "+", ">", "|", CODE_MARK))


def _opening_fence(line: str) -> Iterator[str]:
    """The line that opens a listing, with its language alone; other lines that show code stay as they are."""
    opened = _FENCE.fullmatch(line)
    if opened is None:
        yield line
        return
    named = _NAMED.search(opened["options"])
    if named:
        yield f"{opened['lead']}**{named[1] or named[2]}**"
        yield opened["lead"].rstrip()
    language = _LANGUAGE.match(opened["options"])
    yield f"{opened['lead']}{opened['fence']}{language[1] if language else ''}"
