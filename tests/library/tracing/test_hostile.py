"""What strangers write stops no check: the time grows with the length, whatever marks it is made of."""

from __future__ import annotations

import time

import pytest

from pipeline.library.citations import find_citations
from pipeline.library.quotes import difference, places
from pipeline.library.tracing.marks import quotations
from pipeline.library.tracing.speakers import voices
from pipeline.library.tracing.statements import statements
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
    voices(text[:3_000])

    assert time.process_time() - began < PATIENCE
