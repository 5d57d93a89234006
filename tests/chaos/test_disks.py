"""R-04 at the size of every change: a sample of failing writes, a disk that fills up, one that is read-only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import disks
from tests.chaos.nursery import Nursery
from tests.chaos.scene import NO_STRACE, may_trace, scene

needs_strace = pytest.mark.skipif(not may_trace(), reason=NO_STRACE)
needs_mount = pytest.mark.skipif(not disks.may_mount(), reason="mounting a small disk wants root")


@needs_strace
def test_a_disk_that_fails_at_the_nth_write_is_named_and_loses_nobody(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """R-04."""
    with scene(tmp_path, 300, nursery=nursery, database_url=sqlite_url) as one:
        seen = disks.fail_at_writes(one, (1, 2, 3, 4, 9, 14, 19, 24, 33, 42, 51, 60))

    assert seen.statuses == {"sent": 300}


@needs_mount
def test_a_disk_that_fills_up_loses_nobody_and_turns_sign_ups_away_for_now(
    tmp_path: Path, sqlite_url: str, nursery: Nursery
) -> None:
    """R-04."""
    with scene(tmp_path, 1_000, nursery=nursery, database_url=sqlite_url) as one:
        seen = disks.full_disk(tmp_path / "disk", one)

    assert seen.statuses["sent"] + seen.statuses["suppressed"] == 1_000


@needs_mount
def test_a_disk_that_may_not_be_written_sends_nothing(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-04."""
    with scene(tmp_path, 20, nursery=nursery, database_url=sqlite_url) as one:
        assert disks.read_only_disk(tmp_path / "disk", one).statuses == {"sent": 20}
