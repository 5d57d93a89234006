"""Subscribers: addresses and their states, and everything that is written down about one person.

What may follow on what is decided in `mail/lifecycle.py`; here it is only read and written. `erase` is the one place that knows
every column an address could stand in.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.errors import StoreBusy
from pipeline.model import Cadence, Choice, DeliveryStatus, Reply, State, Subscriber
from pipeline.store.engine import Connection, Store, insert_many, insert_once, one_of
from pipeline.store.tables import (
    bounces,
    confirmations,
    consents,
    deliveries,
    issues,
    notices,
    requests,
    subscribers,
    traces,
)

JOURNAL_PATIENCE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A row to be added."""

    ref: str
    email: str
    email_key: str
    state: State
    choice: Choice
    created_at: dt.datetime
    confirmed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One issue that was meant for a subscriber, and where its delivery stands."""

    issue: str
    date: dt.date
    status: DeliveryStatus
    attempts: int
    finished_at: dt.datetime | None
    reply: Reply


def topics_text(topics: Iterable[str]) -> str:
    """Topics as the tables keep them: sorted, comma-separated."""
    return ",".join(sorted(topics))


def topics_set(text: str) -> frozenset[str]:
    """The topics of such a text."""
    return frozenset(text.split(",")) if text else frozenset()


# --- one person ------------------------------------------------------------------------------------------------------------------


def find(connection: Connection, email_key: str, *, lock: bool = False) -> Subscriber | None:
    """The subscriber with this canonical address."""
    return _one(connection, subscribers.c.email_key == email_key, lock=lock)


def by_ref(connection: Connection, ref: str, *, lock: bool = False) -> Subscriber | None:
    """The subscriber whose links carry *ref*; an erased one has the empty address.

    With *lock*, nobody else changes the row before this transaction ends.
    """
    return _one(connection, subscribers.c.ref == ref, lock=lock)


def by_id(connection: Connection, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
    """The subscriber of this number."""
    return _one(connection, subscribers.c.id == subscriber_id, lock=lock)


def email_key(connection: Connection, subscriber_id: int) -> str | None:
    """The canonical address; None once erased."""
    query = sa.select(subscribers.c.email_key).where(subscribers.c.id == subscriber_id)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def add(connection: Connection, new: NewSubscriber) -> Subscriber:
    """The subscriber with this canonical address: the one that is there, or else a new one. Locked until the transaction ends."""
    connection.execute(insert_once(connection, subscribers), [_values(new)])
    found = find(connection, new.email_key, lock=True)
    assert found is not None
    return found


def set_state(
    connection: Connection,
    subscriber_id: int,
    state: State,
    *,
    paused_until: dt.datetime | None = None,
) -> None:
    """Move a subscriber to *state*; a pause that it was in is over."""
    values = {"state": state.value, "paused_until": paused_until}
    connection.execute(subscribers.update().where(subscribers.c.id == subscriber_id).values(values))


def set_confirmed(connection: Connection, subscriber_id: int, choice: Choice, *, now: dt.datetime) -> None:
    """Make a subscriber active with the choice that was confirmed."""
    values = {"state": State.ACTIVE.value, "paused_until": None, "confirmed_at": now, **choice_values(choice)}
    connection.execute(subscribers.update().where(subscribers.c.id == subscriber_id).values(values))


def set_choice(connection: Connection, subscriber_id: int, choice: Choice) -> None:
    """Change what a subscriber gets."""
    connection.execute(subscribers.update().where(subscribers.c.id == subscriber_id).values(choice_values(choice)))


def erase(connection: Connection, subscriber_id: int) -> None:
    """Blank everything that says who this was; the number and the random ref stay, and with them the consents."""
    blank = {
        "email": None,
        "email_key": None,
        "state": State.SUPPRESSED.value,
        "paused_until": None,
        "confirmed_at": None,
        **choice_values(Choice()),
    }
    theirs = sa.select(consents.c.id).where(consents.c.subscriber_id == subscriber_id)
    connection.execute(traces.delete().where(traces.c.consent_id.in_(theirs)))
    for table in (notices, confirmations, requests):  # in this order: the first refers to the others
        connection.execute(table.delete().where(table.c.subscriber_id == subscriber_id))
    bounced = bounces.update().where(bounces.c.subscriber_id == subscriber_id)
    connection.execute(bounced.values(raw=None, diagnostic=None, domain=""))
    _blank_stray_bounces(connection, subscriber_id)
    # Servers like to name the address in what they reply.
    connection.execute(
        deliveries.update().where(deliveries.c.subscriber_id == subscriber_id).values(reply=None, domain="")
    )
    connection.execute(subscribers.update().where(subscribers.c.id == subscriber_id).values(blank))


def _blank_stray_bounces(connection: Connection, subscriber_id: int) -> None:
    """Mails that came back and that nothing signed ties to anybody may name the address all the same."""
    s, b = subscribers.c, bounces.c
    row = connection.execute(sa.select(s.email, s.email_key).where(s.id == subscriber_id)).one()
    names = [name.lower().encode() for name in row if name]
    stray = sa.select(b.id, b.raw).where(b.subscriber_id.is_(None), b.raw.is_not(None)).order_by(b.id)
    hits = [r.id for r in connection.execute(stray) if any(name in bytes(r.raw).lower() for name in names)]
    for number in hits:
        connection.execute(bounces.update().where(b.id == number).values(raw=None, diagnostic=None, domain=""))


def forget_journal(store: Store) -> bool:
    """After an erasure: empty SQLite's write-ahead log, which still holds the old pages. Postgres overwrites its own.

    False when somebody read from it for longer than `JOURNAL_PATIENCE`. Raises `StoreError` as `Store.writing` does.
    """
    if not store.is_sqlite:
        return True
    deadline = time.monotonic() + JOURNAL_PATIENCE
    while not _journal_emptied(store):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _journal_emptied(store: Store) -> bool:
    try:
        with store.reading() as connection:
            connection.exec_driver_sql("ROLLBACK")  # SQLite does this outside of transactions only
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    except StoreBusy:
        return False
    return not busy


# --- many ------------------------------------------------------------------------------------------------------------------------


def known(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, State]]:
    """Which of these canonical addresses are there, with number and state."""
    s = subscribers.c
    query = sa.select(s.email_key, s.id, s.state).where(one_of(connection, s.email_key, keys))
    return {key: (int(number), State(state)) for key, number, state in connection.execute(query)}


def add_many(connection: Connection, rows: Sequence[NewSubscriber]) -> dict[str, int]:
    """Add those whose address is not there yet. Returns number by ref of the added ones."""
    if not rows:
        return {}
    before = last_id(connection)
    insert_many(connection, subscribers, [_values(row) for row in rows], once=True)
    ours = {row.ref for row in rows}
    s = subscribers.c
    query = sa.select(s.ref, s.id).where(s.id > before).order_by(s.id)
    return {ref: int(number) for ref, number in connection.execute(query) if ref in ours}


def last_id(connection: Connection) -> int:
    """The highest number given so far, 0 for none."""
    return int(connection.execute(sa.select(sa.func.max(subscribers.c.id))).scalar_one() or 0)


def batch(connection: Connection, *, after: int, limit: int) -> list[Subscriber]:
    """The next *limit* subscribers behind number *after*, without the erased."""
    s = subscribers.c
    query = sa.select(subscribers).where(s.id > after, s.email.is_not(None)).order_by(s.id).limit(limit)
    return [_subscriber(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> list[tuple[State, Cadence, str, int]]:
    """How many there are of each state, cadence and set of topics, without the erased."""
    s = subscribers.c
    query = (
        sa.select(s.state, s.cadence, s.topics, sa.func.count().label("number"))
        .where(s.email.is_not(None))
        .group_by(s.state, s.cadence, s.topics)
        .order_by(s.state, s.cadence, s.topics)
    )
    return [(State(r.state), Cadence(r.cadence), r.topics, int(r.number)) for r in connection.execute(query)]


def received(connection: Connection, subscriber_id: int) -> list[Received]:
    """Every delivery to one subscriber, oldest first."""
    d, i = deliveries.c, issues.c
    query = (
        sa.select(i.key, i.date, d.status, d.attempts, d.finished_at, d.code, d.enhanced, d.reply)
        .join(issues, i.id == d.issue_id)
        .where(d.subscriber_id == subscriber_id)
        .order_by(d.id)
    )
    return [
        Received(
            row.key,
            row.date,
            DeliveryStatus(row.status),
            int(row.attempts),
            row.finished_at,
            Reply(row.code or 0, row.enhanced or "", row.reply or ""),
        )
        for row in connection.execute(query)
    ]


def everyone(store: Store, *, size: int = 1_000) -> Iterator[Subscriber]:
    """All subscribers in order of their number, without the erased, in short transactions of *size* rows."""
    after = 0
    while True:
        with store.reading() as connection:
            rows = batch(connection, after=after, limit=size)
        if not rows:
            return
        yield from rows
        after = rows[-1].id


def _one(connection: Connection, where: sa.ColumnElement[bool], *, lock: bool) -> Subscriber | None:
    query = sa.select(subscribers).where(where)
    if lock:
        query = query.with_for_update()  # SQLite has one writer, and no such clause
    row = connection.execute(query).mappings().one_or_none()
    return _subscriber(row) if row is not None else None


def _subscriber(row: Mapping[Any, Any]) -> Subscriber:
    return Subscriber(
        id=int(row["id"]),
        ref=row["ref"],
        email=row["email"] or "",
        state=State(row["state"]),
        choice=Choice(Cadence(row["cadence"]), topics_set(row["topics"])),
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        paused_until=row["paused_until"],
    )


def _values(new: NewSubscriber) -> dict[str, Any]:
    return {
        "ref": new.ref,
        "email": new.email,
        "email_key": new.email_key,
        "state": new.state.value,
        "created_at": new.created_at,
        "confirmed_at": new.confirmed_at,
        **choice_values(new.choice),
    }


@functools.lru_cache(maxsize=1_000)
def choice_values(choice: Choice) -> Mapping[str, str]:
    """A choice as the tables keep it."""
    return {"cadence": choice.cadence.value, "topics": topics_text(choice.topics)}
