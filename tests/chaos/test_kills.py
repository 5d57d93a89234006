"""R-01 at the size of every change: a kill at any moment passes nobody over, and repeats at most the letters in flight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.kills import RESUMED, kill_at_calls, kill_at_random
from tests.chaos.nursery import Nursery
from tests.chaos.scene import NO_STRACE, may_trace, scene

needs_strace = pytest.mark.skipif(not may_trace(), reason=NO_STRACE)


@needs_strace
@pytest.mark.parametrize("first", [1, 2])
def test_killed_at_the_nth_write_or_sync_or_word_nobody_is_missing(
    tmp_path: Path, sqlite_url: str, nursery: Nursery, first: int
) -> None:
    """R-01: n = 1 to 40, in two halves that run side by side."""
    with scene(tmp_path, 600, database_url=sqlite_url, nursery=nursery) as one:
        killed = kill_at_calls(one, range(first, 41, 2))

    assert killed.kills == 20
    assert killed.seen.statuses == {"sent": 600}


def test_killed_at_random_nobody_is_missing(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-01: twenty kills, and each restart goes on within seconds."""
    with scene(tmp_path, 1_000, database_url=sqlite_url, nursery=nursery) as one:
        killed = kill_at_random(one, 20, seed=20261123, check_every=5, step=45)

    assert killed.kills == 20
    assert killed.seen.statuses == {"sent": 1_000}
    assert killed.slowest < 4 * RESUMED, "on a machine that does other things too; make chaos measures it"


def test_killed_at_random_over_postgres_nobody_is_missing(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-01, with the ledger in Postgres."""
    with scene(tmp_path, 400, database_url=new_postgres(), nursery=nursery) as one:
        killed = kill_at_random(one, 5, seed=20261124, step=60)

    assert killed.kills == 5
    assert killed.seen.statuses == {"sent": 400}
