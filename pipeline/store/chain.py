"""The chain over consents: each row carries a hash over itself and over the hash of the row before it (P-01).

Rows from before there was a chain have no hash; the chain begins behind them. A consent whose time is over leaves its hash in
`cuts`. Who can write the database and knows this file can forge the whole chain anew; who has noted its head elsewhere sees it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.store.engine import Connection, Store, insert_many
from pipeline.store.tables import chain, consents, cuts, traces, wordings

VERIFIED_AT_ONCE = 5_000  # rows
_HASHED = operator.itemgetter(
    *("event", "method", "cadence", "topics", "wording", "page", "detail", "language", "trace")
)
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first row at which the chain does not hold."""

    consent: int
    why: str

    def __str__(self) -> str:
        return f"consent {self.consent}: {self.why}; compare with a backup from before, and find out who writes to the database"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `verify` found."""

    rows: int  # looked at, those that were cut and those without a hash included
    unchained: int  # from before there was a chain
    cut: int
    head: str  # hash of the newest row: who keeps it elsewhere can show later that nothing was rewritten
    broken: BrokenLink | None = None

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def append(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Add *rows* to the chain. Its head is locked until the transaction ends: numbers and links are in the same order."""
    head = _head(connection, lock=True)
    at, text = None, ""
    for row in rows:
        if row["at"] != at:
            at, text = row["at"], _time(row["at"])
        row["previous"] = head
        head = row["hash"] = _row_hash(row, text)
    insert_many(connection, consents, rows)
    connection.execute(chain.update().values(head=head))


def _head(connection: Connection, *, lock: bool = False) -> str:
    query = sa.select(chain.c.head)
    return str(connection.execute(query.with_for_update() if lock else query).scalar_one())


def _row_hash(row: Any, at: str) -> str:
    """SHA-256 over all that a row says, in one spelling: a JSON list without spaces, the time in UTC with microseconds."""
    said = f'["{row["previous"]}","{at}",{int(row["subscriber_id"])},{_encoded(_HASHED(row))}]'
    return hashlib.sha256(said.encode()).hexdigest()


@functools.lru_cache(maxsize=1_000)
def _encoded(values: tuple[str | None, ...]) -> str:
    """What many rows of an import say alike is written once."""
    return _ENCODE(values)[1:-1]


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(_ENCODE(values).encode()).hexdigest()


def trace_hash(salt: str, ip: str | None, agent: str | None, message_id: str | None, token: str | None) -> str:
    """SHA-256 over what is known of where an event came from; says nothing without the salt."""
    return _hash([salt, ip, agent, message_id, token])


def verify(store: Store) -> ChainReport:
    """Follow the chain from its first row to the head as it is now, and name the first row at which it does not hold."""
    with store.reading() as connection:
        head = _head(connection)
    rows = unchained = cut = 0
    previous, met = "", head == ""
    words_ok: dict[str, bool] = {}
    for row in _links(store):
        rows += 1
        if row.hash is None:
            unchained += 1
            if previous:
                return ChainReport(rows, unchained, cut, head, BrokenLink(int(row.id), "it was written past the chain"))
            continue
        if row.cut:
            cut += 1
        elif why := _what_is_wrong(row, previous, words_ok):
            return ChainReport(rows, unchained, cut, head, BrokenLink(int(row.id), why))
        previous = row.hash
        met = met or previous == head
        last = int(row.id)
    if not met:
        where = last if previous else 0
        return ChainReport(rows, unchained, cut, head, BrokenLink(where, "the rows behind it are missing"))
    return ChainReport(rows, unchained, cut, head)


def _what_is_wrong(row: Any, previous: str, words_ok: dict[str, bool]) -> str:
    if row.previous != previous:
        return "the row before it is missing, or is another than it was"
    if _row_hash(row._mapping, _time(row.at)) != row.hash:
        return "it is not as it was written"
    if row.salt is not None and trace_hash(row.salt, row.ip, row.agent, row.message_id, row.token) != row.trace:
        return "where it came from is not as it was written"
    if row.wording is not None:
        if row.wording not in words_ok:
            words_ok[row.wording] = hashlib.sha256((row.words or "").encode()).hexdigest() == row.wording
        if not words_ok[row.wording]:
            return "its words are not as they were shown"
    return ""


def _links(store: Store) -> Iterator[Any]:
    """Every consent and every cut in order of their number, in short transactions."""
    after = 0
    while True:
        with store.reading() as connection:
            rows = _links_after(connection, after)
        yield from rows
        if len(rows) < VERIFIED_AT_ONCE:
            return
        after = int(rows[-1].id)


def _links_after(connection: Connection, after: int) -> list[Any]:
    query = (
        sa.select(
            consents,
            traces.c.salt,
            traces.c.ip,
            traces.c.agent,
            traces.c.message_id,
            traces.c.token,
            wordings.c.text.label("words"),
            sa.literal(value=False).label("cut"),
        )
        .outerjoin(wordings, wordings.c.hash == consents.c.wording)
        .outerjoin(traces, traces.c.consent_id == consents.c.id)
        .where(consents.c.id > after)
        .order_by(consents.c.id)
        .limit(VERIFIED_AT_ONCE)
    )
    gone = sa.select(cuts.c.consent_id.label("id"), cuts.c.hash, sa.literal(value=True).label("cut")).where(
        cuts.c.consent_id > after
    )
    found = [*connection.execute(query), *connection.execute(gone.order_by(cuts.c.consent_id).limit(VERIFIED_AT_ONCE))]
    return sorted(found, key=lambda row: int(row.id))[:VERIFIED_AT_ONCE]
