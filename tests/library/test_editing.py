"""A command that changes a key changes that key: every other byte of the file is the editor's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ContentError
from pipeline.library.editing import TextFile, append_item, set_value
from pipeline.library.frontmatter import parse, split

NOTE = {"date": "2026-11-24", "was": "It named 24 halls.", "now": "It named 42 halls: all of them."}


def a_file(folder: Path, content: str | bytes) -> TextFile:
    path = folder / "article.md"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TextFile.read(path)


def article(front: str) -> str:
    return f"---\n{front}---\nThe body.\n"


@pytest.mark.parametrize(
    ("front", "after"),
    [
        ("title: A\nstatus: draft\n", "title: A\nstatus: corrected\n"),
        ("status: draft # not yet\n# a comment\ntitle: A\n", "status: corrected # not yet\n# a comment\ntitle: A\n"),
        ("status:\ntitle: A\n", "status: corrected\ntitle: A\n"),
        ("status: # none\ntitle: A\n", "status: corrected # none\ntitle: A\n"),
        ("status: ~\ntitle: A\n", "status: corrected\ntitle: A\n"),
        ("status: 'draft'\ntitle: A\n", "status: corrected\ntitle: A\n"),
        ("status: >-\n  draft\ntitle: A\n", "status: corrected\ntitle: A\n"),
        ("status: |\n  draft\n\n# next\ntitle: A\n", "status: corrected\n\n# next\ntitle: A\n"),
        ("title: A\n", "title: A\nstatus: corrected\n"),
        ("title: A # last\n\n# end\n", "title: A # last\nstatus: corrected\n\n# end\n"),
        ("  title: A\n  topics:\n  - b\n", "  title: A\n  topics:\n  - b\n  status: corrected\n"),
        ("{title: A, status: draft}\n", "{title: A, status: corrected}\n"),
        ("{title: A, }\n", "{title: A,  status: corrected}\n"),
        ("title: A\ndek: Long\n  and folded\n", "title: A\ndek: Long\n  and folded\nstatus: corrected\n"),
    ],
)
def test_a_key_is_set_and_nothing_else(tmp_path: Path, front: str, after: str) -> None:
    file = set_value(a_file(tmp_path, article(front)), ("status",), "corrected")

    assert file.text == article(after)


@pytest.mark.parametrize(
    ("front", "after"),
    [
        ("title: A\n", "title: A\nai:\n  reviewed_by: ines\n"),
        ("title: A\nai:\n", "title: A\nai:\n  reviewed_by: ines\n"),
        ("ai: # by whom\ntitle: A\n", "ai: # by whom\n  reviewed_by: ines\ntitle: A\n"),
        ("ai:\n    model: M # big\ntitle: A\n", "ai:\n    model: M # big\n    reviewed_by: ines\ntitle: A\n"),
        ("ai: {model: M}\ntitle: A\n", "ai: {model: M, reviewed_by: ines}\ntitle: A\n"),
        ("ai: {}\ntitle: A\n", "ai: {reviewed_by: ines}\ntitle: A\n"),
        ("ai: {\n  model: M,\n}\n", "ai: {\n  model: M,\n reviewed_by: ines}\n"),
        ("{title: A}\n", "{title: A, ai: {reviewed_by: ines}}\n"),
        ('ai:\n  reviewed_by: "tom"  # x\n', "ai:\n  reviewed_by: ines  # x\n"),
    ],
)
def test_a_key_within_a_group_is_set(tmp_path: Path, front: str, after: str) -> None:
    file = set_value(a_file(tmp_path, article(front)), ("ai", "reviewed_by"), "ines")

    assert file.text == article(after)


@pytest.mark.parametrize(
    "front",
    [
        "title: A\n",
        "corrections:\ntitle: A\n",
        "corrections: []\ntitle: A\n",
        "corrections: [ {date: 2026-11-01, was: a, now: b} ]\ntitle: A\n",
        "corrections:\n- date: 2026-11-01\n  was: a\n  now: b # so\ntitle: A\n",
        "corrections:\n    - {date: 2026-11-01, was: a, now: b}\n\n# next\ntitle: A\n",
        "corrections:\n  -\n    date: 2026-11-01\n    was: >\n      a\n      b\n    now: c\n",
        "{title: A}\n",
        "corrections: # none\n",
    ],
)
def test_an_item_is_added_to_a_list_and_nothing_else(tmp_path: Path, front: str) -> None:
    before = parse(front).data

    file = append_item(a_file(tmp_path, article(front)), "corrections", NOTE)

    assert parse(split(file.text)[0]).data == {**before, "corrections": [*before.get("corrections", []), NOTE]}
    kept = [line for line in front.splitlines() if line.strip() and "[" not in line and "{title" not in line]
    assert [line for line in kept if line not in file.text.splitlines()] == []


def test_line_ends_a_byte_order_mark_and_a_missing_last_line_end_stay(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf---\r\ntitle: A\r\nai:\r\n  model: M\n---\r\nOne.\r\nTwo.\rThree."

    file = append_item(set_value(a_file(tmp_path, raw), ("ai", "reviewed_by"), "ines"), "corrections", NOTE)
    at = file.text.index("Two")
    file = file.changed(at, at + 3, "2\n2")

    assert file.bytes == (
        b"\xef\xbb\xbf---\r\ntitle: A\r\nai:\r\n  model: M\r\n  reviewed_by: ines\r\ncorrections:\r\n  - date: 2026-11-24\r\n"
        b'    was: It named 24 halls.\r\n    now: "It named 42 halls: all of them."\n---\r\nOne.\r\n2\r\n2.\rThree.'
    )


@pytest.mark.parametrize(
    "front", ["ai: drafted\n", "ai: [a]\n", "corrections: none\n", "corrections: {a: b}\n", "dek: >-# x\n  y\n"]
)
def test_what_cannot_be_changed_safely_is_refused_and_left(tmp_path: Path, front: str) -> None:
    file = a_file(tmp_path, article(front))

    with pytest.raises(ContentError, match="by hand"):
        _ = (
            set_value(file, ("ai", "model"), "M")
            if not front.startswith("corr")
            else append_item(file, "corrections", NOTE)
        )


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Zl", "Zp"]), min_size=1)


@given(words=WORDS)
def test_any_words_come_back_as_they_were(words: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = TextFile(Path("a.md"), b"", article("title: A\nai: {model: M}\n"))

    for loc in (("title",), ("ai", "model"), ("email", "subject")):
        if words in ("", "~", "null", "Null", "NULL"):
            continue
        data = parse(split(set_value(file, loc, words).text)[0]).data

        assert data[loc[0]] == (words if len(loc) == 1 else {loc[1]: words})


def test_a_file_is_replaced_whole_with_its_mode_and_through_links(tmp_path: Path) -> None:
    file = a_file(tmp_path, article("title: A\n"))
    file.path.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(file.path)

    set_value(TextFile.read(link), ("title",), "B").write()

    assert link.is_symlink()
    assert file.path.read_text() == article("title: B\n")
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["article.md", "link.md"]


def test_what_was_saved_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = set_value(a_file(tmp_path, article("title: A\n")), ("title",), "B")
    file.path.write_text("mine")

    with pytest.raises(ContentError, match="run the command again"):
        file.write()

    assert file.path.read_text() == "mine"
