"""Orders for the workers of many machines, each written in the transaction of the rows that it is about: both come, or neither.

The table is Procrastinate's (`migrations/procrastinate.py`); `jobs/worker.py` does what is ordered here. On SQLite there is one
machine, which looks for its work by itself: nothing is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from pipeline.store.engine import Connection

# Not in `tables.metadata`: these are not ours to make.
_jobs = sa.Table(
    "procrastinate_jobs",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("queue_name", sa.String),
    sa.Column("task_name", sa.String),
    sa.Column("priority", sa.Integer),
    sa.Column("lock", sa.Text),  # of one name only one is done at a time
    sa.Column("queueing_lock", sa.Text),  # of one name only one waits
    sa.Column("args", JSONB),
    sa.Column("scheduled_at", sa.DateTime(timezone=True)),
)
_WAITS = sa.text("status = 'todo'")


@dataclass(frozen=True, slots=True)
class Order:
    """Something for whichever worker is free: a task of `jobs/worker.py`, and what it is to be done with."""

    task: str
    queue: str
    name: str  # of one name only one waits
    lock: str | None = None  # of one lock only one is done at a time
    priority: int = 0  # higher ones first
    arguments: Mapping[str, str | int] = field(default_factory=dict)


# Sign-ups to look at, and letters about one's own subscription.
NOTICES = Order("notices", queue="notices", name="notices")


def order(connection: Connection, wanted: Order, *, at: dt.datetime | None = None) -> None:
    """Have *wanted* done once *connection* has committed, not before *at*. One that waits under its name already will do.

    Such a one is held where it is until we commit: a worker that took it now would not see our rows.
    """
    if connection.dialect.name == "sqlite":
        return
    hold = (
        sa.select(_jobs.c.id)
        .where(_jobs.c.queueing_lock == wanted.name, _WAITS)
        .with_for_update(key_share=True, read=True)
    )
    add = (
        insert(_jobs)
        .values(
            queue_name=wanted.queue,
            task_name=wanted.task,
            priority=wanted.priority,
            lock=wanted.lock,
            queueing_lock=wanted.name,
            args=dict(wanted.arguments),
            scheduled_at=at,
        )
        .on_conflict_do_nothing(index_elements=[_jobs.c.queueing_lock], index_where=_WAITS)
        .returning(_jobs.c.id)
    )
    # Between the two another may have added one, and a worker have taken it: then it is over before our rows are there. Look again.
    while not connection.execute(hold).first() and not connection.execute(add).first():
        pass
