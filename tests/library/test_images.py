"""Images that articles show: each is there, is one, and can be unpacked (S042)."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from pipeline.library.images import file_at
from tests.library.newsroom import Newsroom, front


def an_image() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (30, 20)).save(written, "PNG")
    return written.getvalue()


def test_an_image_that_is_there_is_no_problem(newsroom: Newsroom) -> None:
    newsroom.write("content/pages/images/a b.png", an_image())
    newsroom.write("content/pages/images/drawn.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    newsroom.article(
        "![One](images/a%20b.png) ![Two](/images/a%20b.png#x) ![Three](images/drawn.svg) ![Four](https://example.org/x.png)\n"
    )

    assert newsroom.problems() == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("images/b.png", "does not exist; mend the path, or put the image there"),
        ("images/page.png", "is no image that we know; save it as PNG, JPEG, WebP or AVIF"),
        ("images/scan.tiff", "ends in .tiff; save it as PNG, JPEG, WebP or AVIF"),
    ],
)
def test_s042_an_image_that_cannot_be_shown_is_told_with_its_line(newsroom: Newsroom, url: str, said: str) -> None:
    newsroom.write("content/pages/images/page.png", b"<html>not found</html>")
    newsroom.write("content/pages/images/scan.tiff", an_image())
    newsroom.article(f"Words.\n\nMore ![A hall]({url}) here.\n")

    problem = newsroom.only_problem()

    assert (problem.code, problem.line, problem.column, problem.severity) == ("S042", 11, 16, "error")
    assert problem.message == f"the image content/pages/{url} {said}"


def test_s042_in_a_draft_it_is_a_warning(newsroom: Newsroom) -> None:
    newsroom.article("![A hall](images/none.png)\n", front=front(status="draft"))

    assert (newsroom.only_problem().code, newsroom.only_problem().severity) == ("S042", "warning")


def test_s042_an_image_of_too_many_points_is_told(newsroom: Newsroom) -> None:
    written = io.BytesIO()
    Image.new("1", (9000, 7000)).save(written, "PNG")
    newsroom.write("content/pages/vast.png", written.getvalue())
    newsroom.article("![A hall](vast.png)\n")

    said = "the image content/pages/vast.png has 9000 x 7000 points, more than 60 million; save it smaller"
    assert newsroom.only_problem().message == said


def test_s042_a_file_that_is_too_large_is_told(newsroom: Newsroom) -> None:
    newsroom.write("content/pages/heavy.png", an_image() + b"\0" * 25_000_000)
    newsroom.article("![A hall](heavy.png)\n")

    assert newsroom.only_problem().message == "the image content/pages/heavy.png is larger than 25 MB; save it smaller"


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("/images/a.png", "images/a.png"),
        ("https://news.example.org/images/a.png", "images/a.png"),
        ("images/a%20b.png?width=1:2#top", "images/a b.png"),
        ("at-10%3A30.png", "at-10:30.png"),
        ("https://www.example.org/images/a.png", None),
        ("//www.example.org/a.png", None),
        ("data:image/png;base64,AAAA", None),
        ("../../secret.png", None),
        ("https://news.example.org/%2e%2e/secret.png", None),
    ],
)
def test_one_rule_tells_for_check_site_and_mail_which_file_a_link_shows(url: str, file: str | None) -> None:
    assert file_at(url, site_url="https://news.example.org/") == file
