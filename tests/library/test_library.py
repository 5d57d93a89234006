"""content/ as data: what is read, what blocks, and that nothing an editor can do raises."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library import load_library
from pipeline.model import Severity, Status
from tests.library.newsroom import FRONT, NOW, PEOPLE, SOURCE, TOPICS, Newsroom, front


def test_an_article_is_read_with_everything_it_says(newsroom: Newsroom) -> None:
    more = (
        "updated: 2026-11-21T08:00:00+02:00\n"
        "ai: {involvement: drafted, model: M, reviewed_by: ines, reviewed_at: 2026-11-19}\n"
        "corrections: [{date: 2026-11-21, was: 9 GW, now: 9.4 GW, why: a slip}]\n"
        "email: {subject: Short, preheader: Shorter, skip: yes}\n"
    )

    article, library = newsroom.load_article("\nFirst.[^northfield-2026]\n", front=front(status="corrected") + more)

    assert library.problems == ()
    assert (article.slug, article.url_path) == ("grid", "articles/grid/")
    assert article.date == dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
    assert article.updated == dt.datetime(2026, 11, 21, 6, tzinfo=dt.UTC)
    assert article.kicker == ""
    assert (article.ai.involvement, article.ai.reviewed_by, article.ai.reviewed_at) == (
        "drafted",
        "ines",
        dt.date(2026, 11, 19),
    )
    assert article.corrections[0].now == "9.4 GW"
    assert (article.email_subject, article.email_preheader, article.email_skip) == ("Short", "Shorter", True)
    assert article.source_ids == ("northfield-2026",)
    assert (article.body, article.body_line) == ("\nFirst.[^northfield-2026]\n", 13)
    assert article.citations[0].line == 14


def test_a_source_is_read_with_its_figures_as_they_were_written(newsroom: Newsroom) -> None:
    newsroom.source(
        "westfield-2026", "author: [{literal: A B}, {given: C, family: D}, E]\nsample: true\nvia: northfield-2026\n"
    )

    source = newsroom.load().sources["westfield-2026"]

    assert source.facts["peak"].value == "9.40"
    assert source.authors == ("A B", "C D", "E")
    assert (source.sample, source.via, source.issued) == (True, "northfield-2026", "2026-02-26")


def test_feeds_topics_and_people_are_read_in_the_order_of_their_files(newsroom: Newsroom) -> None:
    newsroom.write(
        "content/feeds.yml",
        "- {id: one, url: 'https://one.example.org/feed', publisher: One, topics: [chips], min_interval: 30m, paused: true}\n"
        "- {id: two, url: 'https://two.example.org/feed', publisher: Two}\n",
    )

    library = newsroom.load()

    assert [feed.id for feed in library.feeds] == ["one", "two"]
    assert library.feeds[0].min_interval == dt.timedelta(minutes=30)
    assert library.feeds[0].paused
    assert list(library.topics) == ["power", "chips"]
    assert list(library.people) == ["ines", "tomas", "drafting-model"]
    assert library.problems == ()


def test_only_what_is_final_and_not_ahead_is_published_newest_first(newsroom: Newsroom) -> None:
    for slug, status, date in (
        ("old", "published", "2026-11-01"),
        ("new", "corrected", "2026-11-22"),
        ("ahead", "scheduled", "2026-12-01"),
        ("draft", "draft", "2026-11-01"),
        ("idea", "idea", "2026-11-01"),
    ):
        newsroom.article(front=front(status=status, date=date), slug=slug, date=date)

    library = newsroom.load()

    assert [article.slug for article in library.published(NOW)] == ["new", "old"]
    assert [article.slug for article in library.articles] == ["ahead", "new", "draft", "idea", "old"]
    assert library.article("draft") is not None
    assert library.article("nothing") is None


def test_an_idea_needs_no_more_than_a_title(newsroom: Newsroom) -> None:
    newsroom.article(front="title: Water and its meters\nstatus: idea\n")

    library = newsroom.load()

    assert {problem.severity for problem in library.problems} == {Severity.WARNING}
    assert library.articles[0].status is Status.IDEA
    assert library.articles[0].date == dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert library.blocking(NOW) == ()


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ({"status": "published"}, True),
        ({"status": "published", "date": "2026-12-24"}, False),
        ({"status": "draft"}, False),
        ({"status": "draft", "title": None, "tags": "[x]"}, False),
        ({"status": "published", "title": None}, True),
        ({"status": "publishd"}, True),
        ({"status": None}, True),
    ],
)
def test_problems_block_only_where_readers_would_see_them(
    newsroom: Newsroom, changes: dict[str, str | None], blocks: bool
) -> None:
    newsroom.article("Cites [^nobody].\n", front=front(**changes))

    library = newsroom.load()

    assert any(problem.severity is Severity.ERROR for problem in library.problems) or not blocks
    assert bool(library.blocking(NOW)) is blocks


@pytest.mark.parametrize("path", ["content/sources/northfield-2026.yml", "content/topics.yml", "content/people.yml"])
def test_a_broken_file_that_articles_rest_on_blocks(newsroom: Newsroom, path: str) -> None:
    newsroom.write(path, "a: b: c\n")

    assert [problem.path for problem in newsroom.load().blocking(NOW)][:1] == [path]


def test_a_far_date_is_told_when_the_time_is_known(newsroom: Newsroom) -> None:
    newsroom.article(front=front(date="2062-11-20"), date="2062-11-20")

    library = newsroom.load()

    assert library.problems == ()
    assert [problem.code for problem in library.problems_at(NOW)] == ["S014"]
    assert library.blocking(NOW) == ()


def test_a_folder_without_content_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    library = load_library(tmp_path, now=dt.datetime.now(dt.UTC))

    assert [(problem.path, problem.code) for problem in library.problems] == [
        ("content/people.yml", "S005"),
        ("content/topics.yml", "S005"),
    ]


def test_an_editors_hidden_files_are_passed_over(newsroom: Newsroom) -> None:
    newsroom.write("content/articles/2026/.#2026-11-20-grid.md", "half a line")

    assert newsroom.load().problems == ()


SPOILT = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([FRONT, SOURCE, TOPICS, PEOPLE]).flatmap(
        lambda text: st.tuples(
            st.integers(0, len(text)), st.integers(0, 12), st.text("a:-[]{}'\"#|> \n\t&*!é0", max_size=4)
        ).map(lambda edit: (text[: edit[0]] + edit[2] + text[edit[0] + edit[1] :]).encode())
    ),
)


@settings(max_examples=150)
@given(SPOILT, SPOILT, SPOILT, SPOILT)
def test_whatever_the_files_hold_loading_never_raises(
    tmp_path_factory: pytest.TempPathFactory, article: bytes, source: bytes, topics: bytes, feeds: bytes
) -> None:
    newsroom = Newsroom(tmp_path_factory.mktemp("spoilt"))
    newsroom.write("content/articles/2026/2026-11-20-grid.md", b"---\n" + article + b"\n---\n" + source)
    newsroom.write("content/articles/2026/2026-11-21-grid.md", article)
    newsroom.write("content/sources/northfield-2026.yml", source)
    newsroom.write("content/topics.yml", topics)
    newsroom.write("content/feeds.yml", feeds)

    library = newsroom.load()

    for problem in library.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert "; " in problem.message or ":" in problem.message


def test_hundreds_of_articles_are_read_in_seconds(newsroom: Newsroom) -> None:
    body = (
        "A sentence on the grid of 2026 says 9.4 GW.[^northfield-2026]\n" * 60
        + "\n## Head\n\n| a | b |\n| - | - |\n| x [^aa] | y |\n"
    )
    for number in range(200):
        newsroom.article(body.replace("[^aa]", "[^southfield-2026]"), slug=f"grid-{number}")

    begun = time.process_time()
    library = newsroom.load()
    seconds = time.process_time() - begun

    assert len(library.articles) == 200
    assert [problem for problem in library.problems if problem.severity is Severity.ERROR] == []
    assert seconds < 20, "about 1.5 s on an idle machine"
