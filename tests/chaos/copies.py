"""T-20: a backup put back, or a machine that was copied, mails nobody by itself; a person's word lets it go on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from pipeline.store.tables import deliveries, instance, issues
from tests.chaos.scene import Scene, Told, scene
from tests.invariants import check
from tests.repository import Ended

AGO = dt.timedelta(hours=7)  # more than the six hours for which a silent machine is trusted


def restore_a_backup(one: Scene, *, planned: bool) -> None:
    """A backup from before the issue was sent, or even planned, is put back after it went out."""
    if planned:
        _plan(one)
    else:
        with one.server() as server:
            _send_an_older_one(one, server.url)
    backup = _backed_up(one)
    with one.server() as server:
        assert one.send(smtp=server.url).json["sent"] == len(one.readers)
        out = one.accepted()
        _put_back(one, backup)
        _must_not_send_by_itself(one, server.url)
        refused = one.send("send", one.issue, smtp=server.url)
        assert refused.code == 1, refused
        assert "--resume" in refused.err, refused
        assert one.accepted() == out, "letters left without a word"
        resumed = one.send("send", one.issue, "--resume", smtp=server.url)
        assert resumed.code == 0, resumed
    again = one.accepted()[len(out) :]
    assert {letter.recipient for letter in again} == set(one.readers), "the word of a person counts"
    check(one.database_url, one.accepted(), issue=one.issue, in_doubt=len(one.readers), recomposed=not planned)


def copy_the_database(one: Scene) -> None:
    """The database alone is copied to another machine while an issue is under way."""
    _send_half(one)
    there = one.copy("elsewhere")
    shutil.rmtree(there.state_dir)
    (there.state_dir / "keys").mkdir(parents=True, mode=0o700)
    there.state_dir.chmod(0o700)
    for file in (one.state_dir / "keys").iterdir():
        shutil.copy(file, there.state_dir / "keys")
    with there.server() as server:
        for words in (("send", "--due"), ("send", one.issue)):
            refused = there.send(*words, smtp=server.url)
            assert refused.code == 1, refused
            assert "opensignal adopt" in refused.err + refused.out, refused
        _must_not_send_by_itself(there, server.url)
        adopted = there.send("adopt", smtp=server.url)
        assert adopted.code == 0, adopted
        sent = there.send(smtp=server.url)
        assert sent.code == 0, sent
        assert sent.json["sent"] > 0
    whole = dataclasses.replace(there, folder=_joined(one, there))
    whole.check(in_doubt=0)


def copy_the_machine(one: Scene) -> None:
    """Database and state folder are copied while an issue is under way, and the copy wakes up hours later."""
    _send_half(one)
    there = one.copy("elsewhere")
    _hours_later(there)
    with there.server() as server:
        _must_not_send_by_itself(there, server.url)
        resumed = there.send("send", one.issue, "--resume", smtp=server.url)
        assert resumed.code == 0, resumed
    whole = dataclasses.replace(there, folder=_joined(one, there))
    whole.check(in_doubt=0)


def _must_not_send_by_itself(one: Scene, smtp: str) -> None:
    """Neither ``send --due`` nor ``up``, now or a while later."""
    before = len(one.accepted())
    for _ in range(2):
        due = one.send("send", "--due", smtp=smtp)
        assert due.code in (0, 1), due
    up = one.start("up", "--port", "0", smtp=smtp)
    ends = time.monotonic() + 30
    while "listening" not in up.said()[0] and time.monotonic() < ends:
        assert up.runs(), up.said()
        time.sleep(0.02)
    time.sleep(1.5)  # its first look for due issues comes at once
    up.signal(15)
    up.wait(30)
    assert len(one.accepted()) == before, f"it sent by itself: {due}"


def _plan(one: Scene) -> None:
    ended = one.send("send", one.issue, smtp="smtp://127.0.0.1:9")
    assert ended.code == 1, ended


def _send_an_older_one(one: Scene, smtp: str) -> None:
    """Something else left from here before, so that this is no machine that is new."""
    some_days_ago = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)
    one.repository.add_article("older", hours_old=4 * 24)
    ended: Ended = one.send("send", f"daily-{some_days_ago}", smtp=smtp)
    assert ended.code == 0, ended
    one.journal.write_bytes(b"")  # of the issue in question nothing has left


def _send_half(one: Scene) -> None:
    """Half of the letters leave; the others are put off by the server."""
    half = set(one.readers[::2])
    with one.server(lambda stage, who, c: "450 4.2.1 later" if stage == "rcpt" and who in half else "") as server:
        one.send(smtp=server.url)
    with one.store() as store, store.writing() as connection:
        waiting = deliveries.c.status == "deferred"
        connection.execute(deliveries.update().where(waiting).values(status="planned", next_at=None, attempts=0))
    assert len(one.accepted()) == len(one.readers) - len(half)


def _hours_later(one: Scene) -> None:
    with one.store() as store, store.writing() as connection:
        past = dt.datetime.now(dt.UTC) - AGO
        connection.execute(instance.update().values(seen_at=past))
        connection.execute(issues.update().values(closes_at=past, planned_at=past, created_at=past))
        assert connection.execute(sa.select(issues.c.id)).all()


def _backed_up(one: Scene) -> Path:
    backup = one.copy("backup")
    return Path(backup.database_url.removeprefix("sqlite:///"))


def _put_back(one: Scene, backup: Path) -> None:
    file = Path(one.database_url.removeprefix("sqlite:///"))
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    shutil.copy(backup, file)


def _joined(one: Scene, other: Scene) -> Path:
    """A folder with the journals of both."""
    folder = one.folder / "joined"
    folder.mkdir()
    (folder / "journal").write_bytes(one.journal.read_bytes() + other.journal.read_bytes())
    return folder


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """A backup put back, a database copied, a machine copied."""
    people = max(6, int(1_000 * scale))
    for name, planned in (("planned", True), ("before", False)):
        with scene(folder / name, people) as one:
            restore_a_backup(one, planned=planned)
            yield Told(
                "T-20", f"{people:,} recipients, a backup put back ({name})", "nothing left before a person said so"
            )
    with scene(folder / "database", people) as one:
        copy_the_database(one)
        yield Told("T-20", f"{people:,} recipients, a database copied", "nothing left before a person said so")
    with scene(folder / "machine", people) as one:
        copy_the_machine(one)
        yield Told("T-20", f"{people:,} recipients, a machine copied", "nothing left before a person said so")
