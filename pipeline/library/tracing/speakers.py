"""S311: a quotation is given to somebody who does not stand near its words in the source. A hint: people are named in many ways.

    “…”, said Maren Voss · Maren Voss, its director, called it “…” · according to the authority, “…”

Who publishes or writes a source speaks in all of it, and whom it names only by a pronoun is looked for in the lines around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.library.quotes import Place, Text, places
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.held import Held
from pipeline.library.tracing.marks import quotations
from pipeline.library.tracing.statements import Statement
from pipeline.model import Severity

NEAR: Final = 500  # characters before and behind the words

_NAME: Final = r"[A-ZÀ-Þ][\w&'’-]*(?:\.(?=\s[A-Z]))?(?:\s(?:of|the|for|and|de|van|von|der|al|&)(?=\s[A-ZÀ-Þ])|\s[A-ZÀ-Þ][\w&'’-]*)*"
_SAYS: Final = (
    r"(?:said|says|told|tells|wrote|writes|called|calls|put|puts|described|describes|warned|warns|added|adds|argued|argues|claimed|claims"
    r"|asked|asks|replied|insisted|insists|noted|notes|explained|explains|conceded|admitted|testified|promised|announced|held|found|finds"
    r"|reported|reports|expects|expected|concluded|concludes|complained|stated|states|declared|remarked)"
)
_BEFORE_THE_VERB: Final = re.compile(
    rf"(?P<name>{_NAME})(?:['’]s\s[\w\s-]{{3,40}})?(?:,[^,“\"]{{2,80}},)?\s(?:has\s|had\s|also\s|once\s|later\s|himself\s|herself\s)?{_SAYS}\b"
)
_BEHIND_THE_VERB: Final = re.compile(
    rf"\b{_SAYS}\s(?:the\s|its\s|their\s|(?:[\w-]+\s){{1,3}}(?:of\s|at\s|for\s)?)?(?P<name>{_NAME})"
)
_ACCORDING: Final = re.compile(rf"\b(?:[Aa]ccording\sto|in\sthe\swords\sof)\s(?:the\s|its\s)?(?P<name>{_NAME})")
# Words with a capital that name nobody: at the beginning of sentences, and the days and months.
_NOBODY: Final = frozenset(
    """
    a an the this that these those it its he she they we i you his her their our my in on at by for from to of as but and or
    nor if when while after before since until although though because so yet then there here what which who where why how
    no not one two three all both each every some many most few several another other such only even just also still
    according asked january february march april may june july august september october november december monday tuesday
    wednesday thursday friday saturday sunday mr mrs ms dr professor sir dame president minister director chair halls
    """.split()
)
_SMALL: Final = frozenset("of the for and de van von der al".split())


def misattributed(statement: Statement, held: Sequence[Held]) -> Iterator[Finding]:
    """S311 for each quotation of *statement* that stands in a text, and there is another's."""
    named = list(speakers(statement.text))
    if not named:
        return
    for quotation in statement.quotations:
        for one in held:
            place = _place(quotation.words, one.text)
            if one.text is None or place is None or _speaks_in_all(named, one):
                continue
            there = [name for name in speakers(one.text.flat[slice(*one.text.sentences_around(*place[:2]))]) if name]
            if any(_same(name, other) for name in named for other in there):
                break
            around = one.text.flat[max(0, place.start - NEAR) : place.end + NEAR]
            others = [name for name in there if not _same_source(name, one)]
            if others or not any(_stands_in(name, around) for name in named):
                yield _finding(quotation.start, quotation.end, named, others, one, place)
            break


def _place(words: str, text: Text | None) -> Place | None:
    return next(iter(places(words, text, first_letter=True)), None) if text is not None else None


def _finding(start: int, end: int, named: Sequence[str], others: Sequence[str], one: Held, place: Place) -> Finding:
    who = " or ".join(dict.fromkeys(named))
    there = f"there {others[0]} says them" if others else "nobody of that name stands near them"
    message = f"these words are given to {who}, but in {one.source.id} (line {place.line}) {there}; name who said them"
    return Finding("S311", start, end, message, Severity.WARNING)


def speakers(text: str) -> Iterator[str]:
    """The names in *text* of those who say something, outside its quotations."""
    bare = list(text)
    for quotation in quotations(text, inserted=()):
        inside = slice(quotation.start + 1, max(quotation.start + 1, quotation.end - 1))
        bare[inside] = "_" * len(bare[inside])
    words = "".join(bare)
    for pattern in (_BEFORE_THE_VERB, _BEHIND_THE_VERB, _ACCORDING):
        for found in pattern.finditer(words):
            if name := _name(found["name"]):
                yield name


def _name(words: str) -> str:
    """*words* without what names nobody at their beginning."""
    parts = re.sub(r"['’]s$", "", words).split()
    while parts and parts[0].lower().rstrip(".") in _NOBODY:
        parts = parts[1:]
    return " ".join(parts)


def _telling(name: str) -> list[str]:
    """The words by which somebody is known: of a person the last one, of others each."""
    return [part.strip(".'’") for part in name.split() if part.lower() not in _SMALL and len(part) > 1]


def _same(name: str, other: str) -> bool:
    """True when two names may be one person's: Voss and Maren Voss, but not Ana Voss and Maren Voss."""
    ours, theirs = _telling(name), _telling(other)
    if not ours or not theirs:
        return False
    shorter, longer = sorted((ours, theirs), key=len)
    return all(part in longer for part in shorter) or _initials(longer) == "".join(shorter)


def _stands_in(name: str, around: str) -> bool:
    """True when the last word of *name* stands in *around*, or its initials do."""
    parts = _telling(name)
    if not parts:
        return False
    return re.search(rf"\b{re.escape(parts[-1])}\b", around) is not None or (
        len(parts) > 1 and re.search(rf"\b{_initials(parts)}\b", around) is not None
    )


def _initials(parts: Sequence[str]) -> str:
    return "".join(part[0] for part in parts)


def _same_source(name: str, one: Held) -> bool:
    """True when *name* is who wrote or published the source."""
    source = one.source
    return any(_overlaps(name, other) for other in (source.publisher, *source.authors, source.title or ""))


def _speaks_in_all(named: Sequence[str], one: Held) -> bool:
    """True when one of those named wrote or published the source, and nobody else is named beside."""
    return all(_same_source(name, one) for name in named)


def _overlaps(name: str, other: str) -> bool:
    ours, theirs = {part.lower() for part in _telling(name)}, {part.lower() for part in _telling(other)}
    return bool(ours) and (ours <= theirs or name.replace(".", "").upper() == _initials(_telling(other)).upper())
