"""S305 and S310 for names: one that stands in no source, and one put in the place of another.

A name is known by its capital letter, so that nothing is said of texts in languages that write nouns with one.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.evidence import TEXT, Evidence, Place, sequence, stem, stems
from pipeline.library.tracing.figures import Sought, is_soft
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.nearest import cover, ratio
from pipeline.library.tracing.speakers import voices
from pipeline.model import Severity

_NOT_A_NAME: Final = frozenset(
    "The A An It He She They We In On By At But And This That Its Their His Her These Those Both As For".split()
)


def speakers(text: str) -> frozenset[str]:
    """The last words of the names that are said to say something in *text*, in small letters."""
    named = [voice.name for voice in voices(text) if voice.name[0].isupper()]
    return frozenset(name.split()[-1].removesuffix("'s").removesuffix("’s").rstrip(".").lower() for name in named)


def check_names(text: str, like: Place, evidence: Evidence) -> Iterator[Finding]:
    """S305 for names: another speaker than in the sentence of the source that says the same, or two names that changed places."""
    source = evidence.id
    ours, theirs = speakers(text), speakers(like.words)
    if ours and theirs and not ours & theirs and not any(name in like.words.lower() for name in ours):
        other = min(theirs)
        name = min(ours)
        at = text.lower().find(name)
        message = f'the source has "{_as_written(other, like.words)}" say this: "{like.words[:160]}" ({source}); mend the speaker'
        yield Finding("S305", max(at, 0), max(at, 0) + len(name), message, Severity.WARNING)
        return
    if (roles := _other_role(text, like.words)) is not None:
        role, other = roles
        at = text.find(role)
        message = f'"{role}" is "{other}" in the source: "{like.words[:160]}" ({source}); mend what they are'
        yield Finding("S305", at, at + len(role), message, Severity.WARNING)
        return
    if (strangers := _substituted(text, like, evidence)) is not None:
        name, other = strangers
        at = text.find(name)
        message = (
            f'the source has "{other}" where this sentence has "{name}": "{like.words[:160]}" ({source}); mend the name'
        )
        yield Finding("S305", max(at, 0), max(at, 0) + len(name), message, Severity.WARNING)
        return
    if (pair := _traded(text, like)) is not None:
        first, second = pair
        at = text.find(first)
        places = f'"{first}" and "{second}" have changed places against the source'
        message = f'{places}: "{like.words[:160]}" ({source}); mend the order'
        yield Finding("S305", max(at, 0), max(at, 0) + len(first), message, Severity.WARNING)


_ROLE: Final = Late(
    r"\b(?:[Tt]he |[Ii]ts |[Tt]heir |[a-z]+'s )?([a-z]+),? ((?:[A-Z][\w'-]+ )*[A-Z][\w'-]+)(?=[,.]| (?:said|says|told"
    r"|wrote|voted|wants))"
)


def _other_role(text: str, source: str) -> tuple[str, str] | None:
    """What somebody is called here, and what there: the minister Ida Moen, the regulator Ida Moen."""
    ours = list(_ROLE.finditer(text))
    theirs = {found[2]: found[1] for found in _ROLE.finditer(source)} if ours else {}
    for found in ours:
        other = theirs.get(found[2])
        if other is not None and stems(found[1]) and stems(other) and stem(found[1]) != stem(other):
            return found[1], other
    return None


def _as_written(name: str, text: str) -> str:
    at = text.lower().find(name)
    return text[at : at + len(name)] if at >= 0 else name


_PROPER: Final = Late(r"\b[A-Z][\w&-]+\b")


def _substituted(text: str, like: Place, evidence: Evidence) -> tuple[str, str] | None:
    """A name of elsewhere in the source in the place of another one, in a sentence that otherwise is that of the source."""
    ours, theirs = _names(text), _names(like.words)
    strange = [name for name in ours if name.lower() not in like.words.lower()]
    missing = [name for name in theirs if name.lower() not in text.lower()]
    if not strange or not missing or cover(sequence(text), like.sequence) < 0.5:
        return None
    before = (
        like.before
        if re.search(r"\b(?:it|its|they|their|he|she|his|her|the company)\b", like.words, re.IGNORECASE)
        else ""
    )
    if any(name.lower() in before.lower() or name not in evidence.names for name in strange):
        return None
    return strange[0], missing[0]


def _names(text: str) -> list[str]:
    """Words with a capital that do not open the sentence, or are followed by another such word."""
    return [
        found[0]
        for found in _PROPER.finditer(text)
        if found[0] not in _NOT_A_NAME
        and (found.start() > 0 or re.match(r" [A-Z]", text[found.end() :]))
        and stems(found[0])
    ]


_WORD: Final = re.compile(r"\b[a-z][\w'-]{2,}\b")


def _traded(text: str, place: Place) -> tuple[str, str] | None:
    """Two words of both sentences that make the statement more like the source when they trade places: names, or other words."""
    theirs = place.sequence
    given = set(theirs)
    names = [name for name in dict.fromkeys(_PROPER.findall(text)) if name not in _NOT_A_NAME and stem(name) in given]
    found = _trade(text, names[:8], theirs, gain=0.08, least=0.55)
    if found is not None:
        return found
    words = [word for word in dict.fromkeys(_WORD.findall(text)) if stems(word) and stem(word) in given]
    return _trade(text, words[:8], theirs, gain=0.06, least=0.85)


def _trade(
    text: str, words: Sequence[str], theirs: Sequence[str], *, gain: float, least: float
) -> tuple[str, str] | None:
    if len(words) < 2:
        return None
    best: tuple[float, tuple[str, str] | None] = (max(ratio(sequence(text), theirs) + gain, least), None)
    if best[0] >= 1:
        return None  # nothing can be more alike
    compared = difflib.SequenceMatcher(None, sequence(text), theirs, autojunk=False)
    if _JOINED.search(text) is None and compared.quick_ratio() <= best[0]:
        return None  # this asks what words there are, and not in which order
    pieces = _PIECES.split(text)
    for first, second in itertools.combinations(words, 2):
        compared.set_seq1(sequence(_with_traded(text, pieces, first, second)))
        if compared.quick_ratio() > best[0] and (alike := compared.ratio()) > best[0]:
            best = alike, (first, second)
    return best[1]


_JOINED: Final = re.compile(r"['&-]")  # in words of several pieces, of which one may trade its place alone
_PIECES: Final = re.compile(r"(\w+)")  # the words of a text, and what stands between them


def _with_traded(text: str, pieces: Sequence[str], first: str, second: str) -> str:
    """*text*, whose words are among *pieces*, with *second* in the place of *first* and the reverse."""
    if _PIECES.fullmatch(first) and _PIECES.fullmatch(second):
        traded = {first: second, second: first}
        return "".join([traded.get(piece, piece) for piece in pieces])
    found = re.compile(rf"\b(?:{re.escape(first)}|{re.escape(second)})\b")  # Q-cells, R&D
    return found.sub(lambda word: second if word[0] == first else first, text)


def check_names_of_figures(sought: Sequence[Sought], text: str, evidence: Evidence) -> Iterator[Finding]:
    """S305: a number given to somebody who is named elsewhere in the source, and nowhere near the number."""
    source = f"{evidence.source.publisher} {evidence.source.title or ''}".lower()
    names = [name for name in _names(text) if name.lower() not in source and name in evidence.names]
    for one in sought:
        best = one.best
        if best is None or best.evidence is not evidence or best.place.kind != TEXT or is_soft(one.said) or not names:
            continue
        near = [f"{s.place.words} {s.place.before}".lower() for s in one.sightings if s.place.kind == TEXT]
        if any(name.lower() in words for name in names for words in near):
            continue
        place = next((p for p in evidence.sentences if names[0] in p.words), None)
        if place is not None:
            told = f'"{one.said.words}" stands nowhere near "{names[0]}" in the source, which says of it'
            message = f'{told}: "{place.words[:160]}" ({evidence.id}); mend one'
            yield Finding("S305", one.said.start, one.said.end, message, Severity.WARNING)
            return


_LONG_NAME: Final = Late(
    r"(?<![.!?] )(?<!^)\b(?:[A-Z][a-zà-ÿ]{2,}(?:-[A-Z][a-z]+)?|[A-Z]{3,})(?: (?:[A-Z][a-zà-ÿ]+|[A-Z]{2,}))*\b"
)
_COMMON: Final = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday"
    " sunday american european british irish chinese indian german french spanish dutch japanese korean english america "
    "europe britain ireland"
    " china india germany france spain japan internet congress parliament commission union state states government federal "
    "western eastern"
    " northern southern north south east west".split()
)


def check_unknown_names(text: str, cited: Sequence[Evidence], *, before: str) -> Iterator[Finding]:
    """S310: a name that stands in none of the sources. Only where the whole text of each is held: a list of figures names few."""
    named = list(_LONG_NAME.finditer(text))
    if not named or not all(evidence.has_text and not evidence.is_foreign for evidence in cited):
        return
    known = " ".join(evidence.lower for evidence in cited) + " " + before.lower()
    known += " ".join(
        f" {e.source.id} {e.source.publisher} {e.source.url} {' '.join(e.source.authors)}" for e in cited
    ).lower()
    initials = frozenset().union(*(evidence.initials for evidence in cited))
    for found in named:
        words = [word for word in re.findall(r"[^\W\d_]+", found[0].lower()) if word not in _COMMON]
        missing = [word for word in words if word[:5].rstrip("s") not in known]
        if (
            missing
            and (len(missing) == len(words) or words[0] in missing or words[-1] in missing)
            and found[0].lower() not in initials
        ):
            message = f'"{found[0]}" is named in none of {", ".join(e.id for e in cited)}; check the name, or cite where it stands'
            yield Finding("S310", found.start(), found.end(), message, Severity.WARNING)
            return
