"""Deliveries: one durable row per (issue, subscriber), and where it stands.

    planned ──claim──▶ claimed ──reply──▶ sent | deferred | failed
       │                  ├─ worker died, or line broke at the end ─▶ uncertain ──claim──▶ claimed ...
       │                  ├─ nothing went over the wire ─▶ planned
       │                  └─ cannot be made ─▶ quarantined
       ├─ subscriber left ─▶ suppressed
       ├─ receiver is left alone ─▶ deferred
       └─ a person cancels ─▶ cancelled

`claim` commits before the first word to the mail server, and reads in the same transaction whether the subscriber still wants mail.
Only the worker that holds a claim can end it. `turn` does a worker's round in one statement, on Postgres.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline.model import Cadence, DeliveryStatus, Reply, State
from pipeline.store.claims import DIED, FINAL, confirmed_at, ended
from pipeline.store.engine import Connection, insert_many, row_count
from pipeline.store.prepared import Prepared
from pipeline.store.tables import deliveries, subscribers

MOST_PUT_OFF = 2_000  # in one transaction
TROUBLED = (
    DeliveryStatus.QUARANTINED,
    DeliveryStatus.UNCERTAIN,
    DeliveryStatus.FAILED,
    DeliveryStatus.DEFERRED,
)


@dataclass(frozen=True, slots=True)
class Reader:
    """What planning needs to know of one subscriber."""

    id: int
    topics: str
    confirmed_at: dt.datetime | None
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker may send now."""

    id: int
    letter_id: int
    attempts: int  # before this one
    first_at: dt.datetime | None  # of the first attempt; None: this is it
    domain: str
    email: str
    ref: str
    confirmed_at: dt.datetime  # where nobody knows when they confirmed: since when we have them


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a claim ended."""

    id: int
    status: DeliveryStatus
    reply: Reply
    next_at: dt.datetime | None = None


# --- planning ------------------------------------------------------------------------------------------------------------------


def readers(connection: Connection, cadence: Cadence, *, after: int, limit: int, now: dt.datetime) -> list[Reader]:
    """The next *limit* subscribers behind number *after* who get mail of this cadence at *now*, in order of their number."""
    s = subscribers.c
    query = (
        sa.select(s.id, s.topics, s.confirmed_at, s.email)
        .where(s.cadence == cadence.value, s.id > after, receives_mail(now))
        .order_by(s.id)
        .limit(limit)
    )
    return [
        Reader(number, topics, confirmed_at, email.rpartition("@")[2].lower())
        for number, topics, confirmed_at, email in connection.execute(query)
    ]


def had(connection: Connection, letter_ids: Sequence[int], *, first: int, last: int) -> list[tuple[int, int]]:
    """Which subscribers numbered *first* to *last* have got, or are about to get, which of these letters.

    A letter that was refused, held back, cancelled or never made was not had.
    """
    if not letter_ids:
        return []
    d = deliveries.c
    lost = [status.value for status in FINAL if status is not DeliveryStatus.SENT]
    query = sa.select(d.subscriber_id, d.letter_id).where(
        d.subscriber_id.between(first, last), d.letter_id.in_(letter_ids), d.status.not_in(lost)
    )
    return [(int(person), int(letter)) for person, letter in connection.execute(query)]


def last_planned(connection: Connection, issue_id: int) -> int:
    """The highest subscriber number that is planned for the issue, 0 for none: planning goes on behind it."""
    query = sa.select(sa.func.max(deliveries.c.subscriber_id)).where(deliveries.c.issue_id == issue_id)
    return int(connection.execute(query).scalar_one() or 0)


def plan(connection: Connection, issue_id: int, rows: Iterable[tuple[int, int, str]], *, again: bool = False) -> None:
    """Write a planned row for each (subscriber, letter, domain); *again*: one that is there already stays as it is."""
    values = [
        {
            "issue_id": issue_id,
            "subscriber_id": person,
            "letter_id": letter,
            "domain": domain,
            "status": DeliveryStatus.PLANNED.value,
            "attempts": 0,
        }
        for person, letter, domain in rows
    ]
    insert_many(connection, deliveries, values, once=again)


# --- sending -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one look for work gave: letters to send, how many were held back, and how many were put off for their domain."""

    claims: tuple[Claim, ...] = ()
    held_back: int = 0
    put_off: int = 0


