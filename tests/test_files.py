"""A file is there with all that it holds, or as it was before."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import StoreBusy, StoreError
from pipeline.files import alone, put, put_new, sweep, what_next


def test_a_file_takes_the_place_of_another_with_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    put(path, b"one")
    path.chmod(0o640)

    put(path, b"two", sync=False)

    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.iterdir()] == ["a.txt"]


def test_of_many_that_ask_for_one_name_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    contents = [b"%d" % number for number in range(16)]

    with ThreadPoolExecutor(max_workers=16) as pool:
        had = list(pool.map(lambda content: put_new(path, content), contents))

    assert had.count(True) == 1
    assert path.read_bytes() == contents[had.index(True)]
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("write", [put, put_new])
def test_a_folder_that_is_none_is_named_with_what_next(tmp_path: Path, write: object) -> None:
    (tmp_path / "file").write_text("x")

    assert callable(write)
    with pytest.raises(StoreError, match=r"file/a\.txt: cannot be written: .*; remove the file that stands"):
        write(tmp_path / "file" / "a.txt", b"x")


def test_one_process_has_a_folder_at_a_time(tmp_path: Path) -> None:
    with (
        alone(tmp_path, other="another walk is going on"),
        pytest.raises(StoreBusy, match=f"^{tmp_path}: another walk is going on; wait for it to end and run again$"),
        alone(tmp_path, other="another walk is going on"),
    ):
        pass

    with alone(tmp_path, other="another walk is going on"):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_opened_is_named_with_what_next(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"none: cannot be opened: .*; mend the folder's rights"),
        alone(tmp_path / "none", other="another walk is going on"),
    ):
        pass


def test_only_what_was_left_half_written_is_swept_away(tmp_path: Path) -> None:
    for name in (".a.md.0a1b2c3d", ".a.md.swp", ".0a1b2c3d", "a.md"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.0a1b2c3d").mkdir()

    sweep(tmp_path)
    sweep(tmp_path / "none")

    assert {path.name for path in tmp_path.iterdir()} == {".a.md.swp", ".0a1b2c3d", "a.md", ".folder.0a1b2c3d"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "make room on the disk"),
        (errno.EEXIST, "remove the file that stands where a folder belongs"),
        (errno.EISDIR, "remove the folder that stands where a file belongs"),
        (errno.EROFS, "for a service of systemd, name the folder in ReadWritePaths"),
        (errno.EACCES, "mend the folder's rights"),
    ],
)
def test_what_cannot_be_written_is_told_with_its_own_mend(number: int, words: str) -> None:
    assert words in what_next(OSError(number, "whatever"))
