from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import StoreError, UsageError
from pipeline.library import new_article
from pipeline.model import Severity, Status
from tests.library.newsroom import NOW, Newsroom

TODAY = dt.date(2026, 11, 23)


def test_a_new_article_is_a_draft_that_check_has_no_errors_for(newsroom: Newsroom) -> None:
    path = new_article(newsroom.root, "The grid: who's asking, and for what?", today=TODAY, topics=["power"])

    library = newsroom.load()
    article = library.article("the-grid-whos-asking-and-for-what")
    assert path == newsroom.root / "content/articles/2026/2026-11-23-the-grid-whos-asking-and-for-what.md"
    assert library.problems == ()
    assert article is not None
    assert (article.title, article.status) == ("The grid: who's asking, and for what?", Status.DRAFT)
    assert (article.authors, article.topics) == (("ines",), ("power",))
    assert library.published(NOW + dt.timedelta(days=365)) == ()


def test_a_template_that_nobody_wrote_over_is_not_published(newsroom: Newsroom) -> None:
    path = new_article(newsroom.root, "The grid is the new fab", today=TODAY, topics=["power"])
    text = path.read_text("utf-8").replace("status: draft", "status: published")

    path.write_text(text, "utf-8")
    untouched = [p.code for p in newsroom.load().problems if p.severity is Severity.ERROR]
    path.write_text(
        text.replace("One sentence that says what the reader will know afterwards", "Grids decide"), "utf-8"
    )
    half_written = [p.code for p in newsroom.load().problems if p.severity is Severity.ERROR]

    assert untouched == half_written == ["S009"]


@pytest.mark.parametrize(
    "title",
    [
        "# Not a comment",
        "- not a list",
        "No: no, no",
        "yes: [a]",
        "\"Quoted\" and 'so'",
        "Über Straße & Öl",
        "@home {x}",
        "null and void",
    ],
)
def test_any_title_is_written_so_that_it_is_read_back(newsroom: Newsroom, title: str) -> None:
    new_article(newsroom.root, title, today=TODAY)

    library = newsroom.load()
    assert [article.title for article in library.articles] == [title]
    assert {problem.severity for problem in library.problems} == {Severity.WARNING}  # it has no topic yet


@pytest.mark.parametrize(
    ("title", "options", "words"),
    [
        ("Short", {}, "min 8"),
        ("x" * 111, {}, "max 110"),
        ("日本の電力網について書く", {}, "no slug"),
        ("A good title", {"author": "inse"}, 'did you mean "ines"'),
        ("A good title", {"topics": ["powr"]}, 'did you mean "power"'),
    ],
)
def test_what_check_would_refuse_is_not_written(
    newsroom: Newsroom, title: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        new_article(newsroom.root, title, today=TODAY, **options)  # type: ignore[arg-type]

    assert newsroom.load().articles == ()


def test_a_taken_slug_and_an_existing_file_are_left_alone(newsroom: Newsroom) -> None:
    taken = newsroom.article(slug="the-grid-again", date="2025-11-20")
    unreadable = newsroom.write("content/articles/2026/2026-11-23-the-grid-once-more.md", "mine")

    with pytest.raises(UsageError, match=taken):
        new_article(newsroom.root, "The grid again", today=TODAY)
    with pytest.raises(UsageError, match="there already"):
        new_article(newsroom.root, "The grid once more", today=TODAY)

    assert (newsroom.root / unreadable).read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.write("content/articles", "a file where the folder should be")

    with pytest.raises(StoreError, match="cannot be written") as told:
        new_article(newsroom.root, "The grid again", today=TODAY)

    assert told.value.exit_code == 1  # as of `cite` and `fmt`: the command was right


def test_a_long_title_is_cut_at_the_end_of_a_word(newsroom: Newsroom) -> None:
    path = new_article(newsroom.root, "electricity " * 9 + "x", today=TODAY)

    assert path.stem == "2026-11-23-" + "-".join(["electricity"] * 5)
