"""Workers: who is alive, who is dead and when that is known, with real processes."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.store import Store, workers
from pipeline.store.tables import workers as table
from pipeline.store.workers import LEASE, Colleague
from tests.builders import NOW
from tests.conftest import REPOSITORY

CHILD = """
import datetime as dt, sys
from pipeline.store import workers
from pipeline.store.engine import connect
with connect(sys.argv[1]).writing() as connection:
    number = workers.register(connection, task="daily-2026-11-23", now=dt.datetime.fromisoformat(sys.argv[2]))
print(number, flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(url: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has become a worker, and its number. It ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, url, NOW.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def register(store: Store, *, task: str = "notices", now: dt.datetime = NOW) -> int:
    with store.writing() as connection:
        return workers.register(connection, task=task, now=now)


def others(store: Store, worker: int, *, now: dt.datetime = NOW) -> tuple[list[Colleague], set[int]]:
    with store.reading() as connection:
        return workers.others(connection, worker, now=now)


def pretend(store: Store, worker: int, **values: object) -> None:
    """Let the row of *worker* say something else."""
    with store.writing() as connection:
        connection.execute(table.update().where(table.c.id == worker).values(values))


def process_of(store: Store, worker: int) -> list[str]:
    """Boot, number and start time, as written down."""
    with store.reading() as connection:
        return str(connection.execute(table.select().where(table.c.id == worker)).one().process).split(":")


def test_a_live_colleague_is_told_with_its_place_and_task(sqlite_store: Store, sqlite_url: str) -> None:
    me = register(sqlite_store)

    with another_process(sqlite_url) as (process, number):
        alive, dead = others(sqlite_store, me)

    assert alive == [Colleague(number, f"{socket.gethostname()}, process {process.pid}", "daily-2026-11-23")]
    assert dead == set()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="elsewhere the lease alone decides")
def test_a_process_of_this_machine_that_was_killed_is_dead_at_once_even_as_a_zombie(
    sqlite_store: Store, sqlite_url: str
) -> None:
    me = register(sqlite_store)
    with another_process(sqlite_url) as (process, number):
        process.kill()
        wait_for_zombie(process.pid)

        as_zombie = others(sqlite_store, me)
        process.wait()
        gone = others(sqlite_store, me)

    assert as_zombie == ([], {number})
    assert gone == ([], {number})


def wait_for_zombie(pid: int) -> None:
    """Its parent, which is us, has not asked how it ended."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="elsewhere the lease alone decides")
def test_another_process_under_the_same_number_is_not_the_one_that_was(sqlite_store: Store) -> None:
    me, before = register(sqlite_store), register(sqlite_store)
    boot, pid, started = process_of(sqlite_store, before)

    pretend(sqlite_store, before, process=f"{boot}:{pid}:{int(started) - 1}")

    assert others(sqlite_store, me) == ([], {before})


@pytest.mark.parametrize("elsewhere", ["another machine", "before the last boot", "no Linux"])
def test_of_a_process_elsewhere_the_lease_alone_tells(store: Store, elsewhere: str) -> None:
    me, other = register(store), register(store)
    boot, _, _ = process_of(store, other)
    nobody = 2**22 + 1  # above any process number
    values = {
        "another machine": {"host": "other.test", "process": f"{boot}:{nobody}:1"},
        "before the last boot": {"process": f"0000:{nobody}:1"},
        "no Linux": {"process": f":{nobody}:"},
    }
    pretend(store, other, **values[elsewhere])

    just_before = others(store, me, now=NOW + LEASE - dt.timedelta(seconds=1))
    at_its_end = others(store, me, now=NOW + LEASE)

    assert ([c.number for c in just_before[0]], just_before[1]) == ([other], set())
    assert at_its_end == ([], {other})


def test_renewing_extends_the_lease_until_another_gave_the_worker_up(store: Store) -> None:
    me, other = register(store), register(store)
    later = NOW + LEASE * 3 / 4
    with store.writing() as connection:
        renewed = workers.renew(connection, other, now=later)

    assert renewed
    assert [c.number for c in others(store, me, now=NOW + LEASE)[0]] == [other]
    assert others(store, me, now=later + LEASE) == ([], {other})
    with store.writing() as connection:
        workers.leave(connection, other)
    with store.writing() as connection:
        assert not workers.renew(connection, other, now=later)


def test_the_oldest_colleague_stands_first_and_a_worker_is_not_its_own(store: Store) -> None:
    numbers = [register(store, task=f"issue-{n}") for n in range(3)]

    alive, dead = others(store, numbers[1])

    assert [colleague.number for colleague in alive] == [numbers[0], numbers[2]]
    assert [colleague.task for colleague in alive] == ["issue-0", "issue-2"]
    assert dead == set()


def test_a_number_is_never_given_again(store: Store) -> None:
    """It fences off what a worker that was given up for dead still tries to record."""
    numbers = []
    for _ in range(3):
        numbers.append(register(store))
        with store.writing() as connection:
            workers.leave(connection, numbers[-1])

    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3
