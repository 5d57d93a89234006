"""What robots.txt lets us ask for (F-08, T-43), how long it is known, and what it says of the use of pages (F-09)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.ingest.fetch import Fetcher, NotHad, Request, fetch_all
from pipeline.ingest.fetch.robots import Lately, Robots
from tests.ingest.site import Page, Site

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def polite(new_fetcher: Callable[..., Fetcher], tmp_path: Path) -> Callable[[], Fetcher]:
    """A fetcher as a new process would make it: what is known of robots.txt lies in a folder."""
    return lambda: new_fetcher(robots=Robots(tmp_path / "robots"))


def refused(fetcher: Fetcher, url: str, *, now: dt.datetime = NOW) -> NotHad:
    with pytest.raises(NotHad) as caught:
        fetcher.get(Request(url), now=now)
    return caught.value


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /private", True),
        ("User-agent: *\nDisallow: /fe", False),
        ("User-agent: *\nDisallow: /*.xml$\n", False),
        ("User-agent: *\nDisallow: /\nAllow: /feed.xml", True),  # RFC 9309 2.2.2: the longest match counts
        ("User-agent: *\nDisallow: /\n\nUser-agent: OpenSignal\nAllow: /", True),
        ("User-agent: *\nAllow: /\n\nuser-agent: opensignal\nDisallow: /feed", False),
        ("User-agent: OtherBot\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("<html><body>No such page</body></html>", True),
    ],
)
def test_f_08_robots_txt_is_obeyed_for_feeds_too(
    rules: str, allowed: bool, site: Site, polite: Callable[[], Fetcher]
) -> None:
    site.put("/robots.txt", rules)
    url = site.put("/feed.xml", "<rss/>")

    if allowed:
        assert polite().get(Request(url), now=NOW).body == b"<rss/>"
    else:
        error = refused(polite(), url)
        assert error.denied
        assert "robots.txt of 127.0.0.1 does not let us ask for it" in str(error)
    assert site.count("/feed.xml") == allowed


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_f_08_an_answer_of_4xx_means_that_there_are_no_rules(
    status: int, site: Site, polite: Callable[[], Fetcher]
) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /", status=status)
    url = site.put("/feed", "<rss/>")

    assert polite().get(Request(url), now=NOW).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_f_08_where_it_cannot_be_had_nothing_is_asked_for(
    status: int, site: Site, polite: Callable[[], Fetcher]
) -> None:
    site.put("/robots.txt", b"", status=status)
    urls = [site.put(f"/{number}", "<rss/>") for number in range(3)]
    fetcher = polite()

    errors = [refused(fetcher, url) for url in urls]

    assert all("its host's robots.txt could not be had" in str(error) for error in errors)
    assert [asked.path for asked in site.asked] == ["/robots.txt"]


def test_f_08_a_host_whose_robots_txt_says_later_is_asked_later(site: Site, polite: Callable[[], Fetcher]) -> None:
    site.put("/robots.txt", b"", status=503, Retry_After="7200")
    fetcher = polite()

    assert refused(fetcher, site.url + "/feed").retry_after == 2 * HOUR
    refused(fetcher, site.url + "/feed", now=NOW + 1.9 * HOUR)
    assert site.count("/robots.txt") == 1


def test_f_08_it_is_asked_for_once_a_day_by_all_processes_together(site: Site, polite: Callable[[], Fetcher]) -> None:
    site.put("/robots.txt", "User-agent: *\nAllow: /", ETag='"rules"')
    url = site.put("/feed", "<rss/>")

    for hours in (0, 1, 23.9):
        polite().get(Request(url), now=NOW + hours * HOUR)
    within_a_day = site.count("/robots.txt")
    polite().get(Request(url), now=NOW + 24 * HOUR)

    assert within_a_day == 1
    assert site.count("/robots.txt") == 2
    again = [asked for asked in site.asked if asked.path == "/robots.txt"][1]
    assert again.headers["If-None-Match"] == '"rules"'


def test_f_08_unchanged_rules_are_kept_for_another_day(site: Site, polite: Callable[[], Fetcher]) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /feed", ETag='"rules"')
    url = site.put("/feed", "<rss/>")
    refused(polite(), url)
    site.put("/robots.txt", b"", status=304)

    refused(polite(), url, now=NOW + 25 * HOUR)
    refused(polite(), url, now=NOW + 40 * HOUR)

    assert site.count("/robots.txt") == 2
    assert site.count("/feed") == 0


def test_f_08_known_rules_stand_while_new_ones_cannot_be_had(site: Site, polite: Callable[[], Fetcher]) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private")
    open_page, closed = site.put("/feed", "<rss/>"), site.put("/private", "<rss/>")
    polite().get(Request(open_page), now=NOW)
    site.put("/robots.txt", b"", status=500)

    later = NOW + 30 * HOUR
    fetcher = polite()

    assert fetcher.get(Request(open_page), now=later).status == 200
    assert refused(fetcher, closed, now=later).denied


def test_f_08_more_of_it_than_half_a_megabyte_is_not_read(site: Site, polite: Callable[[], Fetcher]) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /early\n" + "#" * 600_000 + "\nDisallow: /late\n")
    early, late = site.put("/early", "<rss/>"), site.put("/late", "<rss/>")
    fetcher = polite()

    assert refused(fetcher, early).denied
    assert fetcher.get(Request(late), now=NOW).status == 200


def test_f_08_redirects_of_it_are_followed_and_one_without_end_means_no_rules(
    site: Site, other_site: Site, polite: Callable[[], Fetcher]
) -> None:
    site.put("/robots.txt", b"", status=301, Location="/rules")
    site.put("/rules", "User-agent: *\nDisallow: /")
    other_site.put("/robots.txt", b"", status=301, Location="/robots.txt")
    fetcher = polite()

    assert refused(fetcher, site.put("/feed", "<rss/>")).denied
    assert fetcher.get(Request(other_site.put("/feed", "<rss/>")), now=NOW).status == 200


def test_f_08_where_a_redirect_leads_has_rules_of_its_own(
    site: Site, other_site: Site, polite: Callable[[], Fetcher]
) -> None:
    other_site.put("/robots.txt", "User-agent: *\nDisallow: /")
    target = other_site.put("/feed", "<rss/>")
    url = site.put("/feed", b"", status=302, Location=target)

    assert refused(polite(), url).denied
    assert other_site.count("/feed") == 0


def test_f_08_a_spoilt_file_in_the_folder_is_asked_for_again(
    site: Site, polite: Callable[[], Fetcher], tmp_path: Path
) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /")
    url = site.put("/feed", "<rss/>")
    refused(polite(), url)
    [kept] = (tmp_path / "robots").iterdir()

    for spoilt in ("", "[]", "{}", '{"origin": 3}', kept.read_text()[:-20]):
        kept.write_text(spoilt)
        assert refused(polite(), url).denied

    assert site.count("/robots.txt") == 6


def test_t_43_pages_are_asked_for_as_politely_as_feeds(site: Site, polite: Callable[[], Fetcher], log: Path) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /reports/")
    url = site.put("/reports/2026", "<p>Words</p>", Content_Type="text/html")

    results = list(fetch_all(polite(), [Request(url, accept="text/html")], now=NOW))

    assert isinstance(results[0], NotHad)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["url"].rpartition("/")[2], line["decision"]) for line in lines] == [
        ("robots.txt", "fetched"),
        ("2026", "denied"),
    ]


# --- the use of pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("User-agent: *\nContent-Usage: train-ai=n", ("robots content-usage: train-ai=n",)),
        (
            "User-Agent: *\nAllow: /\nContent-Usage: /feed train-ai=y\nContent-Usage: / train-ai=n",
            ("robots content-usage: train-ai=y",),
        ),
        ("User-agent: Other\nContent-Usage: train-ai=n", ()),
        ("User-agent: *\nContent-Usage: train-ai=n\n\nUser-agent: OpenSignal\nAllow: /", ()),
        (
            "User-agent: a\nUser-agent: opensignal\nContent-Usage: search=y, train-ai=n # both",
            ("robots content-usage: search=y, train-ai=n",),
        ),
        ("Content-Usage: train-ai=n", ()),
        ("User-agent: *\nContent-Usage: /other train-ai=n", ()),
    ],
)
def test_f_09_what_robots_txt_says_of_the_use_of_a_page_comes_with_it(
    rules: str, said: tuple[str, ...], site: Site, polite: Callable[[], Fetcher]
) -> None:
    site.put("/robots.txt", rules)
    url = site.put("/feed", "<rss/>")

    assert polite().get(Request(url), now=NOW).usage == said


def test_f_09_what_headers_say_is_recorded_each_once(site: Site, fetcher: Fetcher) -> None:
    said = {
        "Content-Usage": "train-ai=n,  search=y",
        "TDM-Reservation": "1",
        "TDM-Policy": "https://example.org/tdm.json",
        "X-Robots-Tag": "otherbot: noindex, noai, NoImageAI, noai",
    }
    site.pages["/page"] = Page(b"<p>Words</p>", headers=said)

    assert fetcher.get(Request(site.url + "/page"), now=NOW).usage == (
        "content-usage: train-ai=n, search=y",
        "tdm-reservation: 1",
        "tdm-policy: https://example.org/tdm.json",
        "robots: noai",
        "robots: noimageai",
    )


def test_f_09_what_is_said_is_short_and_plain_however_it_comes(site: Site, polite: Callable[[], Fetcher]) -> None:
    lines = "".join(f"Content-Usage: /feed \x1b[31m\u202e{number} {'x' * 900}\n" for number in range(99))
    site.put("/robots.txt", f"User-agent: *\n{lines}")
    url = site.put("/feed", "<rss/>", Content_Usage="a" * 5_000)

    usage = polite().get(Request(url), now=NOW).usage

    assert len(usage) == 12
    assert all(len(line) <= 200 and line.isascii() and line.isprintable() for line in usage)


def test_f_08_of_rules_in_memory_those_asked_for_lately_are_kept_up_to_a_size() -> None:
    lately: Lately[int] = Lately(10_000)
    for number in range(100):
        lately.put(str(number), number, size=2_000)
        lately.get("0")  # asked for all the time

    assert len(lately) == 4
    assert (lately.get("0"), lately.get("98"), lately.get("99")) == (0, 98, 99)
