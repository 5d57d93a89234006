"""S311: a quotation is given to somebody who does not stand near its words in the source. A hint: people are named in many ways.

    “…”, said Maren Voss · Maren Voss, its director, called it “…” · according to the authority, “…”

Who publishes or writes a source speaks in all of it, and whom it names only by a pronoun is looked for in the lines around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.quotes import Place, Text, places
from pipeline.library.sentences import sentence_ends
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.held import Held
from pipeline.library.tracing.marks import quotations
from pipeline.library.tracing.statements import Statement
from pipeline.library.tracing.words import words_in
from pipeline.model import Severity

NEAR: Final = 500  # characters before and behind the words

# At most eight words: a heading in capitals is no name, and must not be read to its end from each of its words.
_NAME: Final = (
    r"[A-ZÀ-Þ][\w&'’-]{0,40}(?:\.(?=\s[A-Z]))?"
    r"(?:\s(?:of|the|for|and|de|van|von|der|al|&)(?=\s[A-ZÀ-Þ])|\s[A-ZÀ-Þ][\w&'’-]{0,40}){0,8}"
)
_SAYING: Final = (
    r"said|says|told|tells|wrote|writes|called|calls|put|puts|described|describes|warned|warns|added|adds|argued|argues|claimed|claims"
    r"|asked|asks|replied|insisted|insists|noted|notes|explained|explains|conceded|admitted|testified|promised|announced|held|found|finds"
    r"|reported|reports|expects|expected|concluded|concludes|complained|stated|states|declared|remarked|forecasts|predicts|predicted|thinks|believes|estimates|estimated|fears|hopes|answered"
)
_SAYS: Final = rf"(?:{_SAYING})"
_VERBS: Final = frozenset(_SAYING.split("|"))
VOICES: Final = _VERBS | {"according", "words"}  # without one of these nobody says anything
_BEFORE_THE_VERB: Final = Late(
    rf"(?P<name>{_NAME})(?:['’]s\s[\w\s-]{{3,40}})?(?:,[^,“\"_]{{2,80}},|,|\s(?:of|from|at|for|who)\s[^,“\"_]{{2,40}})?\s(?:has\s|had\s|also\s|once\s|later\s|himself\s|herself\s)?{_SAYS}\b"
)
_BEHIND_THE_VERB: Final = Late(rf"\b{_SAYS}\s(?:the\s|its\s|their\s|(?:[a-z][\w-]*\s){{1,3}})?(?P<name>{_NAME})")
_ACCORDING: Final = Late(rf"\b(?:[Aa]ccording\sto|in\sthe\swords\sof)\s(?:the\s|its\s)?(?P<name>{_NAME})")
# Those who are named, and the words of which one must be there.
_NAMED: Final = (
    (_BEFORE_THE_VERB, _VERBS),
    (_BEHIND_THE_VERB, _VERBS),
    (_ACCORDING, frozenset({"according", "words"})),
)
_PRONOUN_SAYS: Final = Late(rf"\b(?:[Hh]e|[Ss]he)\s(?:has\s|had\s|also\s|then\s)?{_SAYS}\b|\b{_SAYS}\s(?:he|she)\b")
_PERSON: Final = Late(
    r"\b[A-ZÀ-Þ][\w'’-]{1,40}(?:\s(?:de|van|von|der|al|[A-ZÀ-Þ]\.)){0,4}(?:\s[A-ZÀ-Þ][\w'’-]{1,40}){1,8}"
    r"|(?<=Mr\s|Ms\s)[A-ZÀ-Þ][\w'’-]+"
)
_BODY: Final = (
    r"ministry|council|company|agency|authority|institute|court|board|bank|government|commission|regulator|operator|union|association"
    r"|committee|department|office|firm|party|makers|owners"
)
_BODIES: Final = frozenset(_BODY.split("|"))
_BODY_SAYS: Final = Late(rf"\b[Tt]he\s(?P<body>{_BODY})\s{_SAYS}\b|\b{_SAYS}\sthe\s(?P<other>{_BODY})\b")
# Words with a capital that name nobody: at the beginning of sentences, and the days and months.
_NOBODY: Final = frozenset(
    """
    a an the this that these those it its he she they we i you his her their our my in on at by for from to of as but and or
    nor if when while after before since until although though because so yet then there here what which who where why how
    no not one two three all both each every some many most few several another other such only even just also still
    according asked january february march april may june july august september october november december monday tuesday
    wednesday thursday friday saturday sunday mr mrs ms dr professor sir dame mayor judge justice senator secretary
    commissioner general captain lord lady prince king queen president minister director chair halls
    """.split()
)
_SMALL: Final = frozenset("of the for and de van von der al".split())


def misattributed(statement: Statement, held: Sequence[Held]) -> Iterator[Finding]:
    """S311 for each quotation of *statement* that stands in a text, and there is another's."""
    if not statement.quotations or not held:
        return
    named = [voice.name for voice in voices(statement.text) if voice.name[0].isupper()]
    if not named:
        return
    for quotation in statement.quotations:
        for one in held:
            place = _place(quotation.words, one.text)
            if one.text is None or place is None or all(_same_source(name, one) for name in named):
                continue
            speaker = _speaker(one.text, place)
            if speaker is not None and not _same_source(speaker, one):
                right = any(_same(name, speaker) for name in named)
            else:
                around = one.text.flat[max(0, place.start - NEAR) : place.end + NEAR]
                right = any(_stands_in(name, around) for name in named)
            if not right:
                yield _finding(quotation.start, quotation.end, named, speaker, one, place)
            break


