"""R-07 at the size of every change: machines that share one issue, and what becomes of it when they die, freeze and wake up."""

from __future__ import annotations

import bisect
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.chaos.many import DRAINED, LEASE, TAKEN_OVER, Machines, survive
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


def test_ten_machines_share_an_issue_and_nobody_gets_two(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-07: without kills there is no letter in doubt, so none comes twice."""
    with scene(tmp_path, 1_000, connections=2, database_url=new_postgres(), nursery=nursery) as one:
        calm = survive(one, machines=10, kills=0, freezes=0, seed=1, within=100)

    assert calm.seen.statuses == {"sent": 1_000}
    assert calm.seen.repeated == 0
    assert calm.drained < DRAINED


def test_killed_frozen_and_woken_at_random_nobody_is_missing(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-07: at most the letters in flight of each that died or overslept come twice, with the same bytes."""
    seed = 20261125
    print("seed", seed)
    with scene(tmp_path, 1_500, connections=2, database_url=new_postgres(), nursery=nursery) as one:
        storm = survive(one, machines=10, kills=6, freezes=6, seed=seed, within=110)

    assert storm.killed == 6
    assert storm.overslept >= 1
    assert storm.seen.statuses == {"sent": 1_500}
    assert storm.longest_gap < TAKEN_OVER


def test_sigterm_ends_a_machine_after_the_letters_in_flight(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-07: what it leaves is sent by the next one, each once."""
    with scene(tmp_path, 600, connections=2, database_url=new_postgres(), nursery=nursery) as one, one.sink() as sink:
        machines = Machines(one, sink.url)
        machines.start()
        _until(lambda: sink.count() >= 100)
        drained = machines.end()
        stopped_at = sink.count()
        machines.start()
        _until(lambda: sink.count() >= 600)
        machines.end()
        seen = one.check()

    assert drained < DRAINED
    assert stopped_at < 600
    assert seen.repeated == 0
    assert "ending what is in flight" in machines.said[0]


def test_one_rate_limit_holds_for_all_machines(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-07: three machines together send no faster than one may."""
    with scene(tmp_path, 400, connections=4, database_url=new_postgres(), nursery=nursery) as one, one.sink() as sink:
        machines = Machines(one, sink.url, settings={"rate_limit": "50/second"})
        for _ in range(3):
            machines.start()
        _until(lambda: sink.count() >= 400)
        machines.end()
        began = sorted(letter.began for letter in one.accepted())
        one.check()

    assert began[-1] - began[0] > (400 - 50) / 50 * 0.95  # a second's worth may leave at once
    assert max(_within(began, 1.0)) <= 2 * 50


def _within(times: Sequence[float], seconds: float) -> Iterator[int]:
    """How many there are in each span that begins with one of them."""
    for number, time_ in enumerate(times):
        yield bisect.bisect_right(times, time_ + seconds) - number


def test_a_machine_that_stands_still_is_taken_over_and_woken_sends_nothing_more(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-07: the only one that works on the issue freezes; another one goes on within 60 seconds; the woken one is harmless."""
    with scene(tmp_path, 600, connections=2, database_url=new_postgres(), nursery=nursery) as one, one.sink() as sink:
        machines = Machines(one, sink.url)
        machines.start()
        _until(lambda: sink.count() >= 100)
        sleeper = machines.running[0]
        sleeper.signal(signal.SIGSTOP)
        frozen_at, before = time.monotonic(), sink.count()
        machines.start()
        _until(lambda: sink.count() > before + 20)
        taken_over = time.monotonic() - frozen_at
        _until(lambda: sink.count() >= 600)
        time.sleep(max(0.0, frozen_at + LEASE + 1 - time.monotonic()))
        sleeper.signal(signal.SIGCONT)
        _until(lambda: "stood still for" in "".join(sleeper.said()))
        machines.end()
        one.kills = 1
        seen = one.check()
        said = "\n".join(machines.said)

    assert taken_over < TAKEN_OVER
    assert seen.statuses == {"sent": 600}
    assert seen.repeated <= 2
    assert "stood still for" in said
    assert "taken over from a worker that is silent" in said


def _until(true: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
