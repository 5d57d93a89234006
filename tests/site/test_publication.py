"""What templates are told of articles, sources and dates."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.model import AiUse, Person, Role
from pipeline.site.markup import dressed, with_margin_notes, without_title
from pipeline.site.pages import year_of
from pipeline.site.publication import Card, Strip, authorship, date_words, partial_date_words
from tests.builders import an_article

PEOPLE = {
    "ann": Person("ann", "Ann Editor", Role.EDITOR),
    "bob": Person("bob", "Bob Writer", Role.WRITER),
    "model": Person("model", "A model", Role.MODEL),
}


@pytest.mark.parametrize(
    ("bars", "words"),
    [((), "no sources"), ((True,), "1 source, 1 primary"), ((True, False, False), "3 sources, 1 primary")],
)
def test_a_strip_counts_its_sources(bars: tuple[bool, ...], words: str) -> None:
    assert Strip(bars).words == words


def test_a_strip_ends_with_its_last_bar() -> None:
    assert Strip((True, True)).width == 19


@pytest.mark.parametrize(
    ("involvement", "reviewer", "authors", "words"),
    [
        ("drafted", "ann", ("model", "ann"), "AI-written, reviewed by Ann Editor"),
        ("drafted", None, ("model",), "AI-written"),
        ("assisted", "ann", ("bob",), "By Bob Writer, with help from AI, reviewed by Ann Editor"),
        ("none", None, ("bob", "ann"), "By Bob Writer and Ann Editor"),
        ("none", "ann", ("nobody",), "Unsigned, reviewed by Ann Editor"),
    ],
)
def test_who_wrote_it_is_said_in_one_line(
    involvement: str, reviewer: str | None, authors: tuple[str, ...], words: str
) -> None:
    article = an_article(authors=authors, ai=AiUse(involvement, "a model", reviewer))

    assert authorship(article, PEOPLE) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026", "2026"),
        ("2026-02", "February 2026"),
        ("2026-02-06", "6 February 2026"),
        ("2026-13", "2026-13"),
        ("", ""),
    ],
)
def test_a_date_that_stops_early_says_what_it_knows(text: str, words: str) -> None:
    assert partial_date_words(text) == words


def test_dates_are_in_words_whatever_the_machine_speaks() -> None:
    assert date_words(dt.date(2026, 3, 1)) == "1 March 2026"


def test_a_year_has_a_tick_for_each_day_with_an_article() -> None:
    cards = [a_card(dt.datetime(2024, 12, 31, tzinfo=dt.UTC)), a_card(dt.datetime(2024, 2, 29, tzinfo=dt.UTC))]

    year = year_of(2024, cards)

    assert year.days == 366
    assert year.hits_path == f"M{59 * 3 + 1} 4v20M{365 * 3 + 1} 4v20"
    assert [month.name for month in year.months] == ["December 2024", "February 2024"]


def test_only_tags_are_boxed_not_words_that_look_like_them() -> None:
    html = '<p title="<table>">&lt;table&gt;</p><table class="x"><tr></tr></table>'

    boxed = dressed(html)

    assert boxed.startswith('<p title="<table>">&lt;table&gt;</p><div class="table" ')
    assert boxed.endswith("</table></div>")
    assert boxed.count("<div") == boxed.count("</div>") == 1


def test_listings_scroll_by_keyboard_and_alignment_becomes_a_class() -> None:
    html = '<pre class="x"><code>a</code></pre><table><td align="right">1</td></table>'

    assert '<pre tabindex="0" class="x">' in dressed(html)
    assert '<td class="align-right">1</td>' in dressed(html)


def test_a_citation_of_an_unknown_number_is_left_alone() -> None:
    html = '<sup class="cite"><a href="#source-9" id="cite-9-1">9</a></sup>'

    assert with_margin_notes(html, {}) == html


def test_the_title_of_a_page_is_taken_out_once() -> None:
    assert without_title('<h1 id="a">A <em>b</em></h1>\n<p>c</p>') == "<p>c</p>"
    assert without_title("<h2>A</h2>") == "<h2>A</h2>"


def a_card(date: dt.datetime) -> Card:
    return Card("A title", "A dek.", "articles/a/", date, date_words(date), 1, Strip(()), (), "")
