"""Which database this is, and how far it has come: what tells a restored or copied one from the one that has been sending.

One row. Its `epoch` counts up whenever mail begins to leave, `seen_at` is when somebody last looked for issues that are due. What
follows from it is decided in `mail/instance.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.store.engine import Connection, insert_once
from pipeline.store.tables import instance, issues

ONLY = 1  # the number of the one row


@dataclass(frozen=True, slots=True)
class Instance:
    """*name* is random and the database's own; *has_sent*: it holds an issue."""

    name: str
    epoch: int
    seen_at: dt.datetime | None
    has_sent: bool


def read(connection: Connection, *, fresh_name: str) -> Instance:
    """The row, written with *fresh_name* where there is none. In a writing transaction, it is locked until that ends."""
    connection.execute(insert_once(connection, instance), [{"id": ONLY, "name": fresh_name, "epoch": 0}])
    row = connection.execute(sa.select(instance).where(instance.c.id == ONLY).with_for_update()).one()
    has_sent = connection.execute(sa.select(issues.c.id).limit(1)).first() is not None
    return Instance(row.name, int(row.epoch), row.seen_at, has_sent)


def set_epoch(connection: Connection, epoch: int) -> None:
    connection.execute(instance.update().where(instance.c.id == ONLY).values(epoch=epoch))


def set_seen(connection: Connection, *, now: dt.datetime) -> None:
    """Somebody looks for issues that are due."""
    connection.execute(instance.update().where(instance.c.id == ONLY).values(seen_at=now))
