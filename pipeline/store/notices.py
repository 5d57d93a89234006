"""Notices: letters to one person about their own subscription, one durable row each, claimed and recorded like deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from pipeline.model import DeliveryStatus, Reply
from pipeline.store.deliveries import REPLY_LENGTH
from pipeline.store.engine import Connection, row_count
from pipeline.store.tables import confirmations, notices, subscribers


class NoticeKind(StrEnum):
    CONFIRM = "confirm"  # somebody asked for mail to this address: was it you?
    WELCOME = "welcome"  # confirmed
    KNOWN = "known"  # asked again, but gets mail already: here are the preferences


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice that this worker may send now."""

    id: int
    kind: NoticeKind
    attempts: int
    created_at: dt.datetime
    email: str
    ref: str  # of the subscriber
    confirmation: str | None  # ref of the confirmation that the letter asks for
    asked_at: dt.datetime | None


def add(
    connection: Connection,
    *,
    kind: NoticeKind,
    subscriber_id: int,
    confirmation_id: int | None = None,
    now: dt.datetime,
) -> None:
    """Write down that *subscriber_id* is to get this notice."""
    row = {
        "kind": kind.value,
        "subscriber_id": subscriber_id,
        "confirmation_id": confirmation_id,
        "status": DeliveryStatus.PLANNED.value,
        "created_at": now,
        "attempts": 0,
    }
    connection.execute(notices.insert(), row)


def claim(connection: Connection, worker: int, *, now: dt.datetime) -> ClaimedNotice | None:
    """Take the oldest notice that is due. A person erased since gets none."""
    n, s, c = notices.c, subscribers.c, confirmations.c
    waiting = [DeliveryStatus.DEFERRED.value, DeliveryStatus.UNCERTAIN.value]
    query = (
        sa.select(n.id, n.kind, n.attempts, n.created_at, s.email, s.ref, c.ref.label("confirmation"), c.asked_at)
        .join(subscribers, s.id == n.subscriber_id)
        .outerjoin(confirmations, c.id == n.confirmation_id)
        .where(
            n.finished_at.is_(None),
            s.email.is_not(None),
            sa.or_(n.status == DeliveryStatus.PLANNED.value, sa.and_(n.status.in_(waiting), n.next_at <= now)),
        )
        .order_by(n.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=notices)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    connection.execute(
        notices.update()
        .where(n.id == row.id)
        .values(status=DeliveryStatus.CLAIMED.value, worker_id=worker, started_at=now)
    )
    return ClaimedNotice(
        id=int(row.id),
        kind=NoticeKind(row.kind),
        attempts=int(row.attempts),
        created_at=row.created_at,
        email=row.email,
        ref=row.ref,
        confirmation=row.confirmation,
        asked_at=row.asked_at,
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
    final = (DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.SUPPRESSED)
    update = (
        notices.update()
        .where(n.id == notice_id, n.worker_id == worker, n.status == DeliveryStatus.CLAIMED.value)
        .values(
            status=status.value,
            attempts=n.attempts + 1,
            next_at=next_at,
            finished_at=now if status in final else None,
            code=reply.code or None,
            enhanced=reply.enhanced[:16] or None,
            reply=reply.text[:REPLY_LENGTH] or None,
        )
    )
    return row_count(connection.execute(update)) == 1


def take_over(connection: Connection, dead: Iterable[int], *, now: dt.datetime) -> int:
    """Make due again what dead workers held: a confirmation that comes twice does no harm, one that never comes does."""
    n = notices.c
    update = (
        notices.update()
        .where(n.finished_at.is_(None), n.status == DeliveryStatus.CLAIMED.value, n.worker_id.in_(list(dead)))
        .values(status=DeliveryStatus.UNCERTAIN.value, next_at=now, worker_id=None)
    )
    return row_count(connection.execute(update))


def last_added(connection: Connection, subscriber_id: int, kind: NoticeKind) -> dt.datetime | None:
    """When the newest notice of this kind was written for the subscriber."""
    query = sa.select(sa.func.max(notices.c.created_at)).where(
        notices.c.subscriber_id == subscriber_id, notices.c.kind == kind.value
    )
    found: dt.datetime | None = connection.execute(query).scalar_one()
    return found
