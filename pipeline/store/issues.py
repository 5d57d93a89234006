"""Issues and their letters: what was gathered, in the words in which it was composed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.model import Cadence, Control, Issue
from pipeline.store.engine import Connection, insert_once
from pipeline.store.tables import deliveries, issues, letter_articles, letters

PLANNING = 0x09E75168  # Postgres advisory lock of our own


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """An issue in the database; *planned_at* is None while its deliveries are still being written."""

    id: int
    issue: Issue
    created_at: dt.datetime
    planned_at: dt.datetime | None
    control: Control = Control.SENDING


def find(connection: Connection, key: str) -> StoredIssue | None:
    row = connection.execute(sa.select(issues).where(issues.c.key == key)).one_or_none()
    return _stored(row) if row else None


def by_id(connection: Connection, number: int) -> StoredIssue | None:
    row = connection.execute(sa.select(issues).where(issues.c.id == number)).one_or_none()
    return _stored(row) if row else None


def create(connection: Connection, issue: Issue, *, now: dt.datetime) -> StoredIssue:
    """Write *issue* down, or return the one that has its key already."""
    row = {
        "key": issue.key,
        "cadence": issue.cadence.value,
        "date": issue.date,
        "closes_at": issue.closes_at,
        "slug": issue.slug,
        "created_at": now,
    }
    connection.execute(insert_once(connection, issues), [row])
    stored = find(connection, issue.key)
    assert stored is not None
    return stored


def lock_planning(connection: Connection) -> None:
    """Let nobody else plan an issue before this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANNING)))


def mark_planned(connection: Connection, issue_id: int, *, now: dt.datetime) -> None:
    connection.execute(issues.update().where(issues.c.id == issue_id).values(planned_at=now))


def set_control(connection: Connection, issue_id: int, control: Control) -> None:
    """Say what is to happen with the issue from here on; whoever sends it reads this before each claim."""
    connection.execute(issues.update().where(issues.c.id == issue_id).values(control=control.value))


def stopped(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Which of *keys* are issues that a person has paused or cancelled."""
    i = issues.c
    query = sa.select(i.key).where(i.key.in_(keys), i.control != Control.SENDING.value)
    return set(connection.execute(query).scalars())


def unfinished(connection: Connection, *, since: dt.datetime) -> list[StoredIssue]:
    """Issues closed at *since* or later that are not wholly planned or have letters still to be sent, oldest first."""
    is_open = sa.exists().where(deliveries.c.issue_id == issues.c.id, deliveries.c.finished_at.is_(None))
    query = (
        sa.select(issues)
        .where(issues.c.closes_at >= since, sa.or_(issues.c.planned_at.is_(None), is_open))
        .order_by(issues.c.closes_at, issues.c.id)
    )
    return [_stored(row) for row in connection.execute(query)]


def add_letter(
    connection: Connection, issue_id: int, *, selection: str, subject: str, message: bytes, slugs: Sequence[str]
) -> int:
    """Keep the letter for one selection of articles; the first one kept stays. Returns its number."""
    row = {"issue_id": issue_id, "selection": selection, "subject": subject, "message": message}
    connection.execute(insert_once(connection, letters), [row])
    query = sa.select(letters.c.id).where(letters.c.issue_id == issue_id, letters.c.selection == selection)
    letter_id = int(connection.execute(query).scalar_one())
    rows = [{"letter_id": letter_id, "slug": slug} for slug in slugs]
    connection.execute(insert_once(connection, letter_articles), rows)
    return letter_id


def letter_message(connection: Connection, letter_id: int) -> bytes:
    return bytes(connection.execute(sa.select(letters.c.message).where(letters.c.id == letter_id)).scalar_one())


def letters_with(connection: Connection, slugs: Iterable[str]) -> Mapping[int, frozenset[str]]:
    """Every letter that carries one of *slugs*, with those it carries."""
    found: dict[int, set[str]] = {}
    query = sa.select(letter_articles).where(letter_articles.c.slug.in_(list(slugs)))
    for letter_id, slug in connection.execute(query):
        found.setdefault(int(letter_id), set()).add(slug)
    return {letter_id: frozenset(carried) for letter_id, carried in found.items()}


def has_issue(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Which of *keys* are issues already."""
    return set(connection.execute(sa.select(issues.c.key).where(issues.c.key.in_(keys))).scalars())


def closed_before(connection: Connection, issue: Issue) -> dt.datetime | None:
    """When the last issue of the same cadence closed before *issue*; None where there was none."""
    i = issues.c
    query = sa.select(sa.func.max(i.closes_at)).where(
        i.cadence == issue.cadence.value, i.key != issue.key, i.closes_at < issue.closes_at, i.planned_at.is_not(None)
    )
    found: dt.datetime | None = connection.execute(query).scalar_one_or_none()
    return found


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredIssue:
    issue = Issue(key=row.key, cadence=Cadence(row.cadence), date=row.date, closes_at=row.closes_at, slug=row.slug)
    return StoredIssue(int(row.id), issue, row.created_at, row.planned_at, Control(row.control))
