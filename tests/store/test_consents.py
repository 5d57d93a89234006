"""Consents, suppressions and confirmations in the database."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.keys import Key, KeyRing, key_id
from pipeline.model import Cadence, Choice, State
from pipeline.store import Store, confirmations, consents, subscribers, suppressions, tables
from pipeline.store.consents import Consent, ConsentEvent, Evidence, Method
from pipeline.store.subscribers import NewSubscriber
from pipeline.store.suppressions import Reason

DAY = dt.timedelta(days=1)
KEY = b"k" * 32
WEEKLY = Choice(Cadence.WEEKLY, frozenset({"power"}))


@pytest.fixture
def person(store: Store, now: dt.datetime) -> int:
    with store.writing() as c:
        return subscribers.add(c, NewSubscriber("r", "a@example.org", "a@example.org", State.PENDING, Choice(), now)).id


def test_a_consent_is_read_with_the_words_as_they_were(store: Store, person: int, now: dt.datetime) -> None:
    with store.writing() as c:
        words = consents.remember_wording(c, "Free.\nNo spam.", now=now)
        assert consents.remember_wording(c, "Free.\nNo spam.", now=now + DAY) == words
        evidence = Evidence(Method.FORM, "https://signals.example.org/subscribe", words)
        consents.add(c, person, ConsentEvent.ASKED, evidence, choice=WEEKLY, now=now)
        consents.add(c, person, ConsentEvent.SUPPRESSED, Evidence(Method.BOUNCE), detail="bounce", now=now + DAY)

    with store.reading() as c:
        found = consents.of(c, person)
        recent = consents.counts_since(c, now + DAY)
    assert found == [
        Consent(
            ConsentEvent.ASKED,
            now,
            Method.FORM,
            WEEKLY,
            "Free.\nNo spam.",
            "https://signals.example.org/subscribe",
            None,
        ),
        Consent(ConsentEvent.SUPPRESSED, now + DAY, Method.BOUNCE, None, None, None, "bounce"),
    ]
    assert recent == {ConsentEvent.SUPPRESSED: 1}


@pytest.mark.parametrize("statement", ["UPDATE consents SET detail = 'x'", "DELETE FROM consents"])
def test_a_consent_is_never_changed(store: Store, person: int, now: dt.datetime, statement: str) -> None:
    with store.writing() as c:
        consents.add(c, person, ConsentEvent.ASKED, Evidence(Method.FORM), now=now)

    with pytest.raises(StoreError, match="append-only"), store.writing() as c:
        c.execute(sa.text(statement))


def test_a_final_reason_stays_and_wins(store: Store, now: dt.datetime) -> None:
    told = []
    for number, reasons in enumerate(
        [
            (Reason.COMPLAINT, Reason.ERASED),
            (Reason.ERASED, Reason.NOT_ME),
            (Reason.NOT_ME, Reason.BOUNCE),
            (Reason.BOUNCE, Reason.COMPLAINT),
        ]
    ):
        name = f"{number}@example.org"
        with store.writing() as c:
            for why in reasons:
                suppressions.add(c, KEY, name, why, now=now)
            told.append(suppressions.reason(c, KEY, name))

    assert told == [Reason.COMPLAINT, Reason.NOT_ME, Reason.NOT_ME, Reason.BOUNCE]


def test_a_suppression_says_nothing_without_its_key(store: Store, now: dt.datetime) -> None:
    """P-06: the database alone cannot tell who it is."""
    with store.writing() as c:
        suppressions.add(c, KEY, "a@example.org", Reason.ERASED, now=now)

    with store.writing() as c:
        assert suppressions.reason(c, b"b" * 32, "a@example.org") is None
        assert suppressions.counts(c) == {Reason.ERASED: 1}
        [row] = c.execute(sa.select(tables.suppressions)).mappings()
        assert (len(row["hash"]), row["key"]) == (64, key_id(KEY))
        suppressions.remove(c, KEY, "a@example.org", now=now)
        assert suppressions.counts(c) == {}


def test_a_suppression_outlives_its_key(store: Store, now: dt.datetime) -> None:
    """P-06: a new key is put before the old one; who is suppressed under either stays so, and is hashed anew on sight."""
    old, new = Key(b"o" * 32), Key(b"n" * 32)
    before, after, alone = KeyRing((old,)), KeyRing((new, old)), KeyRing((new,))
    people = ["a@example.org", "b@example.org", "c@example.org"]
    with store.writing() as c:
        for person in people[:2]:
            suppressions.add(c, before, person, Reason.BOUNCE, now=now)
        found = suppressions.reasons(c, after, people)
        unseen = suppressions.reasons(c, alone, people)
        suppressions.add(c, after, "b@example.org", Reason.ERASED, now=now + DAY)
        renewed = [suppressions.renew(c, after, person) for person in people]
        seen = suppressions.reasons(c, alone, people)

    assert found == seen == {"a@example.org": Reason.BOUNCE, "b@example.org": Reason.BOUNCE}
    assert unseen == {}
    assert renewed == [Reason.BOUNCE, Reason.BOUNCE, None]
    with store.writing() as c:
        assert suppressions.counts(c) == {Reason.BOUNCE: 2}
        suppressions.remove(c, after, "a@example.org", now=now)
        assert suppressions.reason(c, after, "a@example.org") is None


def test_a_question_is_open_until_it_is_closed(store: Store, person: int, now: dt.datetime) -> None:
    with store.writing() as c:
        for number in range(3):
            asked = now - number * DAY
            confirmations.add(c, person, ref=f"ref{number}", choice=WEEKLY, asked_at=asked, expires_at=asked + 2 * DAY)
        open_before = [confirmations.unanswered(c, person, since=now - days * DAY) for days in (0, 1, 2, 3)]
        confirmations.close(c, person, now=now)
        closed = confirmations.by_ref(c, "ref0")

    assert open_before == [0, 1, 2, 3]
    assert closed is not None
    assert (closed.choice, closed.used_at, closed.subscriber_id) == (WEEKLY, now, person)
    with store.reading() as c:
        assert confirmations.unanswered(c, person, since=now - 9 * DAY) == 0
        assert confirmations.by_ref(c, "nothing") is None
