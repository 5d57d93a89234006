"""R-08: unsubscribes race a send, by real HTTP: who was told that it is done gets no letter that was not on the wire already."""

from __future__ import annotations

import http.client
import random
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.locks import postgres
from tests.chaos.scene import ONE_CLICK, Scene, Told, scene
from tests.invariants import Seen

BODY = urllib.parse.urlencode(ONE_CLICK)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def leave_while_sending(one: Scene, leavers: int, *, seed: int, threads: int = 4) -> Seen:
    """Send the issue while so many readers, chosen at random, leave by one click at random moments."""
    chance = random.Random(seed)
    links = one.leaving()
    gone = chance.sample(one.readers, leavers)
    left: dict[str, float] = {}
    refused: list[str] = []
    with one.serving() as url, one.sink() as sink:
        child = one.start("send", one.issue, "--json", smtp=sink.url)
        ends = time.monotonic() + 60
        while not sink.count():
            assert child.runs(), child.said()
            assert time.monotonic() < ends
            time.sleep(0.002)
        host = urllib.parse.urlsplit(url).netloc
        workers = [
            threading.Thread(target=_leave, args=(host, gone[n::threads], links, left, refused)) for n in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        ended = child.wait(1200)
    assert ended.code == 0, f"code {ended.code}: {ended.err}"
    assert not refused, f"one click was refused: {refused[:3]}"
    assert len(left) == leavers
    seen = one.check(in_doubt=0, left=left)
    states = one.standing()
    lost = [email for email in left if states[email].state != "unsubscribed"]
    assert not lost, f"acknowledged, and still on the list: {len(lost)} ({lost[:3]})"
    return seen


def _leave(host: str, whom: Sequence[str], links: dict[str, str], left: dict[str, float], refused: list[str]) -> None:
    """One browser's worth of one-clicks; notes when each was acknowledged."""
    line = http.client.HTTPConnection(host, timeout=30)
    try:
        for email in whom:
            line.request("POST", f"/{links[email]}", BODY, FORM)
            answer = line.getresponse()
            answer.read()
            if answer.status == 200:
                left[email] = time.time()
            else:
                refused.append(f"{answer.status}")
    finally:
        line.close()


def leave_inside_a_claim(one: Scene) -> Seen:
    """Postgres: a reader leaves while the transaction that claims their letter is open, which a trigger holds open for a second.

    Either the letter is not sent, or the unsubscribe is acknowledged only once the claim is committed.
    """
    victim = one.readers[0]
    admin = sa.create_engine(one.database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    links = one.leaving()
    left: dict[str, float] = {}
    refused: list[str] = []
    with one.serving() as url, one.sink() as sink:
        one.send("send", one.issue, smtp="smtp://127.0.0.1:9")  # plans it
        with admin.begin() as connection:
            for statement in _SLOW_CLAIM:
                connection.exec_driver_sql(statement)
        child = one.start("send", one.issue, smtp=sink.url)
        with admin.connect() as connection:
            ends = time.monotonic() + 20
            while not connection.execute(sa.text(_CLAIMING)).scalar_one():
                assert time.monotonic() < ends, f"no claim came: {child.said()}"
                connection.rollback()
                time.sleep(0.01)
        _leave(urllib.parse.urlsplit(url).netloc, [victim], links, left, refused)
        child.wait(60)
        letters = [letter for letter in sink.accepted() if letter.recipient == victim]
    with admin.begin() as connection:
        committed = connection.execute(sa.text("SELECT at FROM slow_claims ORDER BY at LIMIT 1")).scalar_one_or_none()
    assert not refused, refused
    if letters and committed is not None:
        late = committed.timestamp() - left[victim]
        assert late < 0.05, f"claimed {late:.2f} s after the unsubscribe was acknowledged, and mailed"
    one.finish()
    return one.check(in_doubt=0)


# The trigger sleeps inside the claim's transaction; a second one, deferred, notes the moment of its commit.
_SLOW_CLAIM = (
    "CREATE TABLE slow_claims (at timestamptz NOT NULL)",
    """CREATE FUNCTION slow_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         PERFORM pg_sleep(3); RETURN NEW; END $$""",
    """CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO slow_claims VALUES (clock_timestamp()); RETURN NULL; END $$""",
    """CREATE TRIGGER slow_claim BEFORE UPDATE ON deliveries FOR EACH ROW
         WHEN (NEW.status = 'claimed' AND OLD.status <> 'claimed' AND NEW.id = 1) EXECUTE FUNCTION slow_claim()""",
    """CREATE CONSTRAINT TRIGGER note_claim AFTER UPDATE ON deliveries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
         WHEN (NEW.status = 'claimed' AND OLD.status <> 'claimed' AND NEW.id = 1) EXECUTE FUNCTION note_claim()""",
)
_CLAIMING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """10,000 of 100,000 readers leave at random moments of the send, on both databases."""
    people = max(200, int(100_000 * scale))
    with scene(folder / "sqlite", people, connections=8) as one:
        seen = leave_while_sending(one, people // 10, seed=seed)
        yield Told("R-08", f"{people // 10:,} of {people:,} leave meanwhile, SQLite", str(seen))
    with postgres(folder / "pg") as url, scene(folder / "postgres", people, connections=8, database_url=url) as one:
        seen = leave_while_sending(one, people // 10, seed=seed)
        yield Told("R-08", f"{people // 10:,} of {people:,} leave meanwhile, Postgres", str(seen))
