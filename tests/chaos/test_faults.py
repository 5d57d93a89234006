"""R-03 at the size of every change: each fault at each stage, and what becomes of the letters that met it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene

LINES = [  # a sample; `make chaos` has them all
    ("connect", "554"),
    ("connect", "drop"),
    ("connect", "garbage"),
    ("ehlo", "550"),
    ("ehlo", "endless"),
    ("ehlo", "silent"),
    ("ehlo", "eight-bit"),
    ("mail", "451"),
    ("mail", "550"),
    ("mail", "drop"),
    ("mail", "garbage"),
    ("mail", "endless"),
]


@pytest.mark.parametrize("chunking", [False, True], ids=["DATA", "CHUNKING"])
def test_what_meets_a_recipient_is_booked_for_that_recipient(
    tmp_path: Path, sqlite_url: str, nursery: Nursery, chunking: bool
) -> None:
    """R-03, M-25, M-30."""
    for one in faults.small(tmp_path, nursery, sqlite_url):
        faults.strike_recipients(one, faults.cells(faults.LETTER_STAGES), chunking=chunking)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_what_meets_the_line_is_booked_for_nobody(
    tmp_path: Path, sqlite_url: str, nursery: Nursery, share: float
) -> None:
    """R-03: a wrong password or a server in trouble is no reader's fault, and its name is told."""
    with scene(tmp_path, 20, connections=4, nursery=nursery, database_url=sqlite_url) as one:
        worlds = [(one.copy(f"{stage}-{kind}"), stage, kind) for stage, kind in LINES]
        faults.strike_lines(worlds, share=share, seed=3)


def test_a_greeting_that_never_ends_holds_nobody(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-03: an octet now and then is no sign of life."""
    with scene(tmp_path, 5, nursery=nursery, database_url=sqlite_url) as one:
        faults.strike_lines([(one.copy("slow"), "connect", "dribble")], stuck=20)
