"""What the operator does with subscribers: import, export, show, erase, stats."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import AddressError, ContentError, StoreBusy, UsageError
from pipeline.keys import load_keys, rotate
from pipeline.library.topics import read_topics
from pipeline.mail import lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.lifecycle import Outcome
from pipeline.mail.people import ImportReport, export, import_csv, stats
from pipeline.mail.person import erase, show
from pipeline.model import Cadence, Choice, State, Subscriber
from pipeline.store import Store, chain, notices, signups, subscribers, suppressions, tables
from pipeline.store.consents import ConsentEvent, Evidence, Method
from pipeline.store.notices import NoticeKind
from pipeline.store.suppressions import Reason
from tests.builders import add_subscribers

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def bring(store: Store, settings: Settings, now: dt.datetime, tmp_path: Path):  # type: ignore[no-untyped-def]
    return bringer(store, settings, now, tmp_path)


@pytest.fixture
def bring_to_sqlite(sqlite_store: Store, settings: Settings, now: dt.datetime, tmp_path: Path):  # type: ignore[no-untyped-def]
    return bringer(sqlite_store, settings, now, tmp_path)


def bringer(store: Store, settings: Settings, now: dt.datetime, tmp_path: Path):  # type: ignore[no-untyped-def]
    def bring(content: str | bytes, *, confirmed: bool = True) -> ImportReport:
        file = tmp_path / "readers.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_csv(
            store, settings, file, source="the old list", basis="double opt-in", confirmed=confirmed, now=now
        )

    return bring


def everyone(store: Store) -> dict[str, Subscriber]:
    return {person.email: person for person in subscribers.everyone(store)}


# --- import ----------------------------------------------------------------------------------------------------------


def test_confirmed_people_are_brought_along_with_their_proof(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, now: dt.datetime
) -> None:
    report = bring(
        "email,cadence,topics,confirmed_at\n"
        'a@example.org,weekly,"money,power",2024-05-06\n'
        "b@example.org,,,2024-05-06T07:08:09+02:00\n"
    )

    people = everyone(store)
    assert (report.imported, report.state, report.skipped, report.rows) == (2, State.ACTIVE, {}, ())
    assert people["a@example.org"].choice == Choice(Cadence.WEEKLY, frozenset({"money", "power"}))
    assert people["a@example.org"].confirmed_at == dt.datetime(2024, 5, 6, tzinfo=dt.UTC)
    assert people["b@example.org"].choice == Choice()
    assert people["b@example.org"].confirmed_at == dt.datetime(2024, 5, 6, 5, 8, 9, tzinfo=dt.UTC)
    assert all(person.receives_mail(now) for person in people.values())
    (consent,) = show(store, settings, "a@example.org").consents
    assert (consent.event, consent.method, consent.at) == (ConsentEvent.IMPORTED, Method.IMPORT, now)
    assert consent.detail == "source: the old list; basis: double opt-in; confirmed: 2024-05-06T00:00:00+00:00"


def test_people_who_have_not_confirmed_wait_and_get_no_mail(  # type: ignore[no-untyped-def]
    bring, store: Store, now: dt.datetime
) -> None:
    report = bring("email\na@example.org\n", confirmed=False)

    (person,) = everyone(store).values()
    assert (person.state, person.confirmed_at) == (State.PENDING, None)
    assert "pending and get no mail" in report.notes[0]
    with store.reading() as c:
        assert c.execute(sa.select(tables.notices)).all() == []


@pytest.mark.parametrize(
    "content",
    [
        b"email,cadence,topics\na@example.org,weekly,power\n",
        b"\xef\xbb\xbfemail,cadence,topics\r\na@example.org,weekly,power\r\n",
        b"Topics;E-Mail2;EMAIL;Cadence\npower;x;a@example.org;weekly",
        b"email\tcadence\ttopics\na@example.org\tweekly\tpower\n",
        b'"email","cadence","topics"\n"a@example.org","weekly","power"\n',
        b"\n\nemail, cadence, topics\n a@example.org , Weekly , POWER \n\n,,\n",
        "email,cadence,topics\na@example.org,weekly,power\n".encode("utf-16"),
        b'email,cadence,topics,"a note"\na@example.org,weekly,power,"two\nlines, and ""quotes"""\n',
        b"email,cadence,topics\ra@example.org,weekly,power\r",
    ],
)
def test_files_are_read_as_people_export_them(  # type: ignore[no-untyped-def]
    bring_to_sqlite, sqlite_store: Store, content: bytes
) -> None:
    report = bring_to_sqlite(content)

    (person,) = everyone(sqlite_store).values()
    assert report.imported == 1
    assert (person.email, person.choice) == ("a@example.org", Choice(Cadence.WEEKLY, frozenset({"power"})))


