"""Sources are asked for again: what counts is whether the words that articles cite still stand there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.ingest import Fetcher
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.sources import check_sources, cite, refresh
from pipeline.ingest.sources.recheck import CheckReport, RefreshReport
from pipeline.library import Library, load_library
from pipeline.library.files import SNAPSHOTS
from pipeline.library.sourcelist import list_sources
from pipeline.model import SourceStatus
from tests.ingest.site import Site
from tests.library.newsroom import Newsroom

TAKEN = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
PLAIN = {"Content_Type": "text/plain"}
TEXT = (
    "Halls may need 9% to 17% of supply by 2030.\nThat is 60% above our 2024 outlook.\nThe peak was 9.4 GW in 2025.\n"
)


class Desk:
    """A newsroom with one source, ``north``, whose two quotes stand on a page of the test's own site."""

    def __init__(self, newsroom: Newsroom, fetcher: Fetcher, cage: Sandbox, site: Site, kept: Path) -> None:
        self.newsroom, self.fetcher, self.cage, self.site, self.kept = newsroom, fetcher, cage, site, kept
        for id_ in ("northfield-2026", "southfield-2026"):
            (newsroom.root / f"content/sources/{id_}.yml").unlink()
        self.url = site.put("/outlook", TEXT, **PLAIN)
        for name, quote in (("share", "9% to 17% of supply"), ("above", "60% above our 2024 outlook")):
            self.cite(quote=quote, quote_id=name, id_="north" if name == "share" else None)

    def cite(self, **more: Any) -> None:
        cite(self.fetcher, self.cage, self.url, root=self.newsroom.root, kept=self.kept, now=TAKEN, **more)

    @property
    def library(self) -> Library:
        return load_library(self.newsroom.root, now=NOW, kept=self.kept)

    @property
    def file(self) -> str:
        return (self.newsroom.root / "content/sources/north.yml").read_text()

    def check(self, *only: str, write: bool = False) -> CheckReport:
        return check_sources(
            self.fetcher, self.cage, self.library, root=self.newsroom.root, now=NOW, only=only, write=write
        )

    def refresh(self, *only: str, again: bool = False) -> RefreshReport:
        return refresh(
            self.fetcher,
            self.cage,
            self.library,
            root=self.newsroom.root,
            kept=self.kept,
            now=NOW,
            only=only,
            again=again,
        )


@pytest.fixture
def desk(newsroom: Newsroom, fetcher: Fetcher, cage: Sandbox, site: Site, tmp_path: Path) -> Desk:
    return Desk(newsroom, fetcher, cage, site, tmp_path / "kept")


# --- check ------------------------------------------------------------------------------------------------------------------


def test_another_page_with_the_same_words_is_live(desk: Desk) -> None:
    """Never by the bytes of the page: those change every day."""
    desk.newsroom.article("It may need much.[^north.share]\n")
    desk.site.put("/outlook", "New menu.\n" + TEXT.replace("The peak was 9.4 GW in 2025.", "Nothing more."), **PLAIN)
    before = desk.file

    report = desk.check(write=True)

    assert [one.found for one in report.checked] == [SourceStatus.LIVE]
    assert report.ok
    assert desk.file == before


@pytest.mark.parametrize(
    ("cites", "lost"), [("[^north.above]", ("above",)), ("[^north]", ("above",)), ("[^north.share]", ())]
)
def test_changed_is_what_lost_words_that_articles_cite(desk: Desk, cites: str, lost: tuple[str, ...]) -> None:
    desk.newsroom.article(f"It may need much.{cites}\n")
    desk.site.put("/outlook", TEXT.replace("60%", "70%"), **PLAIN)

    (one,) = desk.check().checked

    assert one.lost == lost
    assert one.found is (SourceStatus.CHANGED if lost else SourceStatus.LIVE)


def test_words_in_quotation_marks_are_looked_for_too(desk: Desk) -> None:
    desk.newsroom.article("They say that “the peak was 9.4 GW in 2025”.[^north]\n")
    desk.site.put("/outlook", TEXT.replace("The peak was 9.4 GW", "The peak was 9.6 GW"), **PLAIN)

    (one,) = desk.check().checked

    assert (one.found, one.lost) == (SourceStatus.CHANGED, ("“the peak was 9.4 GW in 2025”",))


