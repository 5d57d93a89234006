"""R-12 at the size of every change, the sending half: hostile input never stops the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import hostile
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


@pytest.mark.parametrize("name", hostile.READERS)
def test_whatever_is_read_is_taken_or_refused_in_words_of_ours(name: str) -> None:
    """R-12, T-06, T-10."""
    hostile.read_anything(name, 60 if name == "settings" else 300)


def test_a_server_that_garbles_its_replies_loses_nobody(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-12, R-03."""
    with scene(tmp_path, hostile.readers(120), nursery=nursery, database_url=sqlite_url) as one:
        hostile.talk_nonsense(one, seed=12)
