"""Units are found by any of their names, the longest first, wherever they stand."""

from __future__ import annotations

import re

import pytest

from pipeline.library.tracing.numbers import find
from pipeline.library.tracing.units import dimensions_in, unit_at

_FREE = re.compile(r"(?![A-Za-z])")


@pytest.mark.parametrize(
    ("text", "words", "name"),
    [
        ("percentage points more", "percentage points", "percentage points"),
        ("Percentage-Points", "Percentage-Points", "percentage points"),
        ("percent pointing", "percent", "percent"),
        ("% points", "% points", "percentage points"),
        ("MW", "MW", "W"),
        ("South Korean won", "South Korean won", "won"),
        ("U.S. dollars", "U.S. dollars", "dollars"),
        ("tCO2e", "tCO2e", "tonnes"),
        ("°C", "°C", "°C"),
    ],
)
def test_the_longest_name_is_found(text: str, words: str, name: str) -> None:
    named = unit_at(f"12 {text}", 3, free=_FREE)

    assert named is not None
    assert (named.words, named.end) == (words, 3 + len(words))
    assert named.unit.dimension == unit_at(name, 0, free=_FREE).unit.dimension  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "mw", "percents", "homes", "-kg"])
def test_what_is_no_unit_is_none(text: str) -> None:
    assert unit_at(f"12 {text}", 3, free=_FREE) is None


def test_a_sign_with_a_hyphen_behind_it_is_read() -> None:
    [quantity] = find("It rose by 5 %-points.").quantities

    assert quantity.dimension == "points"


def test_the_head_of_a_table_names_dimensions() -> None:
    assert dimensions_in("Capacity (MW), cost in US$, share (%)") == {"power", "USD", "percent"}
    assert dimensions_in("nothing to measure") == frozenset()
