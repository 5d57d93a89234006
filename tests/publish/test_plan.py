"""Readers never meet a dead link while a site is published, and a publish that was stopped anywhere is gone on with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import PublishError
from pipeline.publish import Brought, bring_site
from pipeline.publish.outputs import ASK_FIRST, FOR_A_DAY, FOR_EVER, Rank, kind_of, outputs_of
from pipeline.publish.target import Target
from tests.publish.sites import URL, Killed, Shelf, a_site, dead_links, some_site, write

NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def bring(site: Path, target: Target, now: dt.datetime = NOW, **options: bool) -> Brought:
    return bring_site(site, target, site_url=URL, now=now, **options)  # type: ignore[arg-type]


# --- order ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_no_reader_meets_a_dead_link_at_any_moment(seed: int, tmp_path: Path) -> None:
    shelf = Shelf()
    for number in range(3):
        site = some_site(seed * 3 + number)
        bring(write(tmp_path, site), shelf, NOW + number * DAY)

        assert [dead for files in shelf.history for dead in dead_links(files)] == []
        assert site.items() <= shelf.files.items()
        assert {path for path in shelf.files if path not in site} <= {path for path in shelf.files if ".css" in path}
        shelf.history.clear()


def test_a_first_publish_shows_nothing_before_its_home_page_and_the_maps_last(tmp_path: Path) -> None:
    shelf = Shelf()

    bring(write(tmp_path, a_site("ash", "birch")), shelf)

    assert shelf.sent[0].endswith(".css")
    assert shelf.sent[-4:] == ["index.html", "feed.xml", "robots.txt", "sitemap.xml"]


def test_what_is_the_same_is_not_sent_again(tmp_path: Path) -> None:
    shelf = Shelf()
    bring(write(tmp_path, a_site("ash", "birch")), shelf)
    before, shelf.sent = shelf.changes, []

    again = bring(write(tmp_path, a_site("ash", "birch")), shelf)
    everything = bring(tmp_path, shelf, everything=True)

    assert (again.plan.sent, again.plan.gone) == ((), ())
    assert again.plan.unchanged == len(everything.plan.sent) == len(shelf.sent)
    assert before < shelf.changes


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    shelf = Shelf(dies_at=0)

    brought = bring(write(tmp_path, a_site("ash")), shelf, dry_run=True)

    assert len(brought.plan.sent) == len(a_site("ash"))
    assert not shelf.files


def test_a_withdrawn_article_is_gone_at_once_and_a_style_sheet_a_day_later(tmp_path: Path) -> None:
    shelf = Shelf()
    bring(write(tmp_path, a_site("ash", "birch")), shelf)

    site = write(tmp_path, a_site("ash", style="2b3c4d5e6f"))
    bring(site, shelf)
    after = set(shelf.files)
    bring(site, shelf, NOW + DAY / 2)
    later = set(shelf.files)
    bring(site, shelf, NOW + DAY)

    assert not any("birch" in path for path in after)
    assert "assets/css/site-1a2b3c4d5e.css" in after & later
    assert set(shelf.files) == set(a_site("ash", style="2b3c4d5e6f"))


def test_the_share_image_of_a_withdrawn_article_goes_with_it_and_that_of_a_changed_one_a_day_later(
    tmp_path: Path,
) -> None:
    shelf = Shelf()
    images = {f"articles/{slug}/share-1a2b3c4d5e.png": b"image" for slug in ("ash", "birch")}
    bring(write(tmp_path, {**a_site("ash", "birch"), **images}), shelf)

    bring(write(tmp_path, a_site("birch")), shelf)

    assert not any(path.startswith("articles/ash/") for path in shelf.files)
    assert "articles/birch/share-1a2b3c4d5e.png" in shelf.files


def test_the_words_of_a_withdrawn_article_leave_the_search_index_with_it(tmp_path: Path) -> None:
    shelf = Shelf()
    old, changed, left = (f"pagefind/fragment/en_{mark}.pf_fragment" for mark in ("1a2b3c4", "2b3c4d5", "3c4d5e6"))
    bring(write(tmp_path, {**a_site("ash", "birch"), old: b"birch"}), shelf)
    bring(write(tmp_path, {**a_site("ash", "birch"), changed: b"birches"}), shelf, NOW + DAY / 4)
    lingers = set(shelf.files)

    bring(write(tmp_path, {**a_site("ash"), left: b"ash"}), shelf, NOW + DAY / 2)

    assert {old, changed} <= lingers
    assert [path for path in shelf.files if path.endswith(".pf_fragment")] == [left]


def test_a_style_sheet_that_comes_back_stays(tmp_path: Path) -> None:
    shelf = Shelf()
    for style in ("1a2b3c4d5e", "2b3c4d5e6f", "1a2b3c4d5e"):
        bring(write(tmp_path, a_site("ash", style=style)), shelf)

    bring(tmp_path, shelf, NOW + 2 * DAY)

    assert shelf.files == a_site("ash")


# --- stopped anywhere -------------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_is_gone_on_with(tmp_path: Path) -> None:
    old, new = a_site("ash", "birch"), a_site("birch", "cedar", said="two", style="2b3c4d5e6f")
    whole = Shelf()
    bring(write(tmp_path, old), whole)
    start = whole.changes
    bring(write(tmp_path, new), whole)

    for moment in range(whole.changes - start):
        shelf = Shelf()
        bring(write(tmp_path, old), shelf)
        shelf.dies_at = start + moment
        with pytest.raises(Killed):
            bring(write(tmp_path, new), shelf)
        assert dead_links(shelf.files) == []
        shelf.dies_at = None
        again = bring(tmp_path, shelf)

        assert shelf.files == whole.files, moment
        assert again.resumed == (moment > 0)
        assert [dead for files in shelf.history for dead in dead_links(files)] == []
        assert not bring(tmp_path, shelf).plan.sent


def test_what_was_there_when_it_was_stopped_is_not_sent_again(tmp_path: Path) -> None:
    shelf = Shelf()
    site = write(tmp_path, a_site("ash", "birch", "cedar"))
    with pytest.raises(PublishError, match="stopped after 5 of 18 files; run again to go on"):
        bring_site(site, shelf, site_url=URL, now=NOW, stop=lambda: len(shelf.sent) >= 5)

    brought = bring(site, shelf)

    assert brought.resumed
    assert len(shelf.sent) == len(set(shelf.sent)) == 18


def test_a_publish_that_was_stopped_may_be_followed_by_another_site(tmp_path: Path) -> None:
    shelf = Shelf()
    bring(write(tmp_path, a_site("ash")), shelf)
    shelf.dies_at = shelf.changes + 7
    with pytest.raises(Killed):
        bring(write(tmp_path, a_site("ash", "birch", "cedar", said="two")), shelf)
    shelf.dies_at = None

    bring(write(tmp_path, a_site("ash")), shelf)

    assert shelf.files == a_site("ash")


# --- whose place it is ------------------------------------------------------------------------------------------------------


def test_what_was_not_published_from_here_is_neither_taken_over_nor_touched(tmp_path: Path) -> None:
    shelf = Shelf(files={"index.html": b"another's", "CNAME": b"news.example.org"})
    site = write(tmp_path, a_site("ash"))

    with pytest.raises(PublishError, match=r"a shelf: holds files that were not published from here; .*--adopt"):
        bring(site, shelf)
    bring(site, shelf, adopt=True)
    bring(site, shelf)

    assert shelf.files == {**a_site("ash"), "CNAME": b"news.example.org"}


def test_another_newsletter_s_place_is_refused(tmp_path: Path) -> None:
    shelf = Shelf()
    site = write(tmp_path, a_site("ash"))
    bring_site(site, shelf, site_url="https://other.example.org/", now=NOW)

    with pytest.raises(PublishError, match=r"holds the site of https://other\.example\.org/.*--adopt"):
        bring(site, shelf)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 99}', b"{}"])
def test_a_ledger_that_is_not_ours_stops_it(content: bytes, tmp_path: Path) -> None:
    shelf = Shelf(own={".opensignal/published.json": content})

    with pytest.raises(PublishError, match=r"cannot be read; delete it there|another version"):
        bring(write(tmp_path, a_site("ash")), shelf)


def test_a_link_in_a_built_site_is_not_followed(tmp_path: Path) -> None:
    site = write(tmp_path, a_site("ash"))
    (site / "leak.txt").symlink_to("/etc/hostname")

    with pytest.raises(PublishError, match=r"leak\.txt: is no plain file"):
        outputs_of(site)


# --- what each file is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "rank", "content_type", "cache_control"),
    [
        ("index.html", Rank.HOME, "text/html; charset=utf-8", ASK_FIRST),
        ("404.html", Rank.LIST, "text/html; charset=utf-8", ASK_FIRST),
        ("articles/a/index.html", Rank.ARTICLE, "text/html; charset=utf-8", ASK_FIRST),
        ("articles/a/index.html.md", Rank.EVIDENCE, "text/markdown; charset=utf-8", ASK_FIRST),
        ("articles/a/claims.json", Rank.EVIDENCE, "application/json", ASK_FIRST),
        ("topics/power/index.html", Rank.LIST, "text/html; charset=utf-8", ASK_FIRST),
        ("feed.xml", Rank.FEED, "application/rss+xml; charset=utf-8", ASK_FIRST),
        ("topics/power/atom.xml", Rank.FEED, "application/atom+xml; charset=utf-8", ASK_FIRST),
        ("feed.json", Rank.FEED, "application/feed+json", ASK_FIRST),
        ("feeds.opml", Rank.FEED, "text/x-opml; charset=utf-8", ASK_FIRST),
        ("sitemap.xml", Rank.MAP, "application/xml; charset=utf-8", ASK_FIRST),
        ("robots.txt", Rank.MAP, "text/plain; charset=utf-8", ASK_FIRST),
        ("_redirects", Rank.MAP, "text/plain; charset=utf-8", ASK_FIRST),
        ("llms.txt", Rank.MAP, "text/plain; charset=utf-8", ASK_FIRST),
        (f"sources/snapshots/{'a1' * 32}.txt", Rank.EVIDENCE, "text/plain; charset=utf-8", FOR_EVER),
        ("assets/css/site-b2219d65e8.css", Rank.ASSET, "text/css; charset=utf-8", FOR_EVER),
        ("assets/fonts/newsreader-text.woff2", Rank.ASSET, "font/woff2", FOR_A_DAY),
        ("assets/mark.svg", Rank.ASSET, "image/svg+xml", FOR_A_DAY),
        ("pagefind/pagefind.js", Rank.ASSET, "text/javascript; charset=utf-8", ASK_FIRST),
        ("pagefind/pagefind-entry.json", Rank.LIST, "application/json", ASK_FIRST),
        ("pagefind/wasm.en.pagefind", Rank.ASSET, "application/octet-stream", ASK_FIRST),
        ("pagefind/index/en_58d3ac9.pf_index", Rank.ASSET, "application/octet-stream", FOR_EVER),
        ("pagefind/pagefind.en_3eb4c8dc75.pf_meta", Rank.ASSET, "application/octet-stream", FOR_EVER),
    ],
)
def test_each_file_is_told_to_browsers_as_what_it_is(
    path: str, rank: Rank, content_type: str, cache_control: str
) -> None:
    kind = kind_of(path)

    assert (kind.rank, kind.content_type, kind.cache_control) == (rank, content_type, cache_control)
