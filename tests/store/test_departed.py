"""The database itself keeps out who has left (P-07): the last line behind the code."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from pipeline.errors import StoreBusy, StoreError
from pipeline.store import Store, subscribers, tables
from tests.builders import NOW, add_subscribers

DAY = dt.timedelta(days=1)


def a_delivery(store: Store, number: int) -> None:
    issue = {"key": "k", "cadence": "daily", "date": NOW.date(), "closes_at": NOW, "created_at": NOW}
    with store.writing() as c:
        c.execute(tables.issues.insert(), issue)
        c.execute(tables.letters.insert(), {"issue_id": 1, "selection": "0" * 64, "subject": "s", "message": b"m"})
        row = {"issue_id": 1, "subscriber_id": number, "letter_id": 1, "status": "planned", "attempts": 0}
        c.execute(tables.deliveries.insert(), row)


def claim(store: Store) -> None:
    with store.writing() as c:
        c.execute(tables.deliveries.update().values(status="claimed", worker_id=1, started_at=NOW))


@pytest.mark.parametrize("state", ["suppressed", "unsubscribed", "pending"])
def test_no_letter_is_claimed_for_who_has_left(store: Store, state: str) -> None:
    """P-07: whatever the code forgets to ask."""
    add_subscribers(store, "a@example.org", state=state)
    a_delivery(store, 1)

    with pytest.raises(StoreError, match="no letter is claimed for who has left"):
        claim(store)

    with store.reading() as c:
        assert c.execute(sa.select(tables.deliveries.c.status)).scalar_one() == "planned"


def test_no_letter_is_claimed_for_who_was_erased(store: Store) -> None:
    """P-07"""
    add_subscribers(store, "a@example.org")
    a_delivery(store, 1)
    with store.writing() as c:
        subscribers.erase(c, 1)

    with pytest.raises(StoreError, match="no letter is claimed for who has left"):
        claim(store)


def test_a_claim_that_came_too_late_is_to_look_again(store: Store) -> None:
    """P-07: on Postgres somebody may leave between the look and the claim; the claim is then tried anew, as after any conflict."""
    if store.is_sqlite:
        pytest.skip("SQLite has one writer: nobody leaves between the look and the claim")
    add_subscribers(store, "a@example.org", state="suppressed")
    a_delivery(store, 1)

    with pytest.raises(StoreBusy):
        claim(store)


def test_letters_of_readers_are_claimed(store: Store) -> None:
    add_subscribers(store, "a@example.org", state="paused", paused_until=NOW - DAY)
    a_delivery(store, 1)

    claim(store)

    with store.reading() as c:
        assert c.execute(sa.select(tables.deliveries.c.status)).scalar_one() == "claimed"


@pytest.mark.parametrize("state", ["active", "paused", "unsubscribed", "pending"])
def test_only_a_new_confirmation_ends_a_suppression(store: Store, state: str) -> None:
    """P-07: no operator with a plain update, and no code that forgot, brings a suppressed person back."""
    add_subscribers(store, "a@example.org", state="suppressed")

    with pytest.raises(StoreError, match="only a new confirmation ends a suppression"), store.writing() as c:
        c.execute(tables.subscribers.update().values(state=state))

    with store.writing() as c:
        c.execute(tables.subscribers.update().values(state="active", confirmed_at=NOW))
    with store.reading() as c:
        assert c.execute(sa.select(tables.subscribers.c.state)).scalar_one() == "active"