@pytest.mark.parametrize("status", [404, 410])
def test_gone_is_what_the_server_says_is_not_there(desk: Desk, status: int) -> None:
    desk.site.put("/outlook", "", status=status)

    report = desk.check(write=True)

    assert [one.found for one in report.checked] == [SourceStatus.GONE]
    assert not report.ok
    assert "status: gone\nstatus_at: 2026-11-26\n" in desk.file
    assert desk.library.sources["north"].status is SourceStatus.GONE
    assert "wrote the status into content/sources/north.yml" in list(report.lines())


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_what_cannot_be_had_today_is_unknown_and_changes_nothing(desk: Desk, status: int) -> None:
    desk.site.put("/outlook", "", status=status)
    before = desk.file

    report = desk.check(write=True)

    assert [one.found for one in report.checked] == [None]
    assert not report.ok
    assert desk.file == before


def test_moved_is_what_answers_elsewhere_with_the_same_words(desk: Desk) -> None:
    desk.newsroom.article("It may need much.[^north.share]\n")
    elsewhere = desk.site.put("/archive/outlook", TEXT, **PLAIN)
    desk.site.put("/outlook", "", status=301, Location="/archive/outlook")

    (one,) = desk.check().checked

    assert (one.found, one.leads_to) == (SourceStatus.MOVED, elsewhere)


def test_a_redirect_for_now_is_no_move(desk: Desk) -> None:
    desk.site.put("/tonight", TEXT, **PLAIN)
    desk.site.put("/outlook", "", status=302, Location="/tonight")

    assert [one.found for one in desk.check().checked] == [SourceStatus.LIVE]


def test_an_address_that_leads_to_the_front_page_is_gone(desk: Desk) -> None:
    desk.site.put("/", "Welcome to the authority.", **PLAIN)
    desk.site.put("/outlook", "", status=301, Location="/")

    (one,) = desk.check().checked

    assert one.found is SourceStatus.GONE
    assert "leads to a front page" in one.why


def test_a_file_keeps_its_line_ends(desk: Desk) -> None:
    desk.site.put("/outlook", "", status=404)
    path = desk.newsroom.root / "content/sources/north.yml"
    path.write_bytes(b"\xef\xbb\xbf" + desk.file.replace("\n", "\r\n").encode())

    desk.check(write=True)

    written = path.read_bytes()
    assert written.startswith(b"\xef\xbb\xbfid: north\r\n")
    assert b"status: gone\r\n" in written
    assert written.count(b"\n") == written.count(b"\r\n")


def test_what_answers_again_is_live_again(desk: Desk) -> None:
    desk.site.put("/outlook", "", status=404)
    desk.check(write=True)
    desk.site.put("/outlook", TEXT, **PLAIN)

    report = desk.check(write=True)

    assert report.written == ("content/sources/north.yml",)
    assert "status: live\nstatus_at: 2026-11-26\n" in desk.file


def test_a_source_that_was_retracted_and_an_invented_one_are_left_out(desk: Desk) -> None:
    desk.newsroom.write("content/sources/north.yml", desk.file + "status: retracted\n")
    desk.newsroom.source("invented", "sample: true\n")

    report = desk.check()

    assert (report.checked, report.left_out) == ((), 2)


def test_an_unknown_id_is_the_callers_slip(desk: Desk) -> None:
    with pytest.raises(UsageError, match=r'unknown source "noth"; did you mean "north"\?'):
        desk.check("noth")


# --- refresh ----------------------------------------------------------------------------------------------------------------


def record(desk: Desk, *, value: str = "9.4") -> None:
    """A source that an editor wrote by hand, without a copy."""
    desk.newsroom.write(
        "content/sources/north.yml",
        f"id: north\nurl: {desk.url}\npublisher: Northfield\ntier: primary\n"
        f"facts:\n  peak: {{what: peak demand, value: {value}, unit: GW, period: 2025}}\n",
    )


def test_recorded_becomes_traced(desk: Desk) -> None:
    record(desk)

    report = desk.refresh()

    (one,) = report.refreshed
    assert (one.done, one.traced, one.untraced) == ("taken", ("peak",), ())
    assert report.ok
    assert desk.library.texts.of(desk.library.sources["north"])[0] == TEXT
    assert desk.library.sources["north"].accessed == "2026-11-26"


