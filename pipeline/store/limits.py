"""Limits: how much may be used in a time, counted in the database, so that they hold for all processes and outlive a restart.

There are two kinds, each one statement a hit, which is atomic on both databases:

    take    a rate with a burst, as a GCRA (ITU-T I.371): "50 letters a second, 100 at once". Says how long to wait.
    count   a number in a window that the first hit opens: "5 in 10 minutes". Says how long the window lasts.

What is limited stands in the bucket's name, with a keyed hash of whom (`bucket_of`): no address and no IP is stored.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.store.engine import Connection, insert_once, row_count
from pipeline.store.tables import limits

SLACK = 1e-6  # seconds; a double counts the seconds since 1970 to a quarter of that

_TIMES = (
    sa.bindparam("now", type_=limits.c.expires_at.type),
    sa.bindparam("expires_at", type_=limits.c.expires_at.type),
)
# As text, which both databases read alike: put together of SQLAlchemy's parts, a hit took several times as long.
# `used` is when the bucket will be full again.
_TAKE = sa.text("""\
INSERT INTO limits (bucket, used, expires_at) VALUES (:bucket, :first, :expires_at)
ON CONFLICT (bucket) DO UPDATE
SET used = CASE WHEN limits.used > :at THEN limits.used ELSE :at END + :spends, expires_at = excluded.expires_at
WHERE CASE WHEN limits.used > :at THEN limits.used ELSE :at END + :spends <= :most
RETURNING bucket""").bindparams(_TIMES[1])
# `used` is the number of hits in this window.
_COUNT = sa.text("""\
INSERT INTO limits (bucket, used, expires_at) VALUES (:bucket, 1, :expires_at)
ON CONFLICT (bucket) DO UPDATE
SET used = CASE WHEN limits.expires_at <= :now THEN 1 ELSE limits.used + 1 END,
    expires_at = CASE WHEN limits.expires_at <= :now THEN excluded.expires_at ELSE limits.expires_at END
WHERE limits.expires_at <= :now OR limits.used < :number
RETURNING bucket""").bindparams(*_TIMES)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most *number* hits of *bucket* in *window*, which opens with the first of them."""

    bucket: str
    number: int
    window: dt.timedelta


def bucket_of(key: bytes, kind: str, subject: str) -> str:
    """The name of the bucket in which *subject* (a network, a domain) is counted for *kind*, of at most 30 characters."""
    return f"{kind}:{hmac.digest(key, f'limit {kind} {subject}'.encode(), 'sha256').hex()[:40]}"


def take(connection: Connection, bucket: str, *, rate: float, burst: float, cost: float = 1, now: dt.datetime) -> float:
    """Use up *cost* of *bucket*, which fills with *rate* a second up to *burst*. Returns 0, or how many seconds to wait.

    Nothing is used up where it returns more than 0. *cost* is at most *burst*: more could never be had. The row is locked until the
    caller's transaction ends, so let that be soon.
    """
    assert 0 < cost <= burst, "a cost above the burst would wait for ever"
    c, at, spends, depth = limits.c, now.timestamp(), cost / rate, burst / rate
    row = {
        "bucket": bucket,
        "at": at,
        "spends": spends,
        "first": at + spends,
        "most": at + depth + SLACK,
        "expires_at": now + dt.timedelta(seconds=depth),  # `used` is never later than that
    }
    if connection.execute(_TAKE, row).first():
        return 0.0
    full_at = connection.execute(sa.select(c.used).where(c.bucket == bucket)).scalar_one()
    return max(float(full_at) + spends - depth - at, SLACK)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as `take` reads it, for who takes many at once: `available`, then `spend`."""

    name: str
    rate: float  # a second
    burst: float


def available(connection: Connection, bucket: Bucket, *, now: dt.datetime) -> tuple[int, float]:
    """How many of *bucket* can be had at once, and where none can, after how many seconds one.

    The row is locked until the caller's transaction ends: nobody else takes of it in between.
    """
    c, at, depth = limits.c, now.timestamp(), bucket.burst / bucket.rate
    connection.execute(insert_once(connection, limits), [{"bucket": bucket.name, "used": at, "expires_at": now}])
    full_at = connection.execute(sa.select(c.used).where(c.bucket == bucket.name).with_for_update()).scalar_one()
    room = at + depth + SLACK - max(float(full_at), at)  # seconds' worth
    return max(0, int(room * bucket.rate)), max(SLACK, 1 / bucket.rate - room)


def spend(connection: Connection, bucket: Bucket, *, cost: float, now: dt.datetime) -> None:
    """Use up *cost* of what `available` said."""
    c, at = limits.c, now.timestamp()
    starts = sa.case((c.used > at, c.used), else_=at)
    expires = now + dt.timedelta(seconds=bucket.burst / bucket.rate)
    update = limits.update().where(c.bucket == bucket.name)
    connection.execute(update.values(used=starts + cost / bucket.rate, expires_at=expires))


def count(connection: Connection, limit: Limit, *, now: dt.datetime) -> float:
    """Count one hit. Returns 0, or for how many seconds the window stays full; then nothing is counted."""
    if limit.number < 1:
        return limit.window.total_seconds()
    c = limits.c
    row = {"bucket": limit.bucket, "now": now, "expires_at": now + limit.window, "number": limit.number}
    if connection.execute(_COUNT, row).first():
        return 0.0
    expires_at = connection.execute(sa.select(c.expires_at).where(c.bucket == limit.bucket)).scalar_one()
    return max(float((expires_at - now).total_seconds()), SLACK)


def count_all(connection: Connection, wanted: Iterable[Limit], *, now: dt.datetime) -> float:
    """Count one hit of each, or of none: returns 0, or the longest wait among those that are full."""
    savepoint = connection.begin_nested()
    # In one order everywhere, so that two processes cannot each wait for the other's row.
    waits = [count(connection, limit, now=now) for limit in sorted(wanted, key=lambda limit: limit.bucket)]
    if longest := max(waits, default=0.0):
        savepoint.rollback()
    else:
        savepoint.commit()
    return longest


def used(connection: Connection, bucket: str, *, now: dt.datetime) -> int:
    """How many hits the open window of *bucket* has had."""
    c = limits.c
    query = sa.select(c.used).where(c.bucket == bucket, c.expires_at > now)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def forget(connection: Connection, buckets: Iterable[str]) -> None:
    """Empty these buckets."""
    connection.execute(limits.delete().where(limits.c.bucket.in_(list(buckets))))


def any_over(connection: Connection, *, now: dt.datetime) -> bool:
    """Whether `sweep` would find something."""
    return connection.execute(sa.select(sa.literal(1)).where(limits.c.expires_at <= now).limit(1)).first() is not None


def sweep(connection: Connection, *, now: dt.datetime, limit: int = 1_000) -> int:
    """Delete up to *limit* rows that no longer say anything, oldest first; returns how many."""
    c = limits.c
    old = sa.select(c.bucket).where(c.expires_at <= now).order_by(c.expires_at).limit(limit)
    # Asked twice, for another process may have opened a window in between.
    return row_count(connection.execute(limits.delete().where(c.bucket.in_(old), c.expires_at <= now)))
