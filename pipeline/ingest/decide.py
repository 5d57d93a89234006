"""How many entries of a feed become cards at once, and which. No network, no database, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from pipeline.model import Entry

NEW_ENTRIES: Final = 50  # of one feed within a day (T-35): more is its first visit, or a flood
A_DAY: Final = dt.timedelta(days=1)


def newest(entries: Iterable[Entry], *, limit: int = NEW_ENTRIES) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """*entries* parted into the *limit* newest, in their order, and the rest. An entry without a date counts by its place."""
    ordered = list(entries)
    by_age = sorted(
        range(len(ordered)), key=lambda i: (ordered[i].published is None, _reversed(ordered[i].published), i)
    )
    kept = frozenset(by_age[:limit])
    return (
        tuple(entry for i, entry in enumerate(ordered) if i in kept),
        tuple(entry for i, entry in enumerate(ordered) if i not in kept),
    )


def _reversed(when: dt.datetime | None) -> float:
    return -when.timestamp() if when else 0.0
