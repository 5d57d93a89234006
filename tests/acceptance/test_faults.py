"""What a command says where something goes wrong that nobody thought of."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.repository import Repository


def test_a_fault_of_ours_is_told_and_kept_without_an_address(repository: Repository) -> None:
    people = repository.root / "people.csv"
    people.write_text("email\njane.doe@example.org\n")
    repository.run("subscribers", "import", str(people), "--source", "a list", "--basis", "opt-in", "--confirmed")
    with closing(sqlite3.connect(repository.root / ".opensignal" / "opensignal.db")) as database, database:
        database.execute("UPDATE subscribers SET cadence = email")

    ended = repository.run("subscribers", "export")

    kept = (repository.root / ".opensignal" / "crash.log").read_text()
    assert ended.code == 1
    assert "unexpected ValueError: '(address)'" in ended.err
    assert "(address)" in kept
    assert "jane.doe" not in ended.out + ended.err + kept
