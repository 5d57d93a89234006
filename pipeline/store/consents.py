"""Consents: what each subscriber agreed to or took back, when, and to which words (GDPR 7(1)). Rows are only ever added."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pipeline.model import Cadence, Choice
from pipeline.store.engine import Connection, insert_once
from pipeline.store.subscribers import topics_set, topics_text
from pipeline.store.tables import consents, wordings


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


class Method(StrEnum):
    """By which way it reached us."""

    FORM = "form"
    API = "api"
    LINK = "link"  # a page behind a mailed link
    ONE_CLICK = "one-click"  # RFC 8058, by the mail program
    IMPORT = "import"
    COMMAND = "command"
    BOUNCE = "bounce"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How we know: the way it came, the page that asked, and the words on it (their hash, from `remember_wording`)."""

    method: Method
    page: str | None = None  # without any token
    wording: str | None = None


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
    rows: list[dict[str, Any]] = [
        {
            "subscriber_id": subscriber_id,
            "event": event.value,
            "at": now,
            "method": evidence.method.value,
            "cadence": choice.cadence.value if choice else None,
            "topics": topics_text(choice.topics) if choice else None,
            "wording": evidence.wording,
            "page": evidence.page,
            "detail": detail,
        }
        for subscriber_id, choice, detail in people
    ]
    if rows:
        connection.execute(consents.insert(), rows)


def of(connection: Connection, subscriber_id: int) -> list[Consent]:
    """Everything that one subscriber agreed to or took back, oldest first."""
    c = consents.c
    query = (
        sa.select(c.event, c.at, c.method, c.cadence, c.topics, c.page, c.detail, wordings.c.text.label("words"))
        .outerjoin(wordings, wordings.c.hash == c.wording)
        .where(c.subscriber_id == subscriber_id)
        .order_by(c.id)
    )
    return [
        Consent(
            ConsentEvent(row.event),
            row.at,
            Method(row.method),
            Choice(Cadence(row.cadence), topics_set(row.topics or "")) if row.cadence else None,
            row.words,
            row.page,
            row.detail,
        )
        for row in connection.execute(query)
    ]


def counts_since(connection: Connection, since: dt.datetime) -> dict[ConsentEvent, int]:
    """How often each event happened since then."""
    c = consents.c
    query = sa.select(c.event, sa.func.count()).where(c.at >= since).group_by(c.event)
    return {ConsentEvent(event): int(number) for event, number in connection.execute(query)}
