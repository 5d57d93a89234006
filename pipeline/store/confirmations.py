"""Confirmations: questions sent to an address, "was it you?", and whether they were answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, Choice
from pipeline.store.engine import Connection
from pipeline.store.subscribers import topics_set, topics_text
from pipeline.store.tables import confirmations


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One question. *choice* takes effect when it is answered."""

    id: int
    ref: str  # random; stands in the link, signed
    subscriber_id: int
    choice: Choice
    asked_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


def add(
    connection: Connection,
    subscriber_id: int,
    *,
    ref: str,
    choice: Choice,
    asked_at: dt.datetime,
    expires_at: dt.datetime,
) -> int:
    """Write down that the question is asked; returns its number."""
    values = {
        "ref": ref,
        "subscriber_id": subscriber_id,
        "cadence": choice.cadence.value,
        "topics": topics_text(choice.topics),
        "asked_at": asked_at,
        "expires_at": expires_at,
    }
    key = connection.execute(confirmations.insert(), values).inserted_primary_key
    assert key is not None
    return int(key[0])


def by_ref(connection: Connection, ref: str) -> Confirmation | None:
    """The question whose link carries *ref*; None once it was deleted."""
    row = connection.execute(sa.select(confirmations).where(confirmations.c.ref == ref)).one_or_none()
    return _confirmation(row) if row else None


def of(connection: Connection, subscriber_id: int) -> list[Confirmation]:
    """Every question to one subscriber, oldest first."""
    query = sa.select(confirmations).where(confirmations.c.subscriber_id == subscriber_id)
    return [_confirmation(row) for row in connection.execute(query.order_by(confirmations.c.id))]


def _confirmation(row: sa.Row[Any]) -> Confirmation:
    return Confirmation(
        id=int(row.id),
        ref=row.ref,
        subscriber_id=int(row.subscriber_id),
        choice=Choice(Cadence(row.cadence), topics_set(row.topics)),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )


def unanswered(connection: Connection, subscriber_id: int, *, since: dt.datetime) -> int:
    """How many questions asked after *since* have had no answer."""
    c = confirmations.c
    query = sa.select(sa.func.count()).where(c.subscriber_id == subscriber_id, c.used_at.is_(None), c.asked_at > since)
    return int(connection.execute(query).scalar_one())


def close(connection: Connection, subscriber_id: int, *, now: dt.datetime) -> None:
    """Let no open question to this subscriber be answered any more: one answer, or a withdrawal, settles them all."""
    c = confirmations.c
    update = confirmations.update().where(c.subscriber_id == subscriber_id, c.used_at.is_(None))
    connection.execute(update.values(used_at=now))