# May a letter go to this domain: now, not just now, not before a time, or (None) not at all?
Gate = Callable[[str], "bool | dt.datetime | None"]


def claim(
    connection: Connection,
    issue_id: int,
    worker: int,
    *,
    limit: int,
    waited: bool = True,
    gate: Gate = lambda domain: True,
    look: int = 0,
    now: dt.datetime,
) -> Claimed:
    """Take up to *limit* deliveries that are due and that *gate* lets pass; those whose subscriber has left are held back.

    With *waited*, those whose wait is over come first, then the planned ones. Up to *look* further ones are looked at where *gate*
    does not let the first ones pass just now. From this commit on, each returned one may be on the wire.
    """
    claims: list[Claim] = []
    held_back = put_off = 0
    for statement in (_WAITED, _PLANNED) if waited else (_PLANNED,):
        after, left = 0, limit - len(claims) + look
        while len(claims) < limit and left > 0 and put_off < MOST_PUT_OFF:
            size = min(left, max(limit - len(claims), 8))
            rows = [
                _Due(*row)
                for row in statement.rows(connection, {"issue": issue_id, "now": now, "after": after, "limit": size})
            ]
            if not rows:
                break
            sorted_out = _sorted(rows, gate, room=limit - len(claims))
            held_back += _hold_back(connection, sorted_out.gone, now=now)
            put_off += _put_off(connection, sorted_out.later)
            if sorted_out.taken:
                _take(connection, [row.id for row in sorted_out.taken], worker, now=now)
                claims += [_claim(row) for row in sorted_out.taken]
            after = rows[-1].id
            left -= sorted_out.passed_over
            if len(rows) < size:
                break
    return Claimed(tuple(claims), held_back, put_off)


def ended_by(verdict: Verdict, *, now: dt.datetime) -> dict[str, Any]:
    """The columns that *verdict* changes, and the number of its row."""
    return {"row": verdict.id, **ended(verdict.status, verdict.reply, next_at=verdict.next_at, now=now)}


def record(connection: Connection, worker: int, verdicts: Sequence[Verdict], *, now: dt.datetime) -> None:
    """Write down how claims ended. What *worker* does not hold any more stays as it is."""
    if not verdicts:
        return
    rows = [ended_by(verdict, now=now) for verdict in verdicts]
    if connection.dialect.name == "sqlite":
        _RECORD.change_each(
            connection, [{"worker": worker, **{f"new_{name}": value for name, value in row.items()}} for row in rows]
        )
    else:
        _RECORD_ALL.change(
            connection, {"worker": worker, **{f"new_{name}": [row[name] for row in rows] for name in rows[0]}}
        )


def release(connection: Connection, worker: int, ids: Sequence[int]) -> None:
    """Give back claims of which nothing went over the wire."""
    if ids:
        _give_back(connection, worker, deliveries.c.id.in_(ids))


def release_all_but(connection: Connection, worker: int, ids: Sequence[int]) -> None:
    """Give back whatever *worker* holds without knowing it: the commit of its claim was answered by a lost connection."""
    _give_back(connection, worker, deliveries.c.id.not_in(ids))


def _give_back(connection: Connection, worker: int, which: sa.ColumnElement[bool]) -> None:
    d = deliveries.c
    update = (
        deliveries.update()
        .where(which, d.finished_at.is_(None), d.worker_id == worker, d.status == DeliveryStatus.CLAIMED.value)
        .values(
            status=DeliveryStatus.PLANNED.value,
            worker_id=None,
            started_at=None,
            first_at=sa.case((d.attempts == 0, sa.null()), else_=d.first_at),
        )
    )
    connection.execute(update)


# --- what a person says --------------------------------------------------------------------------------------------------------


