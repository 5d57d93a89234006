"""Whether two quantities say the same, as far as the coarser one says anything.

An article may round what its source has, convert it to another unit, or spell it out. It may not be more exact than its source, and
its unit must be of the same dimension. What is compared here are two quantities and nothing around them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pipeline.library.tracing.numbers import Bound, Quantity, When
from pipeline.library.tracing.units import SHARE

NEAR: Final = 0.02  # "about 950" stands for 945
ROUND: Final = 0.06  # "about 200" stands for 212
SLACK: Final = 0.10  # "more than 40" stands for 42, "nearly 90" for 85


class Likeness(IntEnum):
    """How a quantity of an article stands to one of a source; only what is positive bears it out."""

    NONE = 0
    OTHER_UNIT = -1  # the same number, of something else
    OTHER_RATE = -2  # the same quantity, per something else
    OTHER_CURRENCY = -3
    PERCENT_FOR_POINTS = -4
    POINTS_FOR_PERCENT = -5
    LOOSE = 1  # one of the two names no unit
    ROUNDED = 2
    SAME = 3


def likeness(said: Quantity, given: Quantity) -> Likeness:
    """What *given*, of a source, does for *said*, of an article that cites it."""
    kind = _units(said, given)
    if kind in (Likeness.SAME, Likeness.LOOSE):
        near = _near(said, given, is_loose=kind is Likeness.LOOSE)
        return min(kind, near) if near > 0 else Likeness.NONE
    if kind is Likeness.NONE or not _is_same_number(said, given):
        return Likeness.NONE
    return kind


def agrees(said: When, given: When) -> bool:
    """True when *given* names the day, month, quarter or year that *said* names, or a part of it."""
    if said.is_decade:
        return given.year is not None and said.year == given.year // 10 * 10
    for ours, theirs in ((said.year, given.year), (said.month, given.month), (said.day, given.day)):
        if ours is not None and theirs is not None and ours != theirs:
            return False
    if said.day is not None and given.day is None:
        return False
    if said.month is not None and given.month is None:
        return False
    if said.part and given.part != said.part:
        return (
            given.month is not None and not given.part and said.part in (quarter_of(given.month), half_of(given.month))
        )
    return said.year is None or given.year is not None


def quarter_of(month: int) -> str:
    return f"Q{(month + 2) // 3}"


def half_of(month: int) -> str:
    return "H1" if month <= 6 else "H2"


def _units(said: Quantity, given: Quantity) -> Likeness:
    ours, theirs = said.dimension, given.dimension
    if ours == theirs:
        if not ours and (said.value == said.number) != (given.value == given.number):
            return Likeness.LOOSE
        return Likeness.OTHER_RATE if _other_rate(said.per, given.per) else Likeness.SAME
    if said.is_verb or given.is_verb:
        return Likeness.SAME if {ours, theirs} == {"fold", "percent"} else Likeness.NONE
    if given.is_small_word:
        return Likeness.NONE
    if not ours:  # "125" for "125 billion dollars", but not "125 plants"
        return Likeness.OTHER_UNIT if said.noun else Likeness.LOOSE
    if not theirs:
        return Likeness.OTHER_UNIT if given.noun and ours != "fold" else Likeness.LOOSE
    if {ours, theirs} == {"fold", "percent"}:
        return Likeness.SAME
    if (ours, theirs) == ("percent", "points"):
        return Likeness.PERCENT_FOR_POINTS
    if (ours, theirs) == ("points", "percent"):
        return Likeness.POINTS_FOR_PERCENT
    if said.unit and given.unit and said.unit.is_money and given.unit.is_money:
        return Likeness.OTHER_CURRENCY
    return Likeness.OTHER_UNIT


_TIMES: Final = frozenset("second minute hour day week month quarter year decade".split())


def _other_rate(ours: str, theirs: str) -> bool:
    """A month is not a year; "per kilowatt a month" is a month all the same."""
    mine, its = set(ours.split()), set(theirs.split())
    if mine & _TIMES and its & _TIMES:
        return not mine & its & _TIMES
    return bool(mine - _TIMES and its - _TIMES) and not mine & its


def _is_same_number(said: Quantity, given: Quantity) -> bool:
    if SHARE in (said.unit, given.unit):
        return _close(said.base, given.base)
    return _close(said.value, given.value) or _close(said.number, given.number)


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1e-12)


def _near(said: Quantity, given: Quantity, *, is_loose: bool) -> Likeness:
    if {said.dimension, given.dimension} == {"fold", "percent"}:
        return _multiple(said, given)
    if is_loose and _close(said.number, given.number):
        return Likeness.SAME
    if is_loose and said.value == said.number and given.value != given.number and _fits(said, given.number, said.step):
        return Likeness.ROUNDED  # "5.5" for "5.48 billion dollars"
    ours, theirs, step = said.base, given.base, said.step * (said.unit.factor if said.unit else 1)
    if is_loose:
        ours, theirs, step = said.value, given.value, said.step  # 1.5 hours are 5,400 seconds, and no 5,400
    if _close(ours, theirs):
        return Likeness.SAME
    if is_loose and _shares_digits(said, given):
        return Likeness.SAME
    if _fits(said, theirs, step, ours):
        return Likeness.ROUNDED
    is_converted = said.unit is not None and given.unit is not None and said.unit.name != given.unit.name
    if is_converted and abs(ours - theirs) <= min(_rounded_to(said) * (step / said.step) * 0.5, 0.025 * abs(theirs)):
        return Likeness.ROUNDED  # 240 km for 150 miles
    if is_converted and not (said.unit.is_exact and given.unit.is_exact):  # type: ignore[union-attr]
        # 3.8 litres to the gallon, 1.6 km to the mile: who converts also rounds the factor.
        return Likeness.ROUNDED if abs(ours - theirs) <= 0.015 * abs(theirs) else Likeness.NONE
    return Likeness.NONE


def _fits(said: Quantity, theirs: float, step: float, ours: float | None = None) -> bool:
    ours = said.number if ours is None else ours
    gap = abs(ours - theirs)
    if gap <= step * 0.5 * (1 + 1e-9):
        return True
    size = abs(ours)
    if said.bound is Bound.ABOUT:
        # "About 3,900" for 3,861: with that word, zeros at the end of a whole number say that it was rounded.
        return gap <= NEAR * size or (gap <= _rounded_to(said) * (step / said.step) * 0.5 and gap <= ROUND * size)
    if said.bound is Bound.OVER:
        return 0 <= theirs - ours <= SLACK * size
    if said.bound in (Bound.NEARLY, Bound.UNDER):
        return 0 <= ours - theirs <= SLACK * size
    return False


def _rounded_to(said: Quantity) -> float:
    """The place that zeros at the end leave as the last one that counts."""
    place = said.step
    if said.value < 100:
        return place
    digits = 0
    while said.value and said.value % (place * 10) == 0 and digits < 12:
        place, digits = place * 10, digits + 1
    return place


def _shares_digits(said: Quantity, given: Quantity) -> bool:
    """True for a table in thousands or millions that leaves the scale to its head: "200,966" for "$200.966 billion"."""
    ratio = max(said.base, given.base) / (min(abs(said.base), abs(given.base)) or 1)
    digits = len(f"{said.number:g}".replace(".", "").strip("0"))
    return digits >= 4 and any(_close(ratio, scale) for scale in (1e3, 1e6, 1e9))


def _multiple(said: Quantity, given: Quantity) -> Likeness:
    """Doubled is a rise of 100 percent, or to 200; halved a fall by 50."""
    fold, percent = (said, given) if said.dimension == "fold" else (given, said)
    if not fold.is_verb:
        return Likeness.NONE
    wanted = (100 * (fold.value - 1), 100 * fold.value) if fold.value >= 1 else (100 * fold.value,)
    share = percent.base
    fits = any(abs(share - one) <= max(percent.step * 0.5, 2) for one in wanted)
    return Likeness.ROUNDED if fits else Likeness.NONE
