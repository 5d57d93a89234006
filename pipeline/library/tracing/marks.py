"""Where quotations stand in words without markup: between “ ”, " ", « », „ “, ‹ ›, 「 」, or `` ''.

Between ‘ ’ or ' ' from four words on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.library.late import Late

LONG: Final = 4  # words; fewer between single marks are a term or a nickname, not a quotation

_MARK: Final = re.compile('["“”„«»‹›「」『』❝❞]')
_ANY_MARK: Final = re.compile("[\"“”„«»‹›「」『』❝❞`'‘]")  # without one of them nothing is quoted
_CLOSES: Final = {
    "“": '”"', "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹", "「": "」", "『": "』", "❝": "❞", '"': '"”',
}  # fmt: skip
_ALWAYS_OPEN: Final = "“„«‹「『❝"
_TYPED: Final = Late(r"``(?=\S)([^`]{1,2000}?)''")  # the marks of TeX
_OPENS_AFTER: Final = " \t\n([{—–-/‘'|"
# At most as far as a long paragraph: a mark that nothing closes must not be looked after to the end of a long text.
_SINGLE: Final = Late(r"(?<![\w'’‘])['‘](?!\d\ds\b)(?=\S)(.{1,2000}?)(?<=[\w.,;:!?%…)\]])['’](?!\w)")


class QuotationKind(StrEnum):
    """By what words are known as a quotation."""

    MARKS = "marks"  # quotation marks
    BLOCK = "block"  # they are a block quote
    INSERTED = "inserted"  # the build sets them
    OPEN = "open"  # a quotation mark, of which the closing one is missing


class Quotation(NamedTuple):
    """Words between quotation marks: *start* and *end* take the marks in, *words* do not."""

    start: int
    end: int
    words: str
    kind: QuotationKind = QuotationKind.MARKS
    excused: bool = False  # the editor says that it is none: a title, a term

    def moved(self, by: int) -> Quotation:
        return self._replace(start=self.start + by, end=self.end + by)

    @property
    def is_short(self) -> bool:
        """True for one or two words without a digit: it may be a term as well as a quotation."""
        return len(self.words.split()) < 3 and not any(char.isdigit() for char in self.words)


def quotations(
    text: str, *, inserted: Sequence[tuple[int, int]], tagged: Sequence[tuple[int, int]] = (), goes_on: bool = False
) -> tuple[Quotation, ...]:
    """The quotations in *text*, outermost only, in order.

    The spans *inserted* are filled in by the build, those *tagged* get their marks from the browser. Where the text *goes on* in a
    paragraph that opens the marks anew, what is open here is quoted to the end.
    """
    if not inserted and not tagged and _ANY_MARK.search(text) is None:
        return ()
    found = [
        *_doubles(text, inserted, goes_on),
        *(_made(text, low, high, QuotationKind.INSERTED) for low, high in inserted),
    ]
    found += [Quotation(*m.span(), m[1].strip()) for m in _TYPED.finditer(text)] if "``" in text else []
    found += [
        Quotation(low, high, text[low:high].strip())
        for low, high in tagged
        if low < high and not any(q.start < high and low < q.end for q in found if q.kind is not QuotationKind.OPEN)
    ]
    taken = bytearray(len(text) + 1)
    for quotation in found:
        taken[quotation.start : quotation.end] = b"\x01" * (quotation.end - quotation.start)
    found += [q for q in _singles(text) if not taken[q.start]]
    return tuple(sorted(found, key=lambda q: q.start))


def _doubles(text: str, inserted: Sequence[tuple[int, int]], goes_on: bool) -> Iterator[Quotation]:
    """The outermost pairs of double marks, and each mark that nothing closes, in one pass."""
    found: list[Quotation] = []
    waiting: list[tuple[int, list[Quotation]]] = []  # marks that are open, each with the pairs inside it
    for mark in _MARK.finditer(text):
        at, char = mark.start(), mark[0]
        if any(low <= at < high for low, high in inserted):
            continue
        if waiting and char in _CLOSES[text[waiting[-1][0]]] and _may_close(text, at):
            start, _ = waiting.pop()
            (waiting[-1][1] if waiting else found).append(_made(text, start, at + 1, QuotationKind.MARKS))
        elif (
            char in _ALWAYS_OPEN
            or (char in "»›" and _opens(text, at))
            or (char == '"' and not _in_straight(text, waiting) and _opens(text, at))
        ):
            waiting.append((at, []))
    if waiting and waiting[0][0] == 0 and text[0] == "“":
        found.append(Quotation(0, len(text), text[1:].strip()))  # the next paragraph goes on with it
        waiting = []
    elif waiting and goes_on and text[waiting[0][0]] in _ALWAYS_OPEN:
        at, _ = waiting[0]
        found.append(Quotation(at, len(text), text[at + 1 :].strip()))
        waiting = []
    for at, inside in waiting:
        found += [_made(text, at, at + 1, QuotationKind.OPEN), *inside]
    return iter(found)


def _made(text: str, low: int, high: int, kind: QuotationKind) -> Quotation:
    return Quotation(low, high, text[low + 1 : high - 1].strip() if kind is not QuotationKind.OPEN else "", kind)


def _may_close(text: str, at: int) -> bool:
    """True but for a straight mark with a space before it: that one opens, or stands for itself."""
    return text[at] != '"' or not text[at - 1].isspace()


def _in_straight(text: str, waiting: Sequence[tuple[int, list[Quotation]]]) -> bool:
    return bool(waiting) and text[waiting[-1][0]] == '"'


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return (not before or before in _OPENS_AFTER) and bool(after) and not after.isspace()


def _singles(text: str) -> Iterator[Quotation]:
    for match in _SINGLE.finditer(text) if "'" in text or "‘" in text else ():
        if len(match[1].split()) >= LONG and not re.search(r"['’]\s", match[1]):
            yield Quotation(match.start(), match.end(), match[1].strip())
