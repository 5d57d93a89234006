"""Where quotations stand in words without markup: between “ ” or " ", « », „ “, and, from four words on, ‘ ’ or ' '."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

LONG: Final = 4  # words; fewer between single marks are a term or a nickname, not a quotation

_MARK: Final = re.compile('["“„«»]')
_PAIRS: Final = {"“": "”", "„": "“”", "«": "»", "»": "«"}
_OPENS_AFTER: Final = " \t\n([{—–-/‘'|"
_SINGLE: Final = re.compile(r"(?<![\w'’‘])['‘](?!\d\ds\b)(?=\S)(.+?)(?<=[\w.,;:!?%…)\]])['’](?!\w)")


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words between quotation marks: *start* and *end* take the marks in, *words* do not."""

    start: int
    end: int
    words: str
    kind: str = (
        "marks"  # marks | block (a block quote) | inserted (set by the build) | open (the closing mark is missing)
    )
    excused: bool = False  # the editor says that it is none: a title, a term

    def moved(self, by: int) -> Quotation:
        return replace(self, start=self.start + by, end=self.end + by)

    @property
    def is_short(self) -> bool:
        """True for one or two words without a digit: it may be a term as well as a quotation."""
        return len(self.words.split()) < 3 and not any(char.isdigit() for char in self.words)


def quotations(text: str, *, inserted: Sequence[tuple[int, int]]) -> tuple[Quotation, ...]:
    """The quotations in *text*, outermost only, in order. The spans *inserted* are filled in by the build."""
    found = [*_doubles(text, inserted), *(_made(text, low, high, "inserted") for low, high in inserted)]
    taken = [(q.start, q.end) for q in found]
    found += [q for q in _singles(text) if not any(low <= q.start < high for low, high in taken)]
    return tuple(sorted(found, key=lambda q: q.start))


def _doubles(text: str, inserted: Sequence[tuple[int, int]]) -> Iterator[Quotation]:
    at = 0
    while mark := _MARK.search(text, at):
        at = mark.start()
        char = text[at]
        skip = next((high for low, high in inserted if low <= at < high), None)
        if skip is not None:
            at = skip
            continue
        end = None
        if char in _PAIRS:
            end = _closing(text, at)
        elif char == '"' and _opens(text, at):
            end = _straight_closing(text, at)
        else:
            at += 1
            continue
        if end is None and char == "“" and at == 0:
            end = len(text)  # the next paragraph goes on with the quotation, and opens with a mark of its own
            yield Quotation(0, end, text[1:].strip())
            return
        if end is None:
            yield _made(text, at, at + 1, "open")
            at += 1
        else:
            yield _made(text, at, end, "marks")
            at = end


def _made(text: str, low: int, high: int, kind: str) -> Quotation:
    return Quotation(low, high, text[low + 1 : high - 1].strip() if kind != "open" else "", kind)


def _closing(text: str, at: int) -> int | None:
    """Behind the mark that closes the one at *at*; marks of the same kind inside come in pairs."""
    opening, closing = text[at], _PAIRS[text[at]]
    depth = 0
    for here in range(at + 1, len(text)):
        if text[here] in closing:
            if not depth:
                return here + 1
            depth -= 1
        elif text[here] == opening:
            depth += 1
    straight = text.find('"', at + 1)
    return straight + 1 if straight >= 0 and not _opens(text, straight) else None


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (not before or before in _OPENS_AFTER) and bool(after) and not after.isspace()


def _straight_closing(text: str, at: int) -> int | None:
    depth = 0
    for here in range(at + 1, len(text)):
        if text[here] == '"' and not text[here - 1].isspace():
            return here + 1
        depth += text[here] == "“"
        if text[here] == "”":
            if not depth:
                return here + 1
            depth -= 1
    return None


def _singles(text: str) -> Iterator[Quotation]:
    for match in _SINGLE.finditer(text) if "'" in text or "‘" in text else ():
        if len(match[1].split()) >= LONG and not re.search(r"['’]\s", match[1]):
            yield Quotation(match.start(), match.end(), match[1].strip())
