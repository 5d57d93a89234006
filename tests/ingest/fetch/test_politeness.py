"""Whose turn it is when many addresses are fetched (F-04, F-05), and how much of them is in memory at a time (T-41)."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.ingest.fetch import Answer, Fetcher, Limits, NotHad, Request, fetch_all, open_fetcher
from pipeline.ingest.fetch.journal import SIZE, Journal, Traffic
from pipeline.ingest.fetch.politeness import Turns
from tests.ingest.conftest import QUICK
from tests.ingest.fetch.internet import Internet
from tests.ingest.site import Asked, Page, Site

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


@pytest.fixture
def internet(site: Site) -> Internet:
    """Several hosts on one server."""
    internet = Internet()
    for number, name in enumerate(
        ("one.github.io", "two.github.io", "www.example.org", "blog.example.org", "a.example")
    ):
        internet.put(name, site.port, f"93.184.215.{number + 1}")
    return internet


class Counter:
    """Pages that tell how many of them are asked for at once."""

    def __init__(self, site: Site) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()
        self._site = site

    def put(self, path: str) -> None:
        self._site.pages[path] = self._page

    def _page(self, _: Asked) -> Page:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self._lock:
            self.now -= 1
        return Page(b"<rss/>")


@pytest.mark.parametrize("hosts", [("one.github.io", "two.github.io"), ("www.example.org", "blog.example.org")])
def test_f_05_hosts_of_one_operator_are_asked_one_after_the_other(
    hosts: tuple[str, str], site: Site, internet: Internet, new_fetcher: Callable[..., Fetcher]
) -> None:
    counter = Counter(site)
    counter.put("/feed")
    fetcher = new_fetcher(allow_private=False, network=internet, limits=Limits(pause=0.1))

    list(fetch_all(fetcher, [Request(f"http://{host}/feed") for host in hosts * 2], now=NOW))

    assert counter.most == 1
    times = [asked.at for asked in site.asked]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.1


def test_f_05_hosts_of_different_operators_are_asked_side_by_side(
    site: Site, internet: Internet, new_fetcher: Callable[..., Fetcher]
) -> None:
    met = threading.Barrier(3, timeout=20)

    def page(_: Asked) -> Page:
        met.wait()  # until all three are asked for at once
        return Page(b"<rss/>")

    site.pages["/feed"] = page
    fetcher = new_fetcher(allow_private=False, network=internet, limits=Limits(pause=0))
    hosts = ["one.github.io", "www.example.org", "a.example"]

    answers = list(fetch_all(fetcher, [Request(f"http://{host}/feed") for host in hosts], now=NOW))

    assert all(isinstance(answer, Answer) for answer in answers)


def test_f_05_while_one_operator_rests_the_others_are_asked(
    site: Site, internet: Internet, new_fetcher: Callable[..., Fetcher]
) -> None:
    site.put("/feed", "<rss/>")
    fetcher = new_fetcher(allow_private=False, network=internet, limits=Limits(pause=0.3))
    hosts = ["www.example.org", "www.example.org", "a.example", "one.github.io"]

    list(fetch_all(fetcher, [Request(f"http://{host}/feed") for host in hosts], now=NOW, hosts_at_once=1))

    assert [asked.headers["Host"] for asked in site.asked] == [
        "www.example.org",
        "a.example",
        "one.github.io",
        "www.example.org",
    ]


@pytest.mark.parametrize(("status", "second"), [(429, None), (503, 200)])
def test_f_04_too_often_is_said_for_all_hosts_of_an_operator_and_later_for_one(
    status: int, second: int | None, site: Site, internet: Internet, new_fetcher: Callable[..., Fetcher]
) -> None:
    site.put("/busy", b"", status=status, Retry_After="600")
    site.put("/feed", "<rss/>")
    fetcher = new_fetcher(allow_private=False, network=internet)
    wanted = [Request("http://www.example.org/busy"), Request("http://blog.example.org/feed")]

    first, other = fetch_all(fetcher, wanted, now=NOW)

    assert isinstance(first, NotHad)
    assert (first.status, other.status) == (status, second)
    if isinstance(other, NotHad):
        assert other.retry_after == dt.timedelta(minutes=10)


def test_f_05_all_fetchers_of_a_process_share_their_turns(settings: Settings) -> None:
    first, second = open_fetcher(settings), open_fetcher(settings)

    assert first.turns is second.turns
    assert first.limits.pause == 1.0


def test_t_41_answers_that_nobody_takes_do_not_pile_up(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    internet = Internet()
    for number in range(12):
        internet.put(f"host{number}.example", site.port, f"93.184.216.{number + 1}")
    site.put("/feed", b"x" * 10_000)
    fetcher = new_fetcher(allow_private=False, network=internet)
    wanted = [Request(f"http://host{number}.example/feed") for number in range(12)]

    answers = fetch_all(fetcher, wanted, now=NOW, hosts_at_once=2, held=25_000)
    first = next(answers)
    asked = -1
    while asked != len(site.asked):
        asked = len(site.asked)
        time.sleep(0.2)
    rest = list(answers)

    assert asked <= 6  # one taken, three held, two under way when the third came
    assert [answer.url for answer in (first, *rest) if isinstance(answer, Answer)] == [ask.url for ask in wanted]


def test_t_41_what_is_waited_for_is_fetched_though_too_much_is_held(
    site: Site, new_fetcher: Callable[..., Fetcher]
) -> None:
    internet = Internet()
    internet.put("slow.example", site.port, "93.184.216.1")
    internet.put("quick.example", site.port, "93.184.216.2")
    site.put("/feed", b"x" * 10_000)
    fetcher = new_fetcher(allow_private=False, network=internet, limits=QUICK)
    names = ["slow.example"] * 3 + ["quick.example"] * 3

    answers = list(fetch_all(fetcher, [Request(f"http://{name}/feed") for name in names], now=NOW, held=1))

    assert [isinstance(answer, Answer) for answer in answers] == [True] * 6


def test_f_05_a_worker_that_runs_for_months_forgets_whom_it_may_ask_at_once() -> None:
    turns, slow = Turns(0), Turns(600)

    for number in range(1000):
        with turns.of(f"h{number}.example"):
            pass
    for number in range(300):
        with slow.of(f"h{number}.example"):
            pass

    assert turns.known < 300
    assert slow.known == 300  # their pause is not over
    assert slow.free_at("h0.example") > time.monotonic()


# --- the journal ------------------------------------------------------------------------------------------------------


def test_f_14_the_journal_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "fetch.jsonl"
    (tmp_path / "fetch.jsonl.1").write_text("the one before\n")
    with path.open("wb") as file:
        file.truncate(SIZE + 1)

    Journal(path).write(Request("https://example.org/"), Traffic(), at=NOW, status=200, decision="fetched")

    assert path.read_text().count("\n") == 1
    assert (tmp_path / "fetch.jsonl.1").stat().st_size == SIZE + 1
    assert {path.name for path in tmp_path.iterdir()} == {"fetch.jsonl", "fetch.jsonl.1", "fetch.jsonl.lock"}


def test_f_14_a_line_is_a_line_whatever_the_address_holds(tmp_path: Path) -> None:
    path = tmp_path / "fetch.jsonl"
    hostile = [
        "http://a\nb.example/",
        "https://someone:secret@example.org/x",
        "\ud800",
        "x" * 100_000,
        "\u2028\x1b[31m",
    ]

    for url in hostile:
        Journal(path).write(Request(url), Traffic(), at=NOW, status=None, decision="failed", error=url[:20])

    text = path.read_text()
    assert text.isascii()
    assert len(text.splitlines()) == len(hostile)
    assert '"https://example.org/x"' in text
    assert max(len(line) for line in text.splitlines()) < 6_000
