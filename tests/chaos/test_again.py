"""R-10 at the size of every change: an issue is sent once, however often it is asked for."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import again
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


def test_asked_for_by_six_commands_at_once_it_goes_out_once(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-10."""
    with scene(tmp_path, 400, nursery=nursery, database_url=sqlite_url) as one:
        seen = again.ask_at_once(one, 4)

    assert (seen.accepted, seen.repeated) == (400, 0)


def test_asked_for_again_whatever_became_of_its_article_it_is_out(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """R-10: run again by CI, amended, corrected, reverted, brought back, renamed."""
    with scene(tmp_path, 6, nursery=nursery, database_url=sqlite_url) as one:
        assert again.ask_again(one).statuses == {"sent": 6}


def test_two_issues_at_once_bring_nobody_the_same_article_twice(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """R-10, R-09."""
    with scene(tmp_path, 40, nursery=nursery, database_url=sqlite_url) as one:
        again.send_two_issues_at_once(one)
