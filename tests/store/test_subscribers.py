"""Subscribers in the database: one row per mailbox, found by address, ref and number, and blanked without a trace."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.model import Cadence, Choice, State
from pipeline.store import Store, subscribers, tables
from pipeline.store.subscribers import NewSubscriber

POWER = Choice(Cadence.WEEKLY, frozenset({"power", "chips"}))


def new(name: str, now: dt.datetime, **more: object) -> NewSubscriber:
    values = {"state": State.ACTIVE, "choice": POWER, "created_at": now, **more}
    return NewSubscriber(ref=f"ref-{name}", email=f"{name}@example.org", email_key=f"{name}@example.org", **values)  # type: ignore[arg-type]


def test_a_subscriber_comes_back_as_it_was_put_in(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        added = subscribers.add(c, new("a", now, confirmed_at=now))

    with store.reading() as c:
        found = [
            subscribers.find(c, "a@example.org"),
            subscribers.by_ref(c, "ref-a"),
            subscribers.by_id(c, added.id),
        ]
        assert subscribers.find(c, "b@example.org") is None
    assert found == [added] * 3
    assert (added.choice, added.state, added.confirmed_at) == (POWER, State.ACTIVE, now)


def test_an_address_that_is_there_is_not_added_again(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        first = subscribers.add(c, new("a", now))
        second = subscribers.add(
            c, NewSubscriber("other", "A@example.org", "a@example.org", State.PENDING, Choice(), now)
        )
        known = NewSubscriber("ref-z", "a@example.org", "a@example.org", State.ACTIVE, Choice(), now)
        several = subscribers.add_many(c, [known, new("b", now)])

    assert second == first
    assert list(several) == ["ref-b"]


def test_a_row_without_a_cadence_cannot_be(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        subscribers.add(c, new("a", now))

    with pytest.raises(StoreError), store.writing() as c:
        c.execute(tables.subscribers.update().values(cadence=None))


def test_moving_on_ends_a_pause(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        person = subscribers.add(c, new("a", now))
        subscribers.set_state(c, person.id, State.PAUSED, paused_until=now)
        paused = subscribers.by_id(c, person.id)
        subscribers.set_state(c, person.id, State.UNSUBSCRIBED)
        left = subscribers.by_id(c, person.id)

    assert paused is not None
    assert left is not None
    assert (paused.state, paused.paused_until) == (State.PAUSED, now)
    assert (left.state, left.paused_until) == (State.UNSUBSCRIBED, None)


def test_an_erased_row_keeps_its_number_and_ref_and_nothing_else(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        person = subscribers.add(c, new("a", now, confirmed_at=now))
        subscribers.erase(c, person.id)
        row = c.execute(sa.select(tables.subscribers)).one()
        anew = NewSubscriber("ref-2", "a@example.org", "a@example.org", State.PENDING, Choice(), now)
        again = subscribers.add(c, anew)

    assert (row.id, row.ref, row.state) == (person.id, "ref-a", "suppressed")
    assert (row.email, row.email_key, row.topics, row.confirmed_at) == (None, None, "", None)
    assert again.id != person.id


def test_everyone_is_read_in_portions_without_the_erased(store: Store, now: dt.datetime) -> None:
    with store.writing() as c:
        subscribers.add_many(c, [new(f"n{i}", now) for i in range(25)])
        subscribers.erase(c, subscribers.last_id(c))

    emails = [person.email for person in subscribers.everyone(store, size=7)]

    assert emails == [f"n{i}@example.org" for i in range(24)]


def test_topics_are_kept_sorted_and_read_back() -> None:
    assert subscribers.topics_text({"power", "chips"}) == "chips,power"
    assert subscribers.topics_set("chips,power") == {"power", "chips"}
    assert subscribers.topics_set(subscribers.topics_text(())) == frozenset()
