"""Sentences with a number and without a citation: a hint, simple on purpose, and slow to cry wolf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipeline.library.citations import PARAGRAPH, line_and_column, prose
from pipeline.library.sentences import sentence_ends
from pipeline.model import Article, Problem, Severity

# A number that a reader may ask the source of: not part of a name (GPT-4, H100, Q2), not one item of a date or a reference.
_NUMBER: Final = re.compile(r"(?<![\w.,/:#–-])[$€£¥]?\d+(?:[.,]\d+)*(?![\w–-]*[:/]\d)")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_BEFORE: Final = re.compile(
    rf"(?:{_MONTH}|Articles?|Art\.|Sections?|Annex|Chapter|Part|Figure|Fig\.|Table|Pages?|Rule|Title|Regulation|Directive|Act|No\."
    r"|Version|Phase|Step|Level|Tier|Schedule|Paragraph)\s+$"
)
_AFTER: Final = re.compile(rf"\s+{_MONTH}\b")
_ROW_RULE: Final = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_ITEM: Final = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])[ \t]+", re.MULTILINE)
_ANALYSIS: Final = re.compile(r"<!--\s*analysis\s*-->")


def check_numbers(article: Article) -> Iterator[Problem]:
    """S201: each sentence with a number cites, unless its paragraph is marked as our own reading. One hint a sentence."""
    text = re.sub(r"\]\([^)\n]*\)", lambda m: "]" + " " * (len(m[0]) - 1), prose(article.body))
    for paragraph in PARAGRAPH.finditer(text):
        if not re.search(r"\d", paragraph[0]) or _is_analysis(article.body, paragraph):
            continue
        for start, end in _statements(paragraph[0]):
            sentence = paragraph[0][start:end]
            number = None if any(sign in sentence for sign in ("[^", "[@", "![[")) else _first_number(sentence)
            if number is not None:
                line, column = line_and_column(
                    text, paragraph.start() + start + number.start(), first_line=article.body_line
                )
                message = f'"{number[0]}" stands in a sentence without a citation; cite it, or mark the paragraph <!-- analysis -->'
                yield Problem(article.path, line, column, "S201", message, Severity.WARNING)


def _is_analysis(body: str, paragraph: re.Match[str]) -> bool:
    """True when the paragraph ends in the mark, or the mark is its last line (which is blank in our copy of the text)."""
    nearby = body[paragraph.start() : paragraph.end() + 80]
    return _ANALYSIS.search(re.split(r"\n[ \t]*\n", nearby, maxsplit=1)[0]) is not None


def _statements(paragraph: str) -> Iterator[tuple[int, int]]:
    """What may need a citation of its own in a paragraph, from where to where: a row of a table, an item of a list, a sentence."""
    lines = paragraph.splitlines(keepends=True)
    if len(lines) > 1 and "|" in lines[0] and _ROW_RULE.match(lines[1]):
        offset = len(lines[0]) + len(lines[1])
        for line in lines[2:]:
            yield offset, offset + len(line)
            offset += len(line)
        return
    start = 0
    for end in [*(m.start() for m in _ITEM.finditer(paragraph) if m.start()), len(paragraph)]:
        marker = _ITEM.match(paragraph, start)
        begin = marker.end() if marker else start
        if not paragraph[begin:end].lstrip().startswith("#"):
            ends = [begin + at for at in sentence_ends(paragraph[begin:end])]
            yield from zip([begin, *ends], ends, strict=False)
        start = end


def _first_number(sentence: str) -> re.Match[str] | None:
    return next((m for m in _NUMBER.finditer(sentence) if not _is_reference(m, sentence)), None)


def _is_reference(number: re.Match[str], sentence: str) -> bool:
    """True for a year, a day of a month, or the number of an article of a law: no figure that one could get wrong."""
    return bool(
        _YEAR.fullmatch(number[0])
        or _BEFORE.search(sentence[max(0, number.start() - 20) : number.start()])
        or _AFTER.match(sentence, number.end())
    )