def cancel(connection: Connection, issue_id: int, *, now: dt.datetime) -> int:
    """End every delivery of the issue that nobody is sending; returns how many."""
    d = deliveries.c
    update = (
        deliveries.update()
        .where(d.issue_id == issue_id, d.finished_at.is_(None), d.status != DeliveryStatus.CLAIMED.value)
        .values(status=DeliveryStatus.CANCELLED.value, finished_at=now, next_at=None)
    )
    return row_count(connection.execute(update))


def send_held(connection: Connection, issue_id: int, *, now: dt.datetime) -> int:
    """Make the uncertain ones that were held due now; returns how many."""
    d = deliveries.c
    held = sa.and_(d.status == DeliveryStatus.UNCERTAIN.value, d.next_at.is_(None))
    update = deliveries.update().where(d.issue_id == issue_id, d.finished_at.is_(None), held).values(next_at=now)
    return row_count(connection.execute(update))


def retry_quarantined(connection: Connection, issue_id: int) -> int:
    """Plan those anew whose letter could not be made; returns how many."""
    d = deliveries.c
    update = (
        deliveries.update()
        .where(d.issue_id == issue_id, d.status == DeliveryStatus.QUARANTINED.value)
        .values(status=DeliveryStatus.PLANNED.value, finished_at=None, first_at=None)
    )
    return row_count(connection.execute(update))


# --- looking -------------------------------------------------------------------------------------------------------------------


def any_due(connection: Connection, issue_id: int, *, now: dt.datetime) -> bool:
    """True when a letter of the issue is to be sent now, or claimed by a worker that may be dead."""
    return how_many_due(connection, issue_id, limit=1, now=now) > 0


def how_many_due(connection: Connection, issue_id: int, *, limit: int, now: dt.datetime) -> int:
    """How many letters of the issue are to be sent now, or claimed by a worker that may be dead; it counts up to *limit*."""
    d = deliveries.c
    at_once = [DeliveryStatus.PLANNED.value, DeliveryStatus.CLAIMED.value]
    due = sa.or_(d.status.in_(at_once), d.next_at <= now)
    some = sa.select(d.id).where(d.issue_id == issue_id, d.finished_at.is_(None), due).limit(limit).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def how_many_open(connection: Connection, issue_id: int) -> int:
    """How many letters of the issue are not out yet, whatever they wait for."""
    d = deliveries.c
    query = sa.select(sa.func.count()).where(d.issue_id == issue_id, d.finished_at.is_(None))
    return int(connection.execute(query).scalar_one())


def any_planned(connection: Connection, issue_id: int) -> bool:
    """True when a letter of the issue was never tried."""
    d = deliveries.c
    planned = sa.and_(d.finished_at.is_(None), d.status == DeliveryStatus.PLANNED.value)
    return connection.execute(sa.select(d.id).where(d.issue_id == issue_id, planned).limit(1)).first() is not None


def counts(connection: Connection, issue_id: int) -> dict[DeliveryStatus, int]:
    """How many deliveries of the issue stand where."""
    d = deliveries.c
    query = sa.select(d.status, sa.func.count()).where(d.issue_id == issue_id).group_by(d.status)
    return {DeliveryStatus(status): int(number) for status, number in connection.execute(query)}


def next_due(connection: Connection, issue_id: int) -> dt.datetime | None:
    """When the next deferred or uncertain delivery of the issue is due, if any waits."""
    d = deliveries.c
    query = sa.select(d.next_at).where(d.issue_id == issue_id, d.finished_at.is_(None), d.next_at.is_not(None))
    found: dt.datetime | None = connection.execute(query.order_by(d.next_at).limit(1)).scalar_one_or_none()
    return found


def held(connection: Connection, issue_id: int) -> int:
    """How many uncertain deliveries of the issue wait for a person."""
    d = deliveries.c
    waits = sa.and_(d.finished_at.is_(None), d.status == DeliveryStatus.UNCERTAIN.value, d.next_at.is_(None))
    query = sa.select(sa.func.count()).where(d.issue_id == issue_id, waits)
    return int(connection.execute(query).scalar_one())