def test_a_fact_that_the_text_does_not_bear_out_is_told(desk: Desk) -> None:
    record(desk, value="4.9")

    report = desk.refresh()

    assert (report.refreshed[0].done, report.refreshed[0].untraced) == ("taken", ("peak",))
    assert not report.ok
    assert any("peak: 4.9 GW stands nowhere in the text" in line for line in report.lines())


def test_a_fact_is_looked_for_as_a_sentence_of_an_article_would_be(desk: Desk) -> None:
    """However the number is written, and never as a part of another one."""
    desk.site.put("/outlook", "There were 12,400 requests.\nThe wait was 41 months.\n", **PLAIN)
    desk.newsroom.write(
        "content/sources/north.yml",
        f"id: north\nurl: {desk.url}\npublisher: Northfield\ntier: primary\nfacts:\n"
        "  requests: {what: requests, value: 12400, unit: requests}\n"
        "  wait: {what: the wait, value: 41, unit: months}\n"
        "  part: {what: requests, value: 400, unit: requests}\n",
    )

    (one,) = desk.refresh().refreshed

    assert (one.traced, one.untraced) == (("requests", "wait"), ("part",))


def test_nothing_is_fetched_where_every_copy_is_here(desk: Desk) -> None:
    asked = desk.site.count("/outlook")

    report = desk.refresh()

    assert (report.refreshed, report.ok) == ((), True)
    assert desk.site.count("/outlook") == asked


def test_a_copy_that_is_not_here_is_restored_from_the_page_if_that_is_the_same(desk: Desk) -> None:
    for path in desk.kept.glob("*.txt"):
        path.unlink()
    before = desk.file

    report = desk.refresh()

    assert [one.done for one in report.refreshed] == ["restored"]
    assert desk.library.texts.of(desk.library.sources["north"])[0] == TEXT
    assert desk.file == before


def test_another_text_is_no_copy_of_that_day(desk: Desk) -> None:
    for path in desk.kept.glob("*.txt"):
        path.unlink()
    desk.site.put("/outlook", TEXT + "More.\n", **PLAIN)
    before = desk.file

    (one,) = desk.refresh().refreshed

    assert (one.done, one.lost) == ("other", ())
    assert "another text than the copy of 2026-11-20" in one.why
    assert desk.file == before


def test_a_new_copy_is_taken_when_asked_for_and_only_with_all_quotes(desk: Desk) -> None:
    desk.site.put("/outlook", TEXT + "More.\n", **PLAIN)
    (replaced,) = desk.refresh("north", again=True).refreshed
    desk.site.put("/outlook", TEXT.replace("60%", "70%"), **PLAIN)
    (kept,) = desk.refresh("north", again=True).refreshed

    assert replaced.done == "replaced"
    assert (kept.done, kept.lost) == ("other", ("above",))
    assert desk.library.texts.of(desk.library.sources["north"])[0] == TEXT + "More.\n"


def test_a_page_that_cannot_be_had_is_told_and_stops_no_other(desk: Desk) -> None:
    record(desk)
    desk.newsroom.write(
        "content/sources/none.yml", f"id: none\nurl: {desk.site.url}/none\npublisher: N\ntier: primary\n"
    )

    report = desk.refresh()

    assert [(one.source.id, one.done) for one in report.refreshed] == [("none", "failed"), ("north", "taken")]
    assert not report.ok


# --- list -------------------------------------------------------------------------------------------------------------------


def test_the_list_tells_where_each_copy_lies_and_who_cites_it(desk: Desk) -> None:
    desk.newsroom.article("It may need much.[^north] And more.[^north.share]\n")
    desk.newsroom.quoted_source("free", "60% above our 2024 outlook")
    desk.newsroom.source("by-hand")

    rows = list_sources(desk.library).rows

    assert [(row.source.id, row.copy, row.articles) for row in rows] == [
        ("by-hand", "none", 0),
        ("free", "in Git", 0),
        ("north", "outside Git", 1),
    ]
    for path in [*desk.kept.glob("*.txt"), *(desk.newsroom.root / SNAPSHOTS).iterdir()]:
        path.unlink()
    assert [row.copy for row in list_sources(desk.library).rows] == ["none", "elsewhere", "elsewhere"]
