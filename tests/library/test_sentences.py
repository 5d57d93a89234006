from __future__ import annotations

import pytest

from pipeline.library.sentences import sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("One sentence", 1),
        ("One sentence.", 1),
        ("One. Two.", 2),
        ("Is it? Yes! Good.", 3),
        ("The U.S. grid adds 5.5 GW in Jan. 5 of them late.", 1),
        ("Dr. No said so, e.g. Tuesday.", 1),
        ("See No. 4 for it.", 1),
        ("It said no. Then it said yes.", 2),
        ("“It fell.” Then it rose.", 2),
        ("It fell … and rose.", 1),
        ("He asked “Why?” and left.", 1),
        ("In 2030.[^a][^b] Then more.", 2),
        ("One.\nTwo.\n", 2),
        ("Meta vs. Google.", 1),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, count: int) -> None:
    assert len(sentences(text)) == count, sentences(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It grew. https://a.example/b Then it fell.", ["It grew. https://a.example/b", "Then it fell."]),
        ("It grew. https://a.example/b says so.", ["It grew.", "https://a.example/b says so."]),
        ("It grew https://a.example/b. Then it fell.", ["It grew https://a.example/b.", "Then it fell."]),
        ("It grew (https://a.example/b.) Then it fell.", ["It grew (https://a.example/b.)", "Then it fell."]),
        ("It grew. https://a.example/b", ["It grew. https://a.example/b"]),
    ],
)
def test_an_address_does_not_glue_its_sentence_to_the_next(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts
