"""Requests: a person wants their data, or wants it erased, and is mailed a link that works once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from pipeline.store.engine import Connection
from pipeline.store.tables import requests


class RequestKind(StrEnum):
    EXPORT = "export"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Request:
    """One of them."""

    id: int
    ref: str  # random; stands in the link, signed
    subscriber_id: int
    kind: RequestKind
    asked_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


def add(
    connection: Connection,
    subscriber_id: int,
    kind: RequestKind,
    *,
    ref: str,
    asked_at: dt.datetime,
    expires_at: dt.datetime,
) -> int:
    """Write down what was asked for; returns its number."""
    values = {
        "ref": ref,
        "subscriber_id": subscriber_id,
        "kind": kind.value,
        "asked_at": asked_at,
        "expires_at": expires_at,
    }
    return int(connection.execute(requests.insert().returning(requests.c.id), values).scalar_one())


def by_ref(connection: Connection, ref: str) -> Request | None:
    """The request whose link carries *ref*; None once it was deleted."""
    row = connection.execute(sa.select(requests).where(requests.c.ref == ref)).one_or_none()
    return _request(row) if row else None


def of(connection: Connection, subscriber_id: int) -> list[Request]:
    """All requests of one subscriber, oldest first."""
    query = sa.select(requests).where(requests.c.subscriber_id == subscriber_id).order_by(requests.c.id)
    return [_request(row) for row in connection.execute(query)]


def use(connection: Connection, request_id: int, *, now: dt.datetime) -> None:
    """Its link was followed to the end."""
    connection.execute(requests.update().where(requests.c.id == request_id).values(used_at=now))


def _request(row: sa.Row[tuple[object, ...]]) -> Request:
    return Request(
        id=int(row.id),
        ref=row.ref,
        subscriber_id=int(row.subscriber_id),
        kind=RequestKind(row.kind),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
