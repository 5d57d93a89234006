"""S306, and what is no finding: figures that follow from others by a sum, a difference, a share, a multiple or a span of time.

A newsletter works things out for its readers: "a rise of 60 percent" of 125 and 200. Such a figure stands in no source, and needs
none, when both of the figures that it follows from are there. `worked_out` tells that; `check_sums` tells which is wrong.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.library.late import Late
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.numbers import Bound, Figures, Quantity, When
from pipeline.library.tracing.units import SHARE
from pipeline.model import Severity

MOST: Final = 14  # quantities that are combined with one another; more of them would fit anything

# Words that say that something was worked out. Without one, only a result of three digits or more is taken for it.
_CUE: Final = Late(
    r"\b(?:sum|sums|total|totals|together|combined|altogether|in all|add|adds|added|adding|plus|difference|differ|differs"
    r"|gap|more|less|fewer|"
    r"times|fold|twice|doubl\w+|tripl\w+|rise|rises|rose|risen|growth|grew|increase\w*|fall|falls|fell|drop\w*|decline\w*"
    r"|further|apart|step|"
    r"remaining|remainder|rest|leaves?|left|divided|multipl\w+|per|each|average|share|ratio|rate|worth|equals?|implies"
    r"|implied|make[s]?|"
    r"comes?|works? out|between|later|earlier|after|before|within|over|above|below|higher|lower|surplus|margin|net|half"
    r"|third|quarter|span|"
    r"percent of|points|against|half-year|factor)\b",
    re.IGNORECASE,
)


def worked_out(
    said: Quantity, text: str, pool: Sequence[Quantity], whens: Sequence[When] = (), *, source: str = ""
) -> bool:
    """True when *said* follows from two or more of the quantities in *pool*, or from two of the times *whens*.

    *source* are words of a source that may compare what *text* only sets side by side: "67 tonnes, 9 more than the old ones".
    """
    if said.is_small_word and re.match(r" of (?:the|those|these|its|their)\b", text[said.end :]):
        return False  # "five of the 14 points" is a count, and 14 less nine no proof of it
    if said.dimension == "time" and len(whens) > 1 and any(_fits(said, span) for span in _spans(whens)):
        return True
    if (
        said.unit is not SHARE
        and _CUE.search(text) is None
        and _COMPARED.search(source) is None
        and len(f"{said.number:g}".replace(".", "").strip("0")) < 3
    ):
        return False
    return any(_fits(said, result) for result in _results(said, pool[:MOST], text))


_COMPARED: Final = Late(
    r"\b(?:more|less|fewer|higher|lower|longer|shorter|larger|smaller) than\b|\b(?:behind|below|above|ahead of)\b"
    r"|\b(?:half|twice|double|third|quarter|times) (?:of )?(?:what|the|as)\b"
)


def _fits(said: Quantity, result: float) -> bool:
    """True when *said* is *result* as far as it is written out (in the first unit of its dimension)."""
    factor = said.unit.factor if said.unit else 1.0
    gap = abs(said.base - result)
    step = (1 if said.spelled and said.unit is None else said.step) * factor
    if gap <= step / 2 * (1 + 1e-9) and not said.is_verb:
        return True
    if said.dimension == "fold" and said.value == int(said.value) and said.value < 20:
        low, high = {Bound.OVER: (1, 1.4), Bound.NEARLY: (0.8, 1), Bound.UNDER: (0.7, 1)}.get(said.bound, (0.88, 1.12))
        return low * said.value <= result <= high * said.value
    return said.bound is not Bound.FLAT and gap <= 0.03 * abs(result)


_PERIODS: Final = {"hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2629800.0, "year": 31557600.0}


def _results(said: Quantity, pool: Sequence[Quantity], text: str) -> Iterator[float]:
    """What *pool* gives in the dimension of *said* by one step of arithmetic, in the dimension's first unit."""
    dimension = said.dimension
    if said.unit is SHARE:
        counts = [one for one in pool if one.dimension != "percent" and one.base]
        yield from (100 * part.base / whole.base for part in counts for whole in counts if part.base < whole.base)
        return
    alike = [one for one in pool if _is_like(one, said) and one is not said]
    if dimension == "percent" and _MOVES.search(text):
        alike = [one for one in alike if one.dimension != "percent"]  # the difference of two shares is in points
    for first in alike:
        for second in alike:
            if first is not second:
                yield first.base + second.base
                yield first.base - second.base
                if not dimension and (
                    first.dimension == second.dimension or not (first.dimension and second.dimension)
                ):
                    yield first.number + second.number
                    yield first.number - second.number
    if len(alike) > 2:
        yield sum(one.base for one in alike)
    if (period := _PERIODS.get(said.per)) is not None:
        spans = [one.base for one in pool if one.dimension == "time" and one.base]
        for one in pool:
            if one.dimension != "time":
                yield from (worth / (span / period) for worth in (one.base, one.value) for span in spans)
    if dimension in ("", "fold", "percent", "points"):
        yield from _ratios(dimension, pool)
    if dimension == "percent" and re.search(r"\b(?:rest|remaining|remainder|other|others|leaves?|left)\b", text):
        shares = [one.base for one in pool if one.dimension == "percent"]
        yield from (100 - one for one in shares)
        yield from (100 - one - other for one in shares for other in shares if one is not other)
    for share in pool if dimension != "time" else ():
        if share.dimension in ("percent", "fold", ""):
            part = share.base / 100 if share.dimension == "percent" else share.value
            for whole in pool:
                if whole is not share and (whole.dimension == dimension or not dimension) and part:
                    yield part * whole.base
                    if share.dimension == "percent":
                        yield whole.base / part  # 8 million, "half of what the law allows"
                    if share.dimension == "":
                        yield whole.base / part
    if dimension == "":
        yield from (
            part.base / 100 * whole.base
            for part in pool
            if part.dimension == "percent"
            for whole in pool
            if not whole.dimension
        )