def _speaker(text: Text, place: Place) -> str | None:
    """Whose words those at *place* are, as the paragraph there tells; None where it does not."""
    low, high = text.paragraph_span(place.start)
    low, high = max(low, place.start - _AROUND), min(high, place.end + _AROUND)
    paragraph = text.flat[low:high]
    told = voices(paragraph)
    start, end = place.start - low, place.end - low
    inside = next((q for q in quotations(paragraph, inserted=()) if q.start <= start and end <= q.end), None)
    if inside is not None:
        start, end = inside.start, inside.end
    sentence = max((stop for stop in sentence_ends(_masked(paragraph)) if stop <= start), default=0)
    behind = [
        voice for voice in told if end <= voice.start < end + _SOON and _is_one_clause(paragraph[end : voice.start])
    ]
    before = [voice for voice in told if voice.end <= start]
    if behind and inside is not None:
        return behind[0].name
    if before and (before[-1].start >= sentence or inside is not None):
        return before[-1].name
    return None


_AROUND: Final = 3_000  # characters of the paragraph that are read on either side
_SOON: Final = 40  # characters behind a quotation in which its speaker is named


def _is_one_clause(between: str) -> bool:
    return re.search(r"[.;:“\"]\s*[A-Z“\"]", between) is None


def _place(words: str, text: Text | None) -> Place | None:
    return next(iter(places(words, text, first_letter=True)), None) if text is not None else None


def _finding(start: int, end: int, named: Sequence[str], speaker: str | None, one: Held, place: Place) -> Finding:
    who = " or ".join(dict.fromkeys(named))
    there = f"there {speaker} says them" if speaker else "nobody of that name stands near them"
    message = f"these words are given to {who}, but in {one.source.id} (line {place.line}) {there}; name who said them"
    return Finding("S311", start, end, message, Severity.WARNING)


class Voice(NamedTuple):
    """Somebody who says something, and where: from the name to the verb."""

    name: str
    start: int
    end: int


def voices(text: str) -> list[Voice]:
    """Those who say something in *text*, outside its quotations, in order; "he said" is whoever was named last before."""
    there = words_in(text)
    if VOICES.isdisjoint(there):
        return []
    words = _masked(text)
    found = [
        Voice(_name(match["name"]), *match.span())
        for pattern, needed in _NAMED
        if not needed.isdisjoint(there)
        for match in pattern.finditer(words)
    ]
    taken = [(voice.start, voice.end) for voice in found if voice.name]
    for match in _PRONOUN_SAYS.finditer(words) if "he" in there or "she" in there else ():
        if not any(low <= match.start() < high for low, high in taken):
            people = [m[0] for m in _PERSON.finditer(words, 0, match.start())]
            found.append(Voice(_name(people[-1]) if people else "", *match.span()))
    found += [
        Voice(f"the {match['body'] or match['other']}", *match.span())
        for match in (_BODY_SAYS.finditer(words) if not _BODIES.isdisjoint(there) else ())
        if not any(low <= match.start() < high for low, high in taken)
    ]
    return sorted((voice for voice in found if voice.name), key=lambda voice: (voice.start, voice.end))


def _masked(text: str) -> str:
    """*text* with the words of its quotations blanked, so that nobody is taken for a speaker in what is said."""
    for quotation in quotations(text, inserted=()):
        low, high = quotation.start + 1, max(quotation.start + 1, quotation.end - 1)
        text = text[:low] + "_" * (high - low) + text[high:]
    return text


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
    ours, theirs = ([part.lower() for part in _telling(each)] for each in (name, other))
    if not ours or not theirs:
        return False
    shorter, longer = sorted((ours, theirs), key=len)
    return all(part in longer for part in shorter) or (len(longer) > 1 and _initials(longer) == "".join(shorter))


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


def _overlaps(name: str, other: str) -> bool:
    ours, theirs = {part.lower() for part in _telling(name)}, {part.lower() for part in _telling(other)}
    return bool(ours) and (ours <= theirs or name.replace(".", "").upper() == _initials(_telling(other)).upper())
