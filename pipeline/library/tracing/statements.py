"""The statements of an article: its sentences, rows of tables and items of lists, each with what it cites and what it quotes.

    statements   Markdown | blocks | words without markup | sentences | each with its citations and quotations

A citation behind the full stop belongs to the sentence before it. Every character of a statement knows where it stands in the body,
so that whoever finds something in it can say line and column. Headings, code and comments are no statements.
"""

from __future__ import annotations

import bisect
import functools
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.library.citations import (
    CITATION,
    CODE_MARK,
    INSERTION,
    PANDOC,
    PARAGRAPH,
    apart,
    in_brackets,
    in_ticks,
    prose,
)
from pipeline.library.clean import SILENCED
from pipeline.library.late import Late
from pipeline.library.sentences import sentence_ends
from pipeline.library.tracing.marks import Quotation, QuotationKind, quotations
from pipeline.model import Article, Citation, Source


class BlockKind(StrEnum):
    """What a statement stands in."""

    SENTENCE = "sentence"  # running text
    ITEM = "item"  # of a list
    ROW = "row"  # of a table: one statement
    QUOTATION = "quotation"  # a block quote
    HEADING = "heading"  # holds no statement
    LABEL = "label"  # words beside the sentences, see `labels`


class Statement(NamedTuple):
    """One sentence, row or item of an article's body, as readers see it."""

    text: str  # no markup, no citations, single spaces
    places: Sequence[int]  # where each character of text stands in the article's body; never changed
    start: int  # in the body, with the markup
    end: int  # in the body, with the citations behind it
    citations: tuple[Citation, ...] = ()
    kind: BlockKind = BlockKind.SENTENCE
    analysis: bool = False  # its paragraph is marked as our own reading
    paragraph: int = 0  # statements of one paragraph share it
    before: str = ""  # the statements before it in its paragraph
    heading: str = ""  # the nearest one above it
    columns: tuple[tuple[str, str], ...] = ()  # of a row: heading of the column, and what stands in it
    quotations: tuple[Quotation, ...] = ()
    verbatim: tuple[tuple[int, int], ...] = ()  # spans of text whose words are not ours: quotations, code, addresses

    @property
    def cites(self) -> bool:
        return bool(self.citations)


def statements(article: Article, sources: Mapping[str, Source] | None = None) -> tuple[Statement, ...]:
    """All statements of *article*, in order. Of *sources* come the words that the build inserts for ``![[id.quote]]``."""
    # Not `sources or {}`: asking whether there is any is a look at all, and a new one would have every article examined again.
    reading = _Reading(article, {} if sources is None else sources)
    found: list[Statement] = []
    heading = ""
    for number, paragraph in enumerate(reading.body.paragraphs):
        reading.at = at = _At(number, heading)
        goes_on = _OPENED_ANEW.match(reading.text, paragraph.end) is not None
        for block, analysis in zip(paragraph.blocks, reading.are_analysis(paragraph), strict=True):
            at.analysis = analysis
            if block.kind is BlockKind.HEADING:
                at.heading = heading = reading.clean(block).text
                continue
            found += _lent(reading.read(block, goes_on=goes_on))
    return tuple(found)


def headings(article: Article) -> Iterator[tuple[Statement, int]]:
    """What each heading of *article* says, and where its section ends."""
    reading = _Reading(article, {})
    found = [
        (block, _level(reading.text, block))
        for paragraph in reading.body.paragraphs
        for block in paragraph.blocks
        if block.kind is BlockKind.HEADING
    ]
    for at, (block, level) in enumerate(found):
        end = next((b.spans[0][0] for b, other in found[at + 1 :] if other <= level), len(article.body))
        if statement := reading.whole(block):
            yield statement, end