_MOVES: Final = Late(
    r"\b(?:ris(?:e|es|en|ing)|rose|gr[eo]w\w*|increas\w+|gain\w*|f[ae]ll\w*|drop\w*|declin\w+|up|down|shr[aiu]nk)\b"
)


def _is_like(one: Quantity, said: Quantity) -> bool:
    if said.dimension == "points":
        return one.dimension in ("percent", "points", "")
    if not one.dimension and one.value < 13 and one.value == int(one.value):
        return not said.dimension and said.value < 100  # "two" or "1" of anything, put to a sum, would make any figure
    is_money = not said.dimension and not said.noun and said.value >= 1e6  # "75 billion more"
    return one.dimension == said.dimension or not one.dimension or is_money


def _ratios(dimension: str, pool: Sequence[Quantity]) -> Iterator[float]:
    for first in pool:
        for second in pool:
            if first is second or not second.base or not first.base:
                continue
            if first.dimension != second.dimension and first.dimension and second.dimension:
                continue
            ratio = first.base / second.base if first.dimension == second.dimension else first.value / second.value
            if dimension in ("fold", ""):
                yield ratio
            if dimension == "percent":
                yield from (ratio * 100, abs(ratio - 1) * 100)


def _spans(whens: Sequence[When]) -> Iterator[float]:
    """The time between each two of *whens*, in seconds, as far as they are dated."""
    for first in whens:
        for second in whens:
            if first.year is None or second.year is None or first is second:
                continue
            if first.month is None or second.month is None:
                if second.year > first.year:
                    yield (second.year - first.year) * 31557600.0
                continue
            months = 12 * (second.year - first.year) + second.month - first.month
            if months > 0 or (months == 0 and (second.day or 0) > (first.day or 0)):
                yield (months * 30.4375 + (second.day or 1) - (first.day or 1)) * 86400
                yield months * 2629800.0


# --- what does not come out ----------------------------------------------------------------------------------------------------

