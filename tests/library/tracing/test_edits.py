"""S110: one edit to a quotation is found, whatever it is; another way to type it is none."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.library.quotes import difference, occurs, places
from tests.library.tracing.edits import Edit, document, edits, passages, variants

WANTED = 2_000
TYPED = 1_000


@pytest.fixture(scope="module")
def spoilt() -> list[Edit]:
    return list(edits())


def test_s110_every_single_edit_is_rejected(spoilt: list[Edit]) -> None:
    found = passages()

    passed = [edit for edit in spoilt if places(edit.spoilt, document(found, edit.passage), first_letter=True)]

    assert len(spoilt) >= WANTED
    assert passed == []


def test_s110_what_was_edited_is_found_as_it_was(spoilt: list[Edit]) -> None:
    """Nothing is rejected for another reason than its edit, but for numbers torn from what belongs to them."""
    found = passages()

    lost = {edit.quote for edit in spoilt if not occurs(edit.quote, document(found, edit.passage))}

    assert len(lost) <= len({edit.quote for edit in spoilt}) / 500, lost


def test_s110_all_kinds_of_edits_are_among_them(spoilt: list[Edit]) -> None:
    kinds = Counter(edit.kind for edit in spoilt)

    assert set(kinds) == set("digit year swapped dropped added negated unit other doubled lettered".split())
    assert min(kinds.values()) >= 50, kinds


def test_s110_the_message_shows_where_the_edit_is(spoilt: list[Edit]) -> None:
    found = passages()

    for edit in spoilt[::25]:
        shown = difference(edit.spoilt, document(found, edit.passage))

        assert shown is not None, edit
        assert "[-" in shown.marked or "{+" in shown.marked, (edit, shown)


def test_what_is_typed_in_another_way_is_accepted() -> None:
    typed = list(variants(TYPED))

    refused = [variant for variant in typed if not occurs(variant.quote, variant.given)]

    assert len({variant.kind for variant in typed}) >= 20
    assert len(refused) <= TYPED * 0.005, refused
