"""Where an article leans on its sources, in Markdown.

    [^id]              a source
    [^id.quote]        words of it that its file keeps by name; alone in a block quote, they are set there
    ![[id.quote]]      those very words, set here by the build: nobody can misquote them
    [@id, p. 3; @id2]  Pandoc's way to cite, until `opensignal fmt` writes it in ours

This finds the places with their line and column, for the checks; `render` turns the same places into links while it renders.
Both leave alone what stands in code, in comments, in raw HTML, behind a backslash, and in the definitions that may close a file:

    <!-- sources -->
    [^northfield-2026]: Northfield Grid Authority, Load outlook 2026
    <!-- sources -->

Those are there so that the file reads well on a forge; readers of the site get the panel that is made from the sources themselves.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from pipeline.model import Citation

# Wide on purpose: a citation with a slip in it must be found to be reported.
_ID: Final = r"([^\[\]\s.^]+)(?:\.([^\[\]\s^]+))?"  # of a source, and perhaps of a quote
CITATION: Final = rf"\[\^{_ID}\]"
INSERTION: Final = rf"!\[\[{_ID}\]\]"
PANDOC: Final = r"\[((?:@[^\[\]\s.,;@^]+(?:,[^\[\];@]*)?)(?:;\s*@[^\[\]\s.,;@^]+(?:,[^\[\];@]*)?)*)\](?![(:])"
CITED_BY_PANDOC: Final = re.compile(r"@([^\s.,;@]+)(?:,\s*([^;]*))?")  # each source in it, and where in the source

_PLACES: Final = re.compile(rf"(?<!\\)(?:{INSERTION}|{CITATION}|{PANDOC})")
# A block quote that is nothing but one citation.
WORDLESS: Final = re.compile(
    rf"(?:\A|(?:\A|\n)[ \t]*\n)[ \t]*(?:>[ \t]*)+(?P<citation>{CITATION})[ \t]*(?=\n[ \t]*\n|\n?\Z)"
)
PARAGRAPH: Final = re.compile(r"(?:^[^\n]*\S[^\n]*$\n?)+", re.MULTILINE)  # lines without an empty one between them
CODE_MARK: Final = "\ufffc"  # what `prose` leaves of a fenced block: it still ends a list

DEFINITION: Final = re.compile(r"^ {0,3}\[\^[^\[\]\s]+\]:[^\n]*(?:\n[ \t]+\S[^\n]*)*", re.MULTILINE)
_MARK: Final = re.compile(r"^[ ]{0,3}<!--\s*sources\s*-->[ \t]*$", re.MULTILINE)
_FENCED: Final = re.compile(
    r"^(?P<lead>[> ]*)(?P<fence>`{3,}|~{3,})[^`\n]*\n(?:.*\n)*?(?P=lead)(?P=fence)[ \t]*$", re.MULTILINE
)
# A code span or the beginning of a comment, whichever opens first. A span does not reach across an empty line, a comment may.
_SPAN_OR_COMMENT: Final = re.compile(
    r"<!--|(?<![\\`])(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)", re.DOTALL
)
_RAW_HTML: Final = re.compile(
    r"^ {0,3}<(?P<tag>address|article|aside|blockquote|details|div|dl|fieldset|figure|footer|form|h[1-6]|header|iframe|main|nav"
    r"|ol|p|pre|script|section|style|table|ul|video)\b(?P<rest>[^>]*)>.*?</(?P=tag)\s*>",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
# The first line of a block that may be indented code, behind an empty line. One of a blanked listing is none: it is empty too.
_INDENTED: Final = re.compile(r"\n[ \t]*\n(?: {4}| {0,3}\t)[^\n]*\S")
_OPENS_A_CONTAINER: Final = re.compile(r"(?:[-*+]|\d+\.)[ ]|!!!|\?\?\?|===[!+]*[ ]\"|:[ ]")


def find_citations(body: str, *, first_line: int = 1) -> tuple[Citation, ...]:
    """The citations of the Markdown in *body*, in order; the line counts from *first_line*, the column from 1."""
    if not any(sign in body for sign in ("[^", "[@", "![[")):
        return ()
    text = prose(body)
    wordless = {m.start("citation") for m in WORDLESS.finditer(text)} if ">" in text else set()
    return tuple(
        Citation(source, quote, *line_and_column(body, at, first_line=first_line), inserted=inserted or at in wordless)
        for m in in_brackets(_PLACES, text)
        for source, quote, at, inserted in _cited(m)
    )


def inserted_in(body: str) -> set[tuple[str, str | None]]:
    """Source and quote of the words that the build sets in *body*."""
    if "![[" not in body and not re.search(r">[ \t]*\[\^", body):  # looked for first, for it costs little
        return set()
    return {(citation.source, citation.quote) for citation in find_citations(body) if citation.inserted}


def cited_places(text: str) -> Iterator[tuple[int, int, list[tuple[str, str | None]], bool]]:
    """From where to where each citation in *text* goes, which sources and quotes it names, and whether their words are set there.

    *text* is the `prose` of a body.
    """
    for place in in_brackets(_PLACES, text):
        named = list(_cited(place))
        yield place.start(), place.end(), [(source, quote) for source, quote, _, _ in named], named[0][3]


def in_brackets(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What *pattern* finds in *text*; each begins with a bracket or an exclamation mark, so that no other letter need be tried."""
    end, at = 0, text.find("[")
    while at >= 0:
        starts = (at - 1, at) if text.startswith("!", max(0, at - 1)) and at > end else (at,)
        if found := next((found for start in starts if (found := pattern.match(text, start))), None):
            yield found
            end = found.end()
        at = text.find("[", max(at + 1, end))


