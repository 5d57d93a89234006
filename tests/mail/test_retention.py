"""What is kept has an end (P-08): each kind of row goes when its time is over, not a day before, and nobody else with it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.keys import load_keys
from pipeline.mail import lifecycle, retention
from pipeline.mail.addresses import parse_address
from pipeline.mail.retention import SPANS, keep_what_may_be_kept
from pipeline.mail.tokens import new_ref
from pipeline.model import Choice
from pipeline.store import Store, bounces, chain, consents, suppressions, tables
from pipeline.store.bounces import NewBounce
from pipeline.store.consents import ConsentEvent, Evidence, Method, Trace
from pipeline.store.retention import Kept
from pipeline.store.suppressions import Reason
from tests.builders import add_subscribers
from tests.conftest import REPOSITORY

LINK = Evidence(Method.LINK, trace=Trace(ip="192.0.2.0/24"))
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def run(store: Store, settings: Settings, now: dt.datetime, *, dry_run: bool = False) -> dict[Kept, int]:
    report = keep_what_may_be_kept(store, settings, now=now, dry_run=dry_run)
    return {kept: number for kept, number in report.numbers.items() if number}


def rows(store: Store, table: sa.Table) -> int:
    with store.reading() as c:
        return int(c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def a_life(store: Store, settings: Settings, now: dt.datetime) -> None:
    """Something of each kind, all of it of *now*; and a reader who stays."""
    keys = load_keys(settings.state_dir, "suppression")
    add_subscribers(store, "reader@example.org")
    [left] = add_subscribers(store, "left@example.org")
    with store.writing() as c:
        asked = parse_address("unconfirmed@example.org")
        lifecycle.sign_up_requested(c, asked, Choice(), LINK, asked_at=now, key=keys, now=now)
        lifecycle.unsubscribe(c, left, LINK, now=now)
        consents.add(c, 1, ConsentEvent.CHANGED, LINK, now=now)
        number = c.execute(sa.select(tables.subscribers.c.id).where(tables.subscribers.c.ref == left)).scalar_one()
        request = {"ref": new_ref(), "subscriber_id": 1, "kind": "export", "asked_at": now, "expires_at": now}
        c.execute(tables.requests.insert(), request)
        issue = {"key": "k", "cadence": "daily", "date": now.date(), "closes_at": now - HOUR, "created_at": now}
        c.execute(tables.issues.insert(), issue)
        c.execute(tables.letters.insert(), {"issue_id": 1, "selection": "0" * 64, "subject": "s", "message": b"m"})
        row = {"issue_id": 1, "letter_id": 1, "attempts": 1, "finished_at": now}
        c.execute(tables.deliveries.insert(), {**row, "subscriber_id": 1, "status": "sent"})
        c.execute(tables.deliveries.insert(), {**row, "subscriber_id": number, "status": "failed"})
        new = NewBounce(key="a" * 64, at=now, origin="file", kind="bounce", subscriber_id=1, raw=b"raw")
        bounces.add(c, new, action="noted")
        c.execute(tables.limits.insert(), {"bucket": "b", **_limit(now)})
        c.execute(tables.solved.insert(), {"challenge": "c", "expires_at": now})


def _limit(now: dt.datetime) -> dict[str, object]:
    """Whatever columns a limit has: those that are needed, filled."""
    fill = {sa.Float: 0.0, sa.Integer: 0, sa.BigInteger: 0}
    row: dict[str, object] = {"expires_at": now}
    for column in tables.limits.c:
        if column.name not in ("bucket", "expires_at") and not column.nullable and column.server_default is None:
            row[column.name] = next((v for kind, v in fill.items() if isinstance(column.type, kind)), "")
    return row


# How many days after they happened the rows of `a_life` go; the links of confirmations die after two.
GOES_AFTER = {
    Kept.LIMITS: 0,
    Kept.SOLVED: 0,
    Kept.UNCONFIRMED: 9,
    Kept.NOTICES: 30,
    Kept.REQUESTS: 30,
    Kept.RAW: 30,
    Kept.DELIVERIES: 396,
    Kept.BOUNCES: 396,
    Kept.LEFT: 1098,
    Kept.CONSENTS: 1098,
}


def test_each_kind_goes_on_its_day(store: Store, settings: Settings, now: dt.datetime) -> None:
    """P-08: a run each day before and on the day; what a dry run counts is what then goes."""
    a_life(store, settings, now)
    went: dict[Kept, int] = {}
    for day in sorted({day for kept in GOES_AFTER.values() for day in (kept, kept + 1)}):
        moment = now + day * DAY + HOUR
        foreseen = run(store, settings, moment, dry_run=True)
        gone = run(store, settings, moment)
        assert {k: n for k, n in gone.items() if k is not Kept.CONSENTS} == {
            k: n for k, n in foreseen.items() if k is not Kept.CONSENTS
        }
        went |= dict.fromkeys(gone, day)

    # With the unconfirmed go the notice and the confirmation that were theirs.
    assert went == {kept: day for kept, day in GOES_AFTER.items() if kept is not Kept.NOTICES}
    assert run(store, settings, now + 5_000 * DAY) == {}


def test_a_reader_is_kept_while_they_read(store: Store, settings: Settings, now: dt.datetime) -> None:
    """P-08: nothing tells us who opens a letter, so nobody is dropped for being silent."""
    a_life(store, settings, now)

    run(store, settings, now + 5_000 * DAY)

    with store.reading() as c:
        left = [row.email for row in c.execute(sa.select(tables.subscribers.c.email)) if row.email]
    assert left == ["reader@example.org"]


def test_of_old_deliveries_the_numbers_stay(store: Store, settings: Settings, now: dt.datetime) -> None:
    """P-08"""
    a_life(store, settings, now)

    run(store, settings, now + 400 * DAY)

    with store.reading() as c:
        kept = {row.status: row.number for row in c.execute(sa.select(tables.delivery_counts))}
    assert kept == {"sent": 1, "failed": 1}
    assert rows(store, tables.deliveries) == 0


def test_who_left_long_ago_is_forgotten_and_still_not_imported(
    store: Store, settings: Settings, now: dt.datetime
) -> None:
    """P-03, P-08: of the address a keyed hash is left, and of the consents their links in the chain."""
    a_life(store, settings, now)
    before = rows(store, tables.consents)

    run(store, settings, now + 1_100 * DAY)

    keys = load_keys(settings.state_dir, "suppression")
    with store.reading() as c:
        assert suppressions.reason(c, keys, "left@example.org") is Reason.UNSUBSCRIBED
        assert suppressions.reason(c, keys, "unconfirmed@example.org") is None
    report = chain.verify(store)
    assert (report.broken, report.rows, report.cut) == (None, before, before - 1)
    assert rows(store, tables.traces) == rows(store, tables.consents) == 1  # the reader's


def test_the_chain_goes_on_behind_what_was_cut(store: Store, settings: Settings, now: dt.datetime) -> None:
    """P-01, P-08: and the newest of all stays, so that its number is not given again."""
    a_life(store, settings, now)
    with store.writing() as c:
        number = c.execute(sa.select(sa.func.max(tables.consents.c.subscriber_id))).scalar_one()
        consents.add(c, number, ConsentEvent.ASKED, LINK, now=now)
    run(store, settings, now + 1_100 * DAY)

    with store.writing() as c:
        consents.add(c, 1, ConsentEvent.CHANGED, LINK, now=now + 1_100 * DAY)

    report = chain.verify(store)
    assert (report.broken, report.rows - report.cut) == (None, 3)


def test_many_rows_go_some_at_a_time(
    sqlite_store: Store, settings: Settings, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-08: so that nobody waits for it, and so that it may be stopped."""
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    with sqlite_store.writing() as c:
        challenges = [{"challenge": str(number), "expires_at": now} for number in range(25)]
        c.execute(tables.solved.insert(), challenges)

    assert run(sqlite_store, settings, now + DAY) == {Kept.SOLVED: 25}


def test_the_handbook_says_how_long(now: dt.datetime) -> None:
    """P-08: the table of the handbook is the table of the code."""
    page = (REPOSITORY / "content" / "pages" / "handbook" / "people.md").read_text("utf-8")
    told = dict(re.findall(r"^\| (.+?) \| (?:(\d+) days|until they expire)", page, re.MULTILINE))

    assert {what: int(days or 0) for what, days in told.items() if what in set(Kept)} == {
        kept.value: span.days for kept, span in SPANS.items()
    }
