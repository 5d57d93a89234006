"""What deliveries and notices have in common: rows that a worker claims and only a recorded reply ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from pipeline.model import DeliveryStatus, Reply
from pipeline.store import workers
from pipeline.store.engine import Connection, row_count
from pipeline.store.tables import deliveries, notices, subscribers
from pipeline.store.tables import workers as worker_rows

REPLY_LENGTH = 500  # characters kept of what a server said
DIED = "the process that was sending it ended before the server's answer was written down"
FINAL = (
    DeliveryStatus.SENT,
    DeliveryStatus.FAILED,
    DeliveryStatus.SUPPRESSED,
    DeliveryStatus.QUARANTINED,
    DeliveryStatus.CANCELLED,
)


def ended(status: DeliveryStatus, reply: Reply, *, next_at: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    """The columns of a claimed row that tell how it ended."""
    return {
        "status": status.value,
        "next_at": next_at,
        "finished_at": now if status in FINAL else None,
        "code": reply.code or None,
        "enhanced": reply.enhanced[:16] or None,
        "reply": reply.text[:REPLY_LENGTH] or None,
    }


def confirmed_at() -> sa.Label[dt.datetime]:
    """When a subscriber confirmed, as their letters tell them; where nobody knows, since when we have them."""
    return sa.func.coalesce(subscribers.c.confirmed_at, subscribers.c.created_at).label("confirmed_at")


def bury(connection: Connection, dead: Collection[int], *, hold: bool = False, now: dt.datetime) -> int:
    """Take over what *dead* workers held, and those that are no more, and forget them. Returns how many deliveries are uncertain.

    What they held may have arrived, and is due again at once: a letter that comes twice does less harm than one that never comes.
    With *hold*, a letter of an issue waits for a person instead; a notice never does.
    """
    uncertain = _take_over(connection, deliveries, dead, next_at=None if hold else now)
    _take_over(connection, notices, dead, next_at=now)
    for number in dead:
        workers.leave(connection, number)
    return uncertain


def _take_over(connection: Connection, table: sa.Table, dead: Collection[int], *, next_at: dt.datetime | None) -> int:
    t = table.c
    left = sa.or_(t.worker_id.in_(list(dead)), t.worker_id.not_in(sa.select(worker_rows.c.id)))
    update = (
        table.update()
        .where(t.finished_at.is_(None), t.status == DeliveryStatus.CLAIMED.value, left)
        .values(
            status=DeliveryStatus.UNCERTAIN.value, next_at=next_at, worker_id=None, code=None, enhanced=None, reply=DIED
        )
    )
    return row_count(connection.execute(update))
