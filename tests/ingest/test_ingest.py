"""Feeds to cards, the whole stage: real servers, a real database of each kind, real files."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import Settings
from pipeline.errors import StoreBusy, UsageError
from pipeline.ingest import Fetcher, IngestReport, Outcome, inbox, ingest, open_fetcher
from pipeline.library import load_library
from pipeline.model import Feed, Tier
from pipeline.store import Store
from pipeline.store import feeds as memory
from tests.ingest.site import DATA, Asked, Page, Site, rss

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
LATER = NOW + 2 * HOUR

Run = Callable[..., IngestReport]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "repository" / "content" / "inbox"


@pytest.fixture
def run(store: Store, folder: Path, fetcher: Fetcher) -> Run:
    def run(*feeds: Feed, now: dt.datetime = NOW, **more: Any) -> IngestReport:
        return ingest(store, feeds, inbox=folder, fetcher=fetcher, now=now, **more)

    return run


@pytest.fixture
def run_once(sqlite_store: Store, folder: Path, fetcher: Fetcher) -> Run:
    """On one kind of database, for what has nothing to do with it."""

    def run(*feeds: Feed, now: dt.datetime = NOW, **more: Any) -> IngestReport:
        return ingest(sqlite_store, feeds, inbox=folder, fetcher=fetcher, now=now, **more)

    return run


def feed(id_: str, url: str, **more: Any) -> Feed:
    return Feed(id_, url, more.pop("publisher", id_.title()), min_interval=HOUR, **more)


def cards(folder: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text().split("---\n")[1]) for path in sorted(folder.glob("*.md"))]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- the plain case ---------------------------------------------------------------------------------------------------


def test_new_entries_become_cards(site: Site, run: Run, folder: Path) -> None:
    url = site.put("/news.xml", (DATA / "rss-2.0.xml").read_bytes(), Content_Type="application/rss+xml")

    report = run(feed("north", url, publisher="Northfield", topics=("power",), tier=Tier.PRIMARY))

    assert report.ok
    assert (report.asked, report.entries, len(report.cards), report.same_stories) == (1, 3, 3, 0)
    assert report.feeds[0].outcome is Outcome.NEW
    outlook = next(card for card in cards(folder) if card["title"].startswith("Load outlook"))
    assert outlook["topics"] == ["power"]
    assert outlook["weight"] == 1
    assert outlook["first_seen"] == NOW
    assert outlook["published"] == dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
    assert outlook["entries"] == [
        {
            "feed": "north",
            "publisher": "Northfield",
            "tier": "primary",
            "url": "https://northfield.example.org/outlook-2026?year=2026#summary",
            "title": "Load outlook 2026: halls may need 17% of supply by 2030",
            "published": dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC),
        }
    ]


def test_a_second_run_makes_nothing_new_and_asks_conditionally(site: Site, run: Run, folder: Path) -> None:
    def conditional(asked: Asked) -> Page:
        if asked.headers["If-None-Match"] == '"v1"':
            return Page(status=304)
        return Page((DATA / "rss-2.0.xml").read_bytes(), headers={"ETag": '"v1"'})

    site.pages["/etag"] = conditional
    plain = site.put("/plain", (DATA / "atom-1.0.xml").read_bytes())
    feeds = (feed("etag", site.url + "/etag"), feed("plain", plain))
    first = run(*feeds)
    before = tree(folder)

    too_early = run(*feeds, now=NOW + dt.timedelta(minutes=5))
    second = run(*feeds, now=LATER + 3 * HOUR)

    assert first.entries == 6
    assert [result.outcome for result in too_early.feeds] == [Outcome.NOT_DUE] * 2
    assert [result.outcome for result in second.feeds] == [Outcome.UNCHANGED] * 2
    assert (second.entries, second.cards) == (0, ())
    assert tree(folder) == before
    assert (site.count("/etag"), site.count("/plain")) == (2, 2)


def test_a_dead_feed_stops_no_other_and_is_reported(site: Site, run_once: Run, folder: Path, fetcher: Fetcher) -> None:
    dead = "http://nowhere.test/feed"
    page = site.put("/page", (DATA / "page.html").read_bytes(), Content_Type="text/html")
    lives = site.put("/lives", rss(("All is well", "https://x.example.org/1")))

    report = run_once(feed("dead", dead), feed("page", page), feed("missing", site.url + "/none"), feed("lives", lives))

    assert [result.outcome for result in report.feeds] == [Outcome.FAILED, Outcome.FAILED, Outcome.FAILED, Outcome.NEW]
    assert [result.id for result in report.failed] == ["dead", "page", "missing"]
    assert not report.ok
    assert "no such host: nowhere.test; check the address" in report.feeds[0].message
    assert f"{page} looks like an HTML page; the page offers {site.url}/feeds/news.xml" in report.feeds[1].message
    assert "not found (404); check the address" in report.feeds[2].message
    assert [card["title"] for card in cards(folder)] == ["All is well"]


def test_the_report_can_be_written_as_json(site: Site, run_once: Run) -> None:
    url = site.put("/feed", rss(("All is well", "https://x.example.org/1")))

    report = run_once(feed("good", url), feed("bad", site.url + "/none"), feed("off", url, paused=True))

    document = json.loads(json.dumps(report.as_dict()))
    assert {name: document[name] for name in ("asked", "entries", "same_stories", "failed", "ok")} == {
        "asked": 2,
        "entries": 1,
        "same_stories": 0,
        "failed": 1,
        "ok": False,
    }
    assert document["cards"] == document["feeds"][0]["cards"] == list(report.cards)
    assert [item["outcome"] for item in document["feeds"]] == ["new", "failed", "paused"]
    assert "not found" in document["feeds"][1]["message"]


# --- one story, one card ----------------------------------------------------------------------------------------------


def test_one_story_from_several_feeds_is_one_card_with_all_of_them(site: Site, run: Run, folder: Path) -> None:
    link = "https://north.example.org/outlook"
    feeds = (
        feed("north", site.put("/a", rss(("Grid operator warns of winter shortfall", link)))),
        feed("wire", site.put("/b", rss(("Shortfall ahead", f"{link}?utm_source=wire#top")))),
        feed("daily", site.put("/c", rss(("Winter shortfall: grid operator warns", "https://daily.example.org/9")))),
        feed("other", site.put("/d", rss(("Something else entirely happened", "https://other.example.org/1")))),
        feed("wire-2", site.put("/e", rss(("Unrelated words", link))), publisher="Wire"),
    )

    report = run(*feeds)

    by_title = {card["title"]: card for card in cards(folder)}
    assert set(by_title) == {"Grid operator warns of winter shortfall", "Something else entirely happened"}
    story = by_title["Grid operator warns of winter shortfall"]
    assert [entry["feed"] for entry in story["entries"]] == ["north", "wire", "daily", "wire-2"]
    assert story["weight"] == 3
    assert (len(report.cards), report.same_stories) == (2, 3)


def test_a_story_told_again_days_later_joins_its_card(site: Site, run: Run, folder: Path) -> None:
    run(feed("north", site.put("/a", rss(("Grid operator warns of winter shortfall", "https://north.example.org/1")))))

    by_title = run(
        feed("daily", site.put("/b", rss(("Grid operator warns of a shortfall", "https://daily.example.org/1")))),
        now=NOW + 48 * HOUR,
    )
    by_address = run(
        feed("late", site.put("/c", rss(("Remember this?", "https://north.example.org/1")))),
        now=NOW + dt.timedelta(days=300),
    )
    too_late = run(
        feed("echo", site.put("/d", rss(("Grid operator warns of winter shortfall", "https://echo.example.org/1")))),
        now=NOW + dt.timedelta(days=300),
    )

    assert (by_title.same_stories, by_address.same_stories) == (1, 1)
    assert len(too_late.cards) == 1
    assert sorted(len(card["entries"]) for card in cards(folder)) == [1, 3]


def test_a_card_that_an_editor_deleted_does_not_come_back(site: Site, run_once: Run, folder: Path) -> None:
    url = site.put("/a", rss(("Grid operator warns of winter shortfall", "https://north.example.org/1")))
    (name,) = run_once(feed("north", url)).cards
    (folder / name).unlink()

    report = run_once(
        feed("north", url),
        feed("wire", site.put("/b", rss(("The same", "https://north.example.org/1")))),
        now=LATER,
    )

    assert (report.cards, report.same_stories) == ((), 0)
    assert tree(folder) == {}


def test_a_card_that_an_editor_broke_is_reported_and_the_entry_comes_again(
    site: Site, run_once: Run, folder: Path
) -> None:
    north = feed("north", site.put("/a", rss(("Grid operator warns", "https://north.example.org/1"))))
    wire = feed("wire", site.put("/b", rss(("The same", "https://north.example.org/1")), ETag='"v1"'))
    (name,) = run_once(north).cards
    whole = (folder / name).read_text()
    (folder / name).write_text(whole.replace("title:", "title: ["))

    broken = run_once(wire, now=LATER)
    (folder / name).write_text(whole)
    mended = run_once(wire, now=LATER + 2 * HOUR)

    assert not broken.ok
    assert f"inbox/{name}:" in broken.problems[0]
    assert "not YAML" in broken.problems[0]
    assert mended.ok
    assert mended.same_stories == 1
    assert site.asked[-1].headers["If-None-Match"] is None


def test_entries_without_an_address_are_told_apart_by_title_and_date(site: Site, run_once: Run, folder: Path) -> None:
    body = "<rss version='2.0'><channel><item><title>One</title></item><item><title>Two</title></item></channel></rss>"
    url = site.put("/feed", body)

    first = run_once(feed("bare", url))
    second = run_once(feed("bare", url), now=LATER)

    assert (len(first.cards), len(second.cards)) == (2, 0)
    assert [card["entries"][0]["url"] for card in cards(folder)] == [None, None]


def test_t35_a_flood_makes_fifty_cards_and_the_rest_is_counted(site: Site, run_once: Run, folder: Path) -> None:
    items = [
        (f"Number {n}", f"https://x.example.org/{n}", f"Mon, 23 Nov 2026 {n // 60:02}:{n % 60:02}:00 GMT")
        for n in range(80)
    ]
    url = site.put("/feed", rss(*items))

    first = run_once(feed("flood", url))
    second = run_once(feed("flood", url), now=LATER)

    assert (first.entries, len(first.cards), first.feeds[0].passed_by) == (80, 50, 30)
    assert {card["title"] for card in cards(folder)} == {f"Number {n}" for n in range(30, 80)}
    assert second.entries == 0


def _children() -> list[int]:
    """The processes that this one has started."""
    return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc to find the child in")
def test_t30_a_child_that_is_killed_is_one_failed_fetch_with_back_off(
    site: Site, other_site: Site, run_once: Run, folder: Path
) -> None:
    """Whichever feed it was reading, or would have read next, is asked again later; the others are read."""
    before = set(_children())

    def kill_the_reader(_: Asked) -> Page:
        for _ in range(500):
            if children := set(_children()) - before:
                os.kill(children.pop(), signal.SIGKILL)
                break
            time.sleep(0.01)
        return Page(rss(("Third", "https://x.example.org/3")).encode())

    site.pages["/3"] = kill_the_reader
    first = other_site.put("/1", rss(("First", "https://x.example.org/1")))
    second = other_site.put("/2", rss(("Second", "https://x.example.org/2")))

    report = run_once(feed("first", first), feed("second", second), feed("third", site.url + "/3"))

    (failed,) = report.failed
    assert failed.message.startswith("not read: ")
    assert failed.next_at is not None
    assert failed.next_at >= NOW + HOUR
    assert len(cards(folder)) == 2


def numbers(*which: int, day: int = 23, guid: str = "") -> str:
    """A feed of entries called by these numbers; their ids are their addresses, unless *guid* begins them."""
    items = "".join(
        f"<item><title>Number {n}</title><link>https://x.example.org/{n}</link><guid>{guid or 'https://x.example.org/'}{n}</guid>"
        f"<pubDate>Mon, {day} Nov 2026 {n // 60 % 24:02}:{n % 60:02}:00 GMT</pubDate></item>"
        for n in which
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'


def test_t35_a_flood_after_the_first_visit_is_held_for_a_person(
    site: Site, run: Run, store: Store, folder: Path
) -> None:
    url = site.put("/feed", numbers(1, 2))
    run(feed("flood", url))
    site.put("/feed", numbers(*range(1, 91)))

    report = run(feed("flood", url), now=LATER)
    again = run(feed("flood", url), now=LATER + 2 * HOUR)

    assert (report.entries, len(report.cards), report.feeds[0].held, report.feeds[0].passed_by) == (88, 50, 38, 0)
    assert (again.entries, again.feeds[0].held) == (0, 0)
    with store.reading() as connection:
        held = memory.held(connection)
    assert [entry.title for entry in held] == [f"Number {n}" for n in range(40, 2, -1)]


def test_t35_the_fifty_are_those_of_a_day_and_not_of_a_visit(site: Site, run_once: Run) -> None:
    url = site.put("/feed", numbers(1))
    run_once(feed("flood", url))
    outcomes = []
    for visit in range(1, 5):
        site.put("/feed", numbers(*range(1, 1 + 20 * visit)))
        outcomes.append(run_once(feed("flood", url), now=LATER + 2 * HOUR * visit).feeds[0])

    assert [len(outcome.cards) for outcome in outcomes] == [19, 20, 11, 0]
    assert [outcome.held for outcome in outcomes] == [0, 0, 9, 20]

    site.put("/feed", numbers(*range(100, 130)))
    assert len(run_once(feed("flood", url), now=LATER + 60 * HOUR).cards) == 30


def test_t35_new_ids_for_old_entries_are_no_news(site: Site, run_once: Run, folder: Path) -> None:
    """A publisher that moves to another system gives every entry a new id."""
    url = site.put("/feed", numbers(*range(80), guid="old-"))
    run_once(feed("flood", url))
    before = tree(folder)
    site.put("/feed", numbers(*range(80), guid="new-"))

    report = run_once(feed("flood", url), now=LATER)

    assert (report.entries, report.cards, report.feeds[0].held) == (0, (), 0)
    assert tree(folder) == before


def test_t35_entries_dated_back_do_not_push_out_the_news(site: Site, run_once: Run) -> None:
    url = site.put("/feed", numbers(1))
    run_once(feed("flood", url))
    old = numbers(*range(100, 180), day=2).removesuffix("</channel></rss>")
    site.put("/feed", old + numbers(5, 6).split("<channel>")[1])

    report = run_once(feed("flood", url), now=LATER)

    assert {"2026-11-23-number-5", "2026-11-23-number-6"} <= {name.rpartition("-")[0] for name in report.cards}
    assert (len(report.cards), report.feeds[0].held) == (50, 32)


def test_t35_what_a_person_lets_in_gets_its_cards_at_the_next_visit(
    site: Site, run: Run, store: Store, folder: Path
) -> None:
    url = site.put("/feed", numbers(1))
    run(feed("flood", url))
    site.put("/feed", numbers(*range(1, 81)))
    run(feed("flood", url), now=LATER)

    with store.writing() as connection:
        assert memory.release(connection, "flood") == 29
        assert memory.release(connection, "flood") == 0
    report = run(feed("flood", url), now=LATER + HOUR / 60)
    after = run(feed("flood", url), now=LATER + 3 * HOUR)

    assert (len(report.cards), report.feeds[0].held) == (29, 0)
    assert len(cards(folder)) == 80
    assert (after.entries, after.cards) == (0, ())


def test_t35_what_a_person_lets_go_does_not_come_back(site: Site, run: Run, store: Store, folder: Path) -> None:
    url = site.put("/feed", numbers(1))
    run(feed("flood", url))
    site.put("/feed", numbers(*range(1, 81)))
    run(feed("flood", url), now=LATER)

    with store.writing() as connection:
        assert memory.dismiss(connection, "flood") == 29
    after = run(feed("flood", url), now=LATER + 3 * HOUR)

    assert (after.entries, after.cards) == (0, ())
    assert len(cards(folder)) == 51


# --- again, and killed ------------------------------------------------------------------------------------------------


def test_two_runs_over_the_same_feeds_write_the_same_bytes(
    site: Site,
    other_site: Site,
    new_fetcher: Callable[..., Fetcher],
    sqlite_store: Store,
    settings: Settings,
    tmp_path: Path,
) -> None:
    names = sorted(path.name for path in DATA.iterdir())
    feeds = []
    for number, name in enumerate(names):
        server = site if number % 2 else other_site
        url = server.put(f"/{name}", (DATA / name).read_bytes())
        feeds.append(feed(f"f{number}", url.replace("127.0.0.1", "localhost") if number % 3 else url))
    from pipeline.store import open_store

    other_store = open_store(settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/other.db"}))

    one = ingest(sqlite_store, feeds, inbox=tmp_path / "one", fetcher=new_fetcher(), now=NOW)
    two = ingest(other_store, feeds, inbox=tmp_path / "two", fetcher=new_fetcher(), now=NOW)

    other_store.close()
    assert one == two
    assert len(one.cards) > 20
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_killed_between_card_and_memory_the_next_run_makes_no_second_card(
    site: Site, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def power_cut(*_: object) -> None:
        raise Killed

    north = feed("north", site.put("/a", rss(("Grid operator warns", "https://north.example.org/1")), ETag='"v1"'))
    wire = feed("wire", site.put("/b", rss(("The same", "https://north.example.org/1"))))
    monkeypatch.setattr(memory, "remember", power_cut)  # stands for kill -9, which the next test does in earnest
    with pytest.raises(Killed):
        run(north)
    monkeypatch.undo()
    written = tree(folder)

    report = run(wire, north)  # another feed's turn comes first now

    assert len(written) == 1
    assert report.cards == ()
    assert [card["title"] for card in cards(folder)] == ["Grid operator warns"]
    assert [entry["feed"] for entry in cards(folder)[0]["entries"]] == ["north", "wire"]
    assert site.asked[-1].headers["If-None-Match"] is None  # what was not remembered is asked for whole


KILLED_RUN = """
import datetime as dt, json, sys
from pathlib import Path
from pipeline.config import Settings
from pipeline.ingest import ingest
from pipeline.ingest.fetch import Fetcher, Limits
from pipeline.model import Feed
from pipeline.store import open_store

