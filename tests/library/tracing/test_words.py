"""What is passed over because none of its words stands in a sentence, and what must not be."""

from __future__ import annotations

import pytest

from pipeline.library.tracing.numbers import find
from pipeline.library.tracing.speakers import voices
from pipeline.library.tracing.statements import Statement
from pipeline.library.tracing.uncited import uncited
from pipeline.library.tracing.words import words_in


@pytest.mark.parametrize(
    "text",
    [
        "They hired twelve people.",
        "TWENTY plants closed.",
        "Demand doubled.",
        "Prices rose twofold.",
        "Half of them closed.",
        "Two-thirds of firms agreed.",
        "They fell by three quarters.",
        "They opened in the nineties.",
        "They opened in March.",
        "They opened in the third quarter.",
        "A year and a half passed.",
        "They took ¾ of it.",
        "Hall ④ is full.",
    ],
)
def test_a_sentence_without_digits_may_have_figures(text: str) -> None:
    found = find(text)

    assert found.quantities or found.whens or found.odd


@pytest.mark.parametrize(
    "text",
    [
        "“It is full”, Maren Voss said.",
        "According to Maren Voss it is full.",
        "It is, in the words of Maren Voss, full.",
        "The council told them so.",
    ],
)
def test_whoever_says_something_is_heard(text: str) -> None:
    assert voices(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("It took a hundred plants.", "S201"),
        ("It took ten per cent of them.", "S201"),
        ("The Northfield Authority denies it.", "S203"),
        ("Its study showed it.", "S203"),
        ("According to the council it is full.", "S203"),
        ("It is the third-largest hall.", "S204"),
        ("It is an all-time low.", "S204"),
        ("It is a FIRST-EVER.", "S204"),
        ("The Northfield Authority was fined.", "S205"),
        ("The Northfield Authority agreed to it.", "S205"),
    ],
)
def test_what_leans_on_nothing_is_told(text: str, code: str) -> None:
    found = uncited(Statement(text, tuple(range(len(text))), 0, len(text)))

    assert [finding.code for finding in found] == [code]


def test_words_are_those_of_small_letters_whatever_their_case() -> None:
    assert words_in("Ten GPT-4s, 'half' of It\tSAID.") == {"ten", "gpt", "s", "half", "of", "it", "said"}
    assert words_in("Ten GPT-4s, “half” of İt \u017faid") == {"ten", "gpt", "s", "half", "of", "it", "said"}
