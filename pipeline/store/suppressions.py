"""Suppressions: addresses never to be written to again, kept as keyed hashes so that they outlive an erasure.

The keys are a ring (P-06): the newest hashes, every live one is looked under, and what is met under an older one is hashed anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pipeline.keys import Keys, key_id, live, mac, newest
from pipeline.store import departures
from pipeline.store.engine import Connection, insert_once, one_of
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
    """HMAC-SHA-256 of a canonical address under a suppression key of the instance (P-06)."""
    return mac(key, b"").digest(email_key.encode()).hex()


def reason(connection: Connection, keys: Keys, email_key: str) -> Reason | None:
    """Why this canonical address is suppressed; None when it is not. Looks under every live key."""
    return reasons(connection, keys, [email_key]).get(email_key)


def reasons(connection: Connection, keys: Keys, email_keys: Sequence[str]) -> dict[str, Reason]:
    """Which of these canonical addresses are suppressed, and why. A final reason goes first, where several keys know one."""
    known: dict[str, Reason] = {}
    s = suppressions.c
    for key in live(keys):
        hashes = {hash_of(key, email_key): email_key for email_key in email_keys}
        query = sa.select(s.hash, s.reason).where(one_of(connection, s.hash, list(hashes)))
        for row in connection.execute(query):
            email_key, why = hashes[row.hash], Reason(row.reason)
            if email_key not in known or why.is_final:
                known[email_key] = why
    return known


def renew(connection: Connection, keys: Keys, email_key: str) -> Reason | None:
    """`reason`; and what is kept under an older key only is kept under the newest from now on."""
    found = _rows(connection, keys, email_key)
    if not found:
        return None
    first = max(found, key=lambda row: Reason(row.reason).is_final)
    if [row.hash for row in found] != [hash_of(newest(keys), email_key)]:
        _delete(connection, found, now=first.at)
        _insert(connection, keys, email_key, Reason(first.reason), now=first.at)
    return Reason(first.reason)


def add(connection: Connection, keys: Keys, email_key: str, why: Reason, *, now: dt.datetime) -> None:
    """Suppress a canonical address. A final reason replaces one that is not, never the other way round."""
    before = renew(connection, keys, email_key)
    if before is None:
        _insert(connection, keys, email_key, why, now=now)
    elif why.is_final and not before.is_final:
        _delete(connection, _rows(connection, keys, email_key), now=now)
        _insert(connection, keys, email_key, why, now=now)


def add_hash(connection: Connection, hashed: str, key: str | None, why: Reason, *, now: dt.datetime) -> bool:
    """Suppress an address of which only the hash is known, and the id of its key; False when it was before."""
    query = sa.select(suppressions.c.hash).where(suppressions.c.hash == hashed)
    if connection.execute(query).first() is not None:
        return False
    values = {"hash": hashed, "reason": why.value, "at": now, "key": key}
    connection.execute(insert_once(connection, suppressions), values)
    departures.note_hash(connection, hashed, why.value, key=key, at=now)
    return True


def remove(connection: Connection, keys: Keys, email_key: str, *, now: dt.datetime) -> None:
    """Lift a suppression, if there is one: its owner signed up anew and confirmed."""
    _delete(connection, _rows(connection, keys, email_key), now=now)


def counts(connection: Connection) -> dict[Reason, int]:
    """How many addresses are suppressed for which reason."""
    query = sa.select(suppressions.c.reason, sa.func.count()).group_by(suppressions.c.reason)
    return {Reason(why): int(number) for why, number in connection.execute(query)}


def _rows(connection: Connection, keys: Keys, email_key: str) -> Sequence[sa.Row[Any]]:
    s = suppressions.c
    hashes = [hash_of(key, email_key) for key in live(keys)]
    return connection.execute(sa.select(suppressions).where(s.hash.in_(hashes)).order_by(s.hash)).all()


def _insert(connection: Connection, keys: Keys, email_key: str, why: Reason, *, now: dt.datetime) -> None:
    key = newest(keys)
    add_hash(connection, hash_of(key, email_key), key_id(key), why, now=now)


def _delete(connection: Connection, rows: Sequence[sa.Row[Any]], *, now: dt.datetime) -> None:
    for row in rows:
        connection.execute(suppressions.delete().where(suppressions.c.hash == row.hash))
        departures.note_hash(connection, row.hash, None, key=row.key, at=now)
