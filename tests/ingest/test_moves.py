"""Feeds that have moved: proposed to an editor, and written into the list without touching the rest of it (F-06, F-07)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from pipeline.errors import ContentError
from pipeline.ingest import IngestReport, Outcome, ingest
from pipeline.ingest.fetch import Fetcher
from pipeline.ingest.moves import Move, moved, moves
from pipeline.library.frontmatter import parse
from pipeline.model import Feed
from pipeline.store import Store
from pipeline.store.feeds import FeedState, states
from tests.ingest.site import Page, Site, rss

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PATH = "content/feeds.yml"
LIST = """\
# Our feeds
- id: north
  url: https://north.example.org/feed   # the old one
  publisher: Northfield
- {id: south, publisher: Southfield, url: "https://south.example.org/feed"}
-
  url: 'https://west.example.org/feed?a=1&b=2'
  id: west
  publisher: Westfield
"""

Run = Callable[..., IngestReport]


@pytest.fixture
def run(sqlite_store: Store, tmp_path: Any, fetcher: Fetcher) -> Run:
    def run(*feeds: Feed, now: dt.datetime = NOW) -> IngestReport:
        return ingest(sqlite_store, feeds, inbox=tmp_path / "inbox", fetcher=fetcher, now=now)

    return run


def move(feed: str, new: str = "https://new.example.org/feed") -> Move:
    return Move(feed, f"https://{feed}.example.org/feed", new, "why")


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (move("north"), "  url: https://new.example.org/feed   # the old one"),
        (move("south"), '- {id: south, publisher: Southfield, url: "https://new.example.org/feed"}'),
        (
            Move("west", "https://west.example.org/feed?a=1&b=2", "https://new.example.org/feed", ""),
            '  url: "https://new.example.org/feed"',
        ),
    ],
)
def test_f_06_the_address_is_changed_in_its_place_and_nothing_else(found: Move, line: str) -> None:
    text = moved(LIST, [found], path=PATH)

    assert [new for new, old in zip(text.splitlines(), LIST.splitlines(), strict=True) if new != old] == [line]
    assert {item["id"]: item["url"] for item in yaml.safe_load(text)}[found.feed] == found.now


def test_f_06_all_are_changed_at_once_and_an_address_that_an_editor_has_changed_is_left() -> None:
    changed = moved(
        LIST,
        [move("south"), move("north"), Move("west", "https://west.example.org/other", "https://x/", "")],
        path=PATH,
    )

    assert [item["url"] for item in yaml.safe_load(changed)] == [
        "https://new.example.org/feed",
        "https://new.example.org/feed",
        "https://west.example.org/feed?a=1&b=2",
    ]


@pytest.mark.parametrize(
    "item",
    [
        "- id: north\n  url: >-\n    https://north.example.org/feed\n  publisher: N\n",
        "- {id: north, url: https://north.example.org/feed, publisher: N}\n...\n# the end\n",
        "--- # ours\n- publisher: N\n  url: |-\n    https://north.example.org/feed\n\n  id: north\n",
    ],
)
@pytest.mark.parametrize("new", ["https://new.example.org/a?b=1", "https://new.example.org/?a[]=1,2#b: c"])
def test_f_06_an_address_is_changed_however_it_is_written(item: str, new: str) -> None:
    changed = moved(item, [move("north", new)], path=PATH)

    assert parse(changed).data == [{"id": "north", "url": new, "publisher": "N"}]


@pytest.mark.parametrize("text", ["- id: [\n", "id: north\n", "", "- id: north\n...\n- id: south\n"])
def test_f_06_a_list_that_cannot_be_read_is_named_with_its_line(text: str) -> None:
    with pytest.raises(ContentError, match=r"^content/feeds\.yml:\d"):
        moved(text, [move("north")], path=PATH)


def test_f_06_a_permanent_redirect_is_followed_at_once_and_proposed_after_a_day(
    site: Site, sqlite_store: Store, run: Run
) -> None:
    site.put("/old", b"", status=301, Location="/new")
    new = site.put("/new", rss(("News", "https://x.example.org/1")))
    feed = Feed("north", site.url + "/old", "Northfield", min_interval=HOUR)

    first = run(feed)
    second = run(feed, now=NOW + 12 * HOUR)
    third = run(feed, now=NOW + 25 * HOUR)

    assert [report.feeds[0].new_address for report in (first, second, third)] == [None, None, new]
    assert first.feeds[0].outcome is Outcome.NEW
    assert third.ok
    with sqlite_store.reading() as connection:
        [found] = moves([feed], states(connection, [feed]), now=NOW + 25 * HOUR)
    assert (found.was, found.now) == (feed.url, new)
    assert found.why == "its host has said since 2026-11-23 that it moved for good"


def test_f_06_a_redirect_for_now_is_never_proposed(site: Site, run: Run) -> None:
    site.put("/new", rss())
    feeds = [
        Feed(f"moved-{status}", site.put(f"/{status}", b"", status=status, Location="/new"), "x", min_interval=HOUR)
        for status in (302, 303, 307)
    ]

    reports = [run(*feeds, now=NOW + hours * HOUR) for hours in (0, 25)]

    assert [result.outcome for result in reports[1].feeds] == [Outcome.UNCHANGED] * 3
    assert not any(result.new_address for report in reports for result in report.feeds)


def test_f_06_only_as_far_as_it_is_permanent(site: Site, run: Run) -> None:
    site.put("/old", b"", status=308, Location="/settled")
    site.put("/settled", b"", status=302, Location="/today")
    site.put("/today", rss())
    feed = Feed("north", site.url + "/old", "Northfield", min_interval=HOUR)

    run(feed)
    later = run(feed, now=NOW + 25 * HOUR)

    assert later.feeds[0].new_address == site.url + "/settled"


def test_f_06_what_moved_to_something_that_is_no_feed_is_not_proposed(site: Site, run: Run) -> None:
    site.put("/old", b"", status=301, Location="/")
    site.put("/", "<html><p>Welcome</p>", Content_Type="text/html")
    feed = Feed("north", site.url + "/old", "Northfield", min_interval=HOUR)

    reports = [run(feed, now=NOW + hours * HOUR) for hours in (0, 30, 60)]

    assert [report.feeds[0].outcome for report in reports] == [Outcome.FAILED] * 3
    assert all(report.feeds[0].new_address is None for report in reports)


def test_f_07_the_new_feed_of_a_site_is_found_when_the_old_one_is_gone(
    site: Site, sqlite_store: Store, run: Run
) -> None:
    front = """<html><head><link rel="stylesheet" href="/x.css">
        <LINK title=News href='/feeds/all.xml' type="application/rss+xml" rel="alternate home">
        <link rel="alternate" type="application/atom+xml" href="/comments.atom"></head>"""
    site.put("/", front, Content_Type="text/html")
    site.put("/gone", b"", status=410)
    new = site.put("/feeds/all.xml", rss())
    feed = Feed("north", site.url + "/gone", "Northfield", min_interval=HOUR)

    first, later = run(feed), run(feed, now=NOW + 99 * HOUR)

    for report in (first, later):
        assert report.feeds[0].outcome is Outcome.GONE
        assert report.feeds[0].new_address == new
        assert f"give north the address that its site offers now, {new}" in report.feeds[0].message
    assert (site.count("/gone"), site.count("/")) == (1, 1)
    with sqlite_store.reading() as connection:
        [found] = moves([feed], states(connection, [feed]), now=NOW)
    assert found.why == "it is gone (410), and its site offers this one"


@pytest.mark.parametrize(
    "front",
    [
        "<html>nothing</html>",
        '<link rel="alternate" type="application/rss+xml" href="/gone">',  # the one that is gone
        '<link rel="alternate" type="application/rss+xml" href="/missing.xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="file:///etc/passwd">',
        '<link rel="alternate" type="text/html" href="/feed">',
        "<link " * 40_000,
        "<link a=" + "'" * 300_000,
    ],
)
def test_f_07_a_site_that_offers_no_feed_that_can_be_had_has_none(front: str, site: Site, run: Run) -> None:
    site.pages["/"] = Page(front.encode(), headers={"Content-Type": "text/html"})
    site.put("/gone", b"", status=410)

    report = run(Feed("north", site.url + "/gone", "Northfield"))

    assert report.feeds[0].outcome is Outcome.GONE
    assert report.feeds[0].new_address is None


def test_f_06_two_feeds_that_moved_to_one_address_are_not_made_twins() -> None:
    feeds = [Feed(name, f"https://{name}.example.org/feed", "x") for name in ("north", "south", "there")]
    state = {"moved_since": NOW - 30 * HOUR, "moved_seen": NOW, "last_status": 200}
    known = {
        "north": FeedState("north", feeds[0].url, moved_to="https://new.example.org/", **state),
        "south": FeedState("south", feeds[1].url, moved_to="https://new.example.org/", **state),
        "there": FeedState("there", feeds[2].url, moved_to=feeds[0].url, **state),
    }

    assert [found.feed for found in moves(feeds, known, now=NOW)] == ["north"]
