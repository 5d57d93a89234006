"""Older addresses that lead to articles, and series: what may stand in the front matter, and what clashes."""

from __future__ import annotations

import pytest

from tests.library.newsroom import Newsroom, front


def with_aliases(*aliases: str, **changes: str | None) -> str:
    return front(**changes) + f"aliases: [{', '.join(aliases)}]\n"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("/2019/05/old-title/", "2019/05/old-title/"),
        ("/old", "old/"),
        ("/old.html", "old.html"),
        ("/old.html/", "old.html/"),
        ("/p/früher", "p/früher/"),
        ("/articles/before/", "articles/before/"),
    ],
)
def test_an_alias_is_kept_as_the_path_below_the_sites_address(newsroom: Newsroom, typed: str, kept: str) -> None:
    article, library = newsroom.load_article(front=with_aliases(typed))

    assert article.aliases == (kept,)
    assert library.problems == ()


@pytest.mark.parametrize(
    "typed",
    [
        "old/",
        "https://other.example.org/",
        "//other.example.org/x",
        "/a/../b/",
        "/.git/",
        "/a b/",
        "'/a?b=1'",
        "'/a#b'",
        "/",
        "/%2e/",
    ],
)
def test_an_alias_that_is_no_path_of_the_site_is_refused(newsroom: Newsroom, typed: str) -> None:
    newsroom.article(front=with_aliases(typed))

    problem = newsroom.only_problem()

    assert (problem.code, problem.line) == ("S052", 8)
    assert "write it from the first slash on, as in /2019/05/old-title/" in problem.message


@pytest.mark.parametrize(
    ("alias", "whose"),
    [
        ("/articles/grid/", "the address of content/articles/2026/2026-11-20-grid.md"),
        ("/articles/Grid/", "the address of content/articles/2026/2026-11-20-grid.md"),
        ("/articles/grid/receipts/", "the address of content/articles/2026/2026-11-20-grid.md"),
        ("/about/", "the address of content/pages/about.md"),
        ("/handbook/", "the address of content/pages/handbook/index.md"),
        ("/topics/power/", "the address of a page of topics"),
        ("/authors/ines/", "the address of a page of authors"),
        ("/sources/northfield-2026/", "the address of a page of sources"),
        ("/archive/2019/", "an address of the site's own"),
        ("/archive/", "an address of the site's own"),
        ("/assets/x/", "an address of the site's own"),
        ("/unsubscribe/x/", "an address of the site's own"),
        ("/index.html", "an address of the site's own"),
        ("/404.html", "an address of the site's own"),
    ],
)
def test_an_alias_that_a_page_of_the_site_has_is_refused(newsroom: Newsroom, alias: str, whose: str) -> None:
    newsroom.write("content/pages/about.md", "# About\n")
    newsroom.write("content/pages/handbook/index.md", "# Handbook\n")
    newsroom.article(front=with_aliases(alias))

    problem = newsroom.only_problem()

    assert (problem.code, problem.line, problem.column) == ("S052", 8, 11)
    assert problem.message == f"the alias {alias} is {whose}; give another, or delete it"


def test_two_articles_cannot_have_one_alias_nor_one_the_same_twice(newsroom: Newsroom) -> None:
    first = newsroom.article(front=with_aliases("/old/", "/OLD/index.html"))
    newsroom.article(front=with_aliases("/old"), slug="other")

    problems = newsroom.load().problems

    assert [(p.code, p.message.partition(" is ")[2]) for p in problems] == [
        ("S052", "here a second time; give another, or delete it"),
        ("S052", f"an alias of {first} too; give another, or delete it"),
    ]


def test_an_alias_cannot_lie_below_one_that_is_a_file(newsroom: Newsroom) -> None:
    first = newsroom.article(front=with_aliases("/2019/old.html"))
    newsroom.article(front=with_aliases("/2019/Old.html/more/"), slug="other")

    problems = newsroom.load().problems

    below = f"/2019/old.html, an alias of {first} that is a file"
    assert [(p.code, p.message) for p in problems] == [
        ("S052", f"the alias /2019/Old.html/more/ is below {below}; give another, or delete it")
    ]


def test_a_series_is_named_in_its_file(newsroom: Newsroom) -> None:
    newsroom.write("content/series.yml", "- {id: the-grid, name: The grid, description: All on the grid.}\n")

    article, library = newsroom.load_article(front=front() + "series: the-grid\n")

    assert article.series == "the-grid"
    assert library.series["the-grid"].name == "The grid"
    assert library.problems == ()


def test_an_unknown_series_is_told_with_the_nearest_that_is_known(newsroom: Newsroom) -> None:
    newsroom.write("content/series.yml", "- {id: the-grid, name: The grid}\n")
    newsroom.article(front=front() + "series: the-gird\n")

    problem = newsroom.only_problem()

    assert (problem.code, problem.line, problem.column) == ("S018", 8, 9)
    assert problem.message == 'unknown series "the-gird"; did you mean "the-grid"?'


def test_a_series_id_stands_once(newsroom: Newsroom) -> None:
    newsroom.write("content/series.yml", "- {id: grid, name: The grid}\n- {id: grid, name: Again}\n")

    assert newsroom.problems() == [("series.yml", 2, 8, "S008")]
