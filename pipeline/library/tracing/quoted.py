"""Whether the quotations of a statement stand in the stored copies of the sources that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.quotes import Place, difference, normal, occurs, places
from pipeline.library.sentences import sentence_ends
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.held import Held, all_stored
from pipeline.library.tracing.marks import Quotation, QuotationKind
from pipeline.library.tracing.statements import Statement
from pipeline.model import Basis, Passage, PassageKind, Severity

if TYPE_CHECKING:
    from pipeline.library import Library


class Verdict(NamedTuple):
    """How one quotation stands."""

    quotation: Quotation
    basis: Basis  # QUOTED | UNSEEN | UNTRACED
    passages: tuple[Passage, ...] = ()
    findings: tuple[Finding, ...] = ()


def look_up(statement: Statement, held: Sequence[Held], library: Library) -> Iterator[Verdict]:
    """The verdict on each quotation of *statement* that is one."""
    for quotation in statement.quotations:
        if (
            quotation.excused
            or quotation.kind is QuotationKind.OPEN
            or not any(char.isalnum() for char in quotation.words)
        ):
            continue
        yield _verdict(quotation, statement, held, library)


def _verdict(quotation: Quotation, statement: Statement, held: Sequence[Held], library: Library) -> Verdict:
    if found := next(_found(quotation, held), None):
        one, place, passage = found
        findings = (*_turned(quotation, statement, one, place), *_not_named(quotation, statement, one, passage))
        return Verdict(quotation, Basis.QUOTED, (passage,), findings)
    if is_title(quotation.words, held):
        return Verdict(quotation, Basis.CITED)
    unseen = [one for one in held if one.text is None]
    kept = tuple(_kept(quotation, unseen))
    if kept or unseen:
        return Verdict(quotation, Basis.UNSEEN, kept, (_unseen(quotation, held),))
    return Verdict(quotation, Basis.UNTRACED, findings=(_misquoted(quotation, held, library),))


# --- found ----------------------------------------------------------------------------------------------------------------------


def _found(quotation: Quotation, held: Sequence[Held]) -> Iterator[tuple[Held, Place, Passage]]:
    """Where the words stand: in a quote that is cited by name first, then anywhere in a text, in the order of citation."""
    bears = (quotation.words,)
    for one in held:
        for name in one.names:
            quote = one.source.quotes.get(name)
            if one.text is None or quote is None or not places(quotation.words, quote.text, first_letter=True):
                continue
            for place in places(quote.text, one.text, prefix=quote.prefix, suffix=quote.suffix)[:1]:
                yield (
                    one,
                    place,
                    Passage(one.source.id, quote.text, PassageKind.QUOTE, name, place.line, quote.page, bears),
                )
    for one in held:
        for place in places(quotation.words, one.text, first_letter=True)[:1] if one.text else ():
            words = one.text.flat[slice(*one.text.sentences_around(place.start, place.end))] if one.text else ""
            yield one, place, Passage(one.source.id, words, PassageKind.TEXT, line=place.line, bears=bears)


def _not_named(quotation: Quotation, statement: Statement, one: Held, passage: Passage) -> Iterator[Finding]:
    """S110, as a warning: the words stand in the source, and in none of its quotes that the sentence names."""
    if not one.names or passage.kind is PassageKind.QUOTE or is_cited_whole(one.source.id, statement):
        return
    if any(quote and places(quote.text, quotation.words) for quote in map(one.source.quotes.get, one.names)):
        return  # more of the source than the quote
    message = f"“{_short(quotation.words)}” {not_in_the_quote(one.source.id)}"
    yield Finding("S110", quotation.start, quotation.end, message, Severity.WARNING)


def is_cited_whole(source: str, statement: Statement) -> bool:
    """True when *statement* cites *source* itself, and not only quotes of it by name."""
    return any(citation.source == source and citation.quote is None for citation in statement.citations)


def not_in_the_quote(source: str) -> str:
    return f"stands in {source}, not in the quote that you name; name the quote that has it, or cite [^{source}]"


def named(held: Sequence[Held]) -> Iterator[Passage]:
    """The quotes that are cited by name: a sentence leans on them, whether or not it takes up their words."""
    for one in held:
        for name in one.names:
            quote = one.source.quotes.get(name)
            if quote is not None:
                found = places(quote.text, one.text, prefix=quote.prefix, suffix=quote.suffix) if one.text else []
                line = found[0].line if found else None
                yield Passage(one.source.id, quote.text, PassageKind.QUOTE, name, line, quote.page)


_NEGATION: Final = Late(r"\b(?:not|never|no|none|nor|neither|without|hardly|cannot)\b|n't\b", re.IGNORECASE)
_NEGATED_JUST_BEFORE: Final = Late(
    r"(?:\b(?:not|never|hardly|nor|neither|without|cannot)|n't)(?:\s(?:be|been|have|yet|to|a|an|the|any))?\s$",
    re.IGNORECASE,
)


def _turned(quotation: Quotation, statement: Statement, one: Held, place: Place) -> Iterator[Finding]:
    """S320: the words stand there, and without the "not" beside them, or in what was left out, they say the contrary."""
    if one.text is None:
        return
    ours = statement.text[max(0, quotation.start - 60) : quotation.start]
    just_before = _NEGATED_JUST_BEFORE.search(one.text.flat[max(0, place.start - 24) : place.start])
    left_out = _NEGATION.findall(one.text.flat[place.start : place.end])
    if just_before and not _NEGATION.search(ours):
        message = (
            f"in {one.source.id} “{just_before[0].strip()}” stands directly before these words; quote it with them"
        )
        yield Finding("S320", quotation.start, quotation.end, message, Severity.WARNING)
    elif _ends_inside(one.text.flat[place.start : place.end]) > _ends_inside(normal(quotation.words)):
        message = f"what is left out here ends a sentence of {one.source.id}, and two become one; quote them apart"
        yield Finding("S110", quotation.start, quotation.end, message, Severity.WARNING)
    elif len(left_out) > len(_NEGATION.findall(quotation.words)):
        message = (
            f"what is left out here has “{left_out[0]}” in {one.source.id}; see whether the words still say the same"
        )
        yield Finding("S320", quotation.start, quotation.end, message, Severity.WARNING)


def _ends_inside(words: str) -> int:
    """How many sentences end within *words*; dots that stand for words left out may stand for an end."""
    return len(sentence_ends(words)) - 1 + len(re.findall(r"[.!?\]]\s?\.{3}|\.{4}|\.{3}\s?\[?[A-Z]", words))


# --- not found ------------------------------------------------------------------------------------------------------------------


def is_title(words: str, held: Sequence[Held]) -> bool:
    """True when *words* are the title of a source that is cited: a work is named, nobody is quoted."""
    return any(one.source.title is not None and _name(words) == _name(one.source.title) for one in held)


def _name(words: str) -> str:
    return normal(words).rstrip(".,;:").lower()


def _kept(quotation: Quotation, unseen: Sequence[Held]) -> Iterator[Passage]:
    """The quotes that an editor took from texts that are not here, and that hold the words."""
    for one in unseen:
        for quote in one.source.quotes.values():
            if places(quotation.words, quote.text, first_letter=True):
                yield Passage(
                    one.source.id, quote.text, PassageKind.QUOTE, quote.id, None, quote.page, (quotation.words,)
                )


def _unseen(quotation: Quotation, held: Sequence[Held]) -> Finding:
    away = ", ".join(one.source.id for one in held if one.away)
    none = ", ".join(one.source.id for one in held if one.text is None and not one.away)
    here = ", ".join(one.source.id for one in held if one.text is not None)
    why = f"there is no stored copy of {none}; take one" if none else ""
    if away:
        why = f"the stored copy of {away} is not here; look it up where the copy is"
    not_here = f"does not occur in {here}, and " if here else ""
    message = f"“{_short(quotation.words)}” {not_here}could not be looked up: {why}"
    return Finding("S118", quotation.start, quotation.end, message, Severity.WARNING)


def _misquoted(quotation: Quotation, held: Sequence[Held], library: Library) -> Finding:
    """Not found is not invented: the words may stand in a source that is not cited."""
    cited = {one.source.id for one in held}
    shown, ids = f"“{_short(quotation.words)}”", ", ".join(sorted(cited)) or "any source"
    for source, text in all_stored(library):
        if source.id in cited or not _may_hold(text.flat, quotation.words):
            continue
        if (place := next(iter(places(quotation.words, text)), None)) is not None:
            message = (
                f"{shown} does not occur in {ids} but in {source.id} (line {place.line} of its text); cite that one"
            )
            return Finding("S111", quotation.start, quotation.end, message, Severity.ERROR)
    for one in held:
        if occurs(quotation.words, library.texts.page(one.source)):
            message = (
                f"{shown} stands on the page of {one.source.id}, but not in the text that was taken from it;"
                f" quote from the text, or try opensignal sources refresh {one.source.id} --again"
            )
            return Finding("S110", quotation.start, quotation.end, message, Severity.ERROR)
    nearest = [(one, found) for one in held if one.text and (found := difference(quotation.words, one.text))]
    if not nearest:
        message = f"{shown} does not occur in {ids}, and nothing there is like these words; quote what the source says"
        return Finding("S110", quotation.start, quotation.end, message, Severity.ERROR)
    one, found = max(nearest, key=lambda pair: pair[1].likeness)
    message = f"{shown} does not occur in {ids}; [-yours-] {{+{one.source.id}, line {found.line}+}}: “{found.marked}”"
    return Finding("S110", quotation.start, quotation.end, message, Severity.ERROR)


def _may_hold(flat: str, words: str) -> bool:
    """False where more than a third of the longer *words* stand nowhere in *flat*: quick, so that all texts can be asked."""
    longer = re.findall(r"[^\W\d_]{4,}", normal(words))
    return sum(word in flat for word in longer) * 3 >= len(longer) * 2


_SHOWN: Final = 90  # characters


def _short(words: str) -> str:
    return words if len(words) <= _SHOWN else words[:_SHOWN].rsplit(" ", 1)[0] + " …"
