"""A page becomes a stored text, addressed by its hash, in which quotes can be found."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import FetchError, StoreError
from pipeline.ingest import Fetcher, take_snapshot
from pipeline.library import load_library
from pipeline.library.quotes import normal, occurs
from tests.ingest.site import Site

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
PAGE = """<!DOCTYPE html><html lang="en"><head><title>Load outlook</title><script>var x = "tracked";</script></head>
<body><nav><a href="/">Home</a> <a href="/news">News</a></nav>
<article><h1>Load outlook 2026</h1>
<p>The authority expects that halls under contract may need &ldquo;9% to 17%&rdquo; of regional supply by 2030&nbsp;&ndash; more
than it said before.</p>
<p>Its new figure lies 60% above the outlook of 2024, and it names three reasons for that in what follows here.</p>
<table><tr><th>Year</th><th>GW</th></tr><tr><td>2025</td><td>9.4</td></tr></table></article>
<footer>Imprint and terms</footer></body></html>"""


def test_a_page_becomes_a_text_addressed_by_its_hash(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    url = site.put("/outlook", PAGE, Content_Type="text/html; charset=utf-8")

    snapshot, text = take_snapshot(fetcher, url, into=tmp_path / "snapshots", now=NOW)

    stored = (tmp_path / "snapshots" / f"{snapshot.text_sha256}.txt").read_bytes()
    assert stored == text.encode()
    assert hashlib.sha256(stored).hexdigest() == snapshot.text_sha256
    assert hashlib.sha256(PAGE.encode()).hexdigest() == snapshot.sha256
    assert snapshot.at == NOW
    assert snapshot.bytes == len(PAGE.encode())
    assert snapshot.tool.startswith("trafilatura/")


def test_quotes_occur_in_the_text_and_what_surrounds_the_article_does_not(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    url = site.put("/outlook", PAGE, Content_Type="text/html; charset=utf-8")

    _, text = take_snapshot(fetcher, url, into=tmp_path, now=NOW)

    assert occurs('may need "9% to 17%" of regional supply by 2030 - more', text)
    assert occurs("60% above the outlook of 2024", text)
    assert "9.4" in text
    assert "tracked" not in text
    assert all(line == normal(line) for line in text.splitlines())
    assert len(text.splitlines()) >= 3


def test_the_check_of_sources_finds_its_quotes_in_the_stored_text(
    site: Site, fetcher: Fetcher, settings: Settings
) -> None:
    url = site.put("/outlook", PAGE, Content_Type="text/html; charset=utf-8")
    sources = settings.content / "sources"

    snapshot, _ = take_snapshot(fetcher, url, into=sources / "snapshots", now=NOW)
    (sources / "north-2026.yml").write_text(
        "id: north-2026\ntype: report\ntitle: Load outlook 2026\npublisher: Northfield\n"
        "url: https://north.example.org/outlook\ntier: primary\nlicence: CC0-1.0\nredistribute: full\n"
        f"snapshot: {{sha256: {snapshot.sha256}, text_sha256: {snapshot.text_sha256}, at: 2026-11-23T09:00:00Z, "
        f"tool: {snapshot.tool}, bytes: {snapshot.bytes}}}\n"
        'quotes:\n  above: {text: "60% above the outlook of 2024"}\n  wrong: {text: "70% above the outlook of 2024"}\n'
    )

    problems = load_library(settings.root, now=NOW).problems

    assert [problem.code for problem in problems if "north-2026" in problem.path] == ["S110"]


def test_the_same_text_is_stored_once(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    url = site.put("/outlook", PAGE)
    first, _ = take_snapshot(fetcher, url, into=tmp_path, now=NOW)
    written = (tmp_path / f"{first.text_sha256}.txt").stat().st_mtime_ns

    second, _ = take_snapshot(fetcher, url, into=tmp_path, now=NOW + dt.timedelta(days=1))

    assert second.text_sha256 == first.text_sha256
    assert (tmp_path / f"{first.text_sha256}.txt").stat().st_mtime_ns == written
    assert len(list(tmp_path.glob("*.txt"))) == 1


def test_plain_text_is_taken_as_it_is(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    url = site.put("/notice", "First line.\r\n\r\n  Second – line.\n", Content_Type="text/plain")

    snapshot, text = take_snapshot(fetcher, url, into=tmp_path, now=NOW)

    assert text == "First line.\nSecond - line.\n"
    assert snapshot.tool == "plain"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "holds no text"),
        (b"<html><body><div id=app></div></body></html>", "holds no text"),
        (b"%PDF-1.7\n", "is a PDF"),
    ],
)
def test_a_page_without_text_is_refused(body: bytes, words: str, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    url = site.put("/page", body, Content_Type="text/html")

    with pytest.raises(FetchError, match=words):
        take_snapshot(fetcher, url, into=tmp_path / "none", now=NOW)

    assert not (tmp_path / "none").exists()


def test_a_page_that_cannot_be_had_is_refused(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="not found"):
        take_snapshot(fetcher, site.url + "/none", into=tmp_path, now=NOW)


def test_a_folder_that_cannot_be_made_is_named(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        take_snapshot(fetcher, site.put("/p", PAGE), into=tmp_path / "file", now=NOW)
