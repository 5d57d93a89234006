"""The publication in this repository keeps its own rules."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

import pytest

from pipeline.library import Library, load_library, render_article, to_plain_text
from pipeline.library.files import SNAPSHOTS
from tests.conftest import REPOSITORY
from tests.library.newsroom import SITE

FAR = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def ours() -> Library:
    return load_library(REPOSITORY, now=dt.datetime.now(dt.UTC))


def test_nothing_blocks_publication(ours: Library) -> None:
    assert [str(problem) for problem in ours.blocking(FAR)] == []


def test_every_sentence_with_a_number_cites(ours: Library) -> None:
    assert [str(problem) for problem in ours.problems if problem.code == "S201"] == []


def test_every_article_becomes_a_page_and_a_letter_without_leftovers(ours: Library) -> None:
    articles = ours.published(FAR)

    assert len(articles) >= 10
    for article in articles:
        rendered = render_article(article, ours, site_url=SITE)
        text = to_plain_text(article, ours, site_url=SITE)

        assert len(rendered.cited) == len(article.source_ids), article.path
        assert sum(len(row.back) for row in rendered.cited) == len(article.citations), article.path
        for leftover in ("[^", "<!--", "\x02", "{:"):
            assert leftover not in rendered.html, article.path
            assert leftover not in text, article.path


def test_feeds_are_read_and_belong_to_our_topics(ours: Library) -> None:
    assert len(ours.feeds) >= 5
    assert {topic for feed in ours.feeds for topic in feed.topics} <= set(ours.topics)


def test_one_article_rests_on_stored_copies_alone_and_says_that_it_is_a_demonstration(ours: Library) -> None:
    article = ours.article("northfield-with-its-receipts")
    assert article is not None
    sources = [ours.sources[id_] for id_ in article.source_ids]

    assert "demonstration" in article.title
    assert len(sources) == 6
    for source in sources:
        assert source.sample
        assert (urlsplit(source.url).hostname or "").endswith(".example")
        assert source.redistribute == "full"
        assert ours.texts.in_git(source)
        assert ours.texts.of(source)[1] == ""


def test_no_stored_copy_lies_here_without_its_source(ours: Library) -> None:
    lying_here = {path.stem for path in (REPOSITORY / SNAPSHOTS).glob("*.txt")}

    assert lying_here == {source.snapshot.text_sha256 for source in ours.sources.values() if source.snapshot}
