"""Solved: proofs of work that were spent. Each counts once; it is kept until its challenge has expired (T-04)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from pipeline.store.engine import Connection, insert_once, row_count
from pipeline.store.tables import solved


def spend(connection: Connection, challenges: Mapping[str, dt.datetime]) -> set[str]:
    """Spend these, each given with its expiry; returns those that had not been spent before."""
    fresh = set()
    for challenge, expires_at in sorted(
        challenges.items()
    ):  # in one order, so that two processes do not lock each other out
        insert = insert_once(connection, solved).values(challenge=challenge, expires_at=expires_at)
        if connection.execute(insert.returning(solved.c.challenge)).first():
            fresh.add(challenge)
    return fresh


def any_over(connection: Connection, *, now: dt.datetime) -> bool:
    """Whether `sweep` would find something."""
    return connection.execute(sa.select(sa.literal(1)).where(solved.c.expires_at <= now).limit(1)).first() is not None


def sweep(connection: Connection, *, now: dt.datetime, limit: int = 1_000) -> int:
    """Forget up to *limit* whose challenges have expired; returns how many."""
    c = solved.c
    old = sa.select(c.challenge).where(c.expires_at <= now).order_by(c.expires_at).limit(limit)
    return row_count(connection.execute(solved.delete().where(c.challenge.in_(old))))
