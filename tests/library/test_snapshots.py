"""Stored copies are found in Git and in the folder outside it, and each is what it was when it was taken."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.library import Library, StoredTexts, load_library
from pipeline.library.files import SNAPSHOTS
from pipeline.library.snapshots import MOST_HELD
from pipeline.model import Snapshot, Source, Tier
from tests.library.newsroom import TEXT, Newsroom

SHA = hashlib.sha256(TEXT.encode()).hexdigest()
SHOT = Snapshot(SHA, SHA, dt.datetime(2026, 11, 23, tzinfo=dt.UTC), "plain", len(TEXT))
SOURCE = Source("north", "https://north.example/", "Northfield", Tier.PRIMARY, snapshot=SHOT)


def put(folder: Path, text: str = TEXT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SHA}.txt").write_text(text)


@pytest.mark.parametrize("folder", [SNAPSHOTS, ".opensignal/snapshots"])
def test_a_text_is_found_in_git_and_in_the_folder_outside_it(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder)

    texts = StoredTexts(tmp_path)

    assert texts.of(SOURCE) == (TEXT, "")
    assert not texts.is_away(SOURCE)
    assert texts.in_git(SOURCE) is (folder == SNAPSHOTS)


def test_the_folder_outside_git_may_be_another_one(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere")

    assert StoredTexts(tmp_path / "repository", tmp_path / "elsewhere").of(SOURCE) == (TEXT, "")
    assert StoredTexts(tmp_path / "repository").of(SOURCE) == (None, "")


def test_a_copy_that_was_taken_and_is_not_here_is_away(tmp_path: Path) -> None:
    never_taken = Source("south", "https://south.example/", "Southfield", Tier.PRIMARY)

    assert StoredTexts(tmp_path).is_away(SOURCE)
    assert not StoredTexts(tmp_path).is_away(never_taken)
    assert Library().texts.of(SOURCE) == (None, "")


@pytest.mark.parametrize(
    ("folder", "what_next"), [(SNAPSHOTS, "restore it from Git"), (".opensignal/snapshots", "opensignal sources pull")]
)
def test_s113_a_copy_that_was_changed_is_no_copy(tmp_path: Path, folder: str, what_next: str) -> None:
    """S113"""
    put(tmp_path / folder, TEXT.replace("60%", "70%"))

    text, wrong = StoredTexts(tmp_path).of(SOURCE)

    assert text is None
    assert wrong.startswith(f"{folder}/{SHA}.txt was changed")
    assert what_next in wrong
    assert StoredTexts(tmp_path).is_away(SOURCE)  # of what a sentence says, it tells nothing either way


def test_texts_are_held_up_to_a_number_of_characters(tmp_path: Path) -> None:
    """A library of long reports must not fill the memory: a text that was let go of is read again."""
    texts, taken = StoredTexts(tmp_path), []
    for number in range(10):
        text = f"{number} " + "word " * 200_000
        sha = hashlib.sha256(text.encode()).hexdigest()
        (tmp_path / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
        (tmp_path / SNAPSHOTS / f"{sha}.txt").write_text(text)
        taken.append(replace(SOURCE, snapshot=replace(SHOT, text_sha256=sha)))

    for source in (*taken, *taken):
        assert texts.of(source)[0]

    assert 0 < texts._known.weight <= MOST_HELD


def test_a_quote_is_looked_up_in_the_folder_outside_git(newsroom: Newsroom, tmp_path: Path) -> None:
    """What may not be redistributed lies there, and is no S115."""
    newsroom.quoted_source("westfield", "70% above our 2024 outlook", redistribute="quote")
    (newsroom.root / SNAPSHOTS).rename(tmp_path / "kept")

    problems = load_library(newsroom.root, now=dt.datetime.now(dt.UTC), kept=tmp_path / "kept").problems

    assert [problem.code for problem in problems] == ["S110"]
    assert [problem.code for problem in newsroom.load().problems] == ["S118"]


@pytest.mark.parametrize("folder", [SNAPSHOTS, ".opensignal/snapshots"])
def test_a_stored_text_is_an_ordinary_file_of_the_repository_and_of_a_size_that_can_be_read(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repository"
    (root / folder).mkdir(parents=True)
    file = root / folder / f"{SHA}.txt"
    (tmp_path / "same.txt").write_text(TEXT)

    os.mkfifo(file)
    assert "no ordinary file" in StoredTexts(root).of(SOURCE)[1]
    for target in ("/dev/zero", tmp_path / "same.txt"):
        file.unlink()
        file.symlink_to(target)
        text, wrong = StoredTexts(root).of(SOURCE)
        assert text is None
        assert "link out of" in wrong
    file.unlink()
    file.write_text(TEXT)
    monkeypatch.setattr("pipeline.library.snapshots.TEXT_MAX", 50)
    assert "is longer than 50 bytes" in StoredTexts(root).of(SOURCE)[1]
