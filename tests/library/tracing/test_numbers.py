"""What counts as a figure in prose, and what it is worth."""

from __future__ import annotations

import pytest

from pipeline.library.tracing.compare import Likeness, agrees, likeness
from pipeline.library.tracing.numbers import find


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("ſix plants", 6),
        ("3 mıllİon plants", 3e6),
        ("Fill ¾ cups", 0.75),
        ("$5.5bn", 5.5e9),
        ("US$5.5 billion", 5.5e9),
        ("5.5 billion US dollars", 5.5e9),
        ("£300m", 3e8),
        ("10,372 crore rupees", 103.72e9),
        ("NT$1.134 trillion", 1.134e12),
        ("1,374,922 thousand megawatt-hours", 1.374922e15),
        ("1,540 billion kWh", 1.54e15),
        ("a 10-year contract", 10 * 31557600),
        ("18 months", 18 * 2629800),
        ("a year and a half", 1.5 * 31557600),
        ("twenty-five percent", 25),
        ("one hundred and twenty", 120),
        ("half a million homes", 500_000),
        ("a dozen plants", 12),
        ("two thirds of firms", 200 / 3),
        ("three quarters of the queue", 75),
        ("one in five firms", 20),
        ("nine out of ten", 90),
        ("62-fold", 62),
        ("tenfold", 10),
        ("150 basis points", 1.5),
        ("17.2 million gallons", 17.2e6 * 3.785411784),
        ("seven cents", 0.07),
    ],
)
def test_a_number_is_read_with_its_scale_and_unit(text: str, base: float) -> None:
    (quantity,) = find(text).quantities

    assert quantity.base == pytest.approx(base)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.6 MJ", "1 kWh"),
        ("3.6 PJ", "1 TWh"),
        ("3.412 MMBtu", "1 MWh"),
        ("1 acre-foot", "1,233 cubic metres"),
        ("100 acres", "40.5 hectares"),
        ("100 miles", "161 km"),
        ("1 hectare", "10,000 square metres"),
        ("2 Mt", "2 million tonnes"),
        ("36 months", "3 years"),
        ("4 nm", "4 nanometres"),
        ("0.5 percentage points", "50 basis points"),
    ],
)
def test_units_of_one_dimension_are_converted(one: str, other: str) -> None:
    first, second = find(one).quantities[0], find(other).quantities[0]

    assert first.dimension == second.dimension
    assert first.base == pytest.approx(second.base, rel=0.003)


@pytest.mark.parametrize(
    "text",
    [
        "Article 50 of the act", "the H100 and the GB200", "GPT-4 and COVID-19", "a 5G network", "the 19th century", "at 12:30",
        "24/7", "version 3.5.1", "one of them", "a third source", "a quarter earlier", "the second plant", "Llama 3 was first",
        "https://example.org/2026/11", "the first half of 2026", "in the third quarter of 2025", "on 17 February 2026",
    ],
)  # fmt: skip
def test_names_ordinals_and_times_are_no_quantities(text: str) -> None:
    assert find(text).quantities == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("on 17 February 2026", (2026, 2, 17, "")),
        ("February 17, 2026", (2026, 2, 17, "")),
        ("2026-02-17", (2026, 2, 17, "")),
        ("in Oct. 2024", (2024, 10, None, "")),
        ("on 9 April", (None, 4, 9, "")),
        ("by 2030", (2030, None, None, "")),
        ("FY26-Q2", (2026, None, None, "Q2")),
        ("2025-Q4", (2025, None, None, "Q4")),
        ("the second quarter of fiscal 2026", (2026, None, None, "Q2")),
        ("the first half of 2026", (2026, None, None, "H1")),
    ],
)
def test_a_time_is_read_as_far_as_it_is_named(text: str, told: tuple[int | None, int | None, int | None, str]) -> None:
    (when,) = find(text).whens

    assert (when.year, when.month, when.day, when.part) == told


def test_spans_and_decades_name_their_years() -> None:
    assert find("the winter of 2018-19").years == {2018, 2019}
    assert find("from 2015–2020").years == {2015, 2020}
    assert [when.is_decade for when in find("the 2030s").whens] == [True]


def test_neighbours_lend_one_another_unit_and_scale() -> None:
    low, high = find("52 to 56 billion dollars").quantities
    first, _ = find("from 8 to 1.7 percent").quantities
    one, other = find("€1.5bn-€2bn").quantities

    assert (low.base, high.base, low.other_end) == (52e9, 56e9, 56e9)
    assert (first.dimension, first.is_change, first.other_end) == ("percent", True, None)
    assert (one.base, other.base) == (1.5e9, 2e9)


@pytest.mark.parametrize(
    ("said", "given", "like"),
    [
        ("$180bn", "$180 billion", Likeness.SAME),
        ("5.5%", "5.48%", Likeness.ROUNDED),
        ("5.48%", "5.5%", Likeness.NONE),
        ("about 950 TWh", "945 TWh", Likeness.ROUNDED),
        ("about 990 TWh", "945 TWh", Likeness.NONE),
        ("945,000 GWh", "945 TWh", Likeness.SAME),
        ("4.5 billion gallons", "17.2 billion litres", Likeness.ROUNDED),
        ("more than 40 percent", "42%", Likeness.ROUNDED),
        ("nearly 90 percent", "89 percent", Likeness.ROUNDED),
        ("a third of", "33%", Likeness.ROUNDED),
        ("half of", "46%", Likeness.NONE),
        ("doubled", "100%", Likeness.ROUNDED),
        ("two years", "24 months", Likeness.SAME),
        ("€5 billion", "$5 billion", Likeness.OTHER_CURRENCY),
        ("5 GW", "5 GWh", Likeness.OTHER_UNIT),
        ("3.2 percent", "3.2 percentage points", Likeness.PERCENT_FOR_POINTS),
        ("3.2 points", "3.2%", Likeness.POINTS_FOR_PERCENT),
        ("86 euros a month", "86 euros a year", Likeness.OTHER_RATE),
        ("$1.134 trillion", "$1.134 billion", Likeness.NONE),
        ("226 GW", "22.6 GW", Likeness.NONE),
        ("125", "125 billion dollars", Likeness.LOOSE),
        ("$200.966 billion", "200,966", Likeness.LOOSE),
    ],
)
def test_two_quantities_are_one_as_far_as_the_coarser_says_anything(said: str, given: str, like: Likeness) -> None:
    assert likeness(find(said).quantities[0], find(given).quantities[0]) is like


@pytest.mark.parametrize(
    ("said", "given", "same"),
    [
        ("in February 2026", "on 17 February 2026", True),
        ("on 17 February 2026", "in February 2026", False),
        ("on 17 February 2026", "on 18 February 2026", False),
        ("in the second quarter of 2026", "in May 2026", True),
        ("in the third quarter of 2026", "in May 2026", False),
        ("in the 2030s", "by 2034", True),
        ("by 2030", "by 2034", False),
    ],
)
def test_a_time_agrees_with_one_that_names_as_much(said: str, given: str, same: bool) -> None:
    assert agrees(find(said).whens[0], find(given).whens[0]) is same


@pytest.mark.parametrize(
    "text",
    ["", "1" * 400, "9" * 30 + "%", "½ of ٣ and Ⅷ", "$" * 50, "two " * 500, "1,2,3,4,5", "0.0.0.0", "0%", "\x00 5 GW"],
)
def test_odd_text_is_read_without_an_error(text: str) -> None:
    for one in find(text).quantities:
        for other in find("0 5 GW 3% two thirds of").quantities:
            assert likeness(one, other) in Likeness
