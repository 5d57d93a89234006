"""What must be true whatever was done to us: the ledger, what the mail servers kept, and who had left, held against each other.

Every test that kills, cuts off, fills up or floods something ends with `check`. It raises `Broken` with all that is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.store import Store
from pipeline.store.consents import ConsentEvent
from pipeline.store.engine import connect
from pipeline.store.tables import consents, deliveries, issues, subscribers, workers
from tests.fakes import Accepted

GRACE = 2.0  # seconds from a claim to its MAIL FROM as a busy server reads it
PATIENCE = 60.0  # seconds that a claim's transaction may wait for a locked database, after the clock was read
SHOWN = 5  # examples of one kind of fault
OUT = (ConsentEvent.WITHDRAWN, ConsentEvent.SUPPRESSED, ConsentEvent.ERASED, ConsentEvent.DECLINED)
IN = (ConsentEvent.CONFIRMED, ConsentEvent.RETURNED)  # who left may come back


class Broken(AssertionError):
    """At least one invariant does not hold."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the check found: numbers for a report."""

    planned: int
    statuses: Mapping[str, int]
    accepted: int  # letters that servers kept
    repeated: int  # of them, beyond the first of each recipient
    unrecorded: int  # kept by a server, and not known as sent to the ledger

    def __str__(self) -> str:
        standing = ", ".join(f"{number} {status}" for status, number in sorted(self.statuses.items()))
        return f"{self.planned} planned: {standing}; {self.accepted} kept, {self.repeated} twice"


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery, with its subscriber."""

    subscriber: int
    email: str
    status: str
    finished: bool
    started_at: float | None
    next_at: float | None
    worker: int | None


def check(
    database: Store | str,
    accepted: Sequence[Accepted],
    *,
    issue: str,
    in_doubt: int = 0,
    finished: bool = True,
    held: bool = False,
    left: Mapping[str, float] | None = None,
    recomposed: bool = False,
) -> Seen:
    """Hold everything against everything for *issue*; *accepted* are all letters of it that any server has kept.

    *in_doubt* is how many letters may be uncertain: connections times kills, and the lines that broke behind a final dot. With
    *finished* the issue must be over: each row has its end, and each that was sent has a letter. *held*: uncertain rows may wait
    for a person. *left* tells when the unsubscribe of an address was acknowledged, in seconds since 1970. *recomposed*: the letter
    itself was lost and made anew, so that a repeat may have other bytes.
    """
    store = connect(database) if isinstance(database, str) else database
    try:
        faults, seen = _compare(store, accepted, issue, in_doubt, finished, held, left or {}, recomposed)
        faults += list(_damage(store))
    finally:
        if store is not database:
            store.close()
    if faults:
        raise Broken(f"{issue}: " + "; ".join(faults))
    return seen


def intact(database: Store | str) -> None:
    """The database alone: nothing in it is damaged."""
    store = connect(database) if isinstance(database, str) else database
    try:
        if faults := list(_damage(store)):
            raise Broken("; ".join(faults))
    finally:
        if store is not database:
            store.close()


def _compare(
    store: Store,
    accepted: Sequence[Accepted],
    issue: str,
    in_doubt: int,
    finished: bool,
    held: bool,
    left: Mapping[str, float],
    recomposed: bool,
) -> tuple[list[str], Seen]:
    rows = _rows(store, issue)
    kept: dict[str, list[Accepted]] = defaultdict(list)
    for letter in accepted:
        kept[letter.recipient].append(letter)
    by_email = {row.email: row for row in rows}
    faults: list[str] = []

    def fault(what: str, whom: Sequence[object]) -> None:
        if whom:
            examples = ", ".join(str(one) for one in whom[:SHOWN])
            faults.append(f"{what}: {len(whom)} ({examples}{', ...' if len(whom) > SHOWN else ''})")

    fault(
        "known as sent, and no server has the letter",
        [r.email for r in rows if r.status == "sent" and not kept[r.email]],
    )
    fault("mailed without a row in the ledger", [a for a in kept if kept[a] and a not in by_email])
    unknown = [r for r in rows if kept[r.email] and r.status != "sent"]
    fault(
        "kept by a server, and in the ledger neither sent nor open to doubt",
        [f"{r.email} {r.status}" for r in unknown if r.status in ("failed", "deferred", "planned", "quarantined")],
    )
    if len(unknown) > in_doubt:
        fault(
            f"kept by a server and not known as sent, where at most {in_doubt} may be in doubt",
            [r.email for r in unknown],
        )
    repeated = {address: letters for address, letters in kept.items() if len(letters) > 1}
    again = sum(len(letters) - 1 for letters in repeated.values())
    if again > in_doubt:
        fault(f"letters repeated ({again}), where at most {in_doubt} may be in doubt", list(repeated))
    if not recomposed:
        fault(
            "repeated with other bytes", [a for a, letters in repeated.items() if len({x.sha256 for x in letters}) > 1]
        )
    fault(
        "repeated with another Message-ID",
        [a for a, letters in repeated.items() if len({x.message_id for x in letters}) > 1],
    )
    fault("without a Message-ID", [x.recipient for x in accepted if not x.message_id])
    fault("one Message-ID for several recipients", _shared(accepted))
    fault("claimed after they had left", _mailed_after_leaving(rows, kept, left, _gone(store)))
    if finished:
        alive = _workers(store)
        waiting = [r for r in rows if not r.finished and not (held and r.status == "uncertain" and r.next_at is None)]
        fault(
            "held by a worker that is no more",
            [r.email for r in waiting if r.status == "claimed" and r.worker not in alive],
        )
        fault("not at an end", [f"{r.email} {r.status}" for r in waiting])
        fault("workers that never signed off", sorted(alive))
    statuses: dict[str, int] = defaultdict(int)
    for row in rows:
        statuses[row.status] += 1
    return faults, Seen(len(rows), dict(statuses), len(accepted), again, len(unknown))


def _mailed_after_leaving(
    rows: Sequence[Row], kept: Mapping[str, list[Accepted]], left: Mapping[str, float], gone: Mapping[int, float]
) -> list[str]:
    """Whose claim is younger than the commit of their leaving.

    The time that we measured ourselves, behind the acknowledgement, is exact; that of the ledger was read before its commit.
    """
    found = []
    for row in rows:
        letters = kept.get(row.email, [])
        if not letters:
            continue
        acknowledged = left.get(row.email)
        if acknowledged is not None:
            if row.status == "sent" and row.started_at is not None and row.started_at > acknowledged:
                found.append(f"{row.email}, claimed {row.started_at - acknowledged:.3f} s later")
            late = [letter.began - acknowledged for letter in letters if letter.began > acknowledged + GRACE]
            found += [f"{row.email}, MAIL FROM {seconds:.3f} s later" for seconds in late]
        elif (
            (at := gone.get(row.subscriber)) is not None
            and row.started_at is not None
            and row.started_at > at + PATIENCE
        ):
            found.append(f"{row.email}, claimed {row.started_at - at:.0f} s later")
    return found


def _shared(accepted: Sequence[Accepted]) -> list[str]:
    owners: dict[str, set[str]] = defaultdict(set)
    for letter in accepted:
        owners[letter.message_id].add(letter.recipient)
    return [message_id for message_id, whose in owners.items() if len(whose) > 1]


def _rows(store: Store, issue: str) -> list[Row]:
    d, s = deliveries.c, subscribers.c
    query = (
        sa.select(s.id, s.email, d.status, d.finished_at, d.started_at, d.next_at, d.worker_id)
        .join(subscribers, s.id == d.subscriber_id)
        .join(issues, issues.c.id == d.issue_id)
        .where(issues.c.key == issue)
        .order_by(d.id)
    )
    with store.reading() as connection:
        return [
            Row(
                subscriber=int(row.id),
                email=row.email or f"(erased {row.id})",
                status=row.status,
                finished=row.finished_at is not None,
                started_at=row.started_at.timestamp() if row.started_at else None,
                next_at=row.next_at.timestamp() if row.next_at else None,
                worker=row.worker_id,
            )
            for row in connection.execute(query)
        ]


def _gone(store: Store) -> dict[int, float]:
    """Who has left and not come back, by number, and when, as the log of consents tells it."""
    gone: dict[int, float] = {}
    query = sa.select(consents.c.subscriber_id, consents.c.event, consents.c.at).order_by(consents.c.id)
    with store.reading() as connection:
        for person, event, at in connection.execute(query):
            if event in OUT:
                gone.setdefault(int(person), at.timestamp())
            elif event in IN:
                gone.pop(int(person), None)
    return gone


def _workers(store: Store) -> set[int]:
    with store.reading() as connection:
        return {int(number) for number in connection.execute(sa.select(workers.c.id)).scalars()}


def _damage(store: Store) -> Iterator[str]:
    """What the database itself finds wrong with its file."""
    if not store.is_sqlite:
        return  # Postgres keeps checksums of its own, and refuses a page that does not fit
    with store.reading() as connection:
        said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        if said != ["ok"]:
            yield f"integrity_check: {'; '.join(said[:SHOWN])}"
        if orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            yield f"foreign_key_check: {len(orphans)} rows point to nothing"
