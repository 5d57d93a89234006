"""The words that readers are told of a claim and of what it rests on."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from pipeline.library.receipts import (
    PROMISE,
    RECORDED,
    STANDINGS,
    has_a_single_source,
    independence,
    place_words,
    status_note,
    stored_words,
    tally,
    tally_words,
)
from pipeline.model import Basis, Claim, Passage, PassageKind, Snapshot, Source, SourceStatus, Tier
from tests.conftest import REPOSITORY

TAKEN = Snapshot("0" * 64, "1" * 64, dt.datetime(2026, 2, 26, 9, 14, tzinfo=dt.UTC), "a tool 1", 100)


def a_claim(number: int = 1, basis: Basis = Basis.TRACED, **changes: object) -> Claim:
    values: dict[str, object] = {"number": number, "text": "A.", "start": 0, "end": 2, "line": 1, "column": 1}
    return Claim(**{**values, "basis": basis, **changes})  # type: ignore[arg-type]


def a_source(**changes: object) -> Source:
    values: dict[str, object] = {"id": "n", "url": "https://n.example/", "publisher": "N", "tier": Tier.PRIMARY}
    return Source(**{**values, **changes})  # type: ignore[arg-type]


def test_every_basis_has_words_of_its_own() -> None:
    assert set(STANDINGS) == set(Basis)
    assert len({standing.words for standing in STANDINGS.values()}) == len(Basis)


def test_traced_and_recorded_are_never_told_as_one() -> None:
    claims = [a_claim(1), a_claim(2, Basis.RECORDED), a_claim(3, Basis.RECORDED), a_claim(4, Basis.ANALYSIS)]

    assert tally(claims) == ((Basis.TRACED, 1), (Basis.RECORDED, 2), (Basis.ANALYSIS, 1))
    assert tally_words(claims) == "4 sentences: 1 number traced, 2 recorded, 1 our reading"
    assert tally_words(claims[:1]) == "1 sentence: 1 number traced"
    assert tally_words([]) == "0 sentences"


def test_reports_of_one_study_are_one_origin() -> None:
    assert independence(3, 1) == "3 sources, 1 origin"
    assert independence(1, 1) == "1 source, 1 origin"
    assert independence(0, 0) == "no sources"
    assert has_a_single_source(a_claim(origins=1))
    assert not has_a_single_source(a_claim(origins=2))
    assert not has_a_single_source(a_claim(basis=Basis.ANALYSIS, origins=1))


def test_a_passage_says_where_it_stands_and_a_recorded_figure_that_it_stands_nowhere_yet() -> None:
    stored = a_source(snapshot=TAKEN)

    assert place_words(Passage("n", "words", line=14), stored) == "line 14 of our copy"
    assert place_words(Passage("n", "words", line=14, page=4), stored) == "page 4, line 14 of our copy"
    assert place_words(Passage("n", "words"), stored) == "in our copy"
    assert place_words(Passage("n", "peak: 9.4 GW", kind=PassageKind.FACT), a_source()) == RECORDED
    assert place_words(Passage("n", "peak: 9.4 GW", kind=PassageKind.FACT), stored) == "recorded by the editor"
    assert stored_words(stored) == "stored copy of 26 February 2026"
    assert stored_words(a_source()) == "recorded by the editor, no stored copy yet"


@pytest.mark.parametrize(
    ("status", "begins"),
    [
        (SourceStatus.LIVE, ""),
        (SourceStatus.MOVED, "moved to another address"),
        (SourceStatus.CHANGED, "changed after publication"),
        (SourceStatus.GONE, "no longer on the web"),
        (SourceStatus.RETRACTED, "retracted by its publisher"),
    ],
)
def test_a_reader_hears_what_became_of_a_source(status: SourceStatus, begins: str) -> None:
    bare = status_note(a_source(status=status))
    whole = status_note(a_source(status=status, status_at=dt.date(2026, 11, 20), snapshot=TAKEN))

    assert bare.startswith(begins)
    if begins:
        assert whole == f"{bare} (seen 20 November 2026); our copy of 26 February 2026 is kept"
    else:
        assert bare == whole == ""


def test_the_words_of_the_promise_stand_on_the_page_that_explains_it_and_no_larger_ones() -> None:
    page = (REPOSITORY / "content/pages/how-this-is-made.md").read_text("utf-8")

    assert PROMISE in page.casefold()
    for path in [*Path(REPOSITORY / "theme").rglob("*.html"), *Path(REPOSITORY / "pipeline/templates").rglob("*.*")]:
        assert not re.search(r"fact.?check|verified true", path.read_text("utf-8"), re.IGNORECASE), path
