"""What is encoded once for a claims file and its seal is what the plain way gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.site.sealing import SEAL, sealed, sealed_text, written, written_texts

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\/\u2028\x00\x7f'))
CLAIM: dict[str, Any] = {
    "number": 1,
    "text": 'He said "so", \u2028 and \\ left.',
    "basis": "analysis",
    "citations": [],
    "origins": 0,
    "disagree": False,
    "passages": [],
}


def document(*claims: dict[str, Any]) -> dict[str, Any]:
    return {"format": "f", "version": 1, "article": {"url": "ü", "lang": "en"}, "origins": [], "claims": list(claims)}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"citations": [{"source": "a", "quote": None}]},
        {"passages": [{"words": "ä", "line": 3, "bears": ["x"]}]},
        {"disagree": True},
        {"text": "", "origins": 12, "number": 200},
    ],
)
def test_a_claim_is_sealed_as_the_plain_way_seals_it(other: dict[str, Any]) -> None:
    made = document(CLAIM, {**CLAIM, **other})

    assert sealed_text(made) == written({**made, SEAL: sealed(made)})
    assert json.loads(sealed_text(made))["claims"] == made["claims"]


@given(TEXTS, TEXTS)
def test_so_are_any_words(text: str, basis: str) -> None:
    made = document({**CLAIM, "text": text, "basis": basis})

    assert sealed_text(made) == written({**made, SEAL: sealed(made)})


def test_a_document_without_claims_is_sealed_too() -> None:
    made = document()

    assert sealed_text(made) == written({**made, SEAL: sealed(made)})


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_list_of_texts_is_written_as_any_other(rows: list[tuple[str, str]]) -> None:
    head, keys = {"format": "a list", "version": 1}, ("url", SEAL)
    plain = [dict(zip(keys, row, strict=True)) for row in rows]

    assert written_texts(head, "articles", keys, rows) == written({**head, "articles": plain})