def labels(article: Article) -> Iterator[Statement]:
    """What stands in *article* beside its sentences, where hardly anybody would cite: titles of boxes, heads of tables, the words
    for an image, and those that a browser shows over a link."""
    reading = _Reading(article, {})
    has_boxes = any(sign in reading.text for sign in ("!!!", "???", "==="))
    for paragraph in reading.body.paragraphs:
        for low, high in _lines(reading.text, paragraph.start, paragraph.end) if has_boxes else ():
            if (box := _TITLED.match(reading.text, low, high)) and (titled := reading.titled(box)):
                yield titled
        for block in paragraph.blocks:
            if block.heads and (head := reading.whole(_Block(BlockKind.ROW, block.heads))) and not head.cites:
                yield head
                break
    shows = any(sign in reading.text for sign in ("![", "title", "alt")) or _TITLED_LINK.search(reading.text)
    for found in _SHOWN.finditer(reading.text) if shows else ():
        group = next(name for name, words in found.groupdict().items() if words is not None)
        words = html.unescape(found[group])
        places = tuple(min(found.start(group) + at, found.end(group)) for at in range(len(words)))
        if words.strip():
            yield Statement(
                words, places, *found.span(), kind=BlockKind.LABEL, quotations=quotations(words, inserted=())
            )


# --- blocks ---------------------------------------------------------------------------------------------------------------------

ANALYSIS: Final = re.compile(r"<!--\s*analysis\s*-->")
_EXCUSE: Final = Late(r"[^\S\n]*+[.,;:!?)*_]*+(?:\[\^[^\[\]\s]+\])*+[\s>]*+<!--\s*not a quotation\s*-->")
_OPENED_ANEW: Final = re.compile(r"\s*[“„«‹]")
_RULE: Final = re.compile(r"[ \t>]*+([-*_])[ \t]*+(?:\1[ \t]*+){2,}+$")  # a line across the page
_TITLED: Final = Late(r"[ \t>]*(?:!!!|\?\?\?\+?|===[!+]*)[ \t][^\"\n]*\"(?P<title>[^\n]+)\"[ \t]*$", re.MULTILINE)
_TITLED_LINK: Final = Late(r"\]\([^)\n]*[\"']")
_SHOWN: Final = Late(
    r"!\[(?!\[)(?P<image>[^\[\]]*)\](?=[(\[])"
    r"|(?<=\])\([^()\s]*\s+(?:\"(?P<double>[^\"\n]{0,500})\"|'(?P<single>[^'\n]{0,500})')\s*\)"
    r"|(?<=[\s{:])(?:title|alt)\s*=\s*(?:\"(?P<attribute>[^\"<>\n]*)\"|'(?P<quoted>[^'<>\n]*)')(?=[^<>{}\n]{0,500}[>}])"
)
_ROW_RULE: Final = re.compile(r"^[ \t>]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_HEADING: Final = re.compile(r"[ \t>]*#{1,6}[ \t]")
_UNDERLINE: Final = re.compile(r"[ \t]*(?:=+|-+)[ \t]*$")
_BOX: Final = re.compile(r"[ \t>]*(?:!!!|\?\?\?\+?|===[!+]*)[ \t]")  # the head of an admonition, a detail, a tab
_ITEM: Final = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)]|:)[ \t]+(?:\[[ xX]\][ \t]+)?)")


class _Block(NamedTuple):
    """Lines that belong together, as spans of the text without what leads each line."""

    kind: BlockKind
    spans: tuple[tuple[int, int], ...]
    heads: tuple[tuple[int, int], ...] = ()  # of a row: the cells of the table's head


class _Paragraph(NamedTuple):
    """Lines without an empty one between them."""

    start: int
    end: int
    blocks: tuple[_Block, ...]


