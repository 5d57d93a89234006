"""Sign-ups: what the form took in and nobody has looked at yet. `mail/signups.py` works a row off within seconds, if no limit is
reached; until then it may wait for hours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, Choice
from pipeline.store import queue
from pipeline.store.consents import Evidence, Method, Trace
from pipeline.store.engine import Connection
from pipeline.store.subscribers import topics_set, topics_text
from pipeline.store.tables import signups


@dataclass(frozen=True, slots=True)
class Signup:
    """Somebody typed *email* into a form at *at*."""

    email: str
    choice: Choice
    evidence: Evidence
    at: dt.datetime
    proven: bool = True  # by a proof of work
    id: int = 0  # 0 before it is written


def add(connection: Connection, email: str, choice: Choice, evidence: Evidence, *, now: dt.datetime) -> None:
    """Write down one sign-up."""
    add_many(connection, [Signup(email, choice, evidence, now)])


def add_many(connection: Connection, fresh: Sequence[Signup], *, due_at: dt.datetime | None = None) -> None:
    """Write down sign-ups, without looking whether an address is known, and have them looked at, not before *due_at*."""
    rows = [
        {
            "email": signup.email,
            "cadence": signup.choice.cadence.value,
            "topics": topics_text(signup.choice.topics),
            "method": signup.evidence.method.value,
            "wording": signup.evidence.wording,
            "page": signup.evidence.page,
            "at": signup.at,
            "ip": signup.evidence.trace.ip if signup.evidence.trace else None,
            "agent": signup.evidence.trace.agent if signup.evidence.trace else None,
            "language": signup.evidence.language,
            "proven": signup.proven,
            "due_at": due_at,
        }
        for signup in fresh
    ]
    if rows:
        connection.execute(signups.insert(), rows)
    if (
        rows and due_at is None
    ):  # what is put off is found by the next round; an order for later would stand in for one for now
        queue.order(connection, queue.NOTICES)


def take(connection: Connection, *, now: dt.datetime) -> Signup | None:
    """The oldest sign-up that is due and no other worker holds; deleted when the transaction commits."""
    query = sa.select(signups).where(_is_due(now)).order_by(signups.c.id).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    delete(connection, [row.id])
    return _signup(row)


def waiting_for(connection: Connection, email_key: str) -> list[Signup]:
    """The sign-ups that wait whose address is of the same domain as this one, oldest first."""
    domain = email_key.rpartition("@")[2]
    query = sa.select(signups).where(signups.c.email.endswith(f"@{domain}", autoescape=True)).order_by(signups.c.id)
    return [_signup(row) for row in connection.execute(query)]


def _signup(row: sa.Row[Any]) -> Signup:
    trace = Trace(ip=row.ip, agent=row.agent) if row.ip or row.agent else None
    return Signup(
        email=row.email,
        choice=Choice(Cadence(row.cadence), topics_set(row.topics)),
        evidence=Evidence(Method(row.method), row.page, row.wording, row.language, trace),
        at=row.at,
        proven=bool(row.proven),
        id=int(row.id),
    )


def put_off(connection: Connection, signup: Signup, *, until: dt.datetime) -> None:
    """Have *signup*, which was taken, wait until then, and all others of its domain (and as well or badly proven) with it."""
    add_many(connection, [signup], due_at=until)
    c, domain = signups.c, signup.email.rpartition("@")[2]
    others = sa.and_(c.email.endswith(f"@{domain}", autoescape=True), c.proven == signup.proven, c.due_at.is_(None))
    connection.execute(signups.update().where(others).values(due_at=until))


def waiting(connection: Connection, *, now: dt.datetime) -> bool:
    """True while there is a sign-up that is due and that nobody has looked at."""
    return connection.execute(sa.select(signups.c.id).where(_is_due(now)).limit(1)).one_or_none() is not None


def number(connection: Connection) -> int:
    """How many sign-ups nobody has looked at, due or not."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(signups)).scalar_one())


def _is_due(now: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.or_(signups.c.due_at.is_(None), signups.c.due_at <= now)


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Forget these sign-ups."""
    connection.execute(signups.delete().where(signups.c.id.in_(list(ids))))
