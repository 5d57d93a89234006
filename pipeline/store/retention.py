"""What may no longer be kept, in the database: rows whose time is over are found, counted and let go of, some at a time.

How long each is kept is `mail/retention.py`'s to say. Every step may be stopped and run again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pipeline.model import State
from pipeline.store import subscribers as people
from pipeline.store.engine import Connection
from pipeline.store.tables import (
    bounces,
    confirmations,
    consents,
    cuts,
    deliveries,
    delivery_counts,
    issues,
    limits,
    notices,
    requests,
    signups,
    solved,
    subscribers,
    traces,
)


class Kept(StrEnum):
    """What is kept for a while."""

    SIGNUPS = "sign-ups that nobody could look at"
    UNCONFIRMED = "people who never confirmed"
    NOTICES = "letters about a subscription"
    CONFIRMATIONS = "confirmations"
    REQUESTS = "requests for export or erasure"
    DELIVERIES = "deliveries, then only their numbers"
    RAW = "mails that came back, word for word"
    BOUNCES = "bounces and complaints"
    LEFT = "addresses of people who unsubscribed"
    CONSENTS = "consents of people who left"
    LIMITS = "limits of the form"
    SOLVED = "proofs of work"


def number_due(connection: Connection, kept: Kept, *, before: dt.datetime) -> int:
    """How many there are from before then."""
    found = _due(kept, before).order_by(None).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def due(connection: Connection, kept: Kept, *, before: dt.datetime, limit: int) -> list[Any]:
    """The keys of up to *limit* rows from before then."""
    return list(connection.execute(_due(kept, before).limit(limit)).scalars())


def let_go(connection: Connection, kept: Kept, keys: Sequence[Any], *, now: dt.datetime) -> None:
    """Delete these rows, or what of them may no longer be kept."""
    _LET_GO[kept](connection, keys, now)


# --- which ----------------------------------------------------------------------------------------------------------------------


def _due(kept: Kept, before: dt.datetime) -> sa.Select[Any]:
    query: sa.Select[Any] = _DUE[kept](before)
    return query


def _unconfirmed(before: dt.datetime) -> sa.Select[Any]:
    """Pending, and the last question to them is as old, or they were never asked one."""
    s, c = subscribers.c, confirmations.c
    asked = sa.exists().where(c.subscriber_id == s.id, c.expires_at >= before)
    return (
        sa.select(s.id)
        .where(s.state == State.PENDING.value, s.email.is_not(None), s.created_at < before, ~asked)
        .order_by(s.id)
    )


def _left(before: dt.datetime) -> sa.Select[Any]:
    s, c = subscribers.c, consents.c
    since = sa.exists().where(c.subscriber_id == s.id, c.at >= before)
    gone = (State.UNSUBSCRIBED.value, State.SUPPRESSED.value)
    return sa.select(s.id).where(s.state.in_(gone), s.email.is_not(None), s.created_at < before, ~since).order_by(s.id)


def _consents(before: dt.datetime) -> sa.Select[Any]:
    """Those of people whose address is gone, and of whom nothing is newer.

    The newest of all stays: SQLite would give its number again, and the order of numbers is that of the chain.
    """
    s, c, later = subscribers.c, consents.c, consents.alias()
    since = sa.exists().where(later.c.subscriber_id == c.subscriber_id, later.c.at >= before)
    return (
        sa.select(c.id)
        .join(subscribers, s.id == c.subscriber_id)
        .where(
            s.email.is_(None),
            c.at < before,
            ~since,
            c.id < sa.select(sa.func.max(consents.alias().c.id)).scalar_subquery(),
        )
        .order_by(c.id)
    )


def _deliveries(before: dt.datetime) -> sa.Select[Any]:
    """By way of the issues that are as old: there are few, and an index leads to their rows."""
    d, i = deliveries.c, issues.c
    old = sa.select(d.id).join(issues, i.id == d.issue_id).where(i.closes_at < before, d.finished_at < before)
    return old.order_by(d.issue_id, d.subscriber_id)


def _older(column: sa.Column[Any], key: sa.Column[Any], *more: sa.ColumnElement[bool]) -> Callable[[dt.datetime], Any]:
    return lambda before: sa.select(key).where(column < before, *more).order_by(key)


_DUE: Mapping[Kept, Callable[[dt.datetime], Any]] = {
    Kept.SIGNUPS: _older(signups.c.at, signups.c.id),
    Kept.UNCONFIRMED: _unconfirmed,
    Kept.NOTICES: _older(notices.c.created_at, notices.c.id),
    Kept.CONFIRMATIONS: _older(
        confirmations.c.expires_at,
        confirmations.c.id,
        ~sa.exists().where(notices.c.confirmation_id == confirmations.c.id),
    ),
    Kept.REQUESTS: _older(
        requests.c.expires_at, requests.c.id, ~sa.exists().where(notices.c.request_id == requests.c.id)
    ),
    Kept.DELIVERIES: _deliveries,
    Kept.RAW: _older(bounces.c.at, bounces.c.id, bounces.c.raw.is_not(None)),
    Kept.BOUNCES: _older(bounces.c.at, bounces.c.id),
    Kept.LEFT: _left,
    Kept.CONSENTS: _consents,
    Kept.LIMITS: _older(limits.c.expires_at, limits.c.bucket),
    Kept.SOLVED: _older(solved.c.expires_at, solved.c.challenge),
}


# --- letting go -----------------------------------------------------------------------------------------------------------------


def _delete(table: sa.Table, key: sa.Column[Any]) -> Callable[[Connection, Sequence[Any], dt.datetime], None]:
    def act(connection: Connection, keys: Sequence[Any], now: dt.datetime) -> None:
        connection.execute(table.delete().where(key.in_(keys)))

    return act


def _blank_people(connection: Connection, keys: Sequence[Any], now: dt.datetime) -> None:
    for number in keys:
        people.erase(connection, int(number))


def _count_deliveries(connection: Connection, keys: Sequence[Any], now: dt.datetime) -> None:
    d, k = deliveries.c, delivery_counts.c
    numbers = sa.select(d.issue_id, d.status, sa.func.count().label("n")).where(d.id.in_(keys))
    for issue, status, number in connection.execute(numbers.group_by(d.issue_id, d.status)).all():
        here = sa.and_(k.issue_id == issue, k.status == status)
        before = connection.execute(sa.select(k.number).where(here).with_for_update()).scalar_one_or_none()
        if before is None:
            row = {"issue_id": issue, "status": status, "number": number}
            connection.execute(delivery_counts.insert(), row)
        else:
            connection.execute(delivery_counts.update().where(here).values(number=before + number))
    connection.execute(deliveries.delete().where(d.id.in_(keys)))


def _forget_raw(connection: Connection, keys: Sequence[Any], now: dt.datetime) -> None:
    connection.execute(bounces.update().where(bounces.c.id.in_(keys)).values(raw=None))


def _cut_consents(connection: Connection, keys: Sequence[Any], now: dt.datetime) -> None:
    """Each leaves its link of the chain; without it the database refuses to let go of it."""
    found = connection.execute(sa.select(consents.c.id, consents.c.hash).where(consents.c.id.in_(keys))).all()
    links = [{"consent_id": row.id, "hash": row.hash, "at": now} for row in found]
    connection.execute(cuts.insert(), links)
    connection.execute(traces.delete().where(traces.c.consent_id.in_(keys)))
    connection.execute(consents.delete().where(consents.c.id.in_(keys)))


_LET_GO: Mapping[Kept, Callable[[Connection, Sequence[Any], dt.datetime], None]] = {
    Kept.SIGNUPS: _delete(signups, signups.c.id),
    Kept.UNCONFIRMED: _blank_people,
    Kept.NOTICES: _delete(notices, notices.c.id),
    Kept.CONFIRMATIONS: _delete(confirmations, confirmations.c.id),
    Kept.REQUESTS: _delete(requests, requests.c.id),
    Kept.DELIVERIES: _count_deliveries,
    Kept.RAW: _forget_raw,
    Kept.BOUNCES: _delete(bounces, bounces.c.id),
    Kept.LEFT: _blank_people,
    Kept.CONSENTS: _cut_consents,
    Kept.LIMITS: _delete(limits, limits.c.bucket),
    Kept.SOLVED: _delete(solved, solved.c.challenge),
}
