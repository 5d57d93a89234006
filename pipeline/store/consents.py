"""Consents: what each subscriber agreed to or took back, when, and to which words (GDPR 7(1)). Rows are only ever added.

They are a chain (see `chain`): none can be changed, taken out or slipped in unseen (P-01). No row holds an address. What is about
a person (from which net, with which browser) is in `traces` and goes with them; the row keeps a salted hash of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, Choice
from pipeline.store import chain, departures
from pipeline.store.engine import Connection, insert_once
from pipeline.store.subscribers import choice_values, topics_set
from pipeline.store.tables import consents, traces, wordings


class ConsentEvent(StrEnum):
    """What happened."""

    ASKED = "asked"  # somebody typed the address into a form
    CONFIRMED = "confirmed"  # its owner pressed the button behind the mailed link
    DECLINED = "declined"  # its owner said: this was not me
    CHANGED = "changed"  # another cadence or other topics
    PAUSED = "paused"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"  # unsubscribed
    RETURNED = "returned"  # subscribed again by the link in a letter
    IMPORTED = "imported"
    SUPPRESSED = "suppressed"  # by a bounce, a complaint or the operator
    ERASED = "erased"


LEAVES = (ConsentEvent.DECLINED, ConsentEvent.WITHDRAWN, ConsentEvent.SUPPRESSED, ConsentEvent.ERASED)
RETURNS = (ConsentEvent.CONFIRMED, ConsentEvent.RETURNED)


class Method(StrEnum):
    """By which way it reached us."""

    FORM = "form"
    API = "api"
    LINK = "link"  # a page behind a mailed link
    ONE_CLICK = "one-click"  # RFC 8058, by the mail program
    IMPORT = "import"
    COMMAND = "command"
    BOUNCE = "bounce"
    RESTORE = "restore"  # by the file of departures, for a restored database did not know
    MAIL = "mail"  # to the unsubscribe address


@dataclass(frozen=True, slots=True)
class Trace:
    """Where an event came from, as far as it is about a person."""

    ip: str | None = None  # cut to /24 or /48
    agent: str | None = None  # the browser's User-Agent, cut
    message_id: str | None = None  # of the confirmation that was answered
    token: str | None = None  # SHA-256 of the link's token


@dataclass(frozen=True, slots=True)
class Evidence:
    """How we know: the way it came, the page that asked, and the words on it (their hash, from `remember_wording`)."""

    method: Method
    page: str | None = None  # without any token
    wording: str | None = None
    language: str | None = None  # of the words
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """One row, with the words as they then stood."""

    event: ConsentEvent
    at: dt.datetime
    method: Method
    choice: Choice | None
    wording: str | None  # the text itself
    page: str | None
    detail: str | None
    language: str | None = None
    trace: Trace | None = None  # None once erased, or never known


def remember_wording(connection: Connection, text: str, *, now: dt.datetime) -> str:
    """Keep a form's exact words, once; returns their hash."""
    key = hashlib.sha256(text.encode()).hexdigest()
    connection.execute(insert_once(connection, wordings), {"hash": key, "text": text, "first_shown_at": now})
    return key


def add(
    connection: Connection,
    subscriber_id: int,
    event: ConsentEvent,
    evidence: Evidence,
    *,
    choice: Choice | None = None,
    detail: str | None = None,
    now: dt.datetime,
) -> None:
    """Write down that *event* happened."""
    add_many(connection, [(subscriber_id, choice, detail)], event, evidence, now=now)


