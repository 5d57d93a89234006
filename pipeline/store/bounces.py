"""Bounces: later news of deliveries, as it came by mail or by a hook; and the receivers at which an issue was stopped.

A row is there for everything that came, whether or not it changed anything. `subscriber_id` is set only where a signature of ours
named the person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.model import BounceClass, DeliveryStatus
from pipeline.store.engine import Connection, insert_once
from pipeline.store.tables import bounces, calls, deliveries, issues, notices, stops

_COLUMNS = tuple(
    bounces.c[name] for name in "id at origin kind category issue_id domain status code diagnostic action".split()
)
RAW_LENGTH = 16 * 1024  # octets kept of a mail: what its sender wrote, and the head of what came back


@dataclass(frozen=True, slots=True)
class NewBounce:
    """What came in, before anything was done about it."""

    key: str  # SHA-256; what comes twice counts once
    at: dt.datetime
    origin: str
    kind: str
    category: str | None = None
    subscriber_id: int | None = None
    issue_id: int | None = None
    domain: str = ""
    status: str | None = None
    code: int | None = None
    diagnostic: str | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """One row about one person."""

    id: int
    at: dt.datetime
    origin: str
    kind: str
    category: str
    issue_id: int | None
    domain: str
    status: str
    code: int
    diagnostic: str
    action: str

    def __str__(self) -> str:
        parts = (f"{self.at.astimezone(dt.UTC):%Y-%m-%d %H:%M}", self.kind, self.category, self.domain, self.status)
        return " ".join(filter(None, parts)) + (f": {self.diagnostic}" if self.diagnostic else "")


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of an issue that the mail server took for a subscriber."""

    issue_id: int
    sent_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter or a notice that went to somebody."""

    key: str  # the issue's key, or ``notice-NUMBER``
    issue_id: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The rest of an issue is not sent to this receiver."""

    domain: str
    complaints: int
    accepted: int
    at: dt.datetime

    def __str__(self) -> str:
        return (
            f"{self.domain}: {self.complaints} of {self.accepted} readers called this issue spam; "
            "the rest of it is not sent there"
        )


# --- what came ------------------------------------------------------------------------------------------------------------------


def add(connection: Connection, new: NewBounce, *, action: str) -> bool:
    """Write down what came. False: it was here before, and stays as it was."""
    row = {**asdict(new), "action": action, "raw": new.raw[:RAW_LENGTH] if new.raw else None}
    return connection.execute(insert_once(connection, bounces).returning(bounces.c.id), row).first() is not None


def set_action(connection: Connection, key: str, action: str) -> None:
    """Write down what was done about it."""
    connection.execute(bounces.update().where(bounces.c.key == key).values(action=action))


def of(connection: Connection, subscriber_id: int, *, since: dt.datetime | None = None) -> list[Bounce]:
    """What came back about one subscriber, oldest first."""
    b = bounces.c
    query = sa.select(*_COLUMNS).where(b.subscriber_id == subscriber_id).order_by(b.id)
    if since is not None:
        query = query.where(b.at >= since)
    return [_bounce(row) for row in connection.execute(query)]


def raw_of(connection: Connection, subscriber_id: int) -> dict[int, bytes]:
    """The mails themselves that came back about one subscriber, as far as they are still kept, by number of the bounce."""
    b = bounces.c
    query = sa.select(b.id, b.raw).where(b.subscriber_id == subscriber_id, b.raw.is_not(None))
    return {int(row.id): bytes(row.raw) for row in connection.execute(query)}


def sent_to(connection: Connection, subscriber_id: int, *, limit: int) -> list[Sent]:
    """The last letters and notices to one subscriber, newest first, by the names that their Message-IDs are made of."""
    d, n = deliveries.c, notices.c
    query = (
        sa.select(issues.c.key, issues.c.id)
        .join(deliveries, d.issue_id == issues.c.id)
        .where(d.subscriber_id == subscriber_id)
        .order_by(d.id.desc())
        .limit(limit)
    )
    found = [Sent(row.key, int(row.id)) for row in connection.execute(query)]
    others = sa.select(n.id).where(n.subscriber_id == subscriber_id).order_by(n.id.desc()).limit(limit)
    return found + [Sent(f"notice-{number}", None) for number in connection.execute(others).scalars()]


def samples(connection: Connection, *, limit: int) -> list[tuple[Bounce, bytes]]:
    """What a person should look at, newest first, each with its mail as far as that is kept: unknown refusals, and alarms."""
    b = bounces.c
    unknown = sa.and_(b.kind == "bounce", b.category == BounceClass.UNKNOWN.value)
    query = sa.select(*_COLUMNS, b.raw).where(sa.or_(unknown, b.action == "alarm")).order_by(b.id.desc()).limit(limit)
    return [(_bounce(row), bytes(row.raw or b"")) for row in connection.execute(query)]


