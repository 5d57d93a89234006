"""R-08 at the size of every change: no letter leaves after an unsubscribe is acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos import leaving
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


def test_who_leaves_while_an_issue_is_sent_is_claimed_before_that_or_never(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """R-08, M-17, P-07: 400 of 3,000, by real HTTP."""
    with scene(tmp_path, 2_000, nursery=nursery, database_url=sqlite_url) as one:
        seen = leaving.leave_while_sending(one, 400, seed=8)

    assert seen.statuses.get("suppressed", 0) > 0, "nobody left in time: the test proves nothing"
    assert sum(seen.statuses.values()) == 2_000


def test_who_leaves_while_their_claim_is_being_committed_is_not_claimed_later(
    tmp_path: Path, new_postgres: Callable[[], str], nursery: Nursery
) -> None:
    """R-08, M-17: on Postgres two transactions may run side by side; they must be ordered by the reader's row."""
    with scene(tmp_path, 5, nursery=nursery, database_url=new_postgres()) as one:
        leaving.leave_inside_a_claim(one)