_NUMBER: Final = r"\x01(\d+)\x02"  # a quantity, once `_marked` has put its place there
_WHEN: Final = r"\x03(\d+)\x04"
_CHANGE: Final = Late(
    rf"\bfrom {_NUMBER}(?:[^\x01;:.]{{0,40}}?) to (?:[a-z]+ ){{0,2}}{_NUMBER}[^\x01;:]{{0,40}}?\b(?:a|an|or|up|down|rise"
    rf"|increase|growth|gain|drop|fall|decline|"
    rf"cut)\b[^\x01;:]{{0,30}}?{_NUMBER}",
    re.IGNORECASE,
)
_CHANGE_FIRST: Final = Late(
    rf"\b(?:rose|grew|risen|grown|increased|climbed|jumped|fell|fallen|dropped|declined|shrank|rising|growing|falling|up"
    rf"|down|rise|increase|growth|drop|fall)"
    rf"(?: of| by)? (?:[a-z]+ ){{0,2}}{_NUMBER}[^\x01;:]{{0,20}}? from {_NUMBER}[^\x01;:]{{0,40}}? to {_NUMBER}"
)
_VERB_FIRST: Final = Late(
    rf"{_NUMBER}[^\x01;:.]{{0,30}}? from {_NUMBER}[^\x01;:.]{{0,40}}? to (?:[a-z]+ ){{0,2}}{_NUMBER}"
)
_CHANGES: Final = ((_CHANGE, (0, 1, 2)), (_CHANGE_FIRST, (1, 2, 0)), (_VERB_FIRST, (1, 2, 0)))  # from, to, by
_SUM: Final = Late(
    rf"{_NUMBER}[^\x01;]{{0,60}}?(?:\band\b|\bplus\b|,)[^\x01;]{{0,50}}?{_NUMBER}[^\x01]{{0,60}}?\b(?:together|in all"
    rf"|altogether|combined|in total|a total of|sum to|adds? up to|totall?(?:ing|ed)|sum of|make"
    rf"|makes)\b[^\x01;]{{0,30}}?{_NUMBER}"
)
_LEAVES: Final = Late(
    rf"{_NUMBER}[^\x01;.]{{0,60}}?{_NUMBER}[^\x01;.]{{0,40}}?\b(?:leav(?:es|ing)|left)\b[^\x01;.]{{0,12}}?{_NUMBER}"
)
_SPAN: Final = Late(
    rf"{_WHEN}[^\x03]{{0,60}}?(?:\band\b|\bto\b|\buntil\b|-)[^\x03\x01]{{0,40}}?{_WHEN}[^\x01]{{0,60}}?{_NUMBER}"
)
_SPAN_FIRST: Final = Late(
    rf"{_NUMBER}[^\x01\x03]{{0,60}}?\b(?:between|from)\b[^\x03\x01]{{0,20}}?{_WHEN}[^\x03\x01]{{0,30}}?(?:\band\b|\bto\b"
    rf"|\buntil\b)[^\x03\x01]{{0,20}}?{_WHEN}"
)
_LATER: Final = Late(rf"{_NUMBER} (?:later|earlier|before|after)\b")


