"""What a run changes in a table is written beside it, and whatever is read is what one run has written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.library.kept.index import write_table
from pipeline.library.kept.table import MOST, Table

ROWS: dict[str, Any] = {f"row-{number}": {"hash": b"%d" % number} for number in range(20)}
PARTS: dict[str, Any] = {"rows": ROWS, "others": {"one": b"1"}, "of": ["a commit"]}
EDITED: dict[str, Any] = {
    "rows": {name: row for name, row in ROWS.items() if name != "row-3"} | {"row-5": {"hash": b"five"}, "new": {}},
    "others": PARTS["others"],
    "of": ["another commit"],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "table"
    assert Table(file, "1").write(PARTS) == ""
    return file


def beside(file: Path) -> Path:
    return file.with_name("table.changed")


def edit(file: Path, parts: dict[str, Any] = EDITED) -> None:
    assert Table(file, "1").write(parts) == ""


def test_rows_that_a_run_changes_are_written_beside_the_others(file: Path) -> None:
    whole = file.read_bytes()

    edit(file)

    assert file.read_bytes() == whole
    assert Table(file, "1").parts == EDITED


def test_changes_of_several_runs_and_their_taking_back_are_told(file: Path) -> None:
    edit(file)
    edit(file, {**EDITED, "others": {}})
    again = Table(file, "1").parts
    edit(file, PARTS)

    assert again == {**EDITED, "others": {}}
    assert Table(file, "1").parts == PARTS


def test_a_run_that_changes_nothing_writes_nothing(file: Path) -> None:
    edit(file)
    before = [(path.name, path.stat().st_mtime_ns) for path in file.parent.iterdir()]

    edit(file)

    assert [(path.name, path.stat().st_mtime_ns) for path in file.parent.iterdir()] == before


def test_many_changed_rows_are_written_among_the_others(file: Path) -> None:
    edit(file)
    many = {**EDITED, "rows": {f"other-{number}": {} for number in range(MOST + 1)}}

    edit(file, many)

    assert not beside(file).exists()
    assert Table(file, "1").parts == many


def test_changes_of_a_table_that_was_written_whole_meanwhile_count_for_nothing(file: Path) -> None:
    slow = Table(file, "1")
    (file.parent / "elsewhere").mkdir()
    other = Table(file.parent / "elsewhere/table", "1")
    other.write(EDITED)
    (file.parent / "elsewhere/table").replace(file)  # as another process does, or one that is killed right after

    slow.write({**PARTS, "of": ["a third commit"]})

    found = Table(file, "1")
    assert (found.parts, found.note) == (EDITED, "")


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:-3], lambda raw: raw[:20] + bytes([raw[20] ^ 1]) + raw[21:], lambda raw: b""],
    ids=["cut", "flipped", "emptied"],
)
def test_changes_that_are_damaged_are_thrown_away_once(file: Path, damage: Callable[[bytes], bytes]) -> None:
    edit(file)
    beside(file).write_bytes(damage(beside(file).read_bytes()))

    found = Table(file, "1")

    assert found.parts == PARTS  # of an earlier run, and right
    assert found.note == f"{beside(file)} is damaged: thrown away and made again"
    assert Table(file, "1").note == ""


def test_a_table_of_another_version_is_empty_with_all_that_lies_beside_it(file: Path) -> None:
    edit(file)

    found = Table(file, "2")

    assert found.parts == {}
    assert found.note == f"{file} is of another version: thrown away and made again"


def test_a_table_without_a_stamp_is_written_whole(file: Path) -> None:
    write_table(file, PARTS, "1")

    edit(file)

    assert not beside(file).exists()
    assert Table(file, "1").parts == EDITED


def test_a_folder_that_cannot_be_written_is_told_of_and_what_was_read_stays(file: Path) -> None:
    table = Table(file, "1")
    beside(file).mkdir()
    (beside(file) / "of-something").touch()

    note = table.write(EDITED)

    assert str(beside(file)) in note
    assert Table(file, "1").parts == PARTS


def test_changes_stay_where_the_whole_cannot_be_written(file: Path) -> None:
    edit(file)
    table, whole = Table(file, "1"), file.read_bytes()
    file.unlink()
    (file / "of-something").mkdir(parents=True)

    note = table.write({**EDITED, "rows": {f"other-{number}": {} for number in range(MOST + 1)}})

    assert str(file) in note
    shutil.rmtree(file)
    file.write_bytes(whole)
    assert Table(file, "1").parts == EDITED


class Row(NamedTuple):
    hash: bytes
    names: tuple[str, ...] = ()


def test_rows_come_back_as_the_named_tuples_that_they_were(tmp_path: Path) -> None:
    file, kinds = tmp_path / "table", {"rows": Row}
    rows = {f"row-{number}": Row(b"%d" % number, ("a",)) for number in range(5)}
    Table(file, "1", kinds).write({"rows": rows, "of": []})
    edited = {name: row for name, row in rows.items() if name != "row-1"} | {"row-2": Row(b"two"), "new": Row(b"new")}
    Table(file, "1", kinds).write({"rows": edited, "of": []})

    found = Table(file, "1", kinds).parts["rows"]

    assert beside(file).exists()
    assert found == edited
    assert {type(row) for row in found.values()} == {Row}
    assert found["new"].names == ()
