"""Straight marks as editors type them, typographic ones as readers see them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library.quotes import normal
from pipeline.library.typography import typographic


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("It's the editors' word, isn't it?", "It’s the editors’ word, isn’t it?"),
        ('He said "no", and "yes."', "He said “no”, and “yes.”"),
        ('("So") and "so"-called', "(“So”) and “so”-called"),
        ("the 'open' model", "the ‘open’ model"),
        ("\"'Quoted' words,\" she said", "“‘Quoted’ words,” she said"),
        ('the "Act\'s" text', "the “Act’s” text"),
        ("the '90s and the 1990s' end", "the ’90s and the 1990s’ end"),
        ("give 'em 5%", "give ’em 5%"),
        ("'It's so', it says", "‘It’s so’, it says"),
        ('"In 2026"', "“In 2026”"),
        ('a " between blanks', 'a " between blanks'),
        ("“Already” set: it’s so", "“Already” set: it’s so"),
        ('\u200b"word"\u200b', "\u200b“word”\u200b"),
        ("", ""),
    ],
)
def test_marks_are_those_of_the_printed_page(typed: str, printed: str) -> None:
    assert typographic(typed) == printed


def test_other_languages_stay_as_typed() -> None:
    assert typographic('l\'heure "x"', language="fr") == 'l\'heure "x"'
    assert typographic("it's", language="en-GB") == "it’s"


@given(st.text(alphabet="ab1 s'\"-(.\u200b\u2029"))
def test_no_word_moves_and_printing_twice_changes_nothing(text: str) -> None:
    printed = typographic(text)

    assert len(printed) == len(text)
    assert normal(printed) == normal(text)
    assert "'" not in printed
    assert typographic(printed).replace('"', "") == printed.replace('"', "")
