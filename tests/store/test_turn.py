"""A turn of the sending loop in one statement (Postgres): it does what control, record and claim do one after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.model import Cadence, Control, DeliveryStatus, Issue, Reply, State
from pipeline.store import Store, deliveries, issues, turn, workers
from pipeline.store.claims import bury
from pipeline.store.deliveries import Verdict
from pipeline.store.engine import connect
from pipeline.store.tables import deliveries as rows
from pipeline.store.tables import subscribers
from pipeline.store.turn import Turned
from tests.builders import NOW, add_subscribers

ACCEPTED = Reply(250, "2.0.0", "ok")
FIVE = tuple(f"reader{n}@example.org" for n in range(5))
DAILY = Issue("daily-2026-11-23", Cadence.DAILY, date=dt.date(2026, 11, 23), closes_at=NOW)


class Desk:
    """An issue that is planned for five people, and a worker that sends it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        add_subscribers(store, *FIVE)
        with store.writing() as connection:
            self.issue = issues.create(connection, DAILY, now=NOW).id
            letter = issues.add_letter(
                connection, self.issue, selection="s", subject="Power", message=b"m", slugs=["grid"]
            )
            people = deliveries.readers(connection, Cadence.DAILY, after=0, limit=10, now=NOW)
            deliveries.plan(connection, self.issue, [(one.id, letter, one.domain) for one in people])
            self.worker = workers.register(connection, task=DAILY.key, now=NOW)

    def turn(self, *verdicts: Verdict, limit: int = 2) -> Turned:
        with self.store.writing() as connection:
            return turn.take(connection, self.issue, self.worker, verdicts, limit=limit, now=NOW)

    def standing(self) -> list[tuple[str, int, int | None]]:
        """Status, attempts and worker of each delivery, in order."""
        query = sa.select(rows.c.status, rows.c.attempts, rows.c.worker_id).order_by(rows.c.id)
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def desk(new_postgres: Callable[[], str], tmp_path: Path) -> Iterator[Desk]:
    store = connect(new_postgres())
    yield Desk(store)
    store.close()


def test_it_records_what_went_and_claims_what_goes(desk: Desk) -> None:
    first = desk.turn(limit=2)
    second = desk.turn(*(Verdict(claim.id, DeliveryStatus.SENT, ACCEPTED) for claim in first.claims), limit=2)

    assert (first.control, second.control) == (Control.SENDING, Control.SENDING)
    assert [claim.email for claim in first.claims + second.claims] == list(FIVE[:4])
    assert all(
        claim.first_at == NOW and claim.attempts == 0 and claim.domain == "example.org" for claim in second.claims
    )
    held = ("claimed", 0, desk.worker)
    assert desk.standing() == [("sent", 1, desk.worker)] * 2 + [held] * 2 + [("planned", 0, None)]


def test_a_worker_that_was_given_up_changes_nothing(desk: Desk) -> None:
    """R-07: neither what it still wants to record, nor what it would like to take."""
    claims = desk.turn(limit=2).claims
    with desk.store.writing() as connection:
        bury(connection, {desk.worker}, now=NOW)
    before = desk.standing()

    turned = desk.turn(Verdict(claims[0].id, DeliveryStatus.SENT, ACCEPTED), limit=2)

    assert turned == Turned(None)
    assert desk.standing() == before == [("uncertain", 0, None)] * 2 + [("planned", 0, None)] * 3


def test_a_paused_issue_records_and_claims_nothing_more(desk: Desk) -> None:
    claims = desk.turn(limit=1).claims
    with desk.store.writing() as connection:
        issues.set_control(connection, desk.issue, Control.PAUSED)

    turned = desk.turn(Verdict(claims[0].id, DeliveryStatus.SENT, ACCEPTED), limit=3)

    assert turned == Turned(Control.PAUSED)
    assert desk.standing() == [("sent", 1, desk.worker)] + [("planned", 0, None)] * 4


def test_who_has_left_is_passed_by(desk: Desk) -> None:
    """M-17: also who is leaving at this very moment, in a transaction that is not over."""
    s = subscribers.c
    with desk.store.writing() as connection:
        connection.execute(subscribers.update().where(s.email == FIVE[0]).values(state=State.UNSUBSCRIBED.value))
    other = connect(desk.store.address)
    with other.writing() as leaving:
        leaving.execute(subscribers.update().where(s.email == FIVE[1]).values(state=State.UNSUBSCRIBED.value))

        turned = desk.turn(limit=2)
    other.close()

    assert [claim.email for claim in turned.claims] == [FIVE[2], FIVE[3]]


def test_a_reply_with_odd_words_is_kept_as_it_came(desk: Desk) -> None:
    """The verdicts travel as JSON: quotation marks, backslashes and characters beyond ASCII arrive whole."""
    said = 'queued as "A\\B" – ✓ {} \t'
    (claim,) = desk.turn(limit=1).claims

    desk.turn(Verdict(claim.id, DeliveryStatus.SENT, Reply(250, "2.0.0", said)), limit=1)

    with desk.store.reading() as connection:
        kept = connection.execute(sa.select(rows.c.reply, rows.c.finished_at).where(rows.c.id == claim.id)).one()
    assert tuple(kept) == (said, NOW)