def add_many(
    connection: Connection,
    people: Iterable[tuple[int, Choice | None, str | None]],
    event: ConsentEvent,
    evidence: Evidence,
    *,
    now: dt.datetime,
) -> None:
    """Write down that *event* happened to each of (subscriber, choice, detail)."""
    trace = evidence.trace if evidence.trace and evidence.trace != Trace() else None
    same: dict[str, Any] = {
        "event": event.value,
        "at": now,
        "method": evidence.method.value,
        "wording": evidence.wording,
        "page": evidence.page,
        "language": evidence.language,
        "trace": None,
    }
    rows: list[dict[str, Any]] = [
        {
            **same,
            "subscriber_id": subscriber_id,
            **(choice_values(choice) if choice else {"cadence": None, "topics": None}),
            "detail": detail,
        }
        for subscriber_id, choice, detail in people
    ]
    if not rows:
        return
    salts = [secrets.token_hex(16) for _ in rows] if trace else []
    for row, salt in zip(rows, salts, strict=False):
        assert trace is not None
        row["trace"] = chain.trace_hash(salt, trace.ip, trace.agent, trace.message_id, trace.token)
    chain.append(connection, rows)
    if trace:
        _keep_traces(connection, rows, salts, trace)
    if event in LEAVES or event in RETURNS:
        people_and_details = [(row["subscriber_id"], row["detail"]) for row in rows]
        departures.note_people(connection, people_and_details, event.value, leaves=event in LEAVES, at=now)


def _keep_traces(connection: Connection, rows: list[dict[str, Any]], salts: list[str], trace: Trace) -> None:
    query = sa.select(consents.c.hash, consents.c.id).where(consents.c.hash.in_([row["hash"] for row in rows]))
    numbers = {row.hash: row.id for row in connection.execute(query)}
    values = [
        {
            "consent_id": numbers[row["hash"]],
            "salt": salt,
            "ip": trace.ip,
            "agent": trace.agent,
            "message_id": trace.message_id,
            "token": trace.token,
        }
        for row, salt in zip(rows, salts, strict=True)
    ]
    connection.execute(traces.insert(), values)


def of(connection: Connection, subscriber_id: int) -> list[Consent]:
    """Everything that one subscriber agreed to or took back, oldest first."""
    query = (
        sa.select(consents, wordings.c.text.label("words"), traces)
        .outerjoin(wordings, wordings.c.hash == consents.c.wording)
        .outerjoin(traces, traces.c.consent_id == consents.c.id)
        .where(consents.c.subscriber_id == subscriber_id)
        .order_by(consents.c.id)
    )
    return [
        Consent(
            ConsentEvent(row[consents.c.event]),
            row[consents.c.at],
            Method(row[consents.c.method]),
            Choice(Cadence(row[consents.c.cadence]), topics_set(row[consents.c.topics] or ""))
            if row[consents.c.cadence]
            else None,
            row["words"],
            row[consents.c.page],
            row[consents.c.detail],
            row[consents.c.language],
            _trace(row),
        )
        for row in connection.execute(query).mappings()
    ]


def _trace(row: Any) -> Trace | None:
    if row[traces.c.consent_id] is None:
        return None
    return Trace(row[traces.c.ip], row[traces.c.agent], row[traces.c.message_id], row[traces.c.token])


def has(connection: Connection, subscriber_id: int, event: ConsentEvent, at: dt.datetime) -> bool:
    """True when this very event is written down."""
    c = consents.c
    query = sa.select(c.id).where(c.subscriber_id == subscriber_id, c.event == event.value, c.at == at)
    return connection.execute(query.limit(1)).first() is not None


def last_return(connection: Connection, subscriber_id: int) -> dt.datetime | None:
    """When this subscriber last came, or came back."""
    c = consents.c
    query = sa.select(sa.func.max(c.at)).where(
        c.subscriber_id == subscriber_id, c.event.in_([event.value for event in RETURNS])
    )
    found: dt.datetime | None = connection.execute(query).scalar_one()
    return found


def counts_since(connection: Connection, since: dt.datetime) -> dict[ConsentEvent, int]:
    """How often each event happened since then."""
    c = consents.c
    query = sa.select(c.event, sa.func.count()).where(c.at >= since).group_by(c.event)
    return {ConsentEvent(event): int(number) for event, number in connection.execute(query)}


def asked_by_hour(connection: Connection, *, since: dt.datetime) -> list[int]:
    """How often a mailbox was asked to confirm, for each hour since then in which one was."""
    c = consents.c
    hour = [sa.extract(part, c.at) for part in ("year", "month", "day", "hour")]
    query = sa.select(sa.func.count()).where(c.at >= since, c.event == ConsentEvent.ASKED.value).group_by(*hour)
    return [int(number) for number in connection.execute(query).scalars()]