class _Body:
    """What the Markdown of an article's body is made of, whatever it cites."""

    def __init__(self, body: str) -> None:
        text = prose(body)
        self.has_comments = "<!--" in body
        self.marked = list[int]()  # where paragraphs are marked as our own reading
        for start, end, is_comment in apart(body):
            if is_comment and ANALYSIS.fullmatch(body, start, end):
                self.marked.append(start)
            elif not is_comment and _is_prose(words := body[start:end].strip("`")):
                low = body.index(words, start)
                text = text[:low] + words + text[low + len(words) :]
        self.text = text
        self.code = [m for m in in_ticks(_CODE, body) if not text[m.start() : m.end()].strip()]
        linked = [*in_brackets(_LINKED, text)] if "](" in text or "][" in text else []
        self.linked = sorted({at for m in linked for at in (m.start(), m.end() - 1)})  # brackets that are markup
        self.line_starts = [0, *(m.end() for m in re.finditer("\n", body))]
        self.paragraphs = [
            _Paragraph(*paragraph.span(), tuple(_blocks(text, *paragraph.span())))
            for paragraph in PARAGRAPH.finditer(text)
        ]


# The sentences, the headings and the labels of one article are asked for one after the other.
@functools.lru_cache(maxsize=4)
def _body_of(body: str) -> _Body:
    return _Body(body)


def _level(text: str, block: _Block) -> int:
    """Of a heading: 1 to 6."""
    low, high = block.spans[0]
    begin = text.rfind("\n", 0, low) + 1
    if marks := _HEADING.match(text, begin):
        return marks[0].count("#")
    return 1 if text[high:].lstrip(" \t\n").startswith("=") else 2


def _blocks(text: str, start: int, end: int) -> Iterator[_Block]:
    """The blocks of one paragraph: headings, rows, items, and what is left."""
    lines = _lines(text, start, end)
    at = 0
    kind, held = BlockKind.SENTENCE, list[tuple[int, int]]()
    while at < len(lines):
        low, high = lines[at]
        line = text[low:high]
        following = text[slice(*lines[at + 1])] if at + 1 < len(lines) else ""
        is_marked = not line[0].isalpha()  # what begins with a letter is no more than a line of a paragraph
        if "|" in line and "|" in following and _ROW_RULE.match(following):
            yield from _closed(kind, held)
            yield from _rows(text, lines[at:])
            return
        if is_marked and _RULE.match(line.rstrip("\n")):
            yield from _closed(kind, held)
            kind, held = BlockKind.SENTENCE, []
            at += 1
            continue
        marks = _HEADING.match(line) if is_marked else None
        if marks or (following and not held and _UNDERLINE.match(following)):
            yield from _closed(kind, held)
            kind, held = BlockKind.SENTENCE, []
            yield _Block(BlockKind.HEADING, ((low + marks.end() if marks else low, high),))
            at += 1 if marks else 2
            continue
        if is_marked and _BOX.match(line):
            yield from _closed(kind, held)
            kind, held = BlockKind.SENTENCE, []
        elif is_marked and (item := _ITEM.match(line)):
            yield from _closed(kind, held)
            kind, held = BlockKind.ITEM, [(low + item.end(), high)]
        else:
            lead = line[: len(line) - len(line.lstrip(" \t>"))] if is_marked else ""
            quoted = ">" in lead
            if quoted != (kind is BlockKind.QUOTATION) and (quoted or kind is BlockKind.QUOTATION):
                yield from _closed(kind, held)
                kind, held = (BlockKind.QUOTATION if quoted else BlockKind.SENTENCE), []
            held.append((low + len(lead), high))
        at += 1
    yield from _closed(kind, held)


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for line in text[start:end].splitlines(keepends=True):
        if line.strip():
            found.append((start, start + len(line)))
        start += len(line)
    return found


def _closed(kind: BlockKind, held: Sequence[tuple[int, int]]) -> Iterator[_Block]:
    if held:
        yield _Block(kind, tuple(held))


