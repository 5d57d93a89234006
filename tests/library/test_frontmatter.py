"""YAML with places: what is typed stays what was typed, and what cannot be read is said to be where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library.frontmatter import MAX_BYTES, Unreadable, parse, read_text, split


def test_scalars_stay_text_so_that_norway_keeps_its_code() -> None:
    document = parse('no: no\ntime: 12:30:00\nmany: 1_000\nday: 2026-11-23\nprice: 1.50\nquoted: "null"\n')

    assert document.data == {
        "no": "no",
        "time": "12:30:00",
        "many": "1_000",
        "day": "2026-11-23",
        "price": "1.50",
        "quoted": "null",
    }


@pytest.mark.parametrize("empty", ["", "~", "null", "Null", "NULL"])
def test_an_empty_value_counts_as_not_given(empty: str) -> None:
    assert parse(f"via: {empty}\nid: x\n").data == {"id": "x"}


def test_every_key_and_value_knows_its_place() -> None:
    document = parse("é: x\nemail:\n  subject: ü y\nlist:\n  - a\n  - {b: c}\n", first_line=2)

    assert document.value_place(("é",)) == (2, 4)
    assert document.key_place(("email", "subject")) == (4, 3)
    assert document.value_place(("email", "subject")) == (4, 12)
    assert document.value_place(("list", 1, "b")) == (7, 9)


def test_what_is_not_there_is_placed_at_the_nearest_thing_around_it() -> None:
    document = parse("a: 1\nemail:\n  subject: x\n")

    assert document.value_place(("email", "preheader")) == (3, 3)
    assert document.value_place(("nothing",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: b: c", 1, 5, "double quotes"),
        ("x: 1\na: @b", 2, 4, "double quotes"),
        ("a: 'it's'", 1, 8, "double quotes"),
        ("x: 1\na: [1, 2\nb: 3", 2, 4, "close the bracket"),
        ('x: 1\na: "open\nb: 3', 2, 4, "close the quotation mark"),
        ("a:\n\t- b", 2, 1, "a tab"),
        ("a: 1\nb: 2\na: 3", 3, 1, "first on line 1"),
        ("a: &x 1", 1, 4, "an anchor"),
        ("a: *x", 1, 4, "alias"),
        ("b: !!python/name:os.system x", 1, 4, "a tag"),
        ("a: 1\n---\nb: 2", 2, 1, "second document"),
        ("? [a]\n: b", 1, 3, "not plain text"),
        ("[" * 100_000, 1, 22, "nested deeper"),
        ("- " * 100_000, 1, 43, "nested deeper"),
    ],
)
def test_yaml_that_we_do_not_read_is_refused_at_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(text)

    assert refused.value.code == "S002"
    assert refused.value.place == (line, column)
    assert words in refused.value.message
    assert "; " in refused.value.message  # what next


@given(st.text(alphabet="ab:-[]{}\"'|>#&*!%@,? \n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    refused = _refusal(text)

    assert refused is None or (refused.place.line <= text.count("\n") + 2 and refused.place.column >= 1)


def _refusal(text: str) -> Unreadable | None:
    try:
        parse(text)
    except Unreadable as refused:
        return refused
    return None


def test_an_article_is_parted_at_its_fences() -> None:
    assert split("---\na: 1\n---\n\nBody\n---\n") == ("a: 1", "\nBody\n---\n", 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), (" \n", "empty"), ("Title\n", "first line"), ("---\ntitle: x\n\nBody\n", "not closed")],
)
def test_front_matter_that_is_missing_or_open_is_refused(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        split(text)

    assert (refused.value.code, refused.value.place) == ("S001", (1, 1))


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_bytes("\ufeff---\r\na: ü\r\n---\rBody\r\n".encode())

    assert read_text(file) == "---\na: ü\n---\nBody\n"


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        ("a: ü\nb: x".encode("latin-1"), (1, 4), "UTF-8"),
        ("ü\nab".encode() + b"\xff", (2, 3), "0xFF"),
        ("a: ü".encode("utf-16"), (1, 1), "UTF-8"),
        (b"a\nb\x00c", (2, 2), "U+0000"),
        ("x\ny\u2028z".encode(), (2, 2), "U+2028"),
        ("x\ny\ufdd0z".encode(), (2, 2), "U+FDD0"),
        ("x\ny\U0001fffez".encode(), (2, 2), "U+1FFFE"),
        (b"a" * (MAX_BYTES + 1), (1, 1), "split the file"),
    ],
)
def test_bytes_that_are_no_text_are_refused_at_their_place(
    tmp_path: Path, raw: bytes, place: tuple[int, int], words: str
) -> None:
    file = tmp_path / "x.md"
    file.write_bytes(raw)

    with pytest.raises(Unreadable, match=words.replace("+", r"\+")) as refused:
        read_text(file)

    assert (refused.value.code, refused.value.place) == ("S005", place)


def test_a_folder_and_a_dangling_link_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "link.md").symlink_to(tmp_path / "gone")

    for name, words in (("folder.md", "folder"), ("link.md", "no such file")):
        with pytest.raises(Unreadable, match=words):
            read_text(tmp_path / name)


def test_a_pipe_or_a_device_is_no_text(tmp_path: Path) -> None:
    """Git carries links: neither may make a check wait or read for ever."""
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zero.md").symlink_to("/dev/zero")

    for name in ("pipe.md", "zero.md"):
        with pytest.raises(Unreadable, match="no ordinary file"):
            read_text(tmp_path / name)
