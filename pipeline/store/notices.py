"""Notices: letters to one person about their own subscription, one durable row each, claimed and recorded like deliveries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, DeliveryStatus, Reply, State
from pipeline.store import queue
from pipeline.store.claims import confirmed_at, ended
from pipeline.store.engine import Connection, row_count
from pipeline.store.tables import confirmations, notices, requests, subscribers, workers


class NoticeKind(StrEnum):
    CONFIRM = "confirm"  # somebody asked for mail to this address: was it you?
    WELCOME = "welcome"  # confirmed
    KNOWN = "known"  # asked again, but gets mail already: here are the preferences
    EXPORT = "export"  # asked for everything that is kept about them: here is the link
    ERASE = "erase"  # asked for its erasure: here is the link


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice that this worker may send now."""

    id: int
    kind: NoticeKind
    attempts: int
    created_at: dt.datetime
    email: str
    ref: str  # of the subscriber
    cadence: Cadence  # asked for, or chosen
    confirmation: str | None  # ref of the confirmation that the letter asks for
    asked_at: dt.datetime | None
    confirmed_at: dt.datetime  # as `deliveries.Claim` has it
    request: str | None = None  # ref of the request that the letter answers


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to one person, and where it stands."""

    kind: NoticeKind
    created_at: dt.datetime
    status: DeliveryStatus
    attempts: int
    finished_at: dt.datetime | None
    reply: Reply


def add(
    connection: Connection,
    *,
    kind: NoticeKind,
    subscriber_id: int,
    confirmation_id: int | None = None,
    request_id: int | None = None,
    now: dt.datetime,
) -> None:
    """Write down that *subscriber_id* is to get this notice, and have it sent."""
    row = {
        "kind": kind.value,
        "subscriber_id": subscriber_id,
        "confirmation_id": confirmation_id,
        "request_id": request_id,
        "status": DeliveryStatus.PLANNED.value,
        "created_at": now,
        "attempts": 0,
    }
    connection.execute(notices.insert(), row)
    queue.order(connection, queue.NOTICES)


def any_due(connection: Connection, *, now: dt.datetime) -> bool:
    """True when there is a notice to send, or one that a worker took and can no longer send."""
    n = notices.c
    at_work = sa.select(workers.c.id).where(workers.c.lease_until > now)
    left = sa.and_(n.finished_at.is_(None), n.status == DeliveryStatus.CLAIMED.value, n.worker_id.not_in(at_work))
    query = sa.select(notices.c.id).join(subscribers, subscribers.c.id == notices.c.subscriber_id)
    query = query.where(sa.or_(_is_due(now), left))
    return connection.execute(query.limit(1)).first() is not None


def claim(connection: Connection, worker: int, *, now: dt.datetime) -> ClaimedNotice | None:
    """Take the oldest notice that is due, if the person still wants it: one who has left since gets none."""
    while row := _next_due(connection, now=now):
        update = notices.update().where(notices.c.id == row.id)
        if _is_wanted(NoticeKind(row.kind), State(row.state), answered=row.answered_at is not None):
            connection.execute(update.values(status=DeliveryStatus.CLAIMED.value, worker_id=worker, started_at=now))
            return _claimed(row)
        connection.execute(update.values(status=DeliveryStatus.SUPPRESSED.value, finished_at=now))
    return None


def _is_wanted(kind: NoticeKind, state: State, *, answered: bool) -> bool:
    if kind is NoticeKind.CONFIRM:
        return not answered  # whether somebody may be asked at all is decided before the question is written
    if kind in (NoticeKind.EXPORT, NoticeKind.ERASE):
        return not answered and state is not State.SUPPRESSED  # who unsubscribed may ask as well
    return state in (State.ACTIVE, State.PAUSED)


def _next_due(connection: Connection, *, now: dt.datetime) -> sa.Row[Any] | None:
    n, s, c, r = notices.c, subscribers.c, confirmations.c, requests.c
    query = (
        sa.select(
            n.id,
            n.kind,
            n.attempts,
            n.created_at,
            s.email,
            s.ref,
            s.state,
            confirmed_at(),
            sa.func.coalesce(c.cadence, s.cadence).label("cadence"),
            c.ref.label("confirmation"),
            sa.func.coalesce(c.asked_at, r.asked_at).label("asked_at"),
            sa.func.coalesce(c.used_at, r.used_at).label("answered_at"),
            r.ref.label("request"),
        )
        .join(subscribers, s.id == n.subscriber_id)
        .outerjoin(confirmations, c.id == n.confirmation_id)
        .outerjoin(requests, r.id == n.request_id)
        .where(_is_due(now))
        .order_by(n.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=notices)
    )
    return connection.execute(query).one_or_none()


def _claimed(row: sa.Row[Any]) -> ClaimedNotice:
    return ClaimedNotice(
        id=int(row.id),
        kind=NoticeKind(row.kind),
        attempts=int(row.attempts),
        created_at=row.created_at,
        email=row.email,
        ref=row.ref,
        cadence=Cadence(row.cadence),
        confirmation=row.confirmation,
        asked_at=row.asked_at,
        confirmed_at=row.confirmed_at,
        request=row.request,
    )


def record(
    connection: Connection,
    worker: int,
    notice_id: int,
    status: DeliveryStatus,
    reply: Reply,
    *,
    next_at: dt.datetime | None,
    now: dt.datetime,
) -> bool:
    """Write down how a claim ended. False when this worker had been given up for dead."""
    n = notices.c
    update = (
        notices.update()
        .where(n.id == notice_id, n.worker_id == worker, n.status == DeliveryStatus.CLAIMED.value)
        .values(attempts=n.attempts + 1, **ended(status, reply, next_at=next_at, now=now))
    )
    return row_count(connection.execute(update)) == 1


def of(connection: Connection, subscriber_id: int) -> list[Notice]:
    """Every notice to one subscriber, oldest first."""
    query = sa.select(notices).where(notices.c.subscriber_id == subscriber_id).order_by(notices.c.id)
    return [
        Notice(
            NoticeKind(row.kind),
            row.created_at,
            DeliveryStatus(row.status),
            int(row.attempts),
            row.finished_at,
            Reply(row.code or 0, row.enhanced or "", row.reply or ""),
        )
        for row in connection.execute(query)
    ]


def that_asked(connection: Connection, confirmation: str) -> tuple[int, str, dt.datetime] | None:
    """Number, subscriber's ref and time of the notice that asked the question of this ref."""
    n, s, c = notices.c, subscribers.c, confirmations.c
    query = (
        sa.select(n.id, s.ref, n.created_at)
        .join(confirmations, c.id == n.confirmation_id)
        .join(subscribers, s.id == n.subscriber_id)
        .where(c.ref == confirmation)
        .order_by(n.id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return (int(row.id), row.ref, row.created_at) if row else None


def last_added(connection: Connection, subscriber_id: int, kind: NoticeKind) -> dt.datetime | None:
    """When the newest notice of this kind was written for the subscriber."""
    query = sa.select(sa.func.max(notices.c.created_at)).where(
        notices.c.subscriber_id == subscriber_id, notices.c.kind == kind.value
    )
    found: dt.datetime | None = connection.execute(query).scalar_one()
    return found


def _is_due(now: dt.datetime) -> sa.ColumnElement[bool]:
    n = notices.c
    waiting = [DeliveryStatus.DEFERRED.value, DeliveryStatus.UNCERTAIN.value]
    return sa.and_(
        n.finished_at.is_(None),
        sa.or_(n.status == DeliveryStatus.PLANNED.value, sa.and_(n.status.in_(waiting), n.next_at <= now)),
    )