def test_broken_rows_cost_themselves_only(bring_to_sqlite, sqlite_store: Store) -> None:  # type: ignore[no-untyped-def]
    report = bring_to_sqlite(
        b"email,cadence,topics,confirmed_at\n"
        b"a@example.org,daily,,\n"
        b'"never@closed.test,daily,,\n'  # line 3
        b"not an address,daily,,\n"
        b"b@example.org,hourly,,\n"
        b"c@example.org,daily,sports,\n"
        b"d@example.org,daily,,yesterday\n"
        b"e@example.org,daily,,2031-01-01\n"
        b"f@example.org,daily,,0001-01-01T00:00:00+09:00\n"
        b"g@example.org,daily,,,,surplus\n"
        b"\xff\xfe@example.org,daily,,\n"
        b"h@b.c\0,daily,,\n"
        b',"daily",,\n'
        b"z@example.org\n"  # line 14
    )

    assert set(everyone(sqlite_store)) == {"a@example.org", "z@example.org"}
    assert report.imported == 2
    assert report.skipped == {"cannot be read": 11}
    assert [line for line, _ in report.rows] == list(range(3, 14))
    why = dict(report.rows)
    assert "never closed" in why[3]
    assert "choose daily, weekly or each" in why[5]
    assert 'no topic "sports"' in why[6]
    assert "2026-11-23" in why[7]
    assert "6 fields" in why[10]


def test_a_report_names_lines_and_never_an_address(bring_to_sqlite) -> None:  # type: ignore[no-untyped-def]
    report = bring_to_sqlite(
        "email,cadence,topics,confirmed_at\nx,secret@example.org,,\nx@y.test,,secret@example.org,\n"
        "x@y.test,,,secret@example.org\nsecret@example.org,daily,,\nSECRET@example.org,daily,,\n"
    )

    said = json.dumps(report.as_dict()) + "\n".join(report.lines())
    assert "secret" not in said.lower()
    assert report.imported == 1


def test_nobody_known_is_changed_and_nobody_gone_is_revived(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, now: dt.datetime
) -> None:
    key = load_keys(settings.state_dir, "suppression").newest
    bring("email\n" + "".join(f"{name}@example.org\n" for name in ("active", "left", "complained", "erased")))
    people = everyone(store)
    with store.writing() as c:
        lifecycle.unsubscribe(c, people["left@example.org"].ref, Evidence(Method.LINK), now=now)
        lifecycle.suppress(
            c, people["complained@example.org"].ref, Reason.COMPLAINT, Evidence(Method.BOUNCE), key=key, now=now
        )
    assert erase(store, settings, "erased@example.org", now=now)
    before = everyone(store)

    report = bring(
        "email,cadence\nACTIVE@example.org,weekly\nLeft@example.org,daily\ncomplained@example.org,daily\n"
        "Erased@Example.ORG,daily\nnew@example.org,daily\nNew@example.org,weekly\n"
    )

    after = everyone(store)
    assert after.pop("new@example.org").choice == Choice()
    assert after == before
    assert report.imported == 1
    assert report.skipped == {
        "here already": 1,
        "unsubscribed": 1,
        "suppressed": 1,
        "erased": 1,
        "twice in the file": 1,
    }
    assert report.rows == (
        (2, "here already"),
        (3, "unsubscribed"),
        (4, "suppressed"),
        (5, "erased"),
        (7, "twice in the file"),
    )


def test_a_repetition_is_seen_across_batches(bring_to_sqlite) -> None:  # type: ignore[no-untyped-def]
    names = [f"reader{n}@example.org" for n in range(1_500)]

    report = bring_to_sqlite("email\n" + "\n".join([*names, *names[:3]]) + "\n")

    assert (report.imported, report.skipped) == (1_500, {"twice in the file": 3})


