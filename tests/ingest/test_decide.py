"""Which story an entry tells."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.ingest.decide import Stories, newest, significant_words, story_key
from pipeline.model import Entry, Feed

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
FEED = Feed("sample", "https://example.org/feed", "Sample", min_interval=HOUR)


# --- which story ------------------------------------------------------------------------------------------------------


def told(*titles: str, at: dt.datetime = NOW) -> Stories:
    """Stories with one card a title, each from a feed of its own."""
    stories = Stories()
    for number, title in enumerate(titles):
        stories.add(card=f"card-{number}", feed=f"feed-{number}", key=f"key-{number}", title=title, at=at)
    return stories


def card(stories: Stories, title: str, *, key: str = "new", feed: str = "other", at: dt.datetime = NOW) -> str | None:
    return stories.card_of(feed=feed, key=key, title=title, at=at)


def test_the_same_address_is_the_same_story_whatever_the_title_and_the_age() -> None:
    stories = told("Grid operator warns of shortfall")

    assert card(stories, "Something else", key="key-0", at=NOW + dt.timedelta(days=400)) == "card-0"


@pytest.mark.parametrize(
    "title",
    [
        "Grid operator warns of winter shortfall",
        "GRID OPERATOR WARNS OF A WINTER SHORTFALL, says report",
        "Winter shortfall: the grid operator warns",
        "“Grid operator’s” winter shortfall warns",
    ],
)
def test_titles_that_share_half_of_their_words_tell_the_same_story(title: str) -> None:
    assert card(told("Grid operator warns of winter shortfall"), title) == "card-0"


@pytest.mark.parametrize(
    "title",
    ["Grid operator names new chief", "Chip maker warns of winter losses", "Winter", "Grid operator", "", "of the and"],
)
def test_titles_that_share_less_do_not(title: str) -> None:
    assert card(told("Grid operator warns of winter shortfall"), title) is None


def test_numbers_tell_titles_apart() -> None:
    assert card(told("Load outlook 2025: 9.4 GW"), "Load outlook 2026: 11.1 GW") is None


def test_three_words_must_be_shared_at_least() -> None:
    assert card(told("Weekly review"), "Weekly review") is None


@pytest.mark.parametrize(("hours", "same"), [(72, True), (73, False), (-72, True), (-73, False)])
def test_titles_count_for_seventy_two_hours(hours: int, same: bool) -> None:
    found = card(told("Grid operator warns of shortfall"), "Grid operator warns of shortfall", at=NOW + hours * HOUR)

    assert (found == "card-0") is same


def test_one_feed_tells_two_stories_even_under_one_title() -> None:
    stories = told("Morning briefing on grid and chips")

    assert card(stories, "Morning briefing on grid and chips", feed="feed-0") is None
    stories.add(card="card-0", feed="feed-9", key="k", title="Whatever", at=NOW)
    assert card(stories, "Morning briefing on grid and chips", feed="feed-9") is None


def test_the_likest_story_wins_and_of_equals_the_first() -> None:
    stories = told(
        "Grid operator warns of shortfall today", "Grid operator warns of shortfall", "Grid operator warns of shortfall"
    )

    assert card(stories, "Grid operator warns of shortfall") == "card-1"


def test_a_story_key_is_the_canonical_address_or_title_and_date() -> None:
    assert story_key("https://X.org/a?utm_source=b#c", "t", NOW) == story_key("https://x.org/a", "other", None)
    assert story_key(None, "t", NOW) == story_key(None, "t", NOW) != story_key(None, "t", None)


def test_words_are_compared_without_case_accents_and_small_words() -> None:
    assert significant_words("The Élan of AI’s build-out") == {"elan", "ai", "build"}


def test_decimal_numbers_stay_whole() -> None:
    assert significant_words("9.4 GW") == {"9.4", "gw"}


# --- the newest -------------------------------------------------------------------------------------------------------


def entries(*ages: int | None) -> list[Entry]:
    return [
        Entry("f", str(number), None, f"t{number}", "", "", NOW - age * HOUR if age is not None else None)
        for number, age in enumerate(ages)
    ]


def test_t35_only_the_newest_become_cards_and_keep_their_order() -> None:
    kept, rest = newest(entries(5, 1, None, 3, None), limit=3)

    assert [entry.id for entry in kept] == ["0", "1", "3"]
    assert [entry.id for entry in rest] == ["2", "4"]


def test_without_dates_the_first_are_the_newest() -> None:
    kept, rest = newest(entries(None, None, None), limit=2)

    assert [entry.id for entry in kept] == ["0", "1"]
    assert [entry.id for entry in rest] == ["2"]
