"""From a card of the inbox to a draft with its sources in place."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ContentError, UsageError
from pipeline.ingest.inbox import Card, CardEntry, write
from pipeline.ingest.start import Started, start_article
from pipeline.library import load_library, render_article
from pipeline.library.new import TEMPLATE_CITED
from pipeline.model import Tier
from tests.library.newsroom import Newsroom

TODAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
NAME = "2026-11-23-load-outlook-12345678.md"
NORTH = CardEntry(
    "north",
    "Northfield Grid Authority",
    "primary",
    "https://north.example.org/outlook?utm_source=x",
    "Load outlook 2026",
    NOW,
)
EAST = CardEntry("east", "Eastfield Times", "secondary", "https://east.example.org/1", "More load expected", NOW)
CARD = Card(
    NAME,
    "Load outlook 2026: halls may need more",
    NOW,
    NOW,
    ("power", "unknown"),
    (NORTH, EAST),
    "Halls may need more.",
)


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def start(newsroom: Newsroom, card: Card = CARD, *, title: str | None = None, named: str = "") -> Started:
    (newsroom.root / "content/inbox").mkdir(exist_ok=True)
    write(newsroom.root / "content/inbox", card)
    return start_article(newsroom.root, named or card.name, title=title, today=TODAY)


def test_a_draft_cites_a_source_for_each_address_of_the_story(newsroom: Newsroom) -> None:
    started = start(newsroom)

    library = load_library(newsroom.root, now=NOW)
    article = library.article_at(started.article)
    assert article is not None
    assert started.written == ("content/sources/northfield-grid-2026.yml", "content/sources/eastfield-times-2026.yml")
    assert [citation.source for citation in article.citations] == ["northfield-grid-2026", "eastfield-times-2026"]
    assert article.title == "Load outlook 2026: halls may need more"
    assert article.topics == ("power",)
    source = library.sources["northfield-grid-2026"]
    assert (source.url, source.tier, source.accessed, source.issued, source.title) == (
        "https://north.example.org/outlook",
        Tier.PRIMARY,
        "2026-11-24",
        "2026-11-23",
        "Load outlook 2026",
    )
    assert [problem for problem in library.problems if problem.path in (*started.written, started.article)] == []
    *_, wrote, what_next = started.lines()
    assert wrote.endswith(f"write, then run: opensignal check {article.slug}")
    assert what_next.endswith(": opensignal sources refresh northfield-grid-2026 eastfield-times-2026")


def test_a_source_that_is_known_is_cited_and_not_written_again(newsroom: Newsroom) -> None:
    known = replace(NORTH, url="http://www.southfield-2026.example.org/outlook/?utm_medium=rss")

    started = start(newsroom, replace(CARD, entries=(known, EAST)))

    assert started.known == ("southfield-2026",)
    assert started.written == ("content/sources/eastfield-times-2026.yml",)


def test_copies_and_tellings_without_an_address_are_left_out_and_named(newsroom: Newsroom) -> None:
    entries = (NORTH, replace(EAST, copy=True), replace(EAST, publisher="West", url=None))

    started = start(newsroom, replace(CARD, entries=entries))

    assert started.left_out == ("Eastfield Times: it has the same text as another", "West: no address")
    assert len(started.written) == 1


def test_one_address_told_by_two_feeds_is_one_source(newsroom: Newsroom) -> None:
    started = start(
        newsroom,
        replace(CARD, entries=(NORTH, replace(NORTH, feed="north-2", url="https://m.north.example.org/outlook/amp"))),
    )

    assert len(started.written) == 1


def test_the_words_of_the_template_keep_a_draft_from_being_published(newsroom: Newsroom) -> None:
    started = start(newsroom)
    path = newsroom.root / started.article
    text = path.read_text().replace("status: draft", "status: published")
    path.write_text(text.replace("The first paragraph opens in the middle of things.\n", ""))

    assert TEMPLATE_CITED in text
    assert "S009" in {problem.code for problem in load_library(newsroom.root, now=NOW).problems}


HOSTILE = (
    '"]\nstatus: published\n<script>alert(1)</script>',
    "![x](https://evil.test/x.png) [^northfield-2026] {{ 7*7 }} <!-- analysis --> done now",
    "--- !!python/object/apply:os.system ['true'] %% and more",
    "--8<-- '/etc/passwd' and what else there is",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_t36_nothing_that_a_feed_wrote_becomes_markup_of_the_draft(newsroom: Newsroom, words: str) -> None:
    line = " ".join(words.split())
    started = start(
        newsroom, replace(CARD, title=line, excerpt=line, entries=(replace(NORTH, title=line),)), title=None
    )

    body = (newsroom.root / started.article).read_text().split("---\n", 2)[2]
    library = load_library(newsroom.root, now=NOW)
    article = library.article_at(started.article)
    assert article is not None
    assert line not in body
    assert article.title == line.rstrip(".")
    assert article.status.value == "draft"
    assert library.sources["northfield-grid-2026"].title == line
    rendered = render_article(article, library, site_url="https://signals.example.org/").html
    assert "evil.test" not in rendered
    assert "<script" not in rendered


def test_a_title_of_ones_own_is_taken(newsroom: Newsroom) -> None:
    assert start(newsroom, title="Who waits for the grid").article.endswith("2026-11-24-who-waits-for-the-grid.md")


def test_a_long_title_is_cut_and_a_full_stop_taken_off(newsroom: Newsroom) -> None:
    started = start(newsroom, replace(CARD, title="word " * 40 + "end."))

    article = load_library(newsroom.root, now=NOW).article_at(started.article)
    assert article is not None
    assert len(article.title) <= 110


@pytest.mark.parametrize(
    ("title", "words"), [("Grid", "title"), ("电网是新的工厂吗这是一个很长的标题", "no slug can be made")]
)
def test_a_title_that_will_not_do_leaves_nothing_behind(newsroom: Newsroom, title: str, words: str) -> None:
    before = sorted((newsroom.root / "content/sources").iterdir())

    with pytest.raises(UsageError, match=words):
        start(newsroom, replace(CARD, title=title))

    assert sorted((newsroom.root / "content/sources").iterdir()) == before


def test_a_card_can_be_named_by_a_part_of_its_name(newsroom: Newsroom) -> None:
    assert start(newsroom, named="load-outlook").article
    assert start(
        newsroom, replace(CARD, name="other.md"), named="content/inbox/other.md", title="Another title"
    ).article


def test_a_card_that_is_not_there_or_not_the_only_one_is_asked_for(newsroom: Newsroom) -> None:
    start(newsroom)
    write(newsroom.root / "content/inbox", replace(CARD, name="2026-11-23-load-more-12345678.md"))

    with pytest.raises(UsageError, match="stands in the names of 2 cards"):
        start_article(newsroom.root, "load", title=None, today=TODAY)
    with pytest.raises(UsageError, match=f'no card "{NAME[:-4]}x" in content/inbox; did you mean'):
        start_article(newsroom.root, f"{NAME[:-4]}x", title=None, today=TODAY)


def test_a_file_that_is_no_card_is_named(newsroom: Newsroom) -> None:
    newsroom.write("content/inbox/note.md", "A note.\n")

    with pytest.raises(ContentError, match=r"note\.md:1: no front matter"):
        start_article(newsroom.root, "note.md", title=None, today=TODAY)
