"""Which story an entry tells, and when a feed is asked again."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.decide import Stories, answered, failed, is_gone, newest, significant_words, story_key, wait
from pipeline.model import Entry, Feed
from pipeline.store.feeds import FeedState

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


# --- when to ask again ------------------------------------------------------------------------------------------------


def next_after(
    feed: Feed = FEED, *, fresh: dt.timedelta = dt.timedelta(), ttl: dt.timedelta | None = None
) -> dt.timedelta:
    state = answered(
        feed, FeedState(feed.id, feed.url), status=200, etag=None, last_modified=None, fresh_for=fresh, ttl=ttl, now=NOW
    )
    assert state.next_at is not None
    return state.next_at - NOW


@pytest.mark.parametrize(
    ("fresh", "ttl", "least", "most"),
    [
        (0, None, 0.9, 1.0),  # our own interval, a little early: a command that runs hourly must find it due
        (3, None, 3.0, 3.3),
        (0, 4, 4.0, 4.4),
        (3, 4, 4.0, 4.4),
        (0.1, None, 0.9, 1.0),
        (1000, None, 24.0, 26.4),  # a day, whatever they say
    ],
)
def test_f3_the_longest_of_what_we_and_they_want_is_waited(
    fresh: float, ttl: float | None, least: float, most: float
) -> None:
    waited = next_after(fresh=fresh * HOUR, ttl=ttl * HOUR if ttl is not None else None)

    assert least * HOUR <= waited <= most * HOUR


def test_f5_feeds_of_the_same_interval_do_not_come_due_together() -> None:
    feeds = [Feed(f"feed-{number}", "https://example.org/", "x", min_interval=HOUR) for number in range(100)]

    assert len({next_after(feed) for feed in feeds}) > 90


def test_an_interval_longer_than_a_day_is_kept() -> None:
    assert next_after(Feed("f", "https://example.org/", "x", min_interval=dt.timedelta(days=7))) > dt.timedelta(days=6)


def test_a_304_keeps_the_ttl_that_the_feed_asked_for() -> None:
    before = FeedState(FEED.id, FEED.url, ttl=4 * 3600)

    after = answered(
        FEED, before, status=304, etag='"x"', last_modified=None, fresh_for=dt.timedelta(), ttl=None, now=NOW
    )

    assert after.ttl == 4 * 3600
    assert after.next_at is not None
    assert after.next_at - NOW >= 4 * HOUR


def test_an_answer_forgets_the_failures_before_it() -> None:
    before = FeedState(FEED.id, FEED.url, fails=7, failing_since=NOW - HOUR, last_status=500, last_error="x")

    after = answered(
        FEED, before, status=200, etag=None, last_modified=None, fresh_for=dt.timedelta(), ttl=None, now=NOW
    )

    assert (after.fails, after.failing_since, after.last_status, after.last_error) == (0, None, 200, None)


def test_every_failure_doubles_the_wait_up_to_a_day() -> None:
    state = FeedState(FEED.id, FEED.url, etag='"kept"')
    waits = []
    for _ in range(20):
        state = failed(FEED, state, status=500, error="x", retry_after=None, now=NOW)
        assert state.next_at is not None
        waits.append(state.next_at - NOW)

    assert all(later > earlier for earlier, later in itertools.pairwise(waits[:5]))
    assert waits[4] >= 16 * HOUR
    assert max(waits) <= 26.4 * HOUR
    assert (state.fails, state.failing_since, state.etag) == (20, NOW, '"kept"')


def test_f4_retry_after_is_never_shortened() -> None:
    state = failed(FEED, FeedState(FEED.id, FEED.url), status=429, error="x", retry_after=5 * HOUR, now=NOW)

    assert state.next_at is not None
    assert state.next_at - NOW >= 5 * HOUR


def test_f7_a_410_is_gone_at_once() -> None:
    state = failed(FEED, FeedState(FEED.id, FEED.url), status=410, error="x", retry_after=None, now=NOW)

    assert is_gone(state, now=NOW)


def test_f7_a_404_is_gone_after_ten_tries_over_fourteen_days() -> None:
    state, now = FeedState(FEED.id, FEED.url, fails=30, failing_since=NOW - 99 * HOUR, last_status=500), NOW
    gone = []
    for _ in range(16):
        state = failed(FEED, state, status=404, error="x", retry_after=None, now=now)
        gone.append(is_gone(state, now=now))
        now += dt.timedelta(days=1)

    assert gone == [False] * 14 + [True] * 2


@given(
    st.timedeltas(min_value=dt.timedelta(), max_value=dt.timedelta(days=400)),
    st.timedeltas(min_value=dt.timedelta(minutes=1), max_value=dt.timedelta(days=30)),
)
def test_the_wait_is_never_shorter_than_asked_for_within_a_day(asked: dt.timedelta, ours: dt.timedelta) -> None:
    waited = wait(Feed("f", "https://example.org/", "x", min_interval=ours), asked_for=asked, now=NOW)

    assert waited >= min(asked, dt.timedelta(days=1))
    assert waited >= ours * 0.9
    assert waited <= max(dt.timedelta(days=1) * 1.1, ours)
