"""Solved: proofs of work that were spent. Each counts once; it is kept until its challenge has expired (T-04)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from pipeline.store.engine import Connection, row_count
from pipeline.store.tables import solved

# As text, for the reason told in `limits`.
_SPEND = sa.text("""\
INSERT INTO solved (challenge, expires_at) VALUES (:challenge, :expires_at)
ON CONFLICT (challenge) DO NOTHING RETURNING challenge""").bindparams(
    sa.bindparam("expires_at", type_=solved.c.expires_at.type)
)


def spend(connection: Connection, challenges: Mapping[str, dt.datetime]) -> set[str]:
    """Spend these, each given with its expiry; returns those that had not been spent before."""
    return {
        challenge
        for challenge, expires_at in sorted(challenges.items())  # in one order everywhere: nobody waits for each other
        if connection.execute(_SPEND, {"challenge": challenge, "expires_at": expires_at}).first()
    }


def any_over(connection: Connection, *, now: dt.datetime) -> bool:
    """Whether `sweep` would find something."""
    return connection.execute(sa.select(sa.literal(1)).where(solved.c.expires_at <= now).limit(1)).first() is not None


def sweep(connection: Connection, *, now: dt.datetime, limit: int = 1_000) -> int:
    """Forget up to *limit* whose challenges have expired; returns how many."""
    c = solved.c
    old = sa.select(c.challenge).where(c.expires_at <= now).order_by(c.expires_at).limit(limit)
    return row_count(connection.execute(solved.delete().where(c.challenge.in_(old))))
