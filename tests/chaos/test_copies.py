"""T-20: a restored or copied database mails nobody by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import copies
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "before"])
def test_a_backup_that_was_put_back_waits_for_a_person(
    tmp_path: Path, sqlite_url: str, nursery: Nursery, planned: bool
) -> None:
    """T-20, R-10."""
    with scene(tmp_path, 6, nursery=nursery, database_url=sqlite_url) as one:
        copies.restore_a_backup(one, planned=planned)


def test_a_database_on_another_machine_waits_to_be_adopted(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """T-20, R-10."""
    with scene(tmp_path, 6, nursery=nursery, database_url=sqlite_url) as one:
        copies.copy_the_database(one)


def test_a_copied_machine_that_wakes_up_later_waits_for_a_person(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """T-20, R-10."""
    with scene(tmp_path, 6, nursery=nursery, database_url=sqlite_url) as one:
        copies.copy_the_machine(one)
