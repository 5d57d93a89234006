"""What is remembered of feeds, on both databases."""

from __future__ import annotations

import datetime as dt

from pipeline.model import Feed
from pipeline.store import Store, feeds
from pipeline.store.feeds import FeedState, SeenEntry

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
FEED = Feed("north", "https://north.example.org/feed", "Northfield")
STATE = FeedState(
    id="north",
    url="https://north.example.org/feed",
    etag='W/"a\'b"',
    last_modified="Sun, 22 Nov 2026 10:00:00 +0000 (odd)",
    next_at=NOW + HOUR,
    fetched_at=NOW,
    ttl=7200,
    fails=2,
    failing_since=NOW - HOUR,
    last_status=503,
    last_error="asks us to wait",
    moved_to="https://north.example.org/new",
    moved_since=NOW - 2 * HOUR,
    moved_seen=NOW - HOUR,
)


def entry(
    number: int, *, feed: str = "north", story: str | None = None, card: str = "card.md", at: dt.datetime = NOW
) -> SeenEntry:
    return SeenEntry(feed, f"id {number} " + "x" * 500, story or f"story-{number}", f"Title {number}", at, card)


def test_a_feed_that_was_never_asked_is_due(store: Store) -> None:
    with store.reading() as connection:
        state = feeds.states(connection, [FEED])["north"]

    assert state == FeedState("north", FEED.url)
    assert state.is_due(NOW)


def test_what_is_remembered_comes_back_exactly(store: Store) -> None:
    with store.writing() as connection:
        feeds.remember(connection, FeedState("north", FEED.url))
        feeds.remember(connection, STATE)

    with store.reading() as connection:
        assert feeds.states(connection, [FEED]) == {"north": STATE}


def test_a_feed_with_a_new_address_starts_anew(store: Store) -> None:
    moved = Feed("north", "https://north.example.org/atom", "Northfield")
    with store.writing() as connection:
        feeds.remember(connection, STATE)

    with store.reading() as connection:
        assert feeds.states(connection, [moved]) == {"north": FeedState("north", moved.url)}


def test_a_feed_is_due_from_its_time_on() -> None:
    assert not STATE.is_due(NOW)
    assert STATE.is_due(NOW + HOUR)


def test_postponing_makes_nothing_due_earlier(store: Store) -> None:
    late = FeedState("late", "https://x.example.org/", next_at=NOW + 9 * HOUR)
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        feeds.remember(connection, late)
        feeds.postpone(connection, dict.fromkeys(["north", "late", "unknown"], NOW + 5 * HOUR))

    with store.reading() as connection:
        found = feeds.states(connection, [FEED, Feed("late", late.url, "x")])
    assert found["north"].next_at == NOW + 5 * HOUR
    assert found["late"].next_at == NOW + 9 * HOUR


def test_entries_are_seen_per_feed_however_long_their_ids(store: Store) -> None:
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        feeds.remember_entries(connection, [entry(1), entry(2)], now=NOW)
        feeds.remember_entries(connection, [entry(2), entry(3)], now=NOW)

    with store.reading() as connection:
        ids = [entry(number).entry_id for number in range(5)]
        assert feeds.seen(connection, "north", ids) == set(ids[1:4])
        assert feeds.seen(connection, "south", ids) == set()
        assert feeds.seen(connection, "north", []) == set()


def test_more_entries_than_fit_into_one_statement(store: Store) -> None:
    many = [entry(number) for number in range(1_200)]
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        feeds.remember_entries(connection, many, now=NOW)

    with store.reading() as connection:
        assert len(feeds.seen(connection, "north", [e.entry_id for e in many])) == 1_200
        assert len(feeds.cards_of(connection, [e.story for e in many])) == 1_200


def test_a_story_has_the_card_that_was_made_first(store: Store) -> None:
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        feeds.remember_entries(connection, [entry(1, story="s", card="second.md")], now=NOW + HOUR)
        feeds.remember_entries(connection, [entry(2, story="s", card="first.md")], now=NOW)
        feeds.remember_entries(connection, [entry(3, story="passed by", card="")], now=NOW)

    with store.reading() as connection:
        assert feeds.cards_of(connection, ["s", "passed by", "unknown"]) == {"s": "first.md"}


def test_recent_stories_come_newest_first_and_without_those_passed_by(store: Store) -> None:
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        told = [entry(1, at=NOW - 2 * HOUR), entry(2, at=NOW), entry(3, at=NOW - 9 * HOUR), entry(4, card="")]
        feeds.remember_entries(connection, told, now=NOW)

    with store.reading() as connection:
        assert [e.title for e in feeds.recent(connection, since=NOW - 5 * HOUR)] == ["Title 2", "Title 1"]
        assert [e.title for e in feeds.recent(connection, since=NOW - 99 * HOUR, limit=1)] == ["Title 2"]


def test_known_cards_are_told_from_unknown_ones(store: Store) -> None:
    with store.writing() as connection:
        feeds.remember(connection, STATE)
        feeds.remember_entries(connection, [entry(1, card="known.md")], now=NOW)

    with store.reading() as connection:
        assert feeds.known_cards(connection, ["known.md", "unknown.md"]) == {"known.md"}
