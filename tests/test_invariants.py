"""The checker of invariants finds what is wrong: a checker that cannot fail proves nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.model import DeliveryStatus
from pipeline.store import Store, consents
from pipeline.store.consents import ConsentEvent, Evidence, Method
from pipeline.store.tables import deliveries, issues, letters, subscribers
from tests.builders import NOW, add_subscribers
from tests.fakes import Accepted
from tests.invariants import Broken, check, intact

ISSUE = "daily-2026-11-23"
READERS = [f"reader{n}@example.org" for n in range(4)]


def a_letter(recipient: str, **changes: Any) -> Accepted:
    letter = Accepted(recipient, f"<{recipient}>", f"hash of {recipient}", "s@example.org", 0.0, 0.0, 1)
    return dataclasses.replace(letter, **changes)


ALL = [a_letter(reader) for reader in READERS]


@pytest.fixture
def sent(sqlite_store: Store) -> Store:
    """An issue that is out, to four readers."""
    add_subscribers(sqlite_store, *READERS)
    with sqlite_store.writing() as connection:
        issue = {"key": ISSUE, "cadence": "daily", "date": NOW.date(), "closes_at": NOW, "created_at": NOW}
        connection.execute(issues.insert(), issue)
        connection.execute(letters.insert(), {"issue_id": 1, "selection": "x", "subject": "x", "message": b"x"})
        people = connection.execute(sa.select(subscribers.c.id)).scalars().all()
        row = {"issue_id": 1, "letter_id": 1, "status": "sent", "started_at": NOW, "finished_at": NOW}
        connection.execute(deliveries.insert(), [{**row, "subscriber_id": person} for person in people])
    return sqlite_store


def change(store: Store, number: int, **values: Any) -> None:
    with store.writing() as connection:
        connection.execute(deliveries.update().where(deliveries.c.id == number).values(**values))


def test_an_issue_that_went_well_passes(sent: Store) -> None:
    seen = check(sent, ALL, issue=ISSUE)

    assert str(seen) == "4 planned: 4 sent; 4 kept, 0 twice"


def test_a_lost_letter_is_found(sent: Store) -> None:
    with pytest.raises(Broken, match=r"no server has the letter: 1 \(reader3@example.org\)"):
        check(sent, ALL[:3], issue=ISSUE)


@pytest.mark.parametrize("status", ["planned", "claimed", "deferred", "uncertain"])
def test_a_row_without_an_end_is_found(sent: Store, status: str) -> None:
    change(sent, 2, status=status, finished_at=None, worker_id=7)

    with pytest.raises(Broken, match=rf"not at an end: 1 \(reader1@example.org {status}"):
        check(sent, [ALL[0], *ALL[2:]], issue=ISSUE)
    check(sent, [ALL[0], *ALL[2:]], issue=ISSUE, finished=False)


def test_a_letter_that_the_ledger_does_not_know_needs_a_doubt(sent: Store) -> None:
    change(sent, 2, status=DeliveryStatus.CLAIMED, finished_at=None)

    with pytest.raises(Broken, match="not known as sent, where at most 0"):
        check(sent, ALL, issue=ISSUE, finished=False)
    assert check(sent, ALL, issue=ISSUE, finished=False, in_doubt=1).unrecorded == 1


@pytest.mark.parametrize("status", ["failed", "deferred", "planned"])
def test_a_letter_that_was_kept_is_never_booked_as_anything_else(sent: Store, status: str) -> None:
    change(sent, 2, status=status)

    with pytest.raises(Broken, match="neither sent nor open to doubt"):
        check(sent, ALL, issue=ISSUE, finished=False, in_doubt=4)


def test_repeats_are_counted_and_must_be_the_same_letter(sent: Store) -> None:
    with pytest.raises(Broken, match=r"letters repeated \(1\), where at most 0"):
        check(sent, [*ALL, ALL[0]], issue=ISSUE)
    assert check(sent, [*ALL, ALL[0]], issue=ISSUE, in_doubt=1).repeated == 1
    with pytest.raises(Broken, match="with other bytes"):
        check(sent, [*ALL, a_letter(READERS[0], sha256="other")], issue=ISSUE, in_doubt=1)
    with pytest.raises(Broken, match="with another Message-ID"):
        check(sent, [*ALL, a_letter(READERS[0], message_id="<other>")], issue=ISSUE, in_doubt=1)


def test_somebody_else_s_letter_is_found(sent: Store) -> None:
    with pytest.raises(Broken, match="without a row in the ledger"):
        check(sent, [*ALL, a_letter("stranger@example.org")], issue=ISSUE)
    with pytest.raises(Broken, match="one Message-ID for several recipients"):
        check(sent, [*ALL[:3], a_letter(READERS[3], message_id=ALL[0].message_id)], issue=ISSUE)


def test_a_claim_behind_an_unsubscribe_is_found(sent: Store) -> None:
    """M-17, P-07."""
    at = NOW.timestamp()

    check(sent, ALL, issue=ISSUE, left={READERS[0]: at + 1})
    with pytest.raises(Broken, match="claimed after they had left"):
        check(sent, ALL, issue=ISSUE, left={READERS[0]: at - 0.001})
    with pytest.raises(Broken, match="MAIL FROM 5"):
        check(sent, [a_letter(READERS[0], began=at + 6), *ALL[1:]], issue=ISSUE, left={READERS[0]: at + 1})


def test_a_claim_long_behind_the_record_of_leaving_is_found(sent: Store) -> None:
    """P-07."""
    with sent.writing() as connection:
        long_ago = NOW - dt.timedelta(minutes=5)
        consents.add(connection, 1, ConsentEvent.WITHDRAWN, Evidence(Method.LINK), now=long_ago)

    with pytest.raises(Broken, match="claimed 300 s later"):
        check(sent, ALL, issue=ISSUE)
    with sent.writing() as connection:
        consents.add(connection, 1, ConsentEvent.RETURNED, Evidence(Method.LINK), now=NOW)
    check(sent, ALL, issue=ISSUE)


def test_a_damaged_file_is_found(sent: Store, sqlite_url: str) -> None:
    intact(sent)
    with sqlite3.connect(Path(sqlite_url.removeprefix("sqlite:///"))) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("DELETE FROM letters")

    with pytest.raises(Broken, match="point to nothing"):
        intact(sent)
