"""What stands in a daily and in a weekly digest, how long its subject and preheader are, and how heavy it is."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace

import pytest

from pipeline.config import Settings
from pipeline.library import Library
from pipeline.library.citations import find_citations
from pipeline.mail.compose import MAX_SUBJECT, Parts, compose_parts, preheader_of, shortened
from pipeline.mail.digest import contents_of, one_number, strength
from pipeline.mail.layout import MAX_PREHEADER, MIN_PREHEADER
from pipeline.model import Article, Basis, Correction, Fact, Source, Status, Tier, Topic
from tests.builders import NOW, an_article
from tests.mail.every import BODY, PEOPLE, issue, with_theme

SITE = "https://deepsignals.example.org/"
TOPICS = {name: Topic(name, name.capitalize()) for name in ("power", "chips", "money")}
SOURCES = {
    **{
        name: Source(name, f"https://{name}.example.com/report?a=1&b=2", f"The {name} office", Tier.PRIMARY)
        for name in ("census", "meter", "survey", "ledger")
    },
    **{
        name: Source(name, f"https://{name}.example.com/", f"The {name}", Tier.SECONDARY)
        for name in ("gazette", "wire")
    },
    "plant": Source(
        "plant",
        "https://plant.example.com/",
        "The plant",
        Tier.PRIMARY,
        facts={"peak": Fact("peak", "peak", "9.4", "gigawatts")},
    ),
}


def story(slug: str, *names: str, age: float = 1, **changes: object) -> Article:
    body = str(changes.pop("body", "\n\n".join(f"The {name} says so.[^{name}]" for name in names) or "Words."))
    return an_article(
        slug, days_old=age, body=body, citations=find_citations(body), path=f"content/articles/{slug}.md", **changes
    )


def library(*articles: Article) -> Library:
    return Library(articles=articles, sources=SOURCES, topics=TOPICS, people=PEOPLE)


def slugs(articles: tuple[Article, ...]) -> list[str]:
    return [article.slug for article in articles]


def letter(settings: Settings, *articles: Article, cadence: str = "daily", since: dt.datetime | None = None) -> Parts:
    carried = [article for article in articles if article.slug != "old"]
    return compose_parts(
        issue(cadence), carried, library=library(*articles), settings=with_theme(settings), since=since
    )


# --- contents ----------------------------------------------------------------------------------------------------------------


def test_a_daily_has_a_lead_five_briefs_and_the_rest_by_its_title() -> None:
    articles = tuple(story(f"s{n}", "census", age=n) for n in range(9))

    found = contents_of(issue("daily"), articles, library(*articles), since=None)

    assert found.lead.slug == "s0"
    assert slugs(found.briefs) == ["s1", "s2", "s3", "s4", "s5"]
    assert [(name, slugs(group)) for name, group in found.rest] == [("Also new", ["s6", "s7", "s8"])]
    assert slugs(found.articles) == slugs(articles)


def test_a_weekly_ranks_five_signals_by_their_sources_and_tells_the_rest_by_topic() -> None:
    articles = (
        story("new", "gazette"),
        story("old-but-primary", "census", "meter", age=6),
        story("wires", "wire", "gazette", age=2, topics=("chips",)),
        story("one", "census", age=3),
        story("two", "census", "gazette", age=4),
        story("none", age=5, topics=("money",)),
        story("nothing", age=6, topics=("power",)),
        story("strange", age=6.5, topics=("unknown",)),
    )

    found = contents_of(issue("weekly"), articles, library(*articles), since=None)

    assert [found.lead.slug, *slugs(found.briefs)] == ["old-but-primary", "two", "one", "wires", "new"]
    assert [(name, slugs(group)) for name, group in found.rest] == [
        ("Power", ["nothing"]),
        ("Money", ["none"]),
        ("Also new", ["strange"]),
    ]
    assert found.figure is None
    assert strength(articles[1], library(*articles))[:2] == (2, 2)


def test_the_one_number_has_a_unit_and_a_sentence_that_the_letter_has_not_shown() -> None:
    body = (
        "In 2026 it was 12.[^plant.peak]\n\nThe peak is 9.4 gigawatts in all.[^plant.peak]\n\n"
        "Again the peak of 9.4 gigawatts is told.[^plant.peak]\n"
    )
    article = story("peak", "plant", body=body)

    first = one_number([article], library(article))
    second = one_number([article], library(article), shown="The peak is 9.4 gigawatts in all.")

    assert first is not None
    assert (first.words, first.sentence) == ("9.4 gigawatts", "The peak is 9.4 gigawatts in all.")
    assert (first.basis, first.source.id, first.article) == (Basis.RECORDED, "plant", article)
    assert second is not None
    assert second.sentence == "Again the peak of 9.4 gigawatts is told."
    assert one_number([story("plain", "census")], library()) is None


# --- corrections -------------------------------------------------------------------------------------------------------------

LAST = NOW - dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("day", "modified", "told"),
    [
        (LAST.date() - dt.timedelta(days=1), LAST - dt.timedelta(days=1), False),
        (LAST.date(), LAST - dt.timedelta(hours=1), False),
        (LAST.date(), LAST + dt.timedelta(hours=1), True),
        (LAST.date() + dt.timedelta(days=1), LAST + dt.timedelta(days=1), True),
        (NOW.date(), NOW, True),
    ],
)
def test_corrections_since_the_last_issue_are_told_and_none_twice(
    day: dt.date, modified: dt.datetime, *, told: bool
) -> None:
    old = story("old", age=30, corrections=(Correction(day, "12", "21"),), updated=modified, status=Status.CORRECTED)
    new = story("new")

    found = contents_of(issue("daily"), (new,), library(new, old), since=LAST)

    assert [each.article.slug for each in found.corrections] == (["old"] if told else [])


def test_without_a_last_issue_a_daily_looks_back_a_day_and_a_weekly_a_week() -> None:
    old = story("old", age=30, corrections=(Correction((NOW - dt.timedelta(days=3)).date(), "1", "2"),))
    new = story("new")

    daily, weekly = (contents_of(issue(c), (new,), library(new, old), since=None) for c in ("daily", "weekly"))

    assert (len(daily.corrections), len(weekly.corrections)) == (0, 1)


def test_a_retraction_is_told_a_draft_and_what_the_letter_brings_anyway_are_not(settings: Settings) -> None:
    fix = (Correction(NOW.date(), "was", "now", why="We misread it"),)
    gone = story("old", age=30, status=Status.RETRACTED, updated=NOW - dt.timedelta(hours=1))
    draft = story("draft", age=30, status=Status.DRAFT, corrections=fix)
    new = story("new", "census", corrections=fix)

    found = contents_of(issue("daily"), (new,), library(new, gone, draft), since=LAST)
    parts = letter(
        settings, story("new", "census"), replace(gone, status=Status.CORRECTED, corrections=fix), since=LAST
    )

    assert [(each.article.slug, each.correction) for each in found.corrections] == [("old", None)]
    for shown in (parts.text, html.unescape(parts.html)):
        assert "We first wrote: “was”. It should have been: “now”. We misread it." in " ".join(shown.split())
        assert f"{SITE}corrections/" in shown


def test_more_corrections_than_five_are_counted(settings: Settings) -> None:
    fixes = tuple(Correction(NOW.date(), f"was {n}", "now") for n in range(8))
    parts = letter(settings, story("new", "census"), story("old", age=30, corrections=fixes), since=LAST)

    assert parts.text.count("We first wrote") == parts.html.count("We first wrote") == 5
    assert "3 more: All corrections" in parts.text


# --- subject and preheader ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Short", "Short"),
        ("x" * 55, "x" * 55),
        (
            "The pilot trap: an AI trial is judged by a gain it is too small to show",
            "The pilot trap: an AI trial is judged by a gain it is…",
        ),
        ("word " * 11 + "end", "word " * 10 + "word…"),
        ("x" * 80, "x" * 54 + "…"),
        (
            "A title that ends in a dash, just here where it is cut – and on",
            "A title that ends in a dash, just here where it is cut…",
        ),
    ],
)
def test_the_subject_is_cut_behind_a_word_at_55_characters(title: str, subject: str) -> None:
    assert shortened(title, MAX_SUBJECT) == subject
    assert len(subject) <= MAX_SUBJECT


@pytest.mark.parametrize("others", [["Aa", "Bb"], ["A longer title of some words"] * 2, ["word " * 20] * 2, ["Aa"]])
def test_the_preheader_is_of_40_to_110_characters(others: list[str]) -> None:
    lead = story("lead", dek="What the lead says, in a sentence that is not short.")

    text = preheader_of((lead, *(story(f"s{n}", title=title) for n, title in enumerate(others))))

    assert MIN_PREHEADER <= len(text) <= MAX_PREHEADER
    assert text.startswith(others[0].split()[0])


def test_the_subject_of_a_weekly_is_its_first_signal(settings: Settings) -> None:
    weak, strong = story("weak", "gazette"), story("strong", "census", "meter", age=3, title="The strong one")

    parts = letter(settings, weak, strong, cadence="weekly")

    assert parts.subject == "The strong one"
    assert "1 · Power" in html.unescape(parts.html)
    assert "2 · POWER" in parts.text


# --- both parts --------------------------------------------------------------------------------------------------------------

HREF = re.compile(r'href="([^"]*)"')
IN_TEXT = re.compile(r"(?:https?://|mailto:)[^\s<>]+")


def links(parts: Parts, page: str) -> tuple[set[str], set[str]]:
    """The links of the HTML and of the text. Named exception: places on the page that a letter of one article is about."""
    of_html = {html.unescape(link) for link in HREF.findall(parts.html)}
    return {link for link in of_html if not re.match(re.escape(page) + "#", link)}, set(IN_TEXT.findall(parts.text))


@pytest.mark.parametrize("cadence", ["daily", "weekly", "each"])
def test_both_parts_have_the_same_links_to_the_last_one(settings: Settings, cadence: str) -> None:
    body = (
        "See [this](https://a.example.org/?x=1&y=2), [that](https://b.example.org/#there), [us](mailto:us@example.org), "
        f"[home]({SITE}).[^census]\n\nSecond.[^meter] ![ours]({SITE}a.png)\n\n"
        "## Down\n\n[up](#down), 3 %.[^gazette][^wire][^survey]\n"
    )
    lead = story("lead", "census", "meter", "gazette", "wire", "survey", body=body)
    peak = story("peak", "plant", body="The peak is 9.4 gigawatts in all.[^plant.peak]\n", age=2)
    more = [story(f"s{n}", "ledger", "wire", age=3 + n / 10) for n in range(7)]
    old = story("old", age=30, corrections=(Correction(NOW.date(), "1", "2"),))
    articles = (lead,) if cadence == "each" else (lead, peak, *more, old)

    found = letter(settings, *articles, cadence=cadence, since=LAST)

    of_html, of_text = links(found, f"{SITE}articles/lead/" if cadence == "each" else "none")
    assert of_html == of_text
    assert len(of_html) >= 12
    if cadence == "daily":
        assert "One number" in found.html
        assert {f"{SITE}articles/old/", f"{SITE}articles/lead/#sources", "https://plant.example.com/"} <= of_html


def test_the_title_below_the_one_number_says_its_language_too(settings: Settings) -> None:
    peak = story("peak", "plant", body="Es sind 9.4 gigawatts.[^plant.peak]\n", age=2, title="Die Spitze", lang="de")
    more = [story(f"s{n}", "ledger", "wire", age=3 + n / 10) for n in range(7)]

    found = letter(settings, story("lead", *SOURCES), peak, *more).html

    assert re.search(r"One number.*<a [^>]*lang=\"de\"[^>]*>Die Spitze</a>", found, re.DOTALL)


def test_text_stays_within_72_columns_but_for_addresses(settings: Settings) -> None:
    articles = [
        story(f"s{n}", *SOURCES, title="Long words of a title " * 6, dek="And a dek. " * 20, age=n) for n in range(10)
    ]

    text = letter(settings, *articles).text

    for line in text.splitlines():
        assert len(line) <= 72 or re.search(r"https?://\S{30}", line), line
    numbers = [int(number) for number in re.findall(r"^\[(\d+)\] ", text, re.MULTILINE)]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))


# --- weight ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cadence", ["daily", "weekly"])
def test_a_digest_of_ten_items_is_at_most_30_kilobytes(settings: Settings, cadence: str) -> None:
    """With everything that a digest can have, and words of an ordinary length."""
    title, dek = (
        "A title as long as the titles that we write in an ordinary week",
        "Two lines of a dek, as they come. " * 5,
    )
    lead = story("lead", *SOURCES, title=title, dek=dek, body=f"{'A sentence of the opening. ' * 20}[^census]\n\n" * 2)
    peak = story(
        "peak", "plant", body="The peak is 9.4 gigawatts in all.[^plant.peak]\n", title=title, dek=dek, age=1.5
    )
    others = [story(f"s{n}", *SOURCES, title=title, dek=dek, age=2 + n / 10) for n in range(8)]
    fixes = tuple(
        Correction(NOW.date(), "What it was before.", "What it is now, at some length.", "Why") for _ in range(2)
    )

    found = letter(settings, lead, peak, *others, story("old", age=30, corrections=fixes), cadence=cadence, since=LAST)

    assert found.html.count("<h1") + found.html.count("<h2") >= 6
    assert 15_000 < len(found.html.encode()) <= 30_000


def test_material_of_an_article_that_goes_out_whole_stands_in_boxes_and_plain_tables(settings: Settings) -> None:
    body = (
        f'{BODY}\n\n!!! warning "Mind"\n    Words.\n\n=== "One"\n\n    First.\n\n=== "Two"\n\n    Second.\n\n'
        '??? tip\n    Folded.\n\n- [x] done\n\n```python title="a.py"\nprint("<hello>")\n```\n'
    )
    found = letter(settings, story("lead", "census", "gazette", "meter", body=body), cadence="each")

    shown = found.html.partition("<body")[2]
    assert shown.count('class="boxed"') == 4
    for words in ("Mind", "One", "First.", "Two", "Second.", "Tip", "Folded.", "☑ done", "a.py"):
        assert words in shown
        assert words in found.text
    assert not re.search(r"<(details|summary|input|div class=\"highlight|pre><span)", shown)
    assert "print(&quot;&lt;hello&gt;&quot;)" in shown or 'print("&lt;hello&gt;")' in shown