given = json.loads(sys.argv[1])
store = open_store(Settings.load(given["root"]))
fetcher = Fetcher(user_agent="x", allow_private=True, limits=Limits(pause=0))
feeds = [Feed(id, url, id) for id, url in given["feeds"]]
ingest(store, feeds, inbox=Path(given["inbox"]), fetcher=fetcher, now=dt.datetime.fromisoformat(given["now"]))
"""


def test_killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice(
    site: Site, other_site: Site, settings: Settings, folder: Path, fetcher: Fetcher
) -> None:
    """The second feed's server kills the run while it is asked: when the first feed's cards are being written."""
    from pipeline.store import open_store

    processes: list[subprocess.Popen[bytes]] = []

    def kill(asked: Asked) -> Page:
        until = time.monotonic() + 20
        while len(list(folder.glob("*.md"))) < 5 and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(processes[0].pid, signal.SIGKILL)
        return Page(rss(("Second", "https://x.example.org/second")).encode())

    items = [(f"Number {n}", f"https://x.example.org/{n}") for n in range(40)]
    first = site.put("/first", rss(*items))
    other_site.pages["/second"] = kill
    second = other_site.url.replace("127.0.0.1", "localhost") + "/second"
    given = {
        "root": str(settings.root),
        "inbox": str(folder),
        "now": NOW.isoformat(),
        "feeds": [["a", first], ["b", second]],
    }
    processes.append(subprocess.Popen([sys.executable, "-c", KILLED_RUN, json.dumps(given)]))
    assert processes[0].wait(60) == -signal.SIGKILL
    assert 5 <= len(list(folder.glob("*.md"))) <= 40
    other_site.put("/second", rss(("Second", "https://x.example.org/second")))

    store = open_store(settings)
    ingest(store, [feed("a", first), feed("b", second)], inbox=folder, fetcher=fetcher, now=NOW, force=True)
    again = ingest(store, [feed("a", first), feed("b", second)], inbox=folder, fetcher=fetcher, now=NOW, force=True)
    store.close()

    assert sorted(card["title"] for card in cards(folder)) == sorted(["Second", *(title for title, _ in items)])
    assert again.entries == 0
    assert all(path.suffix == ".md" for path in folder.iterdir())


def test_two_runs_at_once_do_not_mix(site: Site, run_once: Run, folder: Path) -> None:
    url = site.put("/feed", rss(("x", "https://x.example.org/1")))

    with inbox.opened(folder), pytest.raises(StoreBusy, match="another process is writing cards"):
        run_once(feed("a", url))

    assert site.asked == []


# --- which feeds ------------------------------------------------------------------------------------------------------


def test_only_the_feeds_that_are_named_are_asked(site: Site, run_once: Run) -> None:
    a, b = (feed(name, site.put(f"/{name}", rss())) for name in ("a", "b"))

    report = run_once(a, b, only=["b"])

    assert [result.id for result in report.feeds] == ["b"]
    assert [asked.path for asked in site.asked] == ["/b"]


def test_a_name_that_is_no_feed_gets_a_suggestion(run_once: Run) -> None:
    with pytest.raises(UsageError, match="no feed 'nroth'; did you mean north"):
        run_once(feed("north", "https://north.example.org/"), only=["nroth"])


def test_a_paused_feed_is_not_asked_even_by_force(site: Site, run_once: Run) -> None:
    report = run_once(feed("off", site.put("/off", rss()), paused=True), force=True)

    assert report.feeds[0].outcome is Outcome.PAUSED
    assert site.asked == []


def test_force_asks_what_is_not_due(site: Site, run_once: Run) -> None:
    one = feed("one", site.put("/one", rss()))
    run_once(one)

    run_once(one, force=True)

    assert site.count("/one") == 2


def test_without_feeds_there_is_nothing_to_do(run_once: Run, folder: Path) -> None:
    report = run_once()

    assert report.ok
    assert report.as_dict()["asked"] == 0


# --- what servers ask of us, remembered -------------------------------------------------------------------------------


def test_f3_the_feeds_own_ttl_is_kept_to(site: Site, run: Run) -> None:
    slow = feed("slow", site.put("/slow", rss(ttl=240)))
    run(slow)

    assert run(slow, now=NOW + 3.9 * HOUR).feeds[0].outcome is Outcome.NOT_DUE
    assert run(slow, now=NOW + 4.5 * HOUR).feeds[0].outcome is Outcome.UNCHANGED


def test_f4_retry_after_holds_for_all_feeds_of_the_host(site: Site, other_site: Site, run: Run) -> None:
    busy = feed("busy", site.put("/busy", b"", status=429, Retry_After=str(5 * 3600)))
    neighbour = feed("neighbour", site.put("/neighbour", rss()))
    elsewhere = feed("elsewhere", other_site.put("/x", rss()).replace("127.0.0.1", "localhost"))
    early = run(neighbour, busy, elsewhere)

    later = run(neighbour, busy, elsewhere, now=NOW + 4 * HOUR)

    assert [result.outcome for result in early.feeds] == [Outcome.UNCHANGED, Outcome.FAILED, Outcome.UNCHANGED]
    assert "asks us to wait 300 minutes (429)" in early.feeds[1].message
    assert [result.outcome for result in later.feeds] == [Outcome.NOT_DUE, Outcome.NOT_DUE, Outcome.UNCHANGED]
    assert (site.count("/busy"), site.count("/neighbour")) == (1, 1)


def test_f4_feeds_of_a_host_that_asks_us_to_wait_are_waiting_not_failed(site: Site, run_once: Run) -> None:
    busy = feed("busy", site.put("/busy", b"", status=503, Retry_After="600"))
    behind = feed("behind", site.put("/behind", rss()))

    report = run_once(busy, behind)

    assert report.feeds[1].outcome is Outcome.WAITING
    assert "127.0.0.1 asks us to wait" in report.feeds[1].message
    assert report.feeds[1].next_at is not None
    assert NOW + dt.timedelta(minutes=10) <= report.feeds[1].next_at <= NOW + dt.timedelta(minutes=11)
    assert [result.id for result in report.failed] == ["busy"]


def test_f7_a_feed_that_is_gone_is_not_asked_again_until_its_address_changes(site: Site, run: Run) -> None:
    gone = feed("gone", site.put("/gone", b"", status=410))
    moved = feed("gone", site.put("/new", rss()))

    first = run(gone)
    second = run(gone, now=NOW + dt.timedelta(days=30))
    third = run(moved, now=NOW + dt.timedelta(days=30))

    for report in (first, second):
        assert report.feeds[0].outcome is Outcome.GONE
        assert "in content/feeds.yml, remove gone, pause it, or give it its new address" in report.feeds[0].message
    assert third.feeds[0].outcome is Outcome.UNCHANGED
    assert site.count("/gone") == 1


def test_a_feed_that_recovers_is_read_as_if_nothing_had_been(site: Site, run_once: Run, folder: Path) -> None:
    site.put("/feed", b"", status=500)
    flaky = feed("flaky", site.url + "/feed")
    run_once(flaky)
    site.put("/feed", rss(("Back again", "https://x.example.org/1")))

    report = run_once(flaky, now=LATER)

    assert report.ok
    assert [card["title"] for card in cards(folder)] == ["Back again"]


# --- hostile words, and the feeds file ---------------------------------------------------------------------------------


def test_t26_hostile_titles_stay_titles(site: Site, run_once: Run, folder: Path) -> None:
    url = site.put("/feed", (DATA / "hostile.xml").read_bytes())

    report = run_once(feed("hostile", url))

    assert len(report.cards) == 12
    for name in report.cards:
        text = (folder / name).read_text()
        fields = yaml.safe_load(text.split("\n---\n")[0])
        assert list(fields) == ["title", "first_seen", "published", "topics", "weight", "entries"]
        assert fields["weight"] == 1
        assert fields["title"] == fields["entries"][0]["title"]
        assert text.count("\n---\n") == 1
    titles = {card["entries"][0]["url"].rpartition("/")[2]: card["title"] for card in cards(folder)}
    assert titles["1"] == "---"
    assert titles["2"] == "no: [yes, {a: b}] # not a comment --- weight: 99"
    assert titles["3"] == "<script>alert(1)</script>"
    assert titles["6"] == "Price gnitseretni and zero"
    assert titles["9"] == "null"
    assert titles["10"] == "2026-11-23"


def test_feeds_come_from_the_file_that_editors_write(
    site: Site, sqlite_store: Store, settings: Settings, folder: Path
) -> None:
    url = site.put("/feed", rss(("From the file", "https://x.example.org/1")))
    (settings.content / "feeds.yml").write_text(
        f"- id: sample\n  url: {url}\n  publisher: Sample\n  topics: [power]\n  tier: primary\n  min_interval: 30m\n"
    )
    feeds: Sequence[Feed] = load_library(settings.root, now=NOW).feeds
    allowed = settings.model_copy(update={"allow_private": True})

    refused = ingest(sqlite_store, feeds, inbox=folder, fetcher=open_fetcher(settings), now=NOW)
    report = ingest(sqlite_store, feeds, inbox=folder, fetcher=open_fetcher(allowed), now=NOW, force=True)

    assert "set allow_private" in refused.feeds[0].message or "allow_private is set" in refused.feeds[0].message
    assert report.ok
    assert len(report.cards) == 1
    assert (settings.state_dir / "fetch.jsonl").read_text().count("\n") == 3  # robots.txt too
    assert site.asked[0].headers["User-Agent"].endswith("(+https://deepsignals.example.org/; signals@example.org)")
