"""S320, S321 and S322: a negation, a reservation or a direction that a statement and its source do not share.

A statement is compared with the one sentence of its sources that says the same (`nearest.closest`); where there is none, nothing is
said. All of it is hints: words can be replaced by others that mean the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.evidence import Place, stems
from pipeline.library.tracing.figures import Sighting, Sought
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Bound, Quantity
from pipeline.model import Severity

_CLAUSE: Final = re.compile(
    r"[;:()]|,(?!\d)|\s-\s|[–—]|\b(?:and|while|whereas|but|though|although|because|since|which|who)\b"
)


def _clauses(text: str) -> list[tuple[int, str]]:
    edges = [0, *(edge.end() for edge in _CLAUSE.finditer(text)), len(text)]
    return [(start, text[start:end]) for start, end in itertools.pairwise(edges) if text[start:end].strip()]


# --- negation ---------------------------------------------------------------------------------------------------------------------

_NOT: Final = Late(
    r"\b(?:not(?! only)|cannot|never|none|neither|nobody|nothing|without|no(?! (?:more|less|fewer|later|earlier|sooner"
    r"|longer) than|\.))\b|\w+n['’]t\b"
    r"|\b(?:refus(?:e|ed|es) to|declin(?:e|ed|es) to|fail(?:s|ed)? to|den(?:y|ies|ied)|reject(?:s|ed)?|turn(?:s"
    r"|ed)(?: [\w'’]+){0,4} down"
    r"|lacks?|unlikely|ruled out|rules out|yet to|no longer"
    r"|exclud(?:e|es|ed|ing)|except|unable|unchanged|unaffected)\b",
    re.IGNORECASE,
)


# Words that say no without a "not": where the other sentence has one, both may say the same.
_SOFT_NOT: Final = Late(
    r"\b(?:stop\w*|ceas\w+|end(?:s|ed|ing)?|halt\w*|avoid\w*|spar(?:e|es|ed)|exempt\w*|shut|clos(?:e|es|ed)|missing|absent"
    r"|against|drop(?:s|ped)?"
    r"|withdr[ae]w\w*|gave up|give up|free (?:of|from)|prevent\w*|bar(?:s|red)|ban(?:s|ned)?|forb\w+|block(?:s|ed)"
    r"|left out|only|less than|fewer than"
    r"|short of|too|impossible|unknown|uncertain|independent\w*|quiet|silent|silence|conceal\w*|hid(?:e|es|den)?|hardly"
    r"|barely|scarcely|rarely|few|little|same|alike)\b",
    re.IGNORECASE,
)


def check_negation(text: str, like: Place, source: str) -> Iterator[Finding]:
    """S320: one of the two sentences says no, and the other does not."""
    ours, theirs = list(_NOT.finditer(text)), list(_NOT.finditer(like.words))
    if bool(ours) == bool(theirs):
        return
    plain, negative = (like.words, text) if ours else (text, like.words)
    if any(soft[0].lower() not in negative.lower() for soft in _SOFT_NOT.finditer(plain)):
        return
    negated, other = (text, like.words) if ours else (like.words, text)
    found = (ours or theirs)[0]
    clause = next(part for start, part in reversed(_clauses(negated)) if start <= found.start())
    mine, its = stems(_NOT.sub(" ", clause)), stems(other)
    if not mine or len(mine & its) * 2 < len(mine) or (len(mine & its) < 2 and len(mine) > 1):
        return
    at, end = found.span() if ours else (0, len(text))
    which = "this sentence" if ours else "the source"
    message = f'"{found[0]}" stands in {which} alone; the source says "{like.words[:160]}" ({source}); check that both say the same'
    yield Finding("S320", at, end, message, Severity.WARNING)


# --- reservations -----------------------------------------------------------------------------------------------------------------

_HEDGE: Final = Late(
    r"\b(?:could|may|might|would|up to|as (?:much|many|high) as|estimat\w+|expect\w*|project(?:s|ed|ion|ions)|forecast\w*"
    r"|likely|potentially|possibly|perhaps"
    r"|propos\w+|(?<!the )(?<!its )(?<!their )plans|plan(?: to|ned|ning)|intend\w*|aims?|aimed|hopes?|preliminary"
    r"|tentative\w*|provisional\w*"
    r"|consider(?:s|ing)|conditional\w*|subject to"
    r"|unconfirmed|alleg\w+|reportedly|suggests?|suggested|appears?|if approved|in talks|only if|provided that|unless"
    r"|scenario|projected|pending"
    r"|non-binding)\b"
)
_OUR_HEDGE: Final = Late(  # in ours these are reservations, too
    r"\b(?:predict\w*|foresee\w*|sees|anticipat\w*|target\w*|goals?|seems?|believ\w+|set to|due to|pledg\w+|promis\w+"
    r"|outlook|ceiling|at most|should|upper|assum\w+"
    r"|prospective|hypothe\w+|guid(?:ed|ance)|will seek|seeks?|to be|not (?:yet )?(?:final|certain|decided)|maximum|limit"
    r"|cap|capped|risk\w*|possible|probabl\w+|prospects?|want\w*|hoping"
    r"|proposal|conditions?|asked|asks|request\w*|warn\w*|think\w*|reckon\w*|says it will|calls? for|envisag\w+|chance)\b"
)


def check_hedge(text: str, like: Place, source: str) -> Iterator[Finding]:
    """S321: the source says could, up to or estimated, and the statement says it flatly."""
    theirs = list(_HEDGE.finditer(like.words))
    if not theirs or _HEDGE.search(text) or _OUR_HEDGE.search(text):
        return
    ours = stems(text)
    for found in theirs:
        if found[0] == "would" and _NOT.search(like.words):
            continue  # "would not say" is no reservation
        clause = next(part for start, part in reversed(_clauses(like.words)) if start <= found.start())
        its = stems(_HEDGE.sub(" ", clause))
        if its and len(its & ours) >= min(2, len(its)) and len(its & ours) * 3 >= len(its):
            message = f'the source says "{found[0]}", this sentence says it flatly: "{like.words[:160]}" ({source}); keep that word'
            yield Finding("S321", 0, len(text), message, Severity.WARNING)
            return


_CEILING: Final = Late(
    r"\b(?:up to|at most|most|as (?:much|many|high)|no more|not more|maximum|cap|capped|ceiling|limit|upper|top|could|may"
    r"|might|reach\w*|within)\b"
)


def check_bounds(sought: Sequence[Sought], text: str) -> Iterator[Finding]:
    """S321 and S322 of one figure: "up to" that was dropped, "more than" that became "less than"."""
    for one in sought:
        best = one.best
        if best is None or best.place.kind == "card":
            continue
        ours, theirs = one.said.bound, best.given.bound
        where = f'"{best.place.words[:160]}" ({best.evidence.id})'
        if theirs is Bound.UP_TO and ours in (Bound.FLAT, Bound.ABOUT, Bound.OVER) and not _CEILING.search(text):
            if one.said.other_end is None:
                message = f'"{one.said.words}" is "up to" that in the source: {where}; keep the reservation'
                yield Finding("S321", one.said.start, one.said.end, message, Severity.WARNING)
        elif all(_opposed(ours, sighting.given.bound) for sighting in one.sightings) and abs(
            one.said.base - best.given.base
        ) <= 1e-9 * abs(best.given.base):
            message = f'"{ours.value} {one.said.words}" is "{theirs.value}" in the source: {where}; mend the direction'
            yield Finding("S322", one.said.start, one.said.end, message, Severity.WARNING)
        elif _THAN_A_NUMBER.search(text, max(0, one.said.start - 20), one.said.start) and all(
            _is_flat(one.said, sighting) for sighting in one.sightings
        ):
            message = (
                f'"{ours.value} {one.said.words}" is that number itself in the source: {where}; drop "{ours.value}"'
            )
            yield Finding("S322", one.said.start, one.said.end, message, Severity.WARNING)


def _is_flat(said: Quantity, sighting: Sighting) -> bool:
    """True when a source has the very number of *said* and no word there makes it more or less."""
    given, words = sighting.given, sighting.place.words
    if given.bound is not Bound.FLAT or given.other_end is not None or given.unit is not said.unit:
        return False
    return given.base == said.base and _MORE_OR_LESS.search(words) is None


_THAN_A_NUMBER: Final = Late(r"\b(?:(?<!no )(?<!not )more|less|fewer) than $", re.IGNORECASE)
_MORE_OR_LESS: Final = Late(
    r"\b(?:more|less|fewer|over|under|above|below|beyond|exceed\w*|least|most|up to|minimum|maximum|limit\w*|threshold"
    r"|cap|from|passed|topped|older|younger|larger|smaller|longer|shorter|higher|lower|upwards?|about|around|roughly|nearly"
    r"|almost|approximately|some|within|until)\b|[<>~≥≤+]"
)


def _opposed(ours: Bound, theirs: Bound) -> bool:
    low, high = (Bound.OVER,), (Bound.UNDER, Bound.NEARLY)
    return (ours in low and theirs in high) or (ours in high and theirs in low)


# --- directions -------------------------------------------------------------------------------------------------------------------

_SOFT: Final = (
    r"(?: (?:about|around|roughly|nearly|almost|some|just|over|under|more than|less than|up to|at least"
    r"|as much as|only|a|an|the|another|approximately|between|some))*"
)
_MOVE: Final = (
    r"(?:ris(?:e|es|en|ing)|rose|grow(?:s|n|ing)?|grew|increas(?:e|es|ed|ing)|climb(?:s|ed|ing)?|jump(?:s|ed|ing)?"
    r"|surg(?:e|es|ed|ing)|gain(?:s|ed|ing)?|expand(?:s|ed|ing)?"
    r"|fall(?:s|en|ing)?|fell|drop(?:s|ped|ping)?|declin(?:e|es|ed|ing)|decreas(?:e|es|ed|ing)|shr[aiu]nk(?:s|ing)?"
    r"|cut(?:s|ting)?|reduc(?:e|es|ed|ing)|lower(?:s|ed|ing)?|rais(?:e|es|ed|ing)"
    r"|lift(?:s|ed|ing)?|slip(?:s|ped)?|slump(?:s|ed)?|up|down)"
)
_BY: Final = Late(
    rf"\b(?:by|{_MOVE}|(?:growth|rise|increase|gain|fall|drop|decline|reduction|cut|jump|expansion) of){_SOFT} ?$",
    re.IGNORECASE,
)
_TO: Final = Late(
    rf"\b(?:to|reach(?:es|ed|ing)?|stands? at|stood at|(?:low|high|level|peak|value|total|record) of){_SOFT} ?$",
    re.IGNORECASE,
)
# Verbs and nouns of movement, which have one subject; words that compare two things are read with their two sides.
_UP: Final = Late(
    r"\b(?:ris(?:e|es|en|ing)|rose|grow(?:s|n|ing|th)?|grew|increas\w+|climb\w*|jump\w*|surg\w+|gain\w*|expan\w+|rais\w+"
    r"|lift\w*|doubl\w+|tripl\w+|quadrupl\w+"
    r"|widen\w*|accelerat\w+|strengthen\w*|improv\w+|soar\w*|swell\w*|boost\w*|added|dearer"
    r"|reach(?:es|ed|ing)?(?! (?:a |its |the )?(?:record )?low)|times as (?:much|many|high|large)|up(?= (?:by|from|to|\d)))\b",
    re.IGNORECASE,
)
_DOWN: Final = Late(
    r"\b(?:fall(?:s|en|ing)?|fell|drop\w*|declin\w+(?! to)|decreas\w+|shr[aiu]nk\w*|cut|cuts|cutting|reduc\w+|lower(?:s|ed"
    r"|ing)|halv\w+|slow(?:s|ed|ing)"
    r"|narrow\w*|weaken\w*|worsen\w*|slip(?:s|ped)?|slump\w*|plung\w+|trim\w*|los(?:e|es|t|ing)|sank|sink\w*|cheaper"
    r"|down(?= (?:by|from|to|\d)))\b",
    re.IGNORECASE,
)
_MORE: Final = Late(
    r"\b(?:more|higher|larger|greater|bigger|faster|above|ahead|longer|earlier|better|exceed\w*|outpac\w+|overt(?:ake|akes"
    r"|ook|aken)|surpass\w*|beat\w*|worse|stronger|dearer|outnumber\w*)\b",
    re.IGNORECASE,
)
_LESS: Final = Late(
    r"\b(?:less|fewer|lower|smaller|slower|below|behind|shorter|later|trail\w*|lag\w*|weaker|cheaper|short of)\b",
    re.IGNORECASE,
)
_BOUND_WORDS: Final = Late(
    r"\b(?:more|less|fewer|greater|higher|lower) than (?=[$€£¥\d]|half|a |an |one|two|three)|\bup to\b|\bno (?:more|less"
    r"|fewer|later) than\b|\b(?:above|below|up|down|over|under) (?=[$€£¥]?\d)|\bor more\b|\band above\b|\bslow down\b",
    re.IGNORECASE,
)


def check_direction(text: str, sought: Sequence[Sought], like: Place, source: str) -> Iterator[Finding]:
    """S322: by for to, up for down, and a comparison turned round."""
    for one in sought:
        best = one.best
        if best is None or one.said.is_verb:
            continue
        ours, theirs = _preposition(text, one.said), _preposition(best.place.words, best.given)
        if ours and theirs and ours != theirs and best.place.kind != "fact":
            told = f'"{ours} {one.said.words}" is "{theirs} {best.given.words}" in the source'
            message = f'{told}: "{best.place.words[:160]}" ({source}); mend one'
            yield Finding("S322", one.said.start, one.said.end, message, Severity.WARNING)
            return
    yield from _check_moves(text, sought, like, source)
    if (turned := _turned(text, like.words)) is not None:
        at, end = turned
        message = f'the comparison is turned round against the source: "{like.words[:160]}" ({source}); mend its sides'
        yield Finding("S322", at, end, message, Severity.WARNING)


def _check_moves(text: str, sought: Sequence[Sought], like: Place, source: str) -> Iterator[Finding]:
    """More for less right behind a number, and up for down in what a sentence tells of."""
    for one in sought:
        if one.best is None or one.best.place.kind not in ("text", "quote"):
            continue
        ours, theirs = _comparison(text, one.said), _comparison(one.best.place.words, one.best.given)
        if ours and theirs and ours[0] != theirs[0] and not _is_crossed(text, one.best.place.words):
            told = f'"{one.said.words} {ours[1]}" is "{theirs[1]}" in the source'
            message = f'{told}: "{one.best.place.words[:160]}" ({source}); mend the direction'
            yield Finding("S322", one.said.start, one.said.end, message, Severity.WARNING)
            return
    places = [like, *(s.best.place for s in sought if s.best is not None and s.best.place.kind in ("text", "quote"))]
    found = (finding for place in dict.fromkeys(places) for finding in _moved(text, place, source))
    yield from itertools.islice(found, 1)


def _comparison(text: str, quantity: Quantity) -> tuple[str, str] | None:
    """Whether more or less stands right behind *quantity*, and the word."""
    found = _COMPARES.match(text, quantity.end)
    if found is None:
        return None
    return ("more" if found[1] in _MORE_BEHIND else "less"), found[1]


_COMPARES: Final = Late(
    r"(?: [a-z]+)? (more|less|fewer|higher|lower|larger|smaller|above|below|longer|shorter|cheaper|dearer|earlier|later"
    r"|short|behind|ahead|(?:over|under)(?= (?:its|their|the) ))\b(?! (?:a|an|in|on|until) )"
)
_MORE_BEHIND: Final = ("over", "more", "higher", "larger", "above", "longer", "dearer", "later", "ahead")


def _is_crossed(text: str, source: str) -> bool:
    """True when two comparisons have their sides the other way round, so that more in one is less in the other."""
    ours, theirs = _COMPARES_WITH.search(text), _COMPARES_WITH.search(source)
    if ours is None or theirs is None:
        return False
    mine, its = _sides(text, ours), _sides(source, theirs)
    return bool(mine[0] & its[1] - its[0]) or bool(mine[1] & its[0] - its[1])


_COMPARES_WITH: Final = Late(r"\b(?:than|above|below|behind|ahead of|short of)\b")


def _moved(text: str, like: Place, source: str) -> Iterator[Finding]:
    move = _moves(text)
    its_move = _moves(_matching(text, like.words)) if move else None
    if move and its_move and move[0] != its_move[0]:
        at = text.find(move[1])
        message = f'"{move[1]}" is "{its_move[1]}" in the source: "{like.words[:160]}" ({source}); mend the direction'
        yield Finding("S322", max(at, 0), max(at, 0) + len(move[1]), message, Severity.WARNING)


def _preposition(text: str, quantity: Quantity) -> str:
    if quantity.other_end is not None and not quantity.is_low:
        return ""
    before = text[max(0, quantity.start - 48) : quantity.start]
    if _TO.search(before):
        return "to"
    return "by" if _BY.search(before) else ""


def _moves(text: str) -> tuple[str, str] | None:
    """Whether *text* says up or down, and the word that does; None where it says both, or neither."""
    text = _BOUND_WORDS.sub(lambda m: " " * len(m[0]), text)
    up, down = _UP.search(text), _DOWN.search(text)
    if bool(up) == bool(down):
        return None
    return ("up", up[0]) if up else ("down", down[0]) if down else None


def _matching(text: str, source: str) -> str:
    """The clauses of *source* that share words with *text*; all of it where none does."""
    ours = stems(text)
    parts = [part for _, part in _clauses(source) if stems(part) & ours]
    return " , ".join(parts) or source


_THAN: Final = Late(
    r"\b(?:than|ahead of|behind|above|below|exceed(?:s|ed|ing)?|outpac(?:es|ed|ing)|overt(?:akes?|ook|aken|aking)"
    r"|surpass(?:es|ed|ing)?|trail(?:s|ed)?|outnumber(?:s|ed)?)\b"
)


def _turned(text: str, source: str) -> tuple[int, int] | None:
    """Where *text* compares two things that the source compares the other way round."""
    for ours in _THAN.finditer(text):
        for theirs in _THAN.finditer(source):
            way, its_way = _way(text, ours), _way(source, theirs)
            if not way or not its_way:
                continue
            mine, its = _sides(text, ours), _sides(source, theirs)
            crossed = bool(mine[0] & its[1] - its[0]) and bool(mine[1] & its[0] - its[1])
            straight = bool(mine[1] & its[1] - its[0])
            if (crossed and not mine[1] & its[1] and way == its_way) or (straight and not crossed and way != its_way):
                return ours.span()
    return None


def _way(text: str, link: re.Match[str]) -> str:
    """What a comparison says of its first side: that it is more, or less."""
    if link[0] != "than":
        return "more" if _MORE.fullmatch(link[0].split()[0]) else "less"
    before = text[max(0, link.start() - 48) : link.start()]
    more, less = list(_MORE.finditer(before)), list(_LESS.finditer(before))
    if not more and not less:
        return ""
    return "more" if not less or (more and more[-1].start() > less[-1].start()) else "less"


def _sides(text: str, link: re.Match[str]) -> tuple[frozenset[str], frozenset[str]]:
    before = re.split(r"[;:]", text[: link.start()])[-1]
    after = re.split(r"[;:,]", text[link.end() :])[0]
    return _with_years(before), _with_years(after)


def _with_years(text: str) -> frozenset[str]:
    return stems(text) | frozenset(re.findall(r"\b(?:19|20)\d\d\b", text))
