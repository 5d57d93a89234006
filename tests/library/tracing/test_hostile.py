"""What strangers write stops no check: the time grows with the length, whatever marks it is made of."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

from pipeline.library import checks, quotes, tracing
from pipeline.library.citations import find_citations
from pipeline.library.late import Late
from pipeline.library.quotes import difference, places
from pipeline.library.tracing.evidence import evidence_of
from pipeline.library.tracing.judge import examine
from pipeline.library.tracing.marks import quotations
from pipeline.library.tracing.numbers import find
from pipeline.library.tracing.speakers import voices
from pipeline.library.tracing.statements import statements
from pipeline.model import Source, Tier
from tests.builders import an_article

MANY = 3_000
PATIENCE = 20.0  # seconds of the processor; each takes a fraction of one on an idle machine


@pytest.mark.parametrize(
    "piece",
    [
        "“",
        "”",
        '"',
        '" "',
        " 'a",
        "‘a ",
        "«",
        "„",
        "“a” ",
        "“a",
        "'",
        "[",
        "![[a",
        "[^a] ",
        "| a ",
        "> ",
        "*_",
        "`",
        "&amp;",
        "<a ",
    ],
)
def test_marks_without_end_are_read_in_time(piece: str) -> None:
    body = piece * MANY
    began = time.process_time()

    quotations(body, inserted=())
    statements(an_article(body=body[:MANY], citations=find_citations(body[:MANY])))

    assert time.process_time() - began < PATIENCE


@pytest.mark.parametrize(
    "piece",
    ["word ", "the ", "... ", "[...] ", "9 ", "111 ", "- ", "a-", "[12]", "“", "Ana Example ", "he said ", "$", "."],
)
def test_a_stored_text_of_one_kind_of_piece_is_searched_in_time(piece: str) -> None:
    text = piece * MANY
    began = time.process_time()

    places("the word … the [other] word, it's 9% of it", text, first_letter=True)
    places(piece * 40 + "x", text)
    difference("the word of the other word is 9% of it", text)
    difference(piece * 300 + "x", text)
    voices(text)

    assert time.process_time() - began < PATIENCE


@pytest.mark.parametrize("parts", [8, 2_000])
def test_a_quotation_with_many_elisions_is_searched_in_time(parts: int) -> None:
    """Each part follows the one before in a great many places, and the last one in none."""
    text = "the word of " * MANY + "x " * 600 + "end"
    quote = " … ".join([*["the word"] * parts, "end"])
    began = time.process_time()

    assert places(quote, text) == []
    assert len(places(" … ".join(["the word"] * 8), text)) == MANY - 7

    assert time.process_time() - began < PATIENCE


# --- patterns -------------------------------------------------------------------------------------------------------------------

PIECES = [
    *["A", "a", "1", " ", '"', "”", "’", "(", "[", "-", ".", "&", "AB ", "Grid ", "the ", "12 ", "A-", "a-", "1,"],
    *["Ana of the ", "5 GW and ", "from 1 to ", "half of ", "said ", "2024-", "A, ", "“A 5 GW” (", "GRID 9% - ["],
]
ALL_AT_ONCE = 10.0  # seconds; each takes well under one on an idle machine


def _patterns() -> Iterator[tuple[str, re.Pattern[str] | Late]]:
    """Each pattern of the packages that read what strangers write, and where it stands."""
    for package in (tracing, quotes, checks):
        names = [
            package.__name__,
            *(f"{package.__name__}.{one.name}" for one in pkgutil.iter_modules(package.__path__)),
        ]
        for name in names:
            for key, value in vars(importlib.import_module(name)).items():
                for number, pattern in enumerate(_within(value)):
                    yield f"{name}.{key}[{number}]", pattern


def _within(value: object) -> Iterator[re.Pattern[str] | Late]:
    if isinstance(value, re.Pattern | Late):
        yield value
    elif isinstance(value, tuple | list | frozenset):
        for one in value:
            yield from _within(one)


@pytest.mark.parametrize("piece", PIECES)
def test_no_pattern_is_slow_on_runs_of_one_piece(piece: str) -> None:
    text = piece * (5_000 if len(piece) < 4 else 1_000)
    patterns = {id(pattern): (name, pattern) for name, pattern in _patterns()}
    assert len(patterns) > 120
    for name, pattern in patterns.values():
        began = time.process_time()

        for _ in pattern.finditer(text):
            pass
        pattern.fullmatch(text)

        assert time.process_time() - began < ALL_AT_ONCE, name


@pytest.mark.parametrize("piece", PIECES)
def test_a_sentence_and_a_source_of_one_piece_are_compared_in_time(piece: str) -> None:
    """Headings in capitals, keys of a thousand digits, rows of numbers."""
    harm, plain = piece * 5_000, "The plant of 5 GW opened in 2024, said Ada Example. It is 9% of 12.\nThe GRID is A."
    sources = [Source(f"x{len(text)}", "https://x.example/", "X", Tier.PRIMARY) for text in (harm, plain)]
    began = time.process_time()

    tuple(examine(plain, (evidence_of(sources[0], harm),), written=2026))
    tuple(examine(harm[:5_000], (evidence_of(sources[1], plain),), written=2026))

    assert time.process_time() - began < 2 * PATIENCE


def test_a_number_without_end_is_none() -> None:
    """A thousand digits are more than a float holds, and a million times a million has no end either."""
    source = Source("x", "https://x.example/", "X", Tier.PRIMARY)
    long = "It is " + "7" * 400 + ", or 0." + "0" * 400 + "1, or 5" + " million" * 60 + "."

    figures = find(long).quantities
    told = [
        *examine(long, (evidence_of(source, "It is 5 GW."),)),
        *examine("It is 5 GW.", (evidence_of(source, long),)),
    ]

    assert all(one.step > 0 and one.value < 1e24 for one in figures)
    assert {finding.code for finding in told} == {"S301"}