def _rows(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[_Block]:
    heads = tuple(_cells(text, *lines[0]))
    if re.search(r"\[\^|\[@", text[slice(*lines[0])]):  # a head that cites says something
        yield _Block(BlockKind.ROW, heads)
    for low, high in lines[2:]:
        yield _Block(BlockKind.ROW, tuple(_cells(text, low, high)), heads)


def _cells(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    row = text[low:high].rstrip()
    shift = len(row) - len(row.lstrip(" \t>"))
    row = row[shift:]
    if row.startswith("|"):
        shift, row = shift + 1, row[1:]
    at = 0
    for cell in re.split(r"(?<!\\)\|", row.removesuffix("|")):
        yield low + shift + at, low + shift + at + len(cell)
        at += len(cell) + 1


# --- words without markup -------------------------------------------------------------------------------------------------------

_SIGNS: Final = rf"!\[(<{{&\\*_~=^{CODE_MARK}"  # markup begins with one of these, or is an address
_SIGN: Final = re.compile(f"[{_SIGNS}]")
_INLINE: Final = re.compile(
    rf"(?=[{_SIGNS}h])(?:(?P<insertion>{INSERTION})|(?P<citation>{CITATION}|{PANDOC})"
    rf"|(?P<unseen>(?i:<(?P<silent>{'|'.join(sorted(SILENCED))})\b[^<>]*>.{{0,2000}}?</(?P=silent)\s*>))"
    r"|(?P<image>!\[[^\[\]]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]]*\]))"
    r"|(?P<target>(?<=\])(?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]\n]*\]))"
    r"|(?P<address><?https?://[^\s<>\[\]]+[^\s<>\[\].,;:!?\"')]>?)"
    r"|(?P<tag></?[A-Za-z](?:[^<>\"'\n]|\"[^\"\n]{0,300}\"|'[^'\n]{0,300}')*>|</?[A-Za-z][^<>\n]*>)"
    r"|(?P<attributes>\{:[^{}\n]*\})"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    rf"|{CODE_MARK}"
    r"|(?P<emphasis>(?<!\s)\*+|\*+(?!\s)|(?<![^\W_])_+|_+(?![^\W_])|~~|==(?==*)|\^\^))"
)
_LINKED: Final = re.compile(
    r"(?<![!\\\]])\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\](?=\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]\n^@]*\])"
)
_CODE: Final = re.compile(r"(?<![\\`])(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
_INSERTED_ALONE: Final = Late(rf"\s*{INSERTION}\s*")
_ATTRIBUTED: Final = Late(r"^[-–—―]+\s")
_GAP: Final = re.compile(r"\s{2,}|[^\S ]")  # white space that is not one space


@dataclass(slots=True)
class _Words:
    """Words without markup while they are gathered, each character with its place in the body."""

    runs: list[str] = field(default_factory=list)  # none is empty
    gathered: list[int] = field(default_factory=list)  # the place of each character of the runs
    text: str = ""  # all runs, once they are gathered
    places: Sequence[int] = ()  # as `gathered`, of the text
    verbatim: list[tuple[int, int]] = field(default_factory=list)
    inserted: list[tuple[int, int]] = field(default_factory=list)  # spans that the build fills in from a source
    tagged: list[tuple[int, int]] = field(default_factory=list)  # spans between <q> and </q>
    tag_at: int | None = None  # where a <q> is open

    def __len__(self) -> int:
        return len(self.gathered)

    def add(self, words: str, place: int, *, moves: bool = True) -> None:
        """Words that stand at *place*; white space is one space, none at the beginning. Without *moves* all stand at *place*."""
        low = 0
        if not self.runs or self.runs[-1][-1] == " ":
            low = len(words) - len(words.lstrip())
        even = " ".join(words[low:].split())  # most lines are, and this costs less than to look at each letter
        if moves and even and words[low:].rstrip("\n") == even:
            self._take(even if words.endswith(even) else f"{even} ", place + low, moves=True)
            return
        for gap in _GAP.finditer(words, low):
            self._take(f"{words[low : gap.start()]} ", place + low if moves else place, moves=moves)
            low = gap.end()
        self._take(words[low:], place + low if moves else place, moves=moves)

    def _take(self, run: str, place: int, *, moves: bool) -> None:
        if run:
            self.runs.append(run)
            self.gathered.extend(range(place, place + len(run)) if moves else [place] * len(run))

    def end(self) -> None:
        """All are gathered; a space at the end is none, also of what stands between <q> and </q>."""
        self.text = "".join(self.runs).rstrip(" ")
        del self.gathered[len(self.text) :]
        self.places = tuple(self.gathered)
        self.tagged = [(low, min(high, len(self))) for low, high in self.tagged if low < len(self)]


@dataclass(slots=True)
class _At:
    """Where the statements stand that are being read: what each of them is told of that."""

    paragraph: int = 0
    heading: str = ""
    analysis: bool = False
    before: str = ""  # the statements that were read of the paragraph


class _Reading:
    """One article being read."""

    def __init__(self, article: Article, sources: Mapping[str, Source]) -> None:
        self.body = _body_of(article.body)
        self.text = self.body.text
        self.at = _At()
        self._article = article
        self._sources = sources
        starts = self.body.line_starts
        self._cited = sorted(
            (starts[c.line - article.body_line] + c.column - 1, number, c)
            for number, c in enumerate(article.citations)
            if 0 <= c.line - article.body_line < len(starts)
        )

    def clean(self, block: _Block) -> _Words:
        """The words of *block* as readers see them."""
        if (bare := self._bare(block)) is not None:
            return bare
        words = _Words()
        for number, (low, high) in enumerate(block.spans):
            if number:
                words.add(" " if block.kind is not BlockKind.ROW else " | ", low - 1, moves=False)
            self._clean(low, high, words)
        words.end()
        return words

    def _bare(self, block: _Block) -> _Words | None:
        """The words of a *block* whose lines follow one another with nothing to clean but their ends: most blocks are such."""
        low, high = block.spans[0][0], block.spans[-1][1]
        text = self.text[low:high]
        if sum([end - start for start, end in block.spans]) < high - low or _SIGN.search(text) or "://" in text:
            return None
        text = text.rstrip("\n").replace("\n", " ")
        if text != " ".join(text.split()):  # code is blank here, also at the end
            return None
        return _Words(text=text, places=range(low, low + len(text)))

    def _clean(self, low: int, high: int, words: _Words) -> None:
        at = low
        for code in self.body.code:
            if low <= code.start() < high:
                self._inline(at, code.start(), words)
                begin = len(words)
                words.add(code[2], code.start(2))
                words.verbatim.append((begin, len(words)))
                at = code.end()
        self._inline(at, high, words)

    def _inline(self, low: int, high: int, words: _Words) -> None:
        if _SIGN.search(self.text, low, high) is None and self.text.find("://", low, high) < 0:
            self._plain(low, high, words)
            return
        at = low
        for found in _INLINE.finditer(self.text, low, high):
            self._plain(at, found.start(), words)
            at = found.end()
            kind = found.lastgroup
            if found["insertion"]:
                self._insert(found["insertion"], found.start(), words)
            elif found["escaped"]:
                words.add(found["escaped"], found.start() + 1)
            elif found["entity"]:
                words.add(html.unescape(found["entity"]), found.start(), moves=False)
            elif found["address"]:
                begin = len(words)
                words.add(found["address"].strip("<>"), found.start())
                words.verbatim.append((begin, len(words)))
            elif found["target"] and found.start() - 1 not in self.body.linked:  # brackets of the author's
                self._plain(found.start(), found.end(), words)
            elif kind == "tag" and found["tag"].lower().startswith("<br"):
                words.add(" ", found.start())
            elif kind == "tag" and (tag := _Q.match(found["tag"])):
                if tag[1]:
                    words.tagged += [(words.tag_at, len(words))] if words.tag_at is not None else []
                    words.tag_at = None
                elif words.tag_at is None:
                    words.tag_at = len(words)
        self._plain(at, high, words)

    def _plain(self, low: int, high: int, words: _Words) -> None:
        """Text without markup but the brackets round the words of a link."""
        linked = self.body.linked
        for at in range(bisect.bisect_left(linked, low), len(linked)):
            if (bracket := linked[at]) >= high:
                break
            words.add(self.text[low:bracket], low)
            low = bracket + 1
        words.add(self.text[low:high], low)

    def _insert(self, mark: str, place: int, words: _Words) -> None:
        id_, _, name = mark[3:-2].partition(".")
        quote = self._sources[id_].quotes.get(name) if id_ in self._sources else None
        if quote is not None:
            begin = len(words)
            words.add(f"“{quote.text}”", place, moves=False)
            words.inserted.append((begin, len(words)))

    # --- sentences

    def are_analysis(self, paragraph: _Paragraph) -> list[bool]:
        """For each of the blocks of *paragraph*: whether it is marked as our own reading.

        A mark on a line of its own (which is blank in our copy of the text) is that of the last block, or of the whole table.
        """
        marked, blocks, end = self.body.marked, paragraph.blocks, paragraph.end
        found = [False] * len(blocks)
        if not marked:
            return found
        following = bisect.bisect_left(marked, end)
        alone = following < len(marked) and not self._article.body[end : marked[following]].strip(" \t")
        for number, block in enumerate(blocks):
            low = self.text.rfind("\n", 0, block.spans[0][0]) + 1
            first = bisect.bisect_left(marked, low)
            inside = first < len(marked) and marked[first] < self._line_end(block.spans[-1][1])
            below = alone and (block is blocks[-1] or (block.kind is blocks[-1].kind is BlockKind.ROW))
            found[number] = inside or below
        return found

    def _line_end(self, at: int) -> int:
        end = self.text.find("\n", max(0, at - 1))
        return end if end >= 0 else len(self.text)

    def whole(self, block: _Block) -> Statement | None:
        """All of *block* as one statement; None where it holds no words."""
        words = self.clean(block)
        if not words.text:
            return None
        self.at = _At()
        cited = self._cited_in(block)
        found = self._excused(quotations(words.text, inserted=words.inserted, tagged=words.tagged), words)
        return self._statement(block._replace(heads=()), words, 0, len(words.text), cited, found)

    def titled(self, box: re.Match[str]) -> Statement | None:
        """The title of a box."""
        return self.whole(_Block(BlockKind.LABEL, (box.span("title"),)))

    def _cited_in(self, block: _Block) -> list[tuple[int, Citation]]:
        if not block.spans:
            return []
        first = bisect.bisect_left(self._cited, (block.spans[0][0],))
        behind = bisect.bisect_left(self._cited, (block.spans[-1][1],))
        return [(at, c) for at, _, c in self._cited[first:behind] if any(low <= at < high for low, high in block.spans)]

    def read(self, block: _Block, *, goes_on: bool = False) -> Iterator[Statement]:
        """The statements in *block*; *goes_on* when the next paragraph opens its quotation marks anew."""
        words = self.clean(block)
        cited = self._cited_in(block)
        if not words.text or self._stand_alone(block, words):
            if wordless := [(at, c) for at, c in cited if c.inserted]:
                yield from self._wordless(wordless)
            return
        text = words.text
        if block.kind is BlockKind.ROW:
            cited += self._of_columns(block)
            yield self._statement(block, words, 0, len(text), cited, ())
            return
        found = self._excused(quotations(text, inserted=words.inserted, tagged=words.tagged, goes_on=goes_on), words)
        if block.kind is BlockKind.QUOTATION:
            whole = self._whole(block, words)
            if not found or found[0].start > 0 or found[-1].end < whole.end:  # marks inside are the source's own
                found = self._excused((whole,), words)
            yield self._statement(block, words, 0, len(text), cited, found)
            return
        ends = sentence_ends(text)
        if found:
            ends = list(_merged(text, [end for end in ends if not any(q.start < end < q.end for q in found)], found))
        start = 0
        for end in ends:
            begin = end - len(text[start:end].lstrip())
            here = cited
            inside: tuple[Quotation, ...] = ()
            if cited and end + 1 < len(text):
                here = [(at, c) for at, c in cited if at < words.places[end + 1]]
            cited = cited[len(here) :]
            if found:
                inside = tuple([q.moved(-begin) for q in found if begin <= q.start and q.end <= end])
            yield self._statement(block, words, begin, end, here, inside)
            start = end

    def _excused(self, found: Iterable[Quotation], words: _Words) -> tuple[Quotation, ...]:
        """The quotations, those marked as none that an editor's comment stands behind."""
        if not self.body.has_comments:
            return tuple(found)
        return tuple(
            q._replace(excused=_EXCUSE.match(self._article.body, words.places[q.end - 1] + 1) is not None)
            for q in found
        )

    def _statement(
        self,
        block: _Block,
        words: _Words,
        begin: int,
        end: int,
        cited: Sequence[tuple[int, Citation]],
        found: tuple[Quotation, ...],
    ) -> Statement:
        text = words.text[begin:end]
        places = words.places[begin:end]
        if block.kind is BlockKind.ROW:
            found = self._excused(quotations(text, inserted=words.inserted, tagged=words.tagged), words)
        verbatim = [(q.start, q.end) for q in found if not q.excused] if found else []
        if words.verbatim:
            verbatim += [(low - begin, high - begin) for low, high in words.verbatim if begin <= low < end]
        mine = [at for at, _ in cited if any(low <= at < high for low, high in block.spans)] if cited else []
        columns: tuple[tuple[str, str], ...] = ()
        if block.heads:
            heads = [self.clean(_Block(BlockKind.ROW, (head,))).text for head in block.heads]
            cells = [self.clean(_Block(BlockKind.ROW, (cell,))).text for cell in block.spans]
            columns = tuple(zip(heads, cells, strict=False))
        before = self._goes_on_with(text)
        return Statement(
            text=text,
            places=places,
            start=min(places[0], mine[0]) if mine else places[0],
            end=max(places[-1] + 1, *map(self._end_of, mine)) if mine else places[-1] + 1,
            citations=tuple([c for _, c in cited]) if cited else (),
            kind=block.kind,
            analysis=self.at.analysis,
            paragraph=self.at.paragraph,
            before=before,
            heading=self.at.heading,
            columns=columns,
            quotations=found,
            verbatim=tuple(sorted(verbatim)) if verbatim else (),
        )

    def _goes_on_with(self, text: str) -> str:
        """What was read of the paragraph before *text*, which is read of it now."""
        before = self.at.before
        self.at.before = f"{before} {text}".strip()
        return before

    def _of_columns(self, row: _Block) -> list[tuple[int, Citation]]:
        """The citations in the heads of the columns in which *row* says something."""
        said = [head for head, (low, high) in zip(row.heads, row.spans, strict=False) if self.text[low:high].strip()]
        return self._cited_in(_Block(BlockKind.ROW, tuple(said)))

    def _end_of(self, at: int) -> int:
        closing = self.text.find("]", at)
        end = closing + 1 if closing >= 0 else at + 1
        return end + 1 if self.text.startswith("![[", at) else end

    def _whole(self, block: _Block, words: _Words) -> Quotation:
        """A block quote without marks: its words are the quotation, a last line behind a dash says whose they are."""
        text = words.text
        end = len(text)
        last = block.spans[-1]
        if len(block.spans) > 1 and _ATTRIBUTED.match(self.text[slice(*last)]):
            end = next((at for at, place in enumerate(words.places) if place >= last[0]), end)
        words_end = len(text[:end].rstrip())
        return Quotation(0, words_end, text[:words_end], kind=QuotationKind.BLOCK)

    def _stand_alone(self, block: _Block, words: _Words) -> bool:
        """True for inserted words alone in a paragraph: the build makes a block quote of them, without marks."""
        if words.inserted != [(0, len(words))] or block.kind not in (
            BlockKind.SENTENCE,
            BlockKind.QUOTATION,
        ):
            return False
        low, high = block.spans[0][0], self._line_end(block.spans[-1][1])
        return _INSERTED_ALONE.fullmatch(self._article.body, low, high) is not None

    def _wordless(self, cited: Sequence[tuple[int, Citation]]) -> Iterator[Statement]:
        """A block quote that only names the words; the build sets them."""
        for at, citation in cited:
            source = self._sources.get(citation.source)
            quote = source.quotes.get(citation.quote or "") if source else None
            if quote is not None:
                words = " ".join(quote.text.split())
                mark = Quotation(0, len(words), words, kind=QuotationKind.INSERTED)
                yield Statement(
                    words,
                    (at,) * len(words),
                    at,
                    self._end_of(at),
                    (citation,),
                    BlockKind.QUOTATION,
                    self.at.analysis,
                    self.at.paragraph,
                    self._goes_on_with(words),
                    self.at.heading,
                    quotations=(mark,),
                    verbatim=((0, len(words)),),
                )


_Q: Final = Late(r"<(/?)q\b", re.IGNORECASE)
_PLAIN_WORD: Final = Late(r"[(“\"]?(?:[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\d.,]*%?)[.,;:!?)”\"]*")
_SMALL_WORD: Final = Late(r"\b(?:the|a|an|is|are|was|were|has|have|had|of|to|will|we|they|it)\b", re.IGNORECASE)


def _is_prose(code: str) -> bool:
    """True for a sentence that somebody set as code: four plain words at least, and one of the small ones that sentences need."""
    words = code.split()
    return len(words) >= 4 and all(map(_PLAIN_WORD.fullmatch, words)) and _SMALL_WORD.search(code) is not None


_INTERRUPTED: Final = Late(
    r"[\s,]*(?:[\w.'’-]+\s+){0,6}(?:said|says|told|wrote|writes|added|adds|argued|argues|warned|warns|noted|notes|explained|explains"
    r"|replied|concluded|concludes|states|stated|continues|continued)\b[^.!?“”\"]{0,60}[.:]?"
)


def _lent(found: Iterable[Statement]) -> list[Statement]:
    """The statements of a block: “…,” somebody writes. “…”[^id] is one quotation, and its first half cites what the second does."""
    listed = list(found)
    if not any(one.quotations for one in listed):
        return listed
    following: Statement | None = None
    turned = []
    for one in reversed(listed):
        statement = one
        if (
            following is not None
            and following.cites
            and following.quotations
            and following.quotations[0].start == 0
            and not statement.cites
            and statement.quotations
            and _INTERRUPTED.fullmatch(statement.text, statement.quotations[-1].end)
        ):
            statement = statement._replace(citations=following.citations)
        turned.append(statement)
        following = statement
    return turned[::-1]


_ATTRIBUTION_FOLLOWS: Final = Late(
    r"[ ](?:(?:[A-ZÀ-Þ][\w.'’-]*|of|the|de|van|von)[ ]){1,6}"
    r"(?:said|says|told|asked|asks|wrote|writes|added|adds|argued|argues|warned|warns|replied|noted|notes|concluded)\b"
)


def _merged(text: str, ends: Sequence[int], found: Sequence[Quotation]) -> Iterator[int]:
    """The *ends* of sentences but for those in “Why?” Ana Example asked."""
    closed = {quotation.end for quotation in found}
    for end in ends:
        asks = end in closed and re.search(r"[?!]$", text[: end - 1]) is not None
        if not (asks and _ATTRIBUTION_FOLLOWS.match(text, end)):
            yield end
