"""A text that words are looked up in: its paragraphs, and its words with where each stands, found once for all questions."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from functools import cached_property
from typing import Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.quotes.normal import normal_lines
from pipeline.library.sentences import sentence_ends
from pipeline.library.weighed import Weighed

# A number with what belongs to it: sign, currency, groups of thousands, decimals, percent. "- 5" is no sign: a dash stands apart.
_NUMBER: Final = (
    r"(?:(?<!\S)[-+]|(?<=\()[-+])?(?:(?:\b(?:US|AU|CA|NZ|HK|NT|[ACRS]))?[$€£¥₹]\ ?)?"
    r"(?:\d{1,3}(?:\ \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,':/]\d+)*)(?:\ ?[%‰])?"
)
# Scripts without spaces between words: a character is a word.
_IDEOGRAM: Final = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_WORD: Final = rf"(?:(?!{_IDEOGRAM})[^\W\d_])(?:(?!{_IDEOGRAM})[^\W_]|'(?=[^\W\d_]))*"
_TOKEN: Final = Late(rf"({_NUMBER})|{_WORD}|\.{{3,}}|''|\S")
# What a text puts between words to point elsewhere: [12], [2, 6], [a], [note 3], a star or a dagger, a raised digit behind a year.
MARKER: Final = Late(
    r"\s?\[(?:\d{1,3}(?:\s?[,-]\s?\d{1,3})*|(?-i:[a-z])(?=\](?!\w))|(?:note|nb|n|fn)\.?\s?\d{1,3}|citation needed)\]"
    r"|(?<=[\w.,;:!?)\"'])[*†‡]+(?!\w)|(?<=\b(?:19|20)\d\d)\^\d{1,2}\b",
    re.IGNORECASE,
)


class Token(NamedTuple):
    """A word, a number or a mark of punctuation. Tokens of one key are the same in a comparison."""

    key: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.key[-1].isalnum() or self.key[-1] in "%‰"


def tokens(flat: str) -> list[Token]:
    """The tokens of *flat*, which is in normal form. White space is none: it only parts words."""
    found = []
    for match in _TOKEN.finditer(flat):
        key = match[0]
        if match[1]:
            key = key.replace(" ", "")
        elif key in ("'", "''"):
            key = '"'  # which marks enclose an inner quotation is typography
        found.append(Token(key, match.start(), match.end()))
    return found


class Text:
    """A text in normal form, one paragraph behind the other, and an index of its words.

    *flat* is the whole of it on one line. A text with empty lines has its paragraphs between them, another one on each line.
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.lines = normal_lines(raw)  # of the file, empty ones too
        parted = not all(self.lines[:-1])
        pieces: list[str] = []
        self._starts: list[int] = []  # of each line that is not empty, in `flat`
        self._numbers: list[int] = []  # its number in the file
        self.paragraph_starts: list[int] = []
        at, opens = 0, True
        for number, piece in enumerate(self.lines, start=1):
            if not piece:
                opens = True
                continue
            self._starts.append(at)
            self._numbers.append(number)
            if opens or not parted:
                self.paragraph_starts.append(at)
            opens = False
            pieces.append(piece)
            at += len(piece) + 1
        self.flat = " ".join(pieces)

    def line_at(self, offset: int) -> int:
        """The line of the file, from 1, that holds *offset* of `flat`."""
        found = bisect.bisect_right(self._starts, offset) - 1
        return self._numbers[found] if found >= 0 else 1

    def paragraph_at(self, offset: int) -> int:
        """Which paragraph, from 0, holds *offset* of `flat`."""
        return bisect.bisect_right(self.paragraph_starts, offset) - 1

    def paragraph_span(self, offset: int) -> tuple[int, int]:
        """From where to where in `flat` the paragraph goes that holds *offset*."""
        number = self.paragraph_at(offset)
        last = number + 1 == len(self.paragraph_starts)
        return self.paragraph_starts[number], len(self.flat) if last else self.paragraph_starts[number + 1] - 1

    def parts_between(self, start: int, end: int) -> bool:
        """True when a paragraph ends between *start* and *end*: one that ends in the middle of a sentence is a broken page."""
        first = bisect.bisect_right(self.paragraph_starts, start)
        last = bisect.bisect_right(self.paragraph_starts, end)
        return any(self.flat[at - 2] in ".!?:\"')" for at in self.paragraph_starts[first:last] if at > 1)

    def sentences_around(self, start: int, end: int) -> tuple[int, int]:
        """From where to where the sentences go in which *start* to *end* of `flat` lie; not beyond the line of each."""
        first = bisect.bisect_right(self._starts, start) - 1
        last = bisect.bisect_right(self._starts, end - 1) - 1
        opens = self._starts[first]
        closes = self._starts[last + 1] - 1 if last + 1 < len(self._starts) else len(self.flat)
        low, high = opens, closes
        for stop in sentence_ends(self.flat[opens:closes]):
            if opens + stop <= start:
                low = opens + stop
            elif opens + stop >= end:
                high = opens + stop
                break
        return low + len(self.flat[low:high]) - len(self.flat[low:high].lstrip()), high

    @cached_property
    def tokens(self) -> list[Token]:
        return tokens(self.flat)

    @cached_property
    def tokens_without_markers(self) -> list[Token]:
        """The tokens as a reader reads them, who passes over marks that point elsewhere."""
        spans = [match.span() for match in MARKER.finditer(self.flat)]
        if not spans:
            return self.tokens
        starts = [start for start, _ in spans]

        def is_marker(token: Token) -> bool:
            nearest = bisect.bisect_right(starts, token.start) - 1
            return nearest >= 0 and token.start < spans[nearest][1]

        return [token for token in self.tokens if not is_marker(token)]

    @cached_property
    def index(self) -> dict[str, list[int]]:
        """Where in `tokens` each key stands."""
        return _indexed(self.tokens)

    @cached_property
    def index_without_markers(self) -> dict[str, list[int]]:
        same = self.tokens_without_markers is self.tokens
        return self.index if same else _indexed(self.tokens_without_markers)


def _indexed(found: list[Token]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = defaultdict(list)
    for at, token in enumerate(found):
        index[token.key].append(at)
    return dict(index)


MOST_HELD: Final = 4_000_000  # characters; a `Text` takes some forty bytes for each
RESTING: Final = 1_000_000  # of them, between two articles
_made: Final[Weighed[str, Text]] = Weighed(MOST_HELD, resting=RESTING)


def text_of(raw: str) -> Text:
    """*raw* as a `Text`; made once for each text, as long as not too many others are asked for."""
    return _made.get(raw, lambda: Text(raw), characters=len(raw))
