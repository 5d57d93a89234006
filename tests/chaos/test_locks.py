"""R-06 at the size of every change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos import locks
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


def test_a_locked_database_is_waited_for_while_sending(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-06: longer than a writer waits by itself."""
    with scene(tmp_path, 400, nursery=nursery, database_url=sqlite_url) as one:
        seen = locks.lock_while_sending(one, holds=1, seconds=6)

    assert seen.repeated == 0


def test_postgres_backends_that_are_ended_lose_nobody(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-06."""
    with scene(tmp_path, 300, nursery=nursery, database_url=new_postgres()) as one:
        seen = locks.cut_while_sending(one, cuts=5, seed=11)

    assert seen.statuses == {"sent": 300}


def test_rows_that_a_forgotten_session_holds_stop_no_others(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-06."""
    with scene(tmp_path, 60, nursery=nursery, database_url=new_postgres()) as one:
        seen = locks.idle_in_transaction(one, seconds=0.5)

    assert seen.statuses == {"sent": 60}
