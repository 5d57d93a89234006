"""Limits: exact whoever counts, with real processes on both databases, and no subject in the clear."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store import Store, limits, tables
from pipeline.store.engine import connect
from pipeline.store.limits import Limit, bucket_of
from tests.builders import NOW
from tests.conftest import REPOSITORY

MINUTE = dt.timedelta(minutes=1)
KEY = bytes(range(32))


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def take(store: Store, *, at: float, rate: float = 10, burst: float = 3, cost: float = 1) -> float:
    with store.writing() as c:
        return limits.take(c, "send", rate=rate, burst=burst, cost=cost, now=after(at))


def count(store: Store, *, at: float, number: int = 3, window: dt.timedelta = MINUTE, bucket: str = "ip") -> float:
    with store.writing() as c:
        return limits.count(c, Limit(bucket, number, window), now=after(at))


def test_a_rate_lets_a_burst_through_and_then_says_how_long_to_wait(store: Store) -> None:
    burst = [take(store, at=0) for _ in range(3)]
    wait = take(store, at=0)
    early = take(store, at=0.09)
    in_time = take(store, at=0.1)

    assert burst == [0, 0, 0]
    assert wait == pytest.approx(0.1, abs=1e-5)
    assert early == pytest.approx(0.01, abs=1e-5)
    assert in_time == 0
    assert take(store, at=0.1) > 0


def test_a_rate_left_alone_is_full_again_and_no_fuller(store: Store) -> None:
    for _ in range(3):
        take(store, at=0)

    assert [take(store, at=1_000) == 0 for _ in range(4)] == [True, True, True, False]


def test_a_cost_is_taken_whole_or_not_at_all(store: Store) -> None:
    assert take(store, at=0, cost=2) == 0
    assert take(store, at=0, cost=2) == pytest.approx(0.1, abs=1e-5)
    assert take(store, at=0, cost=1) == 0


def test_a_clock_that_was_set_back_locks_nobody_out_for_longer_than_the_bucket_is_deep(store: Store) -> None:
    take(store, at=3_600)

    wait = take(store, at=0)

    assert wait == pytest.approx(3_600 - 0.1, abs=0.2), "it says so, and the caller may cap it"


def test_a_window_opens_with_the_first_hit_and_holds_the_number(store: Store) -> None:
    """M-39: five in ten minutes means that the sixth waits until the ten minutes are over."""
    let_in = [count(store, at=at) for at in (0, 1, 59)]
    refused = count(store, at=59)
    reopened = [count(store, at=60) for _ in range(3)]

    assert let_in == [0, 0, 0]
    assert refused == pytest.approx(1)
    assert reopened == [0, 0, 0]
    assert count(store, at=119) == pytest.approx(1)


def test_a_limit_of_none_lets_nothing_through(store: Store) -> None:
    assert count(store, at=0, number=0) == 60


def test_several_limits_are_counted_together_or_not_at_all(store: Store) -> None:
    wanted = [Limit("few", 2, MINUTE), Limit("many", 5, 2 * MINUTE)]

    waits = []
    for at in (0, 0, 30):
        with store.writing() as c:
            waits.append(limits.count_all(c, wanted, now=after(at)))
    with store.reading() as c:
        hits = [limits.used(c, name, now=after(30)) for name in ("few", "many", "nobody")]

    assert waits == [0, 0, pytest.approx(30)]
    assert hits == [2, 2, 0]


def test_what_says_nothing_any_more_is_swept_away(store: Store) -> None:
    """T-03: an IP is kept, as a keyed hash, for as long as its longest window and no longer."""
    count(store, at=0, bucket="old")
    count(store, at=50, bucket="new")
    take(store, at=0)

    with store.writing() as c:
        gone = limits.sweep(c, now=after(60))
        limits.forget(c, ["new"])
    with store.reading() as c:
        left = c.execute(sa.select(sa.func.count()).select_from(tables.limits)).scalar_one()

    assert (gone, left) == (2, 0)


def test_no_subject_stands_in_a_bucket_and_two_kinds_do_not_meet() -> None:
    """T-03"""
    name = bucket_of(KEY, "ip-day", "192.0.2.0/24")

    assert "192" not in name
    assert len(bucket_of(KEY, "k" * 30, "x" * 300)) <= tables.limits.c.bucket.type.length
    assert name != bucket_of(KEY, "ip-hour", "192.0.2.0/24").replace("ip-hour", "ip-day")
    assert name != bucket_of(bytes(32), "ip-day", "192.0.2.0/24")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 3)), min_size=1, max_size=30))
def test_a_rate_never_lets_more_through_than_burst_and_time_allow(steps: list[tuple[float, int]]) -> None:
    """Whatever the steps: in any span, at most burst + rate x span; and whoever waits as told is let in."""
    with tempfile.TemporaryDirectory() as folder:
        store = connect(f"sqlite:///{folder}/scratch.db")
        tables.limits.create(store.engine)
        now, taken = 0.0, []
        for pause, cost in steps:
            now += pause
            if wait := take(store, at=now, rate=2, burst=4, cost=cost):
                now += wait + 1e-5
                assert take(store, at=now, rate=2, burst=4, cost=cost) == 0
            taken.append((now, cost))
        store.close()

    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last][0] - taken[first][0]
            assert sum(cost for _, cost in taken[first : last + 1]) <= 4 + 2 * span + 1e-3


CHILD = """
import datetime as dt, sys
from pipeline.store import limits
from pipeline.store.engine import connect
from pipeline.store.limits import Limit
store, now = connect(sys.argv[1]), dt.datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
sys.stdin.read(1)
taken = counted = 0
for _ in range(60):
    with store.writing() as c:
        taken += limits.take(c, "send", rate=1, burst=100, now=now) == 0
    with store.writing() as c:
        counted += limits.count_all(c, [Limit("a", 70, dt.timedelta(hours=1)), Limit("b", 90, dt.timedelta(hours=1))], now=now) == 0
print(taken, counted)
"""


def test_three_processes_and_their_threads_share_one_limit_exactly(store: Store, database_url: str) -> None:
    """T-03: however many count at once, nobody gets more than there is."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, database_url, NOW.isoformat()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for _ in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("x")
        child.stdin.flush()
    ours: list[float] = []
    threads = [threading.Thread(target=lambda: ours.append(take(store, at=0, rate=1, burst=100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [child.communicate(timeout=60)[0].split() for child in children]

    assert sum(int(taken) for taken, _ in told) + ours.count(0) == 100
    assert sum(int(counted) for _, counted in told) == 70
