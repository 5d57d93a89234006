"""Suppressions: addresses never to be written to again, kept as keyed hashes so that they outlive an erasure."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa

from pipeline.store import departures
from pipeline.store.engine import Connection, insert_once, row_count
from pipeline.store.tables import suppressions


class Reason(StrEnum):
    """Why nothing is sent there."""

    BOUNCE = "bounce"  # no such mailbox
    COMPLAINT = "complaint"  # its owner called our mail spam
    ERASED = "erased"  # its owner had everything deleted
    NOT_ME = "not-me"  # its owner never asked
    UNSUBSCRIBED = "unsubscribed"  # brought along from an earlier system
    IMPORTED = "imported"  # brought along from an earlier system's suppression list

    @property
    def is_final(self) -> bool:
        """True where not even a fresh sign-up sends a confirmation: somebody else keeps typing the address in."""
        return self in (Reason.BOUNCE, Reason.NOT_ME)


def hash_of(key: bytes, email_key: str) -> str:
    """HMAC-SHA-256 of a canonical address under the instance's suppression key (P-06)."""
    return hmac.digest(key, email_key.encode(), "sha256").hex()


def reason(connection: Connection, hashed: str) -> Reason | None:
    """Why this address is suppressed; None when it is not."""
    return reasons(connection, [hashed]).get(hashed)


def reasons(connection: Connection, hashes: Sequence[str]) -> dict[str, Reason]:
    """Which of these hashes are suppressed, and why."""
    s = suppressions.c
    query = sa.select(s.hash, s.reason).where(s.hash.in_(hashes))
    return {row.hash: Reason(row.reason) for row in connection.execute(query)}


def add(connection: Connection, hashed: str, why: Reason, *, now: dt.datetime) -> None:
    """Suppress an address. A final reason replaces one that is not, never the other way round."""
    connection.execute(insert_once(connection, suppressions), {"hash": hashed, "reason": why.value, "at": now})
    if why.is_final:
        s = suppressions.c
        final = [r.value for r in Reason if r.is_final]
        update = suppressions.update().where(s.hash == hashed, s.reason.not_in(final))
        connection.execute(update.values(reason=why.value, at=now))
    stands = reason(connection, hashed) or why
    departures.note_hash(connection, hashed, stands.value, key=None, at=now)


def remove(connection: Connection, hashed: str, *, now: dt.datetime) -> None:
    """Lift a suppression, if there is one: its owner signed up anew and confirmed."""
    if row_count(connection.execute(suppressions.delete().where(suppressions.c.hash == hashed))):
        departures.note_hash(connection, hashed, None, key=None, at=now)


def counts(connection: Connection) -> dict[Reason, int]:
    """How many addresses are suppressed for which reason."""
    query = sa.select(suppressions.c.reason, sa.func.count()).group_by(suppressions.c.reason)
    return {Reason(why): int(number) for why, number in connection.execute(query)}
