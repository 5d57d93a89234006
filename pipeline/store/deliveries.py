"""Deliveries: one durable row per (issue, subscriber), and where it stands.

    planned ──claim──▶ claimed ──reply──▶ sent | deferred | failed
       │                  └─ worker died ─▶ uncertain ──claim──▶ claimed ...
       └─ subscriber left ─▶ suppressed

`claim` commits before the first word to the mail server, and reads in the same transaction whether the subscriber still wants mail.
Only the worker that holds a claim can end it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, DeliveryStatus, Reply, State
from pipeline.store.claims import ended
from pipeline.store.engine import Connection, insert_once
from pipeline.store.tables import deliveries, subscribers


@dataclass(frozen=True, slots=True)
class Reader:
    """What planning needs to know of one subscriber."""

    id: int
    topics: str
    confirmed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker may send now."""

    id: int
    letter_id: int
    attempts: int  # before this one
    email: str
    ref: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a claim ended."""

    id: int
    status: DeliveryStatus
    reply: Reply
    next_at: dt.datetime | None = None


# --- planning ------------------------------------------------------------------------------------------------------------------


def readers(connection: Connection, cadence: Cadence, *, after: int, limit: int, now: dt.datetime) -> list[Reader]:
    """The next *limit* subscribers behind number *after* who get mail of this cadence at *now*, in order of their number."""
    s = subscribers.c
    query = (
        sa.select(s.id, s.topics, s.confirmed_at)
        .where(s.cadence == cadence.value, s.id > after, _receives_mail(now))
        .order_by(s.id)
        .limit(limit)
    )
    return [Reader(int(row.id), row.topics, row.confirmed_at) for row in connection.execute(query)]


def had(connection: Connection, letter_ids: Sequence[int], *, first: int, last: int) -> list[tuple[int, int]]:
    """Which subscribers numbered *first* to *last* have got, or are about to get, which of these letters.

    A letter that was refused or held back was not had.
    """
    if not letter_ids:
        return []
    d = deliveries.c
    lost = [DeliveryStatus.FAILED.value, DeliveryStatus.SUPPRESSED.value]
    query = sa.select(d.subscriber_id, d.letter_id).where(
        d.subscriber_id.between(first, last), d.letter_id.in_(letter_ids), d.status.not_in(lost)
    )
    return [(int(person), int(letter)) for person, letter in connection.execute(query)]


def last_planned(connection: Connection, issue_id: int) -> int:
    """The highest subscriber number that is planned for the issue, 0 for none: planning goes on behind it."""
    query = sa.select(sa.func.max(deliveries.c.subscriber_id)).where(deliveries.c.issue_id == issue_id)
    return int(connection.execute(query).scalar_one() or 0)


def plan(connection: Connection, issue_id: int, rows: Iterable[tuple[int, int]]) -> None:
    """Write a planned row for each (subscriber, letter); one that is there already stays as it is."""
    values = [
        {
            "issue_id": issue_id,
            "subscriber_id": person,
            "letter_id": letter,
            "status": DeliveryStatus.PLANNED.value,
            "attempts": 0,
        }
        for person, letter in rows
    ]
    if values:
        connection.execute(insert_once(connection, deliveries), values)


# --- sending -------------------------------------------------------------------------------------------------------------------


def claim(
    connection: Connection, issue_id: int, worker: int, *, limit: int, now: dt.datetime
) -> tuple[list[Claim], int]:
    """Take up to *limit* deliveries that are due, and note how many were held back because the subscriber has left.

    From this commit on, each returned one may be on the wire.
    """
    claims: list[Claim] = []
    held_back = 0
    while len(claims) < limit:
        rows = _due(connection, issue_id, limit - len(claims), now=now)
        if not rows:
            break
        gone = [row.id for row in rows if not row.receives]
        taken = [row for row in rows if row.receives]
        if gone:
            _hold_back(connection, gone, now=now)
            held_back += len(gone)
        if taken:
            connection.execute(_TAKE, [{"row": row.id, "worker": worker, "now": now} for row in taken])
            claims += [Claim(int(r.id), int(r.letter_id), int(r.attempts), r.email, r.ref) for r in taken]
    return claims, held_back


def record(connection: Connection, worker: int, verdicts: Sequence[Verdict], *, now: dt.datetime) -> None:
    """Write down how claims ended. What *worker* does not hold any more stays as it is."""
    if not verdicts:
        return
    values = []
    for verdict in verdicts:
        columns = ended(verdict.status, verdict.reply, next_at=verdict.next_at, now=now)
        values.append(
            {"row": verdict.id, "worker": worker, **{f"new_{name}": value for name, value in columns.items()}}
        )
    connection.execute(_RECORD, values)


def release(connection: Connection, worker: int, ids: Sequence[int]) -> None:
    """Give back claims of which nothing went over the wire."""
    if not ids:
        return
    d = deliveries.c
    update = (
        deliveries.update()
        .where(d.id.in_(ids), d.worker_id == worker, d.status == DeliveryStatus.CLAIMED.value)
        .values(status=DeliveryStatus.PLANNED.value, worker_id=None, started_at=None)
    )
    connection.execute(update)


# --- looking -------------------------------------------------------------------------------------------------------------------


def any_due(connection: Connection, issue_id: int, *, now: dt.datetime) -> bool:
    """True when a letter of the issue is to be sent now, or claimed by a worker that may be dead."""
    return how_many_due(connection, issue_id, limit=1, now=now) > 0


def how_many_due(connection: Connection, issue_id: int, *, limit: int, now: dt.datetime) -> int:
    """How many letters of the issue are to be sent now, or claimed by a worker that may be dead; it counts up to *limit*."""
    d = deliveries.c
    at_once = [DeliveryStatus.PLANNED.value, DeliveryStatus.CLAIMED.value]
    due = sa.or_(d.status.in_(at_once), d.next_at <= now)
    some = sa.select(d.id).where(d.issue_id == issue_id, d.finished_at.is_(None), due).limit(limit).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def counts(connection: Connection, issue_id: int) -> dict[DeliveryStatus, int]:
    """How many deliveries of the issue stand where."""
    d = deliveries.c
    query = sa.select(d.status, sa.func.count()).where(d.issue_id == issue_id).group_by(d.status)
    return {DeliveryStatus(status): int(number) for status, number in connection.execute(query)}


def next_due(connection: Connection, issue_id: int) -> dt.datetime | None:
    """When the next deferred or uncertain delivery of the issue is due, if any waits."""
    d = deliveries.c
    query = sa.select(d.next_at).where(d.issue_id == issue_id, d.finished_at.is_(None), d.next_at.is_not(None))
    found: dt.datetime | None = connection.execute(query.order_by(d.next_at).limit(1)).scalar_one_or_none()
    return found


def troubled(connection: Connection, issue_id: int, *, limit: int) -> list[tuple[str, DeliveryStatus, Reply]]:
    """The deliveries of an issue that are failed, deferred or uncertain: who, where it stands, and what the server said last."""
    d, s = deliveries.c, subscribers.c
    states = [DeliveryStatus.FAILED.value, DeliveryStatus.DEFERRED.value, DeliveryStatus.UNCERTAIN.value]
    query = (
        sa.select(s.ref, d.status, d.code, d.enhanced, d.reply)
        .join(subscribers, s.id == d.subscriber_id)
        .where(d.issue_id == issue_id, d.status.in_(states))
        .order_by(d.id)
        .limit(limit)
    )
    return [
        (row.ref, DeliveryStatus(row.status), Reply(row.code or 0, row.enhanced or "", row.reply or ""))
        for row in connection.execute(query)
    ]


def _receives_mail(now: dt.datetime | sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """`Subscriber.receives_mail`, in SQL."""
    s = subscribers.c
    return sa.and_(
        s.email.is_not(None),
        sa.or_(
            s.state == State.ACTIVE.value,
            sa.and_(s.state == State.PAUSED.value, s.paused_until.is_not(None), s.paused_until <= now),
        ),
    )


def _due(connection: Connection, issue_id: int, limit: int, *, now: dt.datetime) -> list[sa.Row[Any]]:
    """What to send next: planned ones first, then those whose wait is over, without rows that another worker is taking."""
    values = {"issue": issue_id, "now": now}
    rows = list(connection.execute(_PLANNED, {**values, "limit": limit}))
    if len(rows) < limit:
        rows += connection.execute(_WAITED, {**values, "limit": limit - len(rows)})
    return rows


def _hold_back(connection: Connection, ids: Sequence[int], *, now: dt.datetime) -> None:
    update = (
        deliveries.update()
        .where(deliveries.c.id.in_(ids))
        .values(status=DeliveryStatus.SUPPRESSED.value, finished_at=now, next_at=None)
    )
    connection.execute(update)


# The statements of the sending loop, built once: building them costs more than running them.


def _due_query(state: sa.ColumnElement[bool]) -> sa.Select[Any]:
    d, s = deliveries.c, subscribers.c
    return (
        sa.select(d.id, d.letter_id, d.attempts, s.email, s.ref, _receives_mail(sa.bindparam("now")).label("receives"))
        .join(subscribers, s.id == d.subscriber_id)
        .where(d.issue_id == sa.bindparam("issue"), d.finished_at.is_(None), state)
        .order_by(d.id)
        .limit(sa.bindparam("limit"))
        .with_for_update(skip_locked=True, of=deliveries)  # SQLite has one writer, and no such clause
    )


_PLANNED = _due_query(deliveries.c.status == DeliveryStatus.PLANNED.value)
_WAITED = _due_query(
    sa.and_(
        deliveries.c.status.in_([DeliveryStatus.DEFERRED.value, DeliveryStatus.UNCERTAIN.value]),
        deliveries.c.next_at <= sa.bindparam("now"),
    )
)
_TAKE = (
    deliveries.update()
    .where(deliveries.c.id == sa.bindparam("row"))
    .values(status=DeliveryStatus.CLAIMED.value, worker_id=sa.bindparam("worker"), started_at=sa.bindparam("now"))
)
_RECORD = (
    deliveries.update()
    .where(
        deliveries.c.id == sa.bindparam("row"),
        deliveries.c.worker_id == sa.bindparam("worker"),
        deliveries.c.status == DeliveryStatus.CLAIMED.value,
    )
    .values(
        status=sa.bindparam("new_status"),
        attempts=deliveries.c.attempts + 1,
        next_at=sa.bindparam("new_next_at"),
        finished_at=sa.bindparam("new_finished_at"),
        code=sa.bindparam("new_code"),
        enhanced=sa.bindparam("new_enhanced"),
        reply=sa.bindparam("new_reply"),
    )
)
