"""What templates are told of articles, sources and dates."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from pipeline.library.dates import date_words, partial_date_words
from pipeline.model import Correction
from pipeline.site.markup import dressed, with_margin_notes, without_title
from pipeline.site.pages import year_of
from pipeline.site.publication import Card, corrections
from pipeline.site.strip import Strip
from tests.builders import an_article


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


def test_short_code_in_the_text_is_marked_and_nothing_else() -> None:
    html = (
        '<p title="<code>a</code>"><code>--json</code> <code>a &lt;b&gt; &amp;</code> '
        "<code>opensignal subscribers import FILE</code></p><pre><code>x\n</code></pre>"
    )

    assert re.findall(r'<code class="short">[^<]*', dressed(html)) == [
        '<code class="short">--json',
        '<code class="short">a &lt;b&gt; &amp;',
    ]
    assert dressed(html).startswith('<p title="<code>a</code>">')


def test_a_citation_of_an_unknown_number_is_left_alone() -> None:
    html = '<sup class="cite"><a href="#source-9" id="cite-9-1">9</a></sup>'

    assert with_margin_notes(html, {}) == html


def test_the_title_of_a_page_is_taken_out_once() -> None:
    assert without_title('<h1 id="a">A <em>b</em></h1>\n<p>c</p>') == "<p>c</p>"
    assert without_title("<h2>A</h2>") == "<h2>A</h2>"


def a_card(date: dt.datetime) -> Card:
    return Card("A title", "A dek.", "articles/a/", date, date_words(date), 1, Strip(()), (), "")


@pytest.mark.parametrize(
    ("was", "now", "why", "told"),
    [
        (
            "Shares of Halden",
            "Stocks of Halden",
            "A matter of taste",
            "We first wrote: “Shares of Halden”. It should have been: “Stocks of Halden”. A matter of taste.",
        ),
        ("It “fell”.", "It rose!", "", "We first wrote: “It ‘fell’.” It should have been: “It rose!” "),
    ],
)
def test_the_words_of_a_correction_are_set_apart(was: str, now: str, why: str, told: str) -> None:
    correction = Correction(date=dt.date(2026, 11, 21), was=was, now=now, why=why)

    (note,) = corrections(replace(an_article(), corrections=(correction,)))

    assert f"{note.told} {note.why}" == told
