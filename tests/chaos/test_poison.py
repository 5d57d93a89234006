"""R-11 at the size of every change: a letter that cannot be made harms no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos import poison
from tests.chaos.nursery import Nursery
from tests.chaos.scene import scene


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_readers_whose_letter_cannot_be_made_are_set_aside_and_the_others_get_theirs(
    tmp_path: Path, sqlite_url: str, new_postgres: Callable[[], str], nursery: Nursery, database: str
) -> None:
    """R-11."""
    url = sqlite_url if database == "sqlite" else new_postgres()
    with scene(tmp_path, 60, nursery=nursery, database_url=url) as one:
        seen = poison.send_past(one, poison.poison(one, poison.ADDRESSES))

    assert seen.statuses == {"sent": 60 - len(poison.ADDRESSES), "quarantined": len(poison.ADDRESSES)}


def test_what_is_no_address_is_given_to_no_server(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-11, T-10: a server would take it for a mailbox of its own, or for nobody."""
    with scene(tmp_path, 20, nursery=nursery, database_url=sqlite_url) as one:
        poison.send_past(one, poison.poison(one, poison.NOT_ADDRESSES))


def test_an_address_that_is_not_even_text_stops_nobody(tmp_path: Path, sqlite_url: str, nursery: Nursery) -> None:
    """R-11: SQLite keeps any bytes where it expects a text."""
    with scene(tmp_path, 20, nursery=nursery, database_url=sqlite_url) as one:
        spoilt = poison.poison_bytes(one)
        with one.server() as server:
            ended = one.send("send", one.issue, smtp=server.url)
            got = {letter.recipient for letter in one.accepted()}

    assert set(one.readers) - {spoilt} <= got, ended.err
