"""Nouns come back with what was worked out of them."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import pytest

from pipeline.packing import with_at_hand


@dataclasses.dataclass(frozen=True)
class Pair:
    left: int
    right: int

    @cached_property
    def total(self) -> int:
        return self.left + self.right


def test_what_is_at_hand_is_not_worked_out_and_a_copy_works_out_its_own() -> None:
    pair = with_at_hand(Pair(1, 2), total=30)

    assert pair.total == 30
    assert pair == Pair(1, 2)
    assert dataclasses.replace(pair, left=5).total == 7


def test_a_name_that_is_no_cached_property_is_noticed() -> None:
    with pytest.raises(AttributeError):
        with_at_hand(Pair(1, 2), sum=3)
