"""How long what is about people is kept (P-08). `SPANS` is the whole rule; the handbook's page on people's data says the same.

Who reads is kept while they read: nothing tells us who opens a letter, so nobody is dropped for being silent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.config import Settings
from pipeline.keys import KeyRing, load_keys
from pipeline.store import Connection, Store, retention, subscribers, suppressions
from pipeline.store.retention import Kept
from pipeline.store.suppressions import Reason

DAY = dt.timedelta(days=1)
# How long after it happened; what expires, after that. In this order: what is first refers to what follows.
SPANS: Mapping[Kept, dt.timedelta] = {
    Kept.SIGNUPS: 7 * DAY,
    Kept.UNCONFIRMED: 7 * DAY,  # after the link, which works for 48 hours
    Kept.NOTICES: 30 * DAY,
    Kept.CONFIRMATIONS: 30 * DAY,  # after the link; until then they count against asking too often (M-39)
    Kept.REQUESTS: 30 * DAY,
    Kept.DELIVERIES: 396 * DAY,  # 13 months
    Kept.RAW: 30 * DAY,
    Kept.BOUNCES: 396 * DAY,
    Kept.LEFT: 3 * 366 * DAY,  # after the last that they did; from then on, only their keyed hash keeps them out
    Kept.CONSENTS: 3 * 366 * DAY,
    Kept.LIMITS: 0 * DAY,
    Kept.SOLVED: 0 * DAY,
}
AT_ONCE = 1_000  # rows of one transaction


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """How many rows of each kind were let go of, or would be."""

    numbers: Mapping[Kept, int]
    dry_run: bool
    journal_emptied: bool = True  # SQLite's journal may hold what was deleted while somebody reads without a pause

    def as_dict(self) -> dict[str, object]:
        rows = [
            {"what": kept.value, "days": SPANS[kept].days, "number": number} for kept, number in self.numbers.items()
        ]
        return {"dry_run": self.dry_run, "kept": rows, "journal_emptied": self.journal_emptied}

    def lines(self) -> Iterator[str]:
        """The report for a terminal."""
        verb = "would go" if self.dry_run else "gone"
        for kept, number in self.numbers.items():
            if not number:
                continue
            days = SPANS[kept].days
            yield f"{number:>9,} {verb}: {kept.value}, {f'after {days:,} days' if days else 'when they expire'}"
        if not any(self.numbers.values()):
            yield "nothing is older than it may be"
        if not self.journal_emptied:
            yield "the database's journal still holds it: end the program that reads there without a pause, and run this again"


def keep_what_may_be_kept(
    store: Store, settings: Settings, *, now: dt.datetime, dry_run: bool = False
) -> RetentionReport:
    """Let go of everything whose time is over, a thousand rows at a time; with *dry_run*, only count it.

    It may run beside everything else, be stopped, and run again.
    """
    if dry_run:
        with store.reading() as connection:
            return RetentionReport(
                {kept: retention.number_due(connection, kept, before=now - span) for kept, span in SPANS.items()},
                dry_run=True,
            )
    keys = load_keys(settings.state_dir, "suppression")
    numbers = {kept: _let_go(store, kept, keys, before=now - span, now=now) for kept, span in SPANS.items()}
    personal = sum(number for kept, number in numbers.items() if kept not in (Kept.LIMITS, Kept.SOLVED))
    emptied = subscribers.forget_journal(store) if personal else True
    return RetentionReport(numbers, dry_run=False, journal_emptied=emptied)


def _let_go(store: Store, kept: Kept, keys: KeyRing, *, before: dt.datetime, now: dt.datetime) -> int:
    count = 0
    while True:
        with store.writing() as connection:
            rows = retention.due(connection, kept, before=before, limit=AT_ONCE)
            if kept is Kept.LEFT:
                _keep_out(connection, [int(number) for number in rows], keys, now=now)
            if rows:
                retention.let_go(connection, kept, rows, now=now)
        count += len(rows)
        if len(rows) < AT_ONCE:
            return count


def _keep_out(connection: Connection, numbers: list[int], keys: KeyRing, *, now: dt.datetime) -> None:
    """Their addresses go; no import may bring them back all the same (P-03)."""
    for number in numbers:
        email_key = subscribers.email_key(connection, number)
        if email_key:
            suppressions.add(connection, keys, email_key, Reason.UNSUBSCRIBED, now=now)
