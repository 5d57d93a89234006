"""What must carry a citation, and does not: S201 to S206. Numbers and quotations block, the rest are hints, slow to cry wolf.

Needed by none of it: a paragraph that is marked as our own reading. A quotation in such a one still is somebody's, and so is what
it says that others say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.figures import is_soft
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.marks import Quotation, QuotationKind
from pipeline.library.tracing.numbers import find, may_have_figures
from pipeline.library.tracing.speakers import VOICES, voices
from pipeline.library.tracing.statements import Statement
from pipeline.library.tracing.words import words_in
from pipeline.model import Severity


def uncited(
    statement: Statement, *, known: frozenset[str] = frozenset(), told: Collection[str] = ()
) -> Iterator[Finding]:
    """What in *statement* leans on nothing.

    *known* are words that may stand in quotation marks anywhere: titles of sources. *told* are figures that the article has given
    before with their sources: our own reading may take them up.
    """
    if not statement.quotations and (statement.cites or not _may_lean(statement.text)):
        return
    for quotation in statement.quotations:
        if quotation.kind is QuotationKind.OPEN:
            message = (
                "a quotation mark opens here and nothing closes it in its paragraph;"
                " close it, and open it anew in the next one, so that its words can be looked up"
            )
            yield Finding("S206", quotation.start, quotation.end, message, Severity.ERROR)
    if statement.cites:
        return
    by_others = _others_say(statement) if statement.analysis else None
    for quotation in statement.quotations:
        if _needs_a_source(quotation, statement, known, by_others=by_others is not None):
            yield _quoted_from_nobody(quotation, surely=by_others is not None)
    if statement.analysis:
        if by_others is not None:
            yield from _given_by_others(statement, by_others, told)
        return
    if number := next(figures(statement), None):
        words = statement.text[slice(*number)]
        message = f'"{words}" stands in a sentence without a citation; cite it, or mark the paragraph <!-- analysis -->'
        yield Finding("S201", *number, message, Severity.ERROR)
    yield from _softer(statement)


def _may_lean(text: str) -> bool:
    """False for a *text* without a word or sign of what is looked for here: most sentences, and quick to tell."""
    return not _TELLING.isdisjoint(words_in(text)) or may_have_figures(text)


# --- quotations -----------------------------------------------------------------------------------------------------------------


def _needs_a_source(quotation: Quotation, statement: Statement, known: frozenset[str], *, by_others: bool) -> bool:
    if (
        quotation.excused
        or quotation.kind in (QuotationKind.OPEN, QuotationKind.INSERTED)
        or quotation.words.lower() in known
    ):
        return False
    return by_others or not (statement.analysis and quotation.is_short)


def _quoted_from_nobody(quotation: Quotation, *, surely: bool) -> Finding:
    message = f"“{_short(quotation.words)}” is quoted from nobody; cite whose words they are"
    if surely or not quotation.is_short:
        return Finding("S202", quotation.start, quotation.end, message, Severity.ERROR)
    hint = "or write <!-- not a quotation --> behind it if it is a term or a title"
    return Finding("S202", quotation.start, quotation.end, f"{message}, {hint}", Severity.WARNING)


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:57].rsplit(" ", 1)[0] + " …"


# --- our own reading, and what others say -----------------------------------------------------------------------------------------


def _others_say(statement: Statement) -> str | None:
    """The words by which *statement* gives what it says to others."""
    text = statement.text
    if not statement.quotations and next(figures(statement), None) is None:
        return None
    said = _by_somebody(_SAID, _SAID_WORDS, text)
    told = [said[0] if said else "", *(text[voice.start : voice.end] for voice in voices(text))]
    return next((words for words in told if words and not _OWNED.search(words)), None)


_OWNED: Final = Late(r"['’]s?\s+\w+$")  # no verb: "the council's announced plans"


def _given_by_others(statement: Statement, by_others: str, told: Collection[str]) -> Iterator[Finding]:
    """S201 in our own reading: what others report is no reading of ours."""
    for number in figures(statement):
        words = statement.text[slice(*number)]
        if words not in told:
            message = (
                f'"{words}" is given to others by "{by_others}", and that is no reading of ours; cite where they say it'
            )
            yield Finding("S201", *number, message, Severity.ERROR)
            return


# --- numbers --------------------------------------------------------------------------------------------------------------------

# A number that a reader may ask the source of: not part of a name (GPT-4, H100, Q2), not one item of a date or a reference.
_NUMBER: Final = Late(
    r"(?<![\w.,/:#–-])[$€£¥₹]?\d+(?:[.,]\d+)*(?!\d|(?:st|nd|rd|th)\b|[\w–-]*[:/]\d)"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?|a|half a)"
    r"[ ](?:hundred|thousand|million|billion|trillion|crore|percent|per[ ]cent)\b",
    re.IGNORECASE,
)
_DIGIT: Final = re.compile(r"\d")
_MULTIPLES: Final = frozenset("hundred thousand million billion trillion crore percent cent".split())
_YEAR: Final = Late(r"(?:19|20)\d\d")
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_BEFORE: Final = Late(
    rf"(?:{_MONTH}|(?i:Articles?|Art\.|Sections?|Annex|Chapters?|Part|Figures?|Fig\.|Tables?|Pages?|Rule|Title|Regulation|Directive|Act"
    r"|No\.|Version|Phase|Step|Level|Tier|Schedule|Paragraph))\s+$"
)
_AFTER: Final = Late(rf"\s+{_MONTH}\b")


def figures(statement: Statement) -> Iterator[tuple[int, int]]:
    """From where to where each figure of *statement* goes: no year, no day of a month, no number of an article of a law.

    In words it is one from eleven on, where they name a unit: "sixteen weeks". Prose counts less than that with words of its own.
    """
    text = statement.text
    quantities = find(text).quantities
    has_numbers = _DIGIT.search(text) is not None or not _MULTIPLES.isdisjoint(words_in(text))
    if not quantities and not has_numbers:
        return
    numbers = _NUMBER.finditer(text) if has_numbers else ()
    spans = [match.span() for match in numbers if not _is_reference(match, text)]
    spelled = [q for q in quantities if q.spelled and q.unit is not None and not is_soft(q)]
    spans += [(q.start, q.end) for q in spelled if q.number > 10]
    for start, end in sorted(spans):
        if not any(low <= start < high for low, high in statement.verbatim):
            yield start, end


def figures_of(statement: Statement) -> Iterator[str]:
    """The figures of *statement* as they are written, those in its quotations too."""
    yield from (match[0] for match in _NUMBER.finditer(statement.text))


def _is_reference(number: re.Match[str], text: str) -> bool:
    return bool(
        _YEAR.fullmatch(number[0])
        or _BEFORE.search(text[max(0, number.start() - 20) : number.start()])
        or _AFTER.match(text, number.end())
    )


# --- what others said, did, or were the first to do -----------------------------------------------------------------------------

_NAME: Final = r"(?P<name>(?:[A-ZÀ-Þ][\w&.'’-]{0,40}\s+(?:of\s+|the\s+|for\s+|and\s+|&\s+)?){1,5})"
_SAYS: Final = (
    "said|says|told|reports|reported|found|finds|announced|announces|estimates|estimated|expects|expected|forecasts|predicts|predicted"
    "|warned|warns|wrote|writes|claims|claimed|argues|argued|confirmed|denied|denies"
)
_SHOWS: Final = "said|says|found|finds|shows|showed|reports|reported|estimates|estimated|warned|warns"
_SAID: Final = Late(
    rf"\b{_NAME}(?:has\s+|have\s+|had\s+|also\s+)?(?:{_SAYS})\b"
    r"|\b(?:[Tt]he|[Ii]ts|[Tt]heir|[Aa])\s+(?:\w+\s+)?(?:report|study|survey|paper|audit|statement|filing|poll|agency|company|authority)\s+"
    rf"(?:{_SHOWS})\b"
    r"|\b[Aa]ccording\s+to\b(?!\s+(?:us|our)\b)"
)
_DOES: Final = (
    "launched|bought|acquired|sued|signed|approved|ordered|resigned|appointed|hired|dismissed|invested|raised|pledged|refused|rejected"
    "|admitted|joined|testified|withdrew|cancelled"
)
_DID: Final = Late(rf"\b{_NAME}(?:has\s+|have\s+|had\s+)?(?:{_DOES}|agreed\s+to|was\s+(?:appointed|fined|sued))\b")
_MOST: Final = (
    "largest|biggest|smallest|highest|lowest|fastest|slowest|cheapest|dearest|richest|poorest|oldest|youngest|busiest"
    "|steepest"
)
_FIRST: Final = Late(
    rf"\b(?:the|its|their|his|her|\w+['’]s)\s+(?:(?:second|third|single|\w+['’]s)[ -])?(?:{_MOST})\s+\w"
    r"|\brecord\s+(?:high|low|year|quarter|number|level|profit|loss|revenue|sales|demand|sum|pace)s?\b"
    r"|\bthe\s+(?:first|only)\s+(?:[\w-]+\s+){1,3}(?:to|ever)\b|\bfor\s+the\s+first\s+time\b|\bfirst-ever\b|\ball-time\b|\bunprecedented\b",
    re.IGNORECASE,
)
# Each of the three finds nothing in a sentence without one of its words.
_SAID_WORDS: Final = frozenset({*_SAYS.split("|"), *_SHOWS.split("|"), "according"})
_DID_WORDS: Final = frozenset({*_DOES.split("|"), "agreed", "fined"})
_FIRST_WORDS: Final = frozenset({*_MOST.split("|"), "record", "first", "only", "time", "unprecedented"})
_TELLING: Final = _SAID_WORDS | _DID_WORDS | _FIRST_WORDS | _MULTIPLES | VOICES
# Capitals that begin a sentence, and name nobody.
_NOBODY: Final = frozenset(
    """
    a all an and another any anyone as at both but each either every everyone everybody few for from he her his how i if in
    it its many most neither no nobody none nor of on one or other others our several she so some somebody someone such that
    the their then there these they this those to two three we what when where whether which who whoever with yet you your
    """.split()
)


def _softer(statement: Statement) -> Iterator[Finding]:
    """S203 to S205, at most one of them a sentence; a sentence that asks says nothing."""
    text = statement.text
    if text.endswith("?"):
        return
    mark = "cite where it stands, or mark the paragraph <!-- analysis -->"
    if said := _by_somebody(_SAID, _SAID_WORDS, text):
        yield Finding("S203", *said.span(), f'"{said[0]}" tells what others say; {mark}', Severity.WARNING)
    elif not _FIRST_WORDS.isdisjoint(words_in(text)) and (first := _FIRST.search(text)):
        yield Finding("S204", *first.span(), f'"{first[0]}" compares with all others; {mark}', Severity.WARNING)
    elif did := _by_somebody(_DID, _DID_WORDS, text):
        yield Finding("S205", *did.span(), f'"{did[0]}" tells what somebody did; {mark}', Severity.WARNING)


def _by_somebody(pattern: Late, verbs: frozenset[str], text: str) -> re.Match[str] | None:
    """The first match of *pattern*, which needs one of *verbs*, whose subject is a name and no word that begins a sentence."""
    if verbs.isdisjoint(words_in(text)):
        return None
    for match in pattern.finditer(text):
        words = (match["name"] or "").split()
        while words and words[0].lower() in _NOBODY:
            words = words[1:]
        begins = match.start() == 0 and len(words) == len((match["name"] or "").split()) == 1
        if match["name"] is None or (words and not begins):
            return match
    return None