def troubled(connection: Connection, issue_id: int, *, limit: int) -> list[tuple[str, DeliveryStatus, Reply]]:
    """The deliveries of an issue that are not simply sent or due: who, where it stands, and what the server said last.

    First of them those that are sent and may have come twice, as uncertain.
    """
    d, s = deliveries.c, subscribers.c
    # A claim whose answer nobody wrote down is no attempt, and yet its moment is remembered.
    twice = sa.and_(d.status == DeliveryStatus.SENT.value, d.attempts == 1, d.first_at != d.started_at)
    query = (
        sa.select(s.ref, d.status, d.code, d.enhanced, d.reply)
        .join(subscribers, s.id == d.subscriber_id)
        .where(d.issue_id == issue_id, sa.or_(d.status.in_([status.value for status in TROUBLED]), twice))
        .order_by(sa.case((twice, 0), else_=1), d.id)
        .limit(limit)
    )
    return [
        (row.ref, DeliveryStatus(row.status), Reply(row.code or 0, row.enhanced or "", row.reply or ""))
        if row.status != DeliveryStatus.SENT
        else (row.ref, DeliveryStatus.UNCERTAIN, Reply(0, "", f"sent again, for {DIED}"))
        for row in connection.execute(query)
    ]


def receives_mail(now: dt.datetime | sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """`Subscriber.receives_mail`, in SQL."""
    s = subscribers.c
    return sa.and_(
        s.email.is_not(None),
        sa.or_(
            s.state == State.ACTIVE.value,
            sa.and_(s.state == State.PAUSED.value, s.paused_until.is_not(None), s.paused_until <= now),
        ),
    )


class _Due(NamedTuple):
    """A row that is due, with its subscriber's address; in the order of `_due_query`."""

    id: int
    letter_id: int
    attempts: int
    first_at: dt.datetime | None
    domain: str
    email: str
    ref: str
    confirmed_at: dt.datetime
    receives: bool


@dataclass(slots=True)
class _Sorted:
    """Rows that are due, by what is to be done with each."""

    taken: list[_Due]
    gone: list[int]
    later: list[tuple[int, dt.datetime]]
    passed_over: int = 0


def _sorted(rows: Sequence[_Due], gate: Gate, *, room: int) -> _Sorted:
    found = _Sorted([], [], [])
    for row in rows:
        if not row.receives:
            found.gone.append(row.id)
        elif len(found.taken) == room:
            break
        elif (verdict := gate(row.domain)) is True:
            found.taken.append(row)
        elif verdict is False:
            found.passed_over += 1
        elif verdict is None:
            found.gone.append(row.id)
        else:
            found.later.append((row.id, verdict))
    return found


def _claim(row: _Due) -> Claim:
    return Claim(row.id, row.letter_id, row.attempts, row.first_at, row.domain, row.email, row.ref, row.confirmed_at)


def _take(connection: Connection, ids: Sequence[int], worker: int, *, now: dt.datetime) -> None:
    if connection.dialect.name == "sqlite":
        _TAKE.change_each(connection, [{"row": number, "worker": worker, "now": now} for number in ids])
    else:
        _TAKE_ALL.change(connection, {"rows": ids, "worker": worker, "now": now})


def _hold_back(connection: Connection, ids: Sequence[int], *, now: dt.datetime) -> int:
    if ids:
        update = (
            deliveries.update()
            .where(deliveries.c.id.in_(ids))
            .values(status=DeliveryStatus.SUPPRESSED.value, finished_at=now, next_at=None)
        )
        connection.execute(update)
    return len(ids)


def _put_off(connection: Connection, rows: Sequence[tuple[int, dt.datetime]]) -> int:
    """Their receiver is left alone for now: they wait, and it is not counted as a try."""
    if rows:
        connection.execute(_PUT_OFF, [{"row": row, "until": until} for row, until in rows])
    return len(rows)


# The statements of the sending loop, built once: building them costs more than running them.


def _due_query(state: sa.ColumnElement[bool]) -> Prepared:
    d, s = deliveries.c, subscribers.c
    return Prepared(
        sa.select(
            d.id,
            d.letter_id,
            d.attempts,
            d.first_at,
            d.domain,
            s.email,
            s.ref,
            confirmed_at(),
            receives_mail(sa.bindparam("now")).label("receives"),
        )
        .join(subscribers, s.id == d.subscriber_id)
        .where(d.issue_id == sa.bindparam("issue"), d.id > sa.bindparam("after"), d.finished_at.is_(None), state)
        .order_by(d.id)
        .limit(sa.bindparam("limit"))
        # The reader too: who is leaving just now is passed by, and who leaves later waits for our commit (M-17). SQLite has one
        # writer, and no such clause.
        .with_for_update(skip_locked=True, key_share=True, of=[deliveries, subscribers])
    )


_PLANNED = _due_query(deliveries.c.status == DeliveryStatus.PLANNED.value)
_WAITED = _due_query(
    sa.and_(
        sa.or_(
            deliveries.c.status == DeliveryStatus.DEFERRED.value, deliveries.c.status == DeliveryStatus.UNCERTAIN.value
        ),
        deliveries.c.next_at <= sa.bindparam("now"),
    )
)
# SQLite takes one row after the other quicker than any list of them; Postgres wants to be asked once for all.


def _taken(which: sa.ColumnElement[bool]) -> Prepared:
    now: sa.BindParameter[dt.datetime] = sa.bindparam("now", type_=deliveries.c.started_at.type)
    return Prepared(deliveries.update().where(which).values(claimed_by(now, sa.bindparam("worker"))))


def claimed_by(now: sa.BindParameter[dt.datetime], worker: sa.BindParameter[int]) -> dict[str, Any]:
    """The columns of a delivery that a worker takes."""
    return {
        "status": DeliveryStatus.CLAIMED.value,
        "worker_id": worker,
        "started_at": now,
        "first_at": sa.func.coalesce(deliveries.c.first_at, now),
    }


def _recorded(row: Mapping[str, sa.ColumnElement[Any]]) -> Prepared:
    return Prepared(recorded_rows(row))


def recorded_rows(row: Mapping[str, sa.ColumnElement[Any]]) -> sa.Update:
    """Of the rows that *row* gives, each with its new columns, those that the worker still holds."""
    d = deliveries.c
    new = {name: column for name, column in row.items() if name != "row"}
    held = sa.and_(d.worker_id == sa.bindparam("worker"), d.status == DeliveryStatus.CLAIMED.value)
    return deliveries.update().where(d.id == row["row"], held).values(attempts=d.attempts + 1, **new)


ENDED = {  # the columns of `ended_by`
    "row": deliveries.c.id,
    **{name: deliveries.c[name] for name in ("status", "next_at", "finished_at", "code", "enhanced", "reply")},
}


def _array(name: str, kind: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(kind))


def _unnested() -> Mapping[str, sa.ColumnElement[Any]]:
    """The columns of `ENDED`, from an array each."""
    kinds = {name: column.type for name, column in ENDED.items()}
    arrays = [_array(f"new_{name}", kind) for name, kind in kinds.items()]
    columns = [sa.column(name, kind) for name, kind in kinds.items()]
    table = sa.func.unnest(*arrays).table_valued(*columns, name="new").render_derived()
    return dict(table.c.items())


_TAKE = _taken(deliveries.c.id == sa.bindparam("row"))
_TAKE_ALL = _taken(deliveries.c.id == sa.any_(_array("rows", sa.BigInteger)))
_RECORD = _recorded({name: sa.bindparam(f"new_{name}", type_=column.type) for name, column in ENDED.items()})
_RECORD_ALL = _recorded(_unnested())


_PUT_OFF = (
    deliveries.update()
    .where(deliveries.c.id == sa.bindparam("row"))
    .values(status=DeliveryStatus.DEFERRED.value, next_at=sa.bindparam("until"))
)
