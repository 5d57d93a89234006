"""A turn of the loop that sends, in one statement of Postgres: how claims ended, what is wanted with the issue, and new claims.

On SQLite, and where a letter waits or a domain is left alone, the loop asks `workers` and `deliveries` one after the other.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline.model import Control, DeliveryStatus
from pipeline.store import workers
from pipeline.store.claims import confirmed_at
from pipeline.store.deliveries import ENDED, Claim, Verdict, claimed_by, ended_by, receives_mail, recorded_rows
from pipeline.store.engine import Connection
from pipeline.store.prepared import Prepared
from pipeline.store.tables import deliveries, subscribers


@dataclass(frozen=True, slots=True)
class Turned:
    """What `take` did: what is wanted with the issue (None: another process has given this worker up), and what was claimed."""

    control: Control | None
    claims: tuple[Claim, ...] = ()


def take(
    connection: Connection, issue_id: int, worker: int, verdicts: Sequence[Verdict], *, limit: int, now: dt.datetime
) -> Turned:
    """`workers.control`, `deliveries.record`, and a `deliveries.claim` of up to *limit* planned letters.

    The loop that sends waits for little else than for the database, and for one answer less long than for five. It passes by those
    whose subscriber has left, and knows no gate: what must not go just now is to be given back (`deliveries.release`). Where there
    is no control, nothing was recorded and nothing claimed.
    """
    ends = [ended_by(verdict, now=now) for verdict in verdicts]
    found = _TURN.rows(
        connection,
        {
            "issue": issue_id,
            "worker": worker,
            "now": now,
            "limit": limit,
            "ends": json.dumps(ends, default=_as_text),
            "ended": [verdict.id for verdict in verdicts],
        },
    )
    if not found:
        return Turned(None)
    rows = sorted(row[1:] for row in found if row[1] is not None)
    return Turned(Control(found[0][0]), tuple(Claim(*row) for row in rows))


def _as_text(moment: dt.datetime) -> str:
    return moment.isoformat()


def _turn() -> Prepared:
    """See `take`. Parts of one statement do not see what the others change: none of them needs to."""
    d, s = deliveries.c, subscribers.c
    worker, issue = sa.bindparam("worker", type_=d.worker_id.type), sa.bindparam("issue", type_=d.issue_id.type)
    now: sa.BindParameter[dt.datetime] = sa.bindparam("now", type_=d.started_at.type)
    control = workers.control_query(worker=worker, issue=issue).cte("control")
    columns = [sa.column(name, column.type) for name, column in ENDED.items()]
    ends = sa.func.json_to_recordset(sa.cast(sa.bindparam("ends", type_=sa.Text), sa.JSON))
    new = ends.table_valued(*columns, name="new").render_derived(with_types=True)
    # The numbers again, for the planner: without them it reads the whole table for the few rows of a record set.
    held = d.id == sa.any_(sa.bindparam("ended", type_=ARRAY(sa.BigInteger)))
    ended_now = (
        recorded_rows(dict(new.c.items()))
        .where(held, sa.exists(sa.select(control.c.control)))
        .returning(d.id)
        .cte("ended")
    )
    due = (
        sa.select(d.id, s.email, s.ref, confirmed_at())
        .join(subscribers, s.id == d.subscriber_id)
        .join(control, control.c.control == Control.SENDING.value)
        .where(d.issue_id == issue, d.finished_at.is_(None), d.status == DeliveryStatus.PLANNED.value)
        .where(receives_mail(now))
        .order_by(d.id)
        .limit(sa.bindparam("limit"))
        .with_for_update(skip_locked=True, key_share=True, of=[deliveries, subscribers])
        .cte("due")
    )
    taken = (
        deliveries.update()
        .where(d.id == due.c.id)
        .values(claimed_by(now, worker))
        .returning(d.id, d.letter_id, d.attempts, d.first_at, d.domain, due.c.email, due.c.ref, due.c.confirmed_at)
        .cte("taken")
    )
    return Prepared(sa.select(control.c.control, taken).outerjoin(taken, sa.true()).add_cte(ended_now))


_TURN = _turn()