def letters(connection: Connection, subscriber_id: int, *, since: dt.datetime) -> list[Letter]:
    """The issues' letters that left for one subscriber since then, oldest first."""
    d = deliveries.c
    query = (
        sa.select(d.issue_id, d.finished_at)
        .where(d.subscriber_id == subscriber_id, d.status == DeliveryStatus.SENT.value, d.finished_at >= since)
        .order_by(d.finished_at, d.id)
    )
    return [Letter(int(row.issue_id), row.finished_at) for row in connection.execute(query)]


def remember_call(connection: Connection, token: str, event: str, *, until: dt.datetime, now: dt.datetime) -> bool:
    """Whether this token of a hook comes with this event only; from now on it does. What has expired is forgotten."""
    c = calls.c
    connection.execute(calls.delete().where(c.expires_at <= now))
    connection.execute(insert_once(connection, calls), {"token": token, "event": event, "expires_at": until})
    return bool(connection.execute(sa.select(c.event).where(c.token == token)).scalar_one() == event)


# --- receivers ------------------------------------------------------------------------------------------------------------------


def refusals(connection: Connection, domain: str, *, category: str, since: dt.datetime) -> tuple[int, set[int]]:
    """How many people's letters a receiver refused so since then, and of which issues; only what is signed counts.

    People, and not mails: a reader has some signed addresses of their own, and could write any number of bounces to them.
    """
    b = bounces.c
    query = (
        sa.select(b.subscriber_id, b.issue_id)
        .where(b.at >= since, b.domain == domain, b.kind == "bounce", b.category == category)
        .where(b.subscriber_id.is_not(None))
        .distinct()
    )
    rows = connection.execute(query).all()
    return len({row.subscriber_id for row in rows}), {int(row.issue_id) for row in rows if row.issue_id is not None}


def complaints(connection: Connection, issue_id: int, domain: str, *, categories: Sequence[str]) -> int:
    """How many people at a receiver called an issue spam."""
    b = bounces.c
    query = sa.select(sa.func.count(sa.distinct(b.subscriber_id))).where(
        b.issue_id == issue_id, b.domain == domain, b.kind == "complaint", b.category.in_(categories)
    )
    return int(connection.execute(query).scalar_one())


def accepted(connection: Connection, issue_ids: Collection[int], domain: str) -> int:
    """How many letters of these issues a receiver took."""
    d = deliveries.c
    query = sa.select(sa.func.count()).where(
        d.issue_id.in_(list(issue_ids)), d.domain == domain, d.status == DeliveryStatus.SENT.value
    )
    return int(connection.execute(query).scalar_one())


def stop(
    connection: Connection, issue_id: int, domain: str, *, complaints: int, accepted: int, now: dt.datetime
) -> bool:
    """Send no more of an issue to a receiver: what waits for it is held back. False: it was stopped before.

    A letter that a worker holds at this moment still leaves.
    """
    row = {"issue_id": issue_id, "domain": domain, "complaints": complaints, "accepted": accepted, "at": now}
    new = connection.execute(insert_once(connection, stops).returning(stops.c.domain), row).first() is not None
    d = deliveries.c
    waiting = [DeliveryStatus.PLANNED.value, DeliveryStatus.DEFERRED.value, DeliveryStatus.UNCERTAIN.value]
    held_back = {
        "status": DeliveryStatus.SUPPRESSED.value,
        "finished_at": now,
        "next_at": None,
        "reply": f"not sent: {complaints} of {accepted} readers at {domain} called this issue spam",
    }
    connection.execute(
        deliveries.update()
        .where(d.issue_id == issue_id, d.domain == domain, d.finished_at.is_(None), d.status.in_(waiting))
        .values(held_back)
    )
    return new


def stopped_domains(connection: Connection, issue_id: int) -> set[str]:
    """The receivers at which the rest of an issue is not sent. A claim passes their letters by."""
    return {stop.domain for stop in stops_of(connection, issue_id)}


def stops_of(connection: Connection, issue_id: int) -> list[Stop]:
    s = stops.c
    query = sa.select(s.domain, s.complaints, s.accepted, s.at).where(s.issue_id == issue_id).order_by(s.domain)
    return [Stop(r.domain, int(r.complaints), int(r.accepted), r.at) for r in connection.execute(query)]


def issue_key(connection: Connection, issue_id: int) -> str:
    return str(connection.execute(sa.select(issues.c.key).where(issues.c.id == issue_id)).scalar_one())


def _bounce(row: Any) -> Bounce:
    return Bounce(
        int(row.id),
        row.at,
        row.origin,
        row.kind,
        row.category or "",
        None if row.issue_id is None else int(row.issue_id),
        row.domain,
        row.status or "",
        int(row.code or 0),
        row.diagnostic or "",
        row.action,
    )
