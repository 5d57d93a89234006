"""When a feed is asked again, and what becomes of its state (F3 to F7)."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.fetch.due import answered, failed, held_until, is_gone, new_address, wait
from pipeline.model import Feed
from pipeline.store.feeds import FeedState

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
FEED = Feed("sample", "https://example.org/feed", "Sample", min_interval=HOUR)
NEW = "https://example.org/new"


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


def test_f5_the_feeds_of_a_host_that_asked_to_wait_do_not_come_back_together() -> None:
    feeds = [Feed(f"feed-{number}", "https://example.org/", "x") for number in range(100)]

    times = {held_until(feed, HOUR, now=NOW) for feed in feeds}

    assert len(times) > 90
    assert min(times) >= NOW + HOUR  # never before it was asked for (F4)
    assert max(times) <= NOW + 1.1 * HOUR


# --- where it has gone ------------------------------------------------------------------------------------------------


def visit(state: FeedState, moved: str | None, now: dt.datetime) -> FeedState:
    return answered(
        FEED,
        state,
        status=200,
        etag=None,
        last_modified=None,
        fresh_for=dt.timedelta(),
        ttl=None,
        now=now,
        moved=moved,
    )


@pytest.mark.parametrize(
    ("visits", "proposed"),
    [
        ([(0, NEW)], None),
        ([(0, NEW), (23, NEW)], None),
        ([(0, NEW), (24, NEW)], NEW),
        ([(0, NEW), (5, NEW), (30, NEW)], NEW),
        ([(0, NEW), (12, None), (24, NEW)], None),  # it took that back in between
        ([(0, NEW), (24, "https://example.org/other")], None),
        ([(0, NEW), (30, NEW), (31, None)], None),
    ],
)
def test_f6_a_permanent_redirect_is_proposed_once_it_was_seen_twice_a_day_apart(
    visits: list[tuple[int, str | None]], proposed: str | None
) -> None:
    state = FeedState(FEED.id, FEED.url)
    for hours, moved in visits:
        state = visit(state, moved, NOW + hours * HOUR)

    assert new_address(state, now=NOW + 40 * HOUR) == proposed


def test_f6_a_failure_in_between_does_not_make_us_forget_that_a_feed_moves() -> None:
    state = visit(FeedState(FEED.id, FEED.url), NEW, NOW)
    state = failed(FEED, state, status=503, error="x", retry_after=None, now=NOW + HOUR)
    state = visit(state, NEW, NOW + DAY)

    assert new_address(state, now=NOW + DAY) == NEW


def test_f7_what_the_site_of_a_gone_feed_offers_is_proposed_at_once() -> None:
    state = failed(FEED, FeedState(FEED.id, FEED.url), status=410, error="x", retry_after=None, now=NOW)
    state = replace(state, moved_to=NEW, moved_since=NOW, moved_seen=NOW)

    assert new_address(state, now=NOW) == NEW
