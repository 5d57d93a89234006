"""How many entries become cards at once, and which."""

from __future__ import annotations

import datetime as dt

from pipeline.ingest.decide import newest
from pipeline.model import Entry

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


# --- the newest -------------------------------------------------------------------------------------------------------


def entries(*ages: int | None) -> list[Entry]:
    return [
        Entry("f", str(number), None, f"t{number}", "", "", NOW - age * HOUR if age is not None else None)
        for number, age in enumerate(ages)
    ]


def test_t35_only_the_newest_become_cards_and_keep_their_order() -> None:
    kept, rest = newest(entries(5, 1, None, 3, None), limit=3)

    assert [entry.id for entry in kept] == ["0", "1", "3"]
    assert [entry.id for entry in rest] == ["2", "4"]


def test_without_dates_the_first_are_the_newest() -> None:
    kept, rest = newest(entries(None, None, None), limit=2)

    assert [entry.id for entry in kept] == ["0", "1"]
    assert [entry.id for entry in rest] == ["2"]