def in_ticks(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What *pattern* finds in *text*; each begins with a backtick."""
    end, at = 0, text.find("`")
    while at >= 0:
        if found := pattern.match(text, at):
            yield found
            end = found.end()
        at = text.find("`", max(at + 1, end))


def _cited(place: re.Match[str]) -> Iterator[tuple[str, str | None, int, bool]]:
    """Source, quote, offset, and whether the words are inserted, of each citation in *place*."""
    if place[5]:
        for one in CITED_BY_PANDOC.finditer(place[5]):
            yield one[1], None, place.start(5) + one.start(), False
    elif place[1]:
        yield place[1], place[2], place.start(), True
    else:
        yield place[3], place[4], place.start(), False


def line_and_column(text: str, offset: int, *, first_line: int = 1) -> tuple[int, int]:
    """Line and column of *offset* in *text*, both from 1 (the line from *first_line*)."""
    return text.count("\n", 0, offset) + first_line, offset - text.rfind("\n", 0, offset)


def without_definitions(body: str) -> str:
    """*body* with the definitions of its citations blanked; offsets and lines stay as they are."""
    if "]:" not in body and "<!--" not in body:
        return body
    if marked := definitions_at(body):
        body = _blank(body, *marked)
    for definition in DEFINITION.finditer(without_code(body)):
        body = _blank(body, *definition.span())
    return body


def definitions_at(body: str) -> tuple[int, int] | None:
    """From where to where the marked definitions stand, marks and all; to the end where there is no second mark."""
    marks = marks_in(body)
    if not marks:
        return None
    return marks[0][0], marks[1][1] if len(marks) > 1 else len(body)


def marks_in(body: str) -> list[tuple[int, int]]:
    """From where to where each of the marks around definitions stands; listings may show them."""
    if not _MARK.search(body):
        return []
    return [mark.span() for mark in _MARK.finditer(_without_listings(body))]


@functools.lru_cache(maxsize=64)  # checks, claims, words and receipts ask for the same text
def prose(body: str) -> str:
    """*body* with everything blanked in which a citation is no citation; offsets and lines stay as they are."""
    text = without_code(without_definitions(body))
    if "</" in text:
        text = _RAW_HTML.sub(lambda m: m[0] if "markdown" in m["rest"] else _blanked(m), text)
    return text


def html_blocks(body: str) -> Iterator[tuple[int, int]]:
    """From where to where each block of raw HTML goes in which no citation is read."""
    text = without_code(without_definitions(body)) if "</" in body else ""
    for block in _RAW_HTML.finditer(text):
        if "markdown" not in block["rest"]:
            yield block.span()


@functools.lru_cache(maxsize=64)
def without_code(text: str) -> str:
    """*text* with listings, code spans and comments blanked; offsets and lines stay as they are."""
    text = _without_listings(text)
    if "`" in text or "<!--" in text:
        parts, at = [], 0
        for start, end, _ in spans_and_comments(text):
            parts += [text[at:start], _blanks(text[start:end])]
            at = end
        text = "".join([*parts, text[at:]])
    return text


def spans_and_comments(text: str) -> Iterator[tuple[int, int, bool]]:
    """From where to where the code spans and the comments of *text* stand, in order, and whether it is a comment."""
    at, closes = 0, True
    while (sign := _sign(text, at)) >= 0 and (found := _SPAN_OR_COMMENT.search(text, sign)):
        at = found.end()
        if found["ticks"]:
            yield found.start(), at, False
        elif closes:
            end = text.find("-->", at)
            if end >= 0:
                at = end + 3
                yield found.start(), at, True
            closes = end >= 0  # else no later one is closed either, and none is looked for again


def _sign(text: str, at: int) -> int:
    """Where from *at* on a code span or a comment may open at the earliest: the expression looks at every letter before it."""
    tick, comment = text.find("`", at), text.find("<!--", at)
    return max(tick, comment) if min(tick, comment) < 0 else min(tick, comment)


def apart(body: str) -> Iterator[tuple[int, int, bool]]:
    """From where to where each code span and each comment in *body* goes, outside listings, and whether it is a comment."""
    yield from spans_and_comments(_without_listings(body)) if "`" in body or "<!--" in body else ()


@functools.lru_cache(maxsize=16)  # as above
def _without_listings(text: str) -> str:
    if "```" in text or "~~~" in text:
        text = _FENCED.sub(lambda m: m["lead"] + CODE_MARK + _blanked(m)[len(m["lead"]) + 1 :], text)
    if ("    " in text or "\t" in text) and _INDENTED.search(f"\n\n{text}"):  # looked for first, for it costs little
        text = _without_indented_code(text)
    return text


def _without_indented_code(text: str) -> str:
    """Blank the blocks that are indented by four columns more than what holds them (a list item, an admonition, a tab)."""
    holds: list[bool] = []  # by depth: whether the block there can hold indented blocks
    for block in list(PARAGRAPH.finditer(text)):
        lines = block[0].expandtabs(4).split("\n")
        indent = (len(lines[0]) - len(lines[0].lstrip())) // 4
        depth = 0
        while depth < min(indent, len(holds)) and holds[depth]:
            depth += 1
        if depth < indent:
            text = _blank(text, block.start(), block.end())
            continue
        del holds[depth:]
        for line in lines:
            level = min((len(line) - len(line.lstrip())) // 4, len(holds))
            if _OPENS_A_CONTAINER.match(line.lstrip()):
                holds[level:] = [True]
            elif level == depth and len(holds) == depth:
                holds.append(False)
    return text


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + _blanks(text[start:end]) + text[end:]


def _blanked(found: re.Match[str]) -> str:
    return _blanks(found[0])


def _blanks(text: str) -> str:
    """As many lines as *text* has, each as long and blank."""
    return "\n".join([" " * len(line) for line in text.split("\n")])
