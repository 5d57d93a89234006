"""Where a page is gone, an address of a copy that the Wayback Machine keeps is written into the source's file."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.ingest import Fetcher
from pipeline.ingest.sources import find_archived
from pipeline.ingest.sources.wayback import ArchiveReport
from tests.ingest.site import Asked, Page, Site
from tests.library.newsroom import Newsroom

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
COPY = "web.archive.org/web/20261120091402/https://northfield-2026.example.org/outlook"


class Wayback:
    """A Wayback Machine that answers what a test says."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.asked: list[dict[str, list[str]]] = []

    def answers(self, closest: object, *, status: int = 200) -> None:
        def answer(asked: Asked) -> Page:
            self.asked.append(parse_qs(urlsplit(asked.path).query))
            body = closest if isinstance(closest, bytes) else json.dumps({"archived_snapshots": closest}).encode()
            return Page(body, status)

        self.site.pages = _Any(answer)


class _Any(dict[str, object]):
    """The same page, whatever is asked for."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def get(self, path: str, default: object = None) -> object:
        return self.answer if path.startswith("/available") else default


@pytest.fixture
def wayback(site: Site) -> Wayback:
    return Wayback(site)


def look(newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher, *only: str) -> ArchiveReport:
    return find_archived(
        fetcher, newsroom.load(), root=newsroom.root, now=NOW, only=only, service=f"{wayback.site.url}/available"
    )


def closest(url: str = f"http://{COPY}", **more: object) -> dict[str, object]:
    return {"closest": {"available": True, "url": url, "timestamp": "20261120091402", "status": "200", **more}}


def test_a_gone_source_gets_the_address_of_a_copy(newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher) -> None:
    newsroom.source("northfield-2026", "accessed: 2026-11-20\nstatus: gone\n")
    wayback.answers(closest())

    report = look(newsroom, wayback, fetcher)

    assert [(one.source.id, one.address) for one in report.found] == [("northfield-2026", f"https://{COPY}")]
    assert newsroom.load().sources["northfield-2026"].archive == f"https://{COPY}"
    assert wayback.asked == [{"url": ["https://northfield-2026.example.org/outlook"], "timestamp": ["20261120"]}]


def test_live_sources_and_those_that_have_one_are_not_told_of(
    newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher
) -> None:
    newsroom.source("northfield-2026", f"status: changed\narchive: https://{COPY}\n")
    wayback.answers(closest())

    report = look(newsroom, wayback, fetcher)

    assert (report.found, report.ok, wayback.asked) == ((), True, [])
    assert list(report.lines()) == ["no source needs one"]


def test_one_that_is_named_is_asked_for(newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher) -> None:
    wayback.answers(closest())

    assert look(newsroom, wayback, fetcher, "southfield-2026").ok
    assert len(wayback.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"closest": {}},
        {"closest": "x"},
        closest(available=False),
        closest(status="404"),
        closest("javascript:alert(1)"),
        closest("https://elsewhere.example/web/20261120091402/https://x.example/"),
    ],
)
def test_where_none_is_kept_nothing_is_written(
    newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher, answer: object
) -> None:
    path = newsroom.root / newsroom.source("northfield-2026", "status: gone\n")
    before = path.read_text()
    wayback.answers(answer)

    report = look(newsroom, wayback, fetcher)

    assert [one.why for one in report.found] == ["no copy is kept there"]
    assert not report.ok
    assert path.read_text() == before


@pytest.mark.parametrize(("answer", "status"), [(b"<html>", 200), (b"[" * 50_000, 200), (b"", 503)])
def test_a_service_that_fails_is_told(
    newsroom: Newsroom, wayback: Wayback, fetcher: Fetcher, answer: bytes, status: int
) -> None:
    newsroom.source("northfield-2026", "status: gone\n")
    wayback.answers(answer, status=status)

    report = look(newsroom, wayback, fetcher)

    assert (report.ok, report.found[0].address) == (False, None)
    assert "try again later" in report.found[0].why or "503" in report.found[0].why