def check_sums(text: str, figures: Figures) -> Iterator[Finding]:
    """S306: arithmetic of a statement whose parts all stand in it."""
    marked = _marked(text, figures)
    quantities, whens = figures.quantities, figures.whens
    has_three, has_span = len(quantities) > 2, bool(quantities) and len(whens) > 1  # what each expression takes
    seen: set[int] = set()
    for pattern, order in _CHANGES if has_three else ():
        for found in pattern.finditer(marked):
            first, last, change = (quantities[int(found[1 + at])] for at in order)
            if pattern is _VERB_FIRST and change.dimension != "fold":
                continue
            if change.start not in seen and _is_points(first, last, change):
                seen.add(change.start)
                why = (
                    f"from {first.words} to {last.words} is {_change(first, last, change)}, or "
                    f"{abs(last.base - first.base):g} percentage points"
                )
                yield Finding(
                    "S303", change.start, change.end, f'"{change.words}" is in percentage points: {why}', Severity.ERROR
                )
            if change.start not in seen and _is_wrong_change(first, last, change):
                seen.add(change.start)
                yield _wrong(change, f"from {first.words} to {last.words} is {_change(first, last, change)}")
    for found in _SUM.finditer(marked) if has_three else ():
        first, second, total = (quantities[int(found[at])] for at in (1, 2, 3))
        if total.start not in seen and _comparable((first, second, total)) and not _adds_up(total, quantities):
            seen.add(total.start)
            yield _wrong(total, f"{first.words} and {second.words} are {_plain(first.base + second.base, total)}")
    for found in _LEAVES.finditer(marked) if has_three else ():
        first, second, rest = (quantities[int(found[at])] for at in (1, 2, 3))
        left = abs(first.base - second.base)
        if (
            rest.start not in seen
            and _comparable((first, second, rest))
            and not _fits(rest, left)
            and not _is_rest(rest, quantities)
        ):
            seen.add(rest.start)
            yield _wrong(rest, f"{first.words} and {second.words} leave {_plain(left, rest)}")
    for found, span_at, when_at in (
        *((found, 3, (1, 2)) for found in (_SPAN.finditer(marked) if has_span else ())),
        *((found, 1, (2, 3)) for found in (_SPAN_FIRST.finditer(marked) if has_span else ())),
    ):
        span = quantities[int(found[span_at])]
        pair = [whens[int(found[at])] for at in when_at]
        if pair[0].year is not None and pair[1].year is None and (pair[1].month or 0) > (pair[0].month or 12):
            pair[1] = pair[1]._replace(year=pair[0].year)  # "from April 2026 to October"
        if (
            span.dimension == "time"
            and span.start not in seen
            and not any(_spans_agree(other, pair) for other in quantities if other.dimension == "time")
        ) and (
            _LATER.search(found[0])
            or span_at == 1
            or re.search(r"apart|span|period|later|took|takes|within|over|in ", found[0])
        ):
            seen.add(span.start)
            yield _wrong(span, f"from {pair[0].words} to {pair[1].words} is {_told_span(pair, span)}")
    yield from _check_shares(text, quantities)


def check_since(text: str, figures: Figures, *, written: int | None) -> Iterator[Finding]:
    """S306: "six years, since 2021" in an article of 2026."""
    if written is None or not figures.quantities or not figures.whens:
        return
    marked = _marked(text, figures)
    for found in re.finditer(
        rf"{_NUMBER}(?: [a-z]+){{0,3}},? (?:ago|since|after)(?:,? (?:in|since) )? ?(?:[a-z]+ ){{0,2}}{_WHEN}", marked
    ):
        span, when = figures.quantities[int(found[1])], figures.whens[int(found[2])]
        if span.dimension != "time" or when.year is None or (" ago" not in found[0] and " since" not in found[0]):
            continue
        years = written - when.year
        if span.base > 31557600 * 0.9 and abs(span.base / 31557600 - years) > 1.01:
            yield _wrong(span, f"from {when.words} to {written} are {years} years")


def _marked(text: str, figures: Figures) -> str:
    """*text* with its quantities and times replaced by their numbers between signs that no text holds."""
    marks = [(q.start, q.end, f"\x01{at}\x02") for at, q in enumerate(figures.quantities)]
    marks += [(w.start, w.end, f"\x03{at}\x04") for at, w in enumerate(figures.whens)]
    out, end = [], 0
    for start, stop, mark in sorted(marks):
        if start >= end:
            out += [text[end:start], mark]
            end = stop
    return "".join([*out, text[end:]])


def _comparable(quantities: Iterable[Quantity]) -> bool:
    return len({quantity.dimension for quantity in quantities if quantity.dimension}) <= 1


def _is_wrong_change(first: Quantity, last: Quantity, change: Quantity) -> bool:
    if not _comparable((first, last)) or not first.base or not last.base:
        return False
    if change.dimension == "percent" and not (
        first.dimension == "percent" and change.base == abs(last.base - first.base)
    ):
        wanted = abs(last.base / first.base - 1) * 100
        return abs(change.base - wanted) > max(change.step, 0.06 * wanted, 1)
    if change.dimension == "points" and first.dimension in ("percent", "points"):
        return abs(change.base - abs(last.base - first.base)) > max(change.step, first.step, last.step)
    if change.dimension == "fold":
        ratio = max(last.base / first.base, first.base / last.base)
        wanted = change.value if change.value >= 1 else 1 / change.value
        if change.bound is Bound.OVER:
            return not wanted <= ratio * 1.001
        if change.bound in (Bound.NEARLY, Bound.UNDER):
            return not wanted * 0.8 <= ratio <= wanted * 1.001
        return not 0.85 * wanted <= ratio <= 1.15 * wanted
    return False


