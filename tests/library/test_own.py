"""Who proposes a change can propose a link, a pipe or any name: nothing foreign is read, and no name commands a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import ContentError
from pipeline.library.files import read_content
from pipeline.library.topics import read_topics
from pipeline.printable import printable
from tests.library.newsroom import Newsroom

SECRET = "root-of-all-secrets"


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    (tmp_path / "secret.txt").write_text(f"{SECRET}: x\n")
    return Newsroom(tmp_path / "repository")


@pytest.mark.parametrize(
    "path",
    ["content/sources/leak.yml", "content/articles/2026/2026-11-20-leak.md", "content/pages/h.txt",
     "content/pages/x.md", "content/sources/snapshots/a.txt", "theme/assets/leak.txt", "theme/main.html"],
)  # fmt: skip
@pytest.mark.parametrize("target", ["../../../secret.txt", "/etc/passwd", ".git/config", "gone"])
def test_a_link_out_of_the_repository_is_refused_and_not_read(newsroom: Newsroom, path: str, target: str) -> None:
    link = newsroom.root / path
    link.parent.mkdir(parents=True, exist_ok=True)
    newsroom.write(".git/config", SECRET)
    hidden = newsroom.root / target if target.startswith(".git") else newsroom.root.parent / "secret.txt"
    link.symlink_to(hidden if target != "/etc/passwd" else Path(target))
    if target == "gone":
        (newsroom.root.parent / "secret.txt").unlink()

    problem = newsroom.only_problem()

    assert (problem.path, problem.code) == (path, "S005")
    assert "link out of the newsletter's own files; put the file itself" in problem.message


def test_a_folder_that_is_a_link_out_of_the_repository_is_not_looked_into(newsroom: Newsroom) -> None:
    other = Newsroom(newsroom.root.parent / "other")
    other.article()
    (newsroom.root / "content/articles").symlink_to(other.root / "content/articles")
    (newsroom.root / "content/topics.yml").unlink()
    (newsroom.root / "content/topics.yml").symlink_to(other.root / "content/topics.yml")

    shelf = read_content(newsroom.root)

    assert (shelf.articles, shelf.topics) == ([], [])
    assert [p.path for p in shelf.problems] == ["content/articles", "content/topics.yml"]
    with pytest.raises(ContentError, match="link out of"):
        read_topics(newsroom.root / "content")


def test_a_link_to_another_file_of_the_repository_is_followed_and_a_ring_of_links_ends(newsroom: Newsroom) -> None:
    newsroom.write("content/shared/topics.yml", (newsroom.root / "content/topics.yml").read_bytes())
    (newsroom.root / "content/topics.yml").unlink()
    (newsroom.root / "content/topics.yml").symlink_to("shared/topics.yml")
    ring = newsroom.root / "content/sources/ring.yml"
    ring.symlink_to("ring.yml")

    library = newsroom.load()

    assert set(library.topics) == {"power", "chips"}
    assert [p.path for p in library.problems] == ["content/sources/ring.yml"]


@pytest.mark.parametrize(
    "name", ["pipe.yml", "pipe.txt", "snapshots/pipe.txt"],
)  # fmt: skip
def test_a_pipe_is_told_of_and_nobody_waits_for_it(newsroom: Newsroom, name: str) -> None:
    (newsroom.root / "content/sources/snapshots").mkdir()
    os.mkfifo(newsroom.root / "content/sources" / name)

    problem = newsroom.only_problem()

    assert problem.path == f"content/sources/{name}"
    assert "no ordinary file; replace it" in problem.message


@pytest.mark.parametrize("name", ["a\n::error file=x::owned.yml", "a\x1b[2J.yml", "a\x9b31m.md", "a\u202eb.yml"])
def test_a_name_that_commands_a_terminal_is_made_printable(newsroom: Newsroom, name: str) -> None:
    newsroom.write(f"content/sources/{name}", "id: x\n")

    problem = newsroom.only_problem()

    assert str(problem).isprintable()
    assert "?" in problem.path
    assert "rename the file" in problem.message


def test_a_name_of_any_octets_can_be_printed(newsroom: Newsroom) -> None:
    path = os.fsencode(newsroom.root / "content/sources") + b"/\xff\xfe.yml"
    with open(path, "wb") as file:  # noqa: PTH123 -- of octets
        file.write(b"id: x\n")

    assert str(newsroom.only_problem()).encode("utf-8").startswith(b"content/sources/")


def test_what_a_file_says_commands_no_terminal_either(newsroom: Newsroom) -> None:
    newsroom.write("content/people.yml", '- {id: "a\\n::error::\\e[2J", name: A, role: editor}\n')

    assert newsroom.load().problems
    assert all(str(problem).isprintable() for problem in newsroom.load().problems)


def test_what_is_printable_stays_as_it_is() -> None:
    assert printable("content/articles/2026/grüße 東京.md") == "content/articles/2026/grüße 東京.md"
