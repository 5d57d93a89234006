"""R-07 at the size of every change: machines that share one issue, and what becomes of it when they die, freeze and wake up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.many import DRAINED, TAKEN_OVER, survive
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
