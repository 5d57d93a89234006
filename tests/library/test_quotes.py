"""A quote occurs in a text, or it does not, however either was typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library.quotes import difference, nearest, normal, occurs, places, text_of
from pipeline.library.quotes.normal import normal_lines

TEXT = (
    "Halls under con-\ntract may need 9% to 17% of regional supply\u00a0by 2030 [12]. The outlook rose “60\u202f% above” our\n"
    "2024—25 outlook, to $5.5 billion [2, 6]; change was -3% (95% CI [1.3–1.7]).\n\n"
    "It’s the authority’s e\ufb03cient soft\u00adware."
)


WORDS = "halls wait for the line, which is long; it’s 9% of “it” and the region’s share.".split()


@pytest.mark.parametrize(
    "quote",
    [
        "Halls under contract may need",
        "9% to 17% of regional supply by 2030",
        "by 2030. The outlook",
        '"60 % above" our 2024-25 outlook',
        "“60 % above” our 2024–25 outlook",
        "$5.5 billion; change",
        "-3%",
        "−3%",
        "CI [1.3-1.7]",
        "It's the authority's efficient software",
        "Halls under contract […] by 2030",
        "Halls … supply",
        "Halls ... 17% [...] by 2030",
        "  supply   by\n2030 ",
        "[h]alls under contract",
        "[I]t's the authority's",
        "the [local] authority's efficient software",
        "[The] outlook rose",
        "regional supply by 2030,",
    ],
)
def test_typography_makes_no_difference(quote: str) -> None:
    assert occurs(quote, TEXT)


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "…",
        "halls under contract",  # case
        "8% to 17% of regional supply",  # digit
        "9% to 17% of supply",  # word
        "ontract may need",  # half a word
        "alls",
        "5 billion",  # half a number
        "$5,5 billion",
        "$5.5 bill",
        "17",  # without its unit
        "3% (95%",  # without its sign
        "by 2030 … Halls",  # order
        "may not need",
        "need 9%",  # without the rest of its range
        "regional supply by 2030 … authority",  # parts in two paragraphs
        "[not] the authority's efficient software",
        "need [8%] of regional supply",
    ],
)
def test_words_and_numbers_do(quote: str) -> None:
    assert not occurs(quote, TEXT)


def test_an_elision_does_not_reach_across_a_whole_text() -> None:
    assert occurs("begin … end", "begin " + "x " * 400 + "end")
    assert not occurs("begin … end", "begin " + "x " * 600 + "end")


def test_an_elision_may_need_the_second_place_of_its_first_part() -> None:
    assert occurs("begin … end", "begin " + "x " * 600 + "begin then end")


# Letters, and what typography and extraction do to them.
TYPED = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("aé5%$.,-–—‘’“”«» \n\u00a0\u00ad\u200b\u2009ﬁ²¹⁶⁻[](){}…'\"`´½№①Å"),
    ),
    max_size=60,
)


@given(TYPED)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(TYPED)
def test_the_normal_form_has_nothing_but_plain_spaces_and_marks(text: str) -> None:
    assert re.fullmatch(r"(?:\S+(?: \S+)*)?", normal(text))
    assert not set(normal(text)) & set("\u00ad\u200b\u00a0\t\n“”‘’«»–—−ﬁ")


@given(TYPED)
def test_the_lines_of_a_text_are_each_in_normal_form(text: str) -> None:
    assert normal_lines(text) == tuple(normal(line) for line in text.split("\n"))


@given(TYPED, TYPED)
def test_nothing_stops_the_look_up_or_the_nearest_words(quote: str, text: str) -> None:
    found = places(quote, text, first_letter=True)
    flat = text_of(text).flat

    assert all(0 <= place.start < place.end <= len(flat) for place in found)
    difference(quote, text)


@given(st.lists(st.sampled_from(WORDS), min_size=3, max_size=40), st.data())
def test_every_run_of_whole_words_occurs_and_with_one_more_it_does_not(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    run = words[first : last + 1]
    at = data.draw(st.integers(0, len(run)))

    assert occurs(" ".join(run), " ".join(words))
    assert not occurs(" ".join([*run[:at], "otherwise", *run[at:]]), " ".join(words))


@given(st.lists(st.sampled_from(WORDS), min_size=4, max_size=30), st.data())
def test_what_is_left_out_is_left_out_in_order(words: list[str], data: st.DataObject) -> None:
    low = data.draw(st.integers(1, len(words) - 2))
    high = data.draw(st.integers(low, len(words) - 1))

    assert occurs(
        " ".join([*words[:low], data.draw(st.sampled_from(["…", "[…]", "..."])), *words[high:]]), " ".join(words)
    )


@given(st.lists(st.sampled_from(["halls", "9%", "$5.5", "to", "“up”", "—", "it’s", "2030."]), min_size=1, max_size=8))
def test_every_text_contains_itself(words: list[str]) -> None:
    text = " ".join(words)

    assert occurs(text, "before " + text + " after")


def test_the_nearest_passage_is_shown_for_a_misquote() -> None:
    assert nearest("may need 8% to 17% of the supply", TEXT) == "may need 9% to 17% of regional supply"
    assert nearest("nothing like this at all", TEXT) == ""
    assert nearest("x", "") == ""
