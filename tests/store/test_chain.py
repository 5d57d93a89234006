"""The chain over consents (P-01): what was written cannot be changed unseen, whoever writes at the same time."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from pipeline.model import Choice
from pipeline.store import Store, chain, consents, subscribers, tables
from pipeline.store.consents import ConsentEvent, Evidence, Method, Trace
from tests.builders import add_subscribers

WHERE = Trace(ip="192.0.2.0/24", agent="Browser/1.0", message_id="<x@example.org>", token="0" * 64)
# How one who may do anything with the database gets rid of our triggers.
UNLOCK = {
    "sqlite": ["DROP TRIGGER consents_no_update", "DROP TRIGGER consents_no_delete", "DROP TRIGGER wordings_no_update"],
    "postgresql": [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("consents", "wordings")],
}


@pytest.fixture
def people(store: Store, now: dt.datetime) -> list[int]:
    """Five people, each of whom was asked, and confirmed."""
    add_subscribers(store, *(f"p{number}@example.org" for number in range(5)))
    with store.writing() as c:
        numbers = [s.id for s in subscribers.batch(c, after=0, limit=10)]
        words = consents.remember_wording(c, "Free. No spam.", now=now)
        consents.add_many(
            c, [(n, Choice(), None) for n in numbers], ConsentEvent.ASKED, Evidence(Method.FORM, "p", words), now=now
        )
    for number in numbers:
        with store.writing() as c:
            consents.add(c, number, ConsentEvent.CONFIRMED, Evidence(Method.LINK, language="en", trace=WHERE), now=now)
    return numbers


def tamper(store: Store, *statements: str) -> None:
    with store.writing() as c:
        for statement in [*UNLOCK[store.engine.dialect.name], *statements]:
            c.execute(sa.text(statement))


def test_what_was_written_holds(store: Store, people: list[int]) -> None:
    """P-01"""
    report = chain.verify(store)

    assert report.broken is None
    assert (report.rows, report.unchained, report.cut, len(report.head)) == (10, 0, 0, 64)


@pytest.mark.parametrize(
    ("statements", "consent", "why"),
    [
        (["UPDATE consents SET cadence = 'weekly' WHERE id = 3"], 3, "not as it was written"),
        (["UPDATE consents SET at = '2020-01-01 00:00:00+00:00' WHERE id = 7"], 7, "not as it was written"),
        (["UPDATE consents SET subscriber_id = 1 WHERE id = 10"], 10, "not as it was written"),
        (["DELETE FROM consents WHERE id = 4"], 5, "the row before it is missing"),
        (["DELETE FROM consents WHERE id = 1"], 2, "the row before it is missing"),
        (["DELETE FROM traces", "DELETE FROM consents WHERE id > 8"], 8, "the rows behind it are missing"),
        (["UPDATE traces SET ip = '198.51.100.0/24' WHERE consent_id = 9"], 9, "where it came from"),
        (["UPDATE wordings SET text = 'Sell my address.'"], 1, "its words"),
        (
            [
                (
                    "INSERT INTO consents (subscriber_id, event, at, method) "
                    "SELECT subscriber_id, event, at, method FROM consents WHERE id = 1"
                )
            ],
            11,
            "past the chain",
        ),
    ],
)
def test_the_first_row_that_was_tampered_with_is_named(
    store: Store, people: list[int], statements: list[str], consent: int, why: str
) -> None:
    """P-01: a change, a gap, a cut-off end, other words, another trace, or a row that was slipped in."""
    if statements[0].startswith("DELETE FROM consents"):
        number = statements[0].rpartition(" ")[2]
        statements = [f"DELETE FROM traces WHERE consent_id = {number}", *statements]

    tamper(store, *statements)

    broken = chain.verify(store).broken
    assert broken is not None
    assert (broken.consent, why in broken.why) == (consent, True), broken


def test_many_writers_make_one_chain(store: Store, people: list[int], now: dt.datetime) -> None:
    """P-01: on both databases, rows of writers at the same time are linked in the order of their numbers."""

    def write(person: int) -> None:
        for _ in range(15):
            with store.writing() as c:
                consents.add(c, person, ConsentEvent.CHANGED, Evidence(Method.LINK, trace=WHERE), now=now)

    threads = [threading.Thread(target=write, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    report = chain.verify(store)
    assert (report.broken, report.rows) == (None, 10 + 15 * 5)


def test_the_chain_begins_behind_rows_that_are_older_than_it(store: Store, now: dt.datetime) -> None:
    """P-01: a database from before there was a chain goes on as it is."""
    add_subscribers(store, "a@example.org")
    with store.writing() as c:
        person = subscribers.batch(c, after=0, limit=1)[0].id
        old = {"subscriber_id": person, "event": "asked", "at": now, "method": "form"}
        c.execute(tables.consents.insert(), [old, old])
        consents.add(c, person, ConsentEvent.CONFIRMED, Evidence(Method.LINK), now=now)

    report = chain.verify(store)
    assert (report.broken, report.rows, report.unchained) == (None, 3, 2)


def test_the_chain_outlives_an_erasure(store: Store, people: list[int], now: dt.datetime) -> None:
    """P-05: what is about the person goes; the record that they agreed stays, and still holds."""
    with store.writing() as c:
        subscribers.erase(c, people[0])

    with store.reading() as c:
        confirmed = consents.of(c, people[0])[1]
        others = consents.of(c, people[1])[1]
    assert chain.verify(store).broken is None
    assert (confirmed.event, confirmed.trace) == (ConsentEvent.CONFIRMED, None)
    assert others.trace == WHERE


def test_a_consent_goes_only_where_its_link_stays(store: Store, people: list[int], now: dt.datetime) -> None:
    """P-01: the database itself refuses to forget a consent whose link is not kept."""
    with store.writing() as c:
        hashed = c.execute(sa.select(tables.consents.c.hash).where(tables.consents.c.id == 3)).scalar_one()
        c.execute(tables.cuts.insert(), {"consent_id": 3, "hash": hashed, "at": now})
        c.execute(tables.consents.delete().where(tables.consents.c.id == 3))

    report = chain.verify(store)
    assert (report.broken, report.rows, report.cut) == (None, 10, 1)
