"""What is kept comes back as it was, or not at all."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.keeping import Keep, folder_cleared, keep_file, kept_file, told_once
from tests.rights import closed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "build/kept.db"


def test_what_is_kept_comes_back_and_what_is_not_is_left_out(file: Path) -> None:
    Keep(file).put([(b"one", b"1"), (b"two", b"2")], day=1)

    assert Keep(file).get([b"one", b"two", b"three"]) == {b"one": b"1", b"two": b"2"}


def test_a_value_that_was_written_over_is_left_out(file: Path) -> None:
    Keep(file).put([(b"one", b"1"), (b"two", b"2")], day=1)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE kept SET value = CAST(substr(value, 1, 8) || 'x' AS BLOB) WHERE name = ?", (b"one",))

    assert Keep(file).get([b"one", b"two"]) == {b"two": b"2"}


def test_what_nobody_wants_is_dropped_after_two_weeks(file: Path) -> None:
    keep = Keep(file)
    keep.put([(b"wanted", b"1"), (b"left", b"2")], day=1)

    keep.tidy([b"wanted"], day=15)
    assert set(keep.get([b"wanted", b"left"])) == {b"wanted", b"left"}
    keep.tidy([b"wanted"], day=16)

    assert set(keep.get([b"wanted", b"left"])) == {b"wanted"}


def test_several_may_keep_the_same_at_once(file: Path) -> None:
    values = {f"name {number}".encode(): b"value" * number for number in range(20)}

    def put(_: int) -> str:
        keep = Keep(file)
        keep.put(values.items(), day=1)
        keep.close()
        return keep.note

    Keep(file).close()
    with ThreadPoolExecutor(4) as pool:
        notes = set(pool.map(put, range(40)))

    assert notes == {""}
    assert Keep(file).get(values) == values


def test_a_folder_that_may_not_be_looked_into_is_done_without(file: Path) -> None:
    with closed(file.parent):
        kept = Keep(file)
        kept.put([(b"one", b"1")], day=1)
        keep_file(file.with_name("image"), b"image")

        assert kept.note == f"{file} cannot be used (Permission denied), so nothing is kept for the next build"
        assert kept.get([b"one"]) == {b"one": b"1"}
        assert kept_file(file.with_name("image")) is None


def test_what_stands_in_the_place_of_the_folder_is_thrown_away(file: Path) -> None:
    file.parent.write_text("in the way", "utf-8")

    assert folder_cleared(file.parent) == f"{file.parent} is no folder: thrown away and made again"
    assert folder_cleared(file.parent) == ""
    assert Keep(file).note == ""

    other = file.parent.with_name("linked")
    other.symlink_to(file.parent)
    assert folder_cleared(other) == ""
    assert other.is_symlink()


def test_where_nothing_can_be_kept_one_note_stands_for_all(file: Path) -> None:
    folder = file.parent
    notes = (f"{folder}: cannot be made", f"{folder}/library cannot be read", "a build was brought to its end")

    assert told_once(notes, folder) == notes
    folder.rmdir()
    folder.write_text("in the way", "utf-8")
    assert told_once((), folder) == ()
    [first, second] = told_once(notes, folder)
    assert first == "a build was brought to its end"
    assert second.startswith(f"{folder}: cannot be used (File exists), so nothing is kept for the next build; remove")