@pytest.mark.parametrize(("source", "basis"), [("", "consent"), ("list", "  ")])
def test_an_import_without_source_or_basis_is_refused(
    sqlite_store: Store, settings: Settings, now: dt.datetime, tmp_path: Path, source: str, basis: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("email\na@example.org\n")

    with pytest.raises(UsageError, match="--source"):
        import_csv(sqlite_store, settings, file, source=source, basis=basis, confirmed=True, now=now)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", 'no column "email"'),
        (b"name,mail\na,b\n", 'readers.csv:1: no column "email"'),
        (b"\n\nname\n", "readers.csv:3"),
        (b"email,Email\na,b\n", "twice"),
        (b"\xff\xfeabc", "cannot be read"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(  # type: ignore[no-untyped-def]
    bring_to_sqlite, content: bytes, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        bring_to_sqlite(content)


def test_a_file_that_is_not_there_is_refused(
    sqlite_store: Store, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: cannot be read"):
        import_csv(sqlite_store, settings, tmp_path / "none.csv", source="a", basis="b", confirmed=True, now=now)


def test_an_unknown_column_is_reported(bring_to_sqlite) -> None:  # type: ignore[no-untyped-def]
    report = bring_to_sqlite("email,name,phone\na@example.org,A,1\n")

    assert report.notes[:1] == ("nothing was taken from the columns name, phone",)


def test_a_killed_import_is_finished_by_the_next(
    settings: Settings, sqlite_store: Store, sqlite_url: str, now: dt.datetime, tmp_path: Path
) -> None:
    file = tmp_path / "many.csv"
    file.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(15_000)))
    code = (
        "import datetime as dt, pathlib, sys; from pipeline.config import Settings; from pipeline.store import open_store;"
        "from pipeline.mail.people import import_csv; s = Settings.load(sys.argv[1], database_url=sys.argv[2]);"
        "import_csv(open_store(s), s, pathlib.Path(sys.argv[3]), source='a', basis='b', confirmed=True,"
        "           now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(settings.root), sqlite_url, str(file)])
    while process.poll() is None and not stats(sqlite_store, now=now).states["active"]:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    had = stats(sqlite_store, now=now).states["active"]

    report = import_csv(sqlite_store, settings, file, source="a", basis="b", confirmed=True, now=now)

    assert had % 1_000 == 0
    assert 0 < had < 15_000
    assert report.imported == 15_000 - had
    assert stats(sqlite_store, now=now).states["active"] == 15_000
    with sqlite_store.reading() as c:
        assert c.execute(sa.select(sa.func.count()).select_from(tables.consents)).scalar_one() == 15_000


def test_topics_that_cannot_be_read_stop_an_import_before_it_begins(  # type: ignore[no-untyped-def]
    bring_to_sqlite, settings: Settings
) -> None:
    (settings.content / "topics.yml").write_text("- id: money\n  name: [\n")

    with pytest.raises(ContentError, match=r"content/topics\.yml:\d+:\d+"):
        bring_to_sqlite("email\na@example.org\n")
    (settings.content / "topics.yml").unlink()
    assert read_topics(settings.content) == {}


# --- export ----------------------------------------------------------------------------------------------------------


def test_what_is_exported_can_be_imported_elsewhere(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, tmp_path: Path, sqlite_template: Path, now: dt.datetime
) -> None:
    from pipeline.store.engine import connect

    bring(
        "email,cadence,topics,confirmed_at\na@example.org,weekly,power money,2024-01-02\nb+c@x.test,each,,2025-01-02\n"
    )
    out = io.StringIO()

    assert export(store, out) == 2
    (tmp_path / "other.db").write_bytes(sqlite_template.read_bytes())
    other = connect(f"sqlite:///{tmp_path / 'other.db'}")
    bringer(other, settings, now, tmp_path)(out.getvalue())

    told = [(p.email, p.state, p.choice, p.confirmed_at) for p in everyone(store).values()]
    assert [(p.email, p.state, p.choice, p.confirmed_at) for p in everyone(other).values()] == told
    other.close()


def test_the_export_for_machines_is_one_list(  # type: ignore[no-untyped-def]
    bring_to_sqlite, sqlite_store: Store, settings: Settings, now: dt.datetime
) -> None:
    empty = io.StringIO()
    export(sqlite_store, empty, as_json=True)
    bring_to_sqlite("email,topics\na@example.org,power\nb@example.org,\n")
    erase(sqlite_store, settings, "b@example.org", now=now)
    out = io.StringIO()

    count = export(sqlite_store, out, as_json=True)

    assert json.loads(empty.getvalue()) == []
    assert count == 1
    assert json.loads(out.getvalue()) == [
        {
            "email": "a@example.org",
            "cadence": "daily",
            "topics": ["power"],
            "confirmed_at": now.isoformat(),
            "state": "active",
            "paused_until": None,
            "created_at": now.isoformat(),
        }
    ]


# --- one person ------------------------------------------------------------------------------------------------------


def test_a_person_is_shown_with_everything_we_keep(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, now: dt.datetime
) -> None:
    bring("email,cadence\na@example.org,weekly\n")
    person = everyone(store)["a@example.org"]
    deliver(store, person, reply="250 ok for a@example.org", now=now)

    record = show(store, settings, " A@example.org")

    told = record.as_dict()
    assert told["state"] == "active"
    assert [consent["event"] for consent in told["consents"]] == ["imported"]
    assert told["deliveries"][0]["issue"] == "weekly-2026-W47"
    assert json.loads(json.dumps(told)) == told
    assert any("weekly-2026-W47  sent  250" in line for line in record.lines())


def test_a_stranger_is_shown_as_such(sqlite_store: Store, settings: Settings) -> None:
    record = show(sqlite_store, settings, "nobody@example.org")

    assert record.as_dict()["known"] is False
    assert list(record.lines()) == ["no subscriber has this address"]
    with pytest.raises(AddressError):
        show(sqlite_store, settings, "nobody")


def test_an_erased_person_leaves_nothing_but_a_hash(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, now: dt.datetime
) -> None:
    bring("email,topics\nperson@example.org,power\nother@example.org,\n")
    person = everyone(store)["person@example.org"]
    deliver(store, person, reply="550 <person@example.org> unknown", now=now)

    erased = erase(store, settings, "PERSON@example.org", now=now)
    again = erase(store, settings, "person@example.org", now=now)

    record = show(store, settings, "person@example.org")
    assert (erased, again) == (True, False)
    assert (record.known, record.suppressed) == (False, Reason.ERASED)
    assert set(everyone(store)) == {"other@example.org"}
    assert "person" not in dump(store)
    with store.writing() as c:
        assert lifecycle.unsubscribe(c, person.ref, Evidence(Method.LINK), now=now).outcome is Outcome.ALREADY


def test_erasing_a_stranger_keeps_the_address_out(bring, store: Store, settings: Settings, now: dt.datetime) -> None:  # type: ignore[no-untyped-def]
    assert not erase(store, settings, "stranger@example.org", now=now)

    assert bring("email\nstranger@example.org\n").skipped == {"erased": 1}


def test_a_sign_up_that_waits_is_erased_too(sqlite_store: Store, settings: Settings, now: dt.datetime) -> None:
    with sqlite_store.writing() as c:
        for email in ("Waits@example.org", "stays@example.org"):
            signups.add(c, email, Choice(), Evidence(Method.API), now=now)

    assert erase(sqlite_store, settings, "waits@example.org", now=now)

    with sqlite_store.reading() as c:
        assert [row.email for row in signups.waiting_for(c, "x@example.org")] == ["stays@example.org"]


def test_an_erasure_that_a_reader_holds_up_says_so_and_is_finished_by_the_next(
    sqlite_store: Store, sqlite_url: str, settings: Settings, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite cannot empty its write-ahead log while another program reads a state that is older."""
    add_subscribers(sqlite_store, "held-back-by-a-reader@example.org")
    sqlite_store.engine.dispose()
    monkeypatch.setattr("pipeline.store.engine.BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr("pipeline.store.subscribers.JOURNAL_PATIENCE", 0.2)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    journal = file.with_name(f"{file.name}-wal")
    add_subscribers(sqlite_store, "in-the-journal@example.org")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM subscribers").fetchone()

    with pytest.raises(StoreBusy, match=r"is erased, but .* journal .* still holds it.* run this again"):
        erase(sqlite_store, settings, "in-the-journal@example.org", now=now)
    left = journal.read_bytes()
    other.close()
    again = erase(sqlite_store, settings, "in-the-journal@example.org", now=now)

    assert b"in-the-journal" in left
    assert not again
    assert b"in-the-journal" not in journal.read_bytes() + file.read_bytes()
    with sqlite_store.reading() as c:
        assert subscribers.find(c, "in-the-journal@example.org") is None


def test_no_byte_of_an_erased_address_is_left_in_the_files(
    sqlite_store: Store, sqlite_url: str, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    bring = bringer(sqlite_store, settings, now, tmp_path)
    rng = random.Random(7)
    names = [f"reader-{rng.randrange(10**12):012d}-{'x' * rng.randrange(40)}" for _ in range(3_000)]
    bring("email\n" + "".join(f"{name}@example.org\n" for name in names))
    gone = rng.sample(names, 25)
    for name in gone:
        with sqlite_store.writing() as c:
            person = subscribers.find(c, parse_address(f"{name}@example.org").key)
            assert person is not None
            notices.add(c, kind=NoticeKind.KNOWN, subscriber_id=person.id, now=now)
        deliver(sqlite_store, person, reply=f"550 5.1.1 <{name}@example.org> unknown", now=now)

    for name in gone:
        erase(sqlite_store, settings, f"{name}@example.org", now=now)

    (tmp_path / "readers.csv").unlink()
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.name.startswith(database.name))
    kept = next(name for name in names if name not in gone)
    assert kept.encode() in stored
    for name in gone:
        for form in (name.encode(), base64.b64encode(name.encode())[:-4], name.encode().hex().encode()):
            assert form not in stored


# --- all of them -----------------------------------------------------------------------------------------------------


def test_the_counts_are_of_people_not_of_rows(  # type: ignore[no-untyped-def]
    bring, store: Store, settings: Settings, now: dt.datetime
) -> None:
    key = load_keys(settings.state_dir, "suppression").newest
    bring("email,cadence,topics\na@x.test,daily,\nb@x.test,weekly,money power\nc@x.test,weekly,power\nd@x.test,each,\n")
    people = everyone(store)
    with store.writing() as c:
        lifecycle.pause(c, people["c@x.test"].ref, Evidence(Method.LINK), until=None, now=now)
        lifecycle.unsubscribe(c, people["d@x.test"].ref, Evidence(Method.LINK), now=now)
        lifecycle.sign_up_requested(
            c, parse_address("e@x.test"), Choice(), Evidence(Method.FORM), asked_at=now, key=key, now=now
        )
    erase(store, settings, "f@x.test", now=now)

    numbers = stats(store, now=now + HOUR).as_dict()

    assert numbers == {
        "states": {"pending": 1, "active": 2, "paused": 1, "unsubscribed": 1, "suppressed": 0},
        "cadences": {"daily": 1, "weekly": 2},
        "topics": {"all": 1, "money": 1, "power": 2},
        "suppressions": {"erased": 1},
        "recent": {"signups": 1, "confirmations": 0, "unsubscribes": 1},
        "signups": {"waiting": 0, "flood": 0},
    }
    assert "1 signups" in "\n".join(stats(store, now=now + HOUR).lines())
    assert stats(store, now=now + 31 * 24 * HOUR).recent["signups"] == 0


def deliver(store: Store, person: Subscriber, *, reply: str, now: dt.datetime) -> None:
    """A delivery as the sender would have recorded it."""
    t = tables
    with store.writing() as c:
        issue = c.execute(sa.select(t.issues.c.id)).scalar_one_or_none()
        if issue is None:
            row = {
                "key": "weekly-2026-W47",
                "cadence": "weekly",
                "date": now.date(),
                "closes_at": now,
                "created_at": now,
            }
            issue = c.execute(t.issues.insert(), row).inserted_primary_key[0]
            row = {"issue_id": issue, "selection": "0" * 64, "subject": "s", "message": b"m"}
            c.execute(t.letters.insert(), row)
        letter = c.execute(sa.select(t.letters.c.id)).scalar_one()
        row = {"issue_id": issue, "subscriber_id": person.id, "letter_id": letter, "status": "sent", "attempts": 1}
        c.execute(t.deliveries.insert(), {**row, "finished_at": now, "code": int(reply[:3]), "reply": reply[4:]})


def dump(store: Store) -> str:
    """Every row of every table, as text."""
    with store.reading() as c:
        tables_in_order = tables.metadata.sorted_tables
        return "\n".join(str(tuple(row)) for table in tables_in_order for row in c.execute(sa.select(table)))


def test_who_left_where_a_file_comes_from_has_not_come_here(bring_to_sqlite, sqlite_store: Store) -> None:  # type: ignore[no-untyped-def]
    """An export imported into a fresh instance revives nobody."""
    report = bring_to_sqlite(
        "email,state\n"
        "stays@example.org,active\nleft@example.org,unsubscribed\nrests@example.org,paused\nasked@example.org,pending\n"
    )

    assert list(everyone(sqlite_store)) == ["stays@example.org"]
    assert report.skipped == {"not active where the file comes from": 3}
    assert report.rows[0] == (3, "not active where the file comes from: unsubscribed")


# --- P-03: what an import must not do -----------------------------------------------------------------------------------


def test_ten_thousand_are_imported_and_of_a_thousand_suppressed_none_is_revived(
    store: Store, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    """P-03: checked by the hash of the address, under every live key, however it is spelt."""
    names = [f"reader-{number}" for number in range(10_000)]
    old = load_keys(settings.state_dir, "suppression")
    rotate(settings.state_dir, "suppression", now=now)
    rotated = load_keys(settings.state_dir, "suppression")
    with store.writing() as c:
        for number, name in enumerate(names[:1_000]):
            key = old if number % 2 else rotated
            suppressions.add(c, key, f"{name}@example.org", list(Reason)[number % len(Reason)], now=now)

    report = bringer(store, settings, now, tmp_path)("email\n" + "".join(f"{n.upper()}@Example.ORG\n" for n in names))

    assert report.imported == 9_000
    assert sum(report.skipped.values()) == 1_000
    with store.reading() as c:
        found = {person.email.lower() for person in subscribers.batch(c, after=0, limit=20_000)}
    assert found == {f"{name}@example.org" for name in names[1_000:]}
    assert chain.verify(store).broken is None


def test_every_imported_person_is_kept_with_source_basis_and_date(  # type: ignore[no-untyped-def]
    sqlite_store: Store, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    """P-03: the date of the row, or that of the file, or that of the import, and the report counts the last."""
    file = tmp_path / "people.csv"
    file.write_text("email,confirmed_at\na@example.org,2024-05-01\nb@example.org,\n")
    day = dt.date(2023, 1, 2)

    report = import_csv(
        sqlite_store, settings, file, source="old", basis="asked", confirmed=True, confirmed_at=day, now=now
    )
    bare = bringer(sqlite_store, settings, now, tmp_path)("email\nc@example.org\n")

    dates = {name: show(sqlite_store, settings, f"{name}@example.org").confirmed_at for name in "abc"}
    assert {name: moment and moment.date() for name, moment in dates.items()} == {
        "a": dt.date(2024, 5, 1),
        "b": day,
        "c": now.date(),
    }
    [consent] = show(sqlite_store, settings, "b@example.org").consents
    assert consent.detail == "source: old; basis: asked; confirmed: 2023-01-02T00:00:00+00:00"
    assert report.notes == ()
    assert "no date of confirmation came with 1 of those imported" in bare.notes[0]


def test_no_address_enters_what_is_kept_for_ever(
    sqlite_store: Store, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    """P-05: a consent cannot be changed, so what it says of its source must not need to be erased."""
    file = tmp_path / "people.csv"
    file.write_text("email\na@example.org\n")

    with pytest.raises(UsageError, match="name no address"):
        import_csv(
            sqlite_store, settings, file, source="the list of b@example.org", basis="asked", confirmed=True, now=now
        )
