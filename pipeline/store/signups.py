"""Sign-ups: what the form took in and nobody has looked at yet. A row lives for seconds; `mail/signups.py` works them off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, Choice
from pipeline.store import queue
from pipeline.store.consents import Evidence, Method
from pipeline.store.engine import Connection
from pipeline.store.subscribers import topics_set, topics_text
from pipeline.store.tables import signups


@dataclass(frozen=True, slots=True)
class Signup:
    """Somebody typed *email* into a form at *at*."""

    id: int
    email: str
    choice: Choice
    evidence: Evidence
    at: dt.datetime


def add(connection: Connection, email: str, choice: Choice, evidence: Evidence, *, now: dt.datetime) -> None:
    """Write down a sign-up, without looking whether the address is known, and have it looked at."""
    values = {
        "email": email,
        "cadence": choice.cadence.value,
        "topics": topics_text(choice.topics),
        "method": evidence.method.value,
        "wording": evidence.wording,
        "page": evidence.page,
        "at": now,
    }
    connection.execute(signups.insert(), values)
    queue.order(connection, queue.NOTICES)


def take(connection: Connection) -> Signup | None:
    """The oldest sign-up that no other worker holds; deleted when the transaction commits."""
    query = sa.select(signups).order_by(signups.c.id).limit(1).with_for_update(skip_locked=True)
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
    return Signup(
        id=int(row.id),
        email=row.email,
        choice=Choice(Cadence(row.cadence), topics_set(row.topics)),
        evidence=Evidence(Method(row.method), row.page, row.wording),
        at=row.at,
    )


def waiting(connection: Connection) -> bool:
    """True while there is a sign-up that nobody has looked at."""
    return connection.execute(sa.select(signups.c.id).limit(1)).one_or_none() is not None


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Forget these sign-ups."""
    connection.execute(signups.delete().where(signups.c.id.in_(list(ids))))