def _is_points(first: Quantity, last: Quantity, change: Quantity) -> bool:
    if not (first.dimension == last.dimension == change.dimension == "percent") or not first.base:
        return False
    moved, wanted = abs(last.base - first.base), abs(last.base / first.base - 1) * 100
    return abs(change.base - moved) <= change.step / 2 and abs(change.base - wanted) > max(change.step, 1)


def _change(first: Quantity, last: Quantity, change: Quantity) -> str:
    if change.dimension == "points":
        return f"{abs(last.base - first.base):g} percentage points"
    if change.dimension == "fold":
        return f"{max(last.base / first.base, first.base / last.base):.2g} times"
    return f"{abs(last.base / first.base - 1) * 100:.3g} percent"


def _adds_up(total: Quantity, quantities: Sequence[Quantity]) -> bool:
    parts = [
        one for one in quantities if one is not total and one.base < total.base * 1.001 and _comparable((one, total))
    ]
    slack = max(total.step * (total.unit.factor if total.unit else 1), 0.02 * total.base)
    sums = {0.0}
    for part in parts[:8]:
        sums |= {one + part.base for one in sums} | {one + part.value for one in sums}
    return any(abs(one - total.base) <= slack or abs(one - total.value) <= slack for one in sums)


def _is_rest(rest: Quantity, quantities: Sequence[Quantity]) -> bool:
    """True when *rest* is what some whole of the statement, or 100 percent, is more than one or two of its parts."""
    parts = [one.base for one in quantities if one is not rest and _comparable((one, rest))]
    wholes = [*parts, *([100.0] if rest.dimension == "percent" else [])]
    return any(_fits(rest, whole - one - other) for whole in wholes for one in parts for other in (0.0, *parts))


def _plain(base: float, like: Quantity) -> str:
    if like.unit is None:
        return f"{base:,.6g}"
    return f"{base / like.unit.factor:,.6g} {like.unit.name}"


def _spans_agree(span: Quantity, pair: Sequence[When]) -> bool:
    spans = list(_spans(pair))
    if not spans:
        return True
    slack = max(span.step * (span.unit.factor if span.unit else 1), 0.1 * span.base)
    return any(abs(one - span.base) <= slack for one in spans)


def _told_span(pair: Sequence[When], span: Quantity) -> str:
    seconds = next(iter(_spans(pair)), 0.0)
    factor = span.unit.factor if span.unit else 86400.0
    return f"{seconds / factor:.2g} {span.unit.name if span.unit else 'days'}"


def _check_shares(text: str, quantities: Sequence[Quantity]) -> Iterator[Finding]:
    """Parts of one whole that come to more than the whole, or not to it where the rest is named."""
    shares = [one for one in quantities if one.dimension == "percent" and one.other_end is None and not one.is_change]
    for before, after in itertools.pairwise(shares):
        between = text[before.end : after.start]
        if (
            re.search(r"\bthe (?:rest|remaining|remainder)\b", between)
            and not re.search(r"[.;]", between)
            and len(shares) == 2
            and abs(before.base + after.base - 100) > 1.01
        ):
            yield _wrong(
                after, f"{before.words} and the rest at {after.words} come to {before.base + after.base:g} percent"
            )
            return
    if len(shares) >= 2 and re.search(
        r"\b(?:split|divided|break(?:s|ing)? down|broke down|made up of|shared (?:out )?between|mix)\b", text
    ):
        total = sum(one.base for one in shares)
        if total > 101:
            yield _wrong(shares[-1], f"the shares come to {total:g} percent")


def _wrong(said: Quantity, why: str) -> Finding:
    return Finding(
        "S306", said.start, said.end, f'"{said.words}" does not come out: {why}; mend one of them', Severity.WARNING
    )
