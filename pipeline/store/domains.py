"""Receivers, by the domain behind the @: which of them is left alone for now, and why.

A receiver that asks us to slow down, or refuses us for what we are, is not written to before `paused_until`; letters to it wait.
What a refusal means is decided in `mail/judge.py`; all who send share what stands here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.store.engine import Connection, insert_once
from pipeline.store.tables import domains

REASON_LENGTH = 300  # characters kept of what the server said


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is known of a receiver in trouble: refusals in a row, and until when it is left alone (None: it is not)."""

    strikes: int
    paused_until: dt.datetime | None
    reason: str = ""


def pause(connection: Connection, name: str, *, until: dt.datetime, reason: str, now: dt.datetime) -> bool:
    """Leave the receiver alone until then. A longer pause that it is in already stays; False: it was paused before."""
    _known(connection, name, now=now)
    d = domains.c
    before = connection.execute(sa.select(d.paused_until).where(d.name == name).with_for_update()).scalar_one()
    if before is None or before < until:
        values = {"paused_until": until, "reason": reason[:REASON_LENGTH], "at": now}
        connection.execute(domains.update().where(d.name == name).values(values))
    return before is None or before <= now


def strike(connection: Connection, name: str, *, now: dt.datetime) -> int:
    """One more refusal in a row; returns how many there are now."""
    _known(connection, name, now=now)
    d = domains.c
    update = domains.update().where(d.name == name).values(strikes=d.strikes + 1, at=now)
    return int(connection.execute(update.returning(d.strikes)).scalar_one())


def forgive(connection: Connection, names: Collection[str], *, now: dt.datetime) -> None:
    """These receivers took a letter: they have no strikes any more. A pause runs out by itself."""
    if names:
        d = domains.c
        connection.execute(domains.update().where(d.name.in_(list(names)), d.strikes > 0).values(strikes=0, at=now))


def troubled(connection: Connection, *, now: dt.datetime, limit: int = 10_000) -> dict[str, Trouble]:
    """Every receiver that has refused us since it last took a letter, or that is left alone."""
    d = domains.c
    query = (
        sa.select(d.name, d.strikes, d.paused_until, d.reason)
        .where(sa.or_(d.strikes > 0, d.paused_until > now))
        .order_by(d.at.desc(), d.name)
        .limit(limit)
    )
    return {
        row.name: Trouble(int(row.strikes), row.paused_until, row.reason or "") for row in connection.execute(query)
    }


def paused(connection: Connection, *, now: dt.datetime) -> dict[str, tuple[dt.datetime, str]]:
    """The receivers that are left alone at *now*: until when, and why."""
    d = domains.c
    query = sa.select(d.name, d.paused_until, d.reason).where(d.paused_until > now).order_by(d.name)
    return {row.name: (row.paused_until, row.reason or "") for row in connection.execute(query)}


def _known(connection: Connection, name: str, *, now: dt.datetime) -> None:
    connection.execute(insert_once(connection, domains), {"name": name, "strikes": 0, "at": now})
