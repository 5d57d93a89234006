"""A source is made of an address: its text kept, its words checked, its file written; and never twice."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.errors import ContentError, FetchError, UsageError
from pipeline.ingest import Fetcher
from pipeline.ingest.extract import Page as Extracted
from pipeline.ingest.ids import name_of
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.sources import Cited, cite
from pipeline.library import load_library
from pipeline.library.files import SNAPSHOTS
from pipeline.library.sourcefile import change
from pipeline.model import Source, Tier
from tests.ingest.site import Site
from tests.ingest.test_extract import pdf
from tests.library.newsroom import Newsroom

NOW = dt.datetime(2026, 11, 23, 9, 14, 2, 500, tzinfo=dt.UTC)
PAGE = """<!DOCTYPE html><html lang="en"><head><title>Load outlook 2026</title>
<meta property="og:title" content="Load outlook 2026"><meta property="og:site_name" content="Northfield Grid Authority">
<meta name="author" content="Aino Lehto"><meta property="article:published_time" content="2026-02-26T08:00:00Z">
<meta name="robots" content="noai">{head}</head>
<body><nav><a href="/">Home</a></nav><article><h1>Load outlook 2026</h1>
<p>The authority expects that halls under contract may need &ldquo;9% to 17%&rdquo; of regional supply by 2030.</p>
<p>Its new figure lies 60% above the outlook of 2024, and it names three reasons for that in what follows here.</p>
</article></body></html>"""
HTML = "text/html; charset=utf-8"


class Desk:
    """An editor who cites, in a newsroom of hers."""

    def __init__(self, newsroom: Newsroom, fetcher: Fetcher, cage: Sandbox, kept: Path) -> None:
        self.newsroom, self.fetcher, self.cage, self.kept = newsroom, fetcher, cage, kept

    def cite(self, url: str, **more: Any) -> Cited:
        return cite(self.fetcher, self.cage, url, root=self.newsroom.root, kept=self.kept, now=NOW, **more)

    def source(self, id_: str) -> Source:
        library = load_library(self.newsroom.root, now=NOW, kept=self.kept)
        assert [str(problem) for problem in library.problems if problem.code not in ("S102", "S201")] == []
        return library.sources[id_]

    def files(self) -> set[str]:
        return {path.stem for path in (self.newsroom.root / "content/sources").glob("*.yml")}


@pytest.fixture
def desk(newsroom: Newsroom, fetcher: Fetcher, cage: Sandbox, tmp_path: Path) -> Desk:
    return Desk(newsroom, fetcher, cage, tmp_path / "kept")


@pytest.fixture
def url(site: Site) -> str:
    return site.put("/outlook", PAGE.format(head=""), Content_Type=HTML)


class AtOnce:
    """A cage that hands its pages out when *number* of them have been read, so that those who asked write at the same moment."""

    def __init__(self, cage: Sandbox, number: int) -> None:
        self._cage, self._lock, self._all = cage, threading.Lock(), threading.Barrier(number, timeout=120)

    def extract(self, body: bytes, *, content_type: str, url: str) -> Extracted:
        with self._lock:
            page = self._cage.extract(body, content_type=content_type, url=url)
        self._all.wait()
        return page


def test_those_who_cite_at_the_same_moment_never_write_over_each_other(desk: Desk, site: Site, cage: Sandbox) -> None:
    urls = [site.put(f"/{n}", PAGE.format(head="") + f"<p>{n}</p>", Content_Type=HTML) for n in range(5)]
    at_once = cast("Sandbox", AtOnce(cage, len(urls) + 1))
    desks = Desk(desk.newsroom, desk.fetcher, at_once, desk.kept)

    with ThreadPoolExecutor(max_workers=len(urls) + 1) as pool:
        cited = list(pool.map(desks.cite, [*urls, urls[0]]))

    assert {desk.source(one.id).url for one in cited} == set(urls)
    assert len({one.id for one in cited[:-1]}) == len(urls)


def test_a_file_that_was_spoilt_meanwhile_is_named_with_its_line(desk: Desk, url: str) -> None:
    path = desk.newsroom.root / desk.cite(url).path
    source = desk.source("northfield-grid-2026")
    path.write_text("id: [\n")

    with pytest.raises(ContentError, match=r"northfield-grid-2026\.yml:2:1 not the YAML that we read"):
        change(source, {"status": "gone"}, root=desk.newsroom.root)
    path.unlink()
    with pytest.raises(ContentError, match=r"northfield-grid-2026\.yml:1:1 .*"):
        change(source, {"status": "gone"}, root=desk.newsroom.root)


def test_a_page_becomes_a_source_that_says_what_the_page_says_of_itself(desk: Desk, url: str) -> None:
    cited = desk.cite(url + "?utm_source=mail")

    source = desk.source("northfield-grid-2026")
    assert (cited.id, cited.done, cited.citation) == (source.id, "new", "[^northfield-grid-2026]")
    assert (source.title, source.publisher, source.authors) == (
        "Load outlook 2026",
        "Northfield Grid Authority",
        ("Aino Lehto",),
    )
    assert (source.issued, source.accessed, source.url) == ("2026-02-26", "2026-11-23", url)
    assert (source.licence, source.redistribute, source.tier) == ("unknown", "quote", Tier.SECONDARY)
    assert cited.guessed
    assert cited.usage == ("noai",)


def test_what_may_not_be_passed_on_is_kept_outside_git_with_its_bytes_and_how_they_came(desk: Desk, site: Site) -> None:
    """F-09: what the publisher says of machines is recorded with each copy, by server and page."""
    url = site.put("/outlook", PAGE.format(head=""), Content_Type=HTML, Content_Usage="train-ai=n")
    source = desk.source(desk.cite(url).id)

    shot = source.snapshot
    assert shot is not None
    text = (desk.kept / f"{shot.text_sha256}.txt").read_bytes()
    raw = gzip.decompress((desk.kept / "raw" / f"{shot.sha256}.gz").read_bytes())
    record = json.loads((desk.kept / "raw" / f"{shot.sha256}.json").read_text())
    assert not (desk.newsroom.root / SNAPSHOTS).exists()
    assert hashlib.sha256(text).hexdigest() == shot.text_sha256
    assert raw == PAGE.format(head="").encode()
    assert (record["url"], record["final_url"], record["status"]) == (url, url, 200)
    assert (record["fetched_at"], record["reason"]) == ("2026-11-23T09:14:02Z", "OK")
    assert ["Content-Type", HTML] in record["headers"]
    assert (record["sha256"], record["text_sha256"], record["bytes"]) == (shot.sha256, shot.text_sha256, shot.bytes)
    assert (record["tool"], record["licence"], record["usage"]) == (
        shot.tool,
        "unknown",
        ["content-usage: train-ai=n", "noai"],
    )


def test_a_free_licence_puts_the_text_into_git(desk: Desk, url: str) -> None:
    cited = desk.cite(url, licence="CC-BY-4.0")

    source = desk.source(cited.id)
    assert source.snapshot is not None
    assert (source.redistribute, cited.copy) == ("full", "in Git")
    assert (desk.newsroom.root / SNAPSHOTS / f"{source.snapshot.text_sha256}.txt").exists()
    assert not (desk.kept / f"{source.snapshot.text_sha256}.txt").exists()


def test_words_are_checked_before_they_become_a_quote(desk: Desk, url: str) -> None:
    cited = desk.cite(url, quote='may need "9% to 17%" of regional supply')

    assert cited.citation == "[^northfield-grid-2026.may-need-9]"
    assert desk.source(cited.id).quotes["may-need-9"].text == 'may need "9% to 17%" of regional supply'


def test_words_that_do_not_stand_there_write_nothing(desk: Desk, url: str) -> None:
    before = desk.files()

    with pytest.raises(ContentError, match=r"nearest text is: lies \[-70%-\] \{\+60%\+\} above .*nothing was written"):
        desk.cite(url, quote="lies 70% above the outlook of 2024")

    assert desk.files() == before
    assert not desk.kept.exists()


def test_the_second_time_it_is_known_and_the_page_is_not_asked_again(desk: Desk, site: Site, url: str) -> None:
    first = desk.cite(url)

    again = desk.cite(url.replace("/outlook", "/outlook?utm_campaign=x#top"))

    assert (again.done, again.id, again.copy) == ("known", first.id, "outside Git")
    assert site.count("/outlook") == 1
    assert len(desk.files()) == 3


def test_a_quote_is_added_to_a_known_source_from_its_stored_copy(desk: Desk, site: Site, url: str) -> None:
    desk.cite(url, quote="60% above the outlook of 2024", quote_id="above")
    site.pages.clear()

    cited = desk.cite(url, quote="names three reasons")
    same = desk.cite(url, quote="60%  above the outlook of 2024")

    assert list(desk.source(cited.id).quotes) == ["above", "names-three-reasons"]
    assert same.quote == "above"
    assert len(desk.source(cited.id).quotes) == 2


def test_a_page_that_has_another_address_of_its_own_is_known_by_that(desk: Desk, site: Site, url: str) -> None:
    desk.cite(url)
    link = f'<link rel="canonical" href="{url}">'
    other = site.put("/print/outlook", PAGE.format(head=link), Content_Type=HTML)

    again = desk.cite(other)

    assert again.done == "known"
    assert len(desk.files()) == 3


def test_a_pdf_that_is_known_by_another_address_is_quoted_from_its_stored_copy(desk: Desk, site: Site) -> None:
    short, long = pdf(["Halls may need 9% to 17% of supply."]), pdf(["Another edition."], ["It has two sheets."])
    desk.cite(site.put("/outlook.pdf", short, Content_Type="application/pdf"))
    site.put("/outlook.pdf", long, Content_Type="application/pdf")

    again = desk.cite(site.put("/latest", "", status=302, Location="/outlook.pdf"), quote="9% to 17% of supply")

    assert (again.done, again.page) == ("known", 1)


def test_a_redirect_leads_to_the_source_that_is_known(desk: Desk, site: Site, url: str) -> None:
    desk.cite(url)

    again = desk.cite(site.put("/short", "", status=302, Location="/outlook"))

    assert (again.done, len(desk.files())) == ("known", 3)


def test_a_source_that_was_recorded_by_hand_gets_its_copy_and_keeps_what_was_written(desk: Desk, url: str) -> None:
    by_hand = f"# Ask Ines.\nid: north\nurl: {url}\npublisher: Northfield  # the authority\ntier: primary\nnote: ours\n"
    desk.newsroom.write("content/sources/north.yml", by_hand)

    cited = desk.cite(url, quote="names three reasons")

    text = (desk.newsroom.root / "content/sources/north.yml").read_text()
    assert (cited.id, cited.done) == ("north", "copied")
    assert text.startswith("# Ask Ines.\nid: north\n")
    assert "publisher: Northfield  # the authority\n" in text
    assert text.endswith("note: ours\n")
    assert desk.source("north").snapshot is not None
    assert list(desk.source("north").quotes) == ["names-three-reasons"]


def test_what_a_page_says_of_itself_is_read_back_as_it_was_written(desk: Desk, site: Site) -> None:
    title = "Load: &quot;outlook&quot; # {x} [y]\x1b[31m, a &amp; b: - *z &amp;c 'é' | %d"
    page = PAGE.format(head="").replace("Load outlook 2026", title)

    source = desk.source(desk.cite(site.put("/odd", page, Content_Type=HTML)).id)

    assert source.title is not None
    assert source.title.startswith('Load: "outlook" # {x} [y]')
    assert "\x1b" not in source.title


def test_a_page_that_says_little_of_itself_leaves_that_to_the_editor(desk: Desk, site: Site) -> None:
    cited = desk.cite(site.put("/notice", "It will double.", Content_Type="text/plain"))

    assert "the page does not say its title and date; add title, issued" in cited.notes


def test_another_source_of_one_publisher_and_year_gets_another_id(desk: Desk, site: Site, url: str) -> None:
    other = site.put("/other", PAGE.format(head="").replace("outlook", "review"), Content_Type=HTML)

    assert desk.cite(url).id == "northfield-grid-2026"
    assert desk.cite(other).id == "northfield-grid-2026-2"


def test_the_tier_is_that_of_its_neighbours(desk: Desk, site: Site, url: str) -> None:
    desk.newsroom.write("content/sources/north.yml", f"id: north\nurl: {site.url}/x\npublisher: N\ntier: aggregator\n")

    assert desk.source(desk.cite(url).id).tier is Tier.AGGREGATOR


def test_a_pdf_is_a_report_whose_quotes_have_a_page(desk: Desk, site: Site) -> None:
    body = pdf(["First sheet of the outlook."], ["Halls may need 9% to 17% of supply by 2030."])

    cited = desk.cite(site.put("/outlook.pdf", body, Content_Type="application/pdf"), quote="9% to 17% of supply")

    source = desk.source(cited.id)
    assert (source.type, source.publisher) == ("report", "127.0.0.1")
    assert (cited.page, source.quotes["9-17-supply"].page) == (2, 2)


def test_the_page_of_a_later_quote_is_known_too(desk: Desk, site: Site) -> None:
    body = pdf(["First sheet of the outlook."], ["Halls may need 9% to 17% of supply by 2030."])
    url = site.put("/outlook.pdf", body, Content_Type="application/pdf")
    desk.cite(url)
    site.pages.clear()

    assert desk.cite(url, quote="may need 9% to 17%").page == 2


def test_a_publisher_that_does_not_say_its_name_is_called_as_its_neighbours_call_it(desk: Desk, site: Site) -> None:
    desk.newsroom.write(
        "content/sources/north.yml", f"id: north\nurl: {site.url}/x\npublisher: The Office\ntier: primary\n"
    )

    cited = desk.cite(site.put("/notice", "It will double.", Content_Type="text/plain"))

    assert (cited.id, desk.source(cited.id).publisher) == ("office-2026", "The Office")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"url": "northfield.example/outlook"}, UsageError, "not a web address"),
        ({"url": "file:///etc/passwd"}, UsageError, "not a web address"),
        ({"id_": "North!"}, UsageError, "--id"),
        ({"id_": "northfield-2026"}, UsageError, "is taken"),
        ({"quote": "names three reasons", "quote_id": "No."}, UsageError, "--as"),
        ({"quote": " \u200b "}, UsageError, "holds no words"),
    ],
)
def test_words_of_the_command_that_make_no_sense(
    given: dict[str, str], error: type[Exception], words: str, desk: Desk, url: str
) -> None:
    before = desk.files()

    with pytest.raises(error, match=words):
        desk.cite(**{"url": url, **given})

    assert desk.files() == before


def test_a_page_that_cannot_be_had_makes_no_source_and_a_known_one_is_named(desk: Desk, site: Site) -> None:
    desk.newsroom.write("content/sources/north.yml", f"id: north\nurl: {site.url}/gone\npublisher: N\ntier: primary\n")

    with pytest.raises(FetchError, match="not found"):
        desk.cite(site.url + "/none")
    with pytest.raises(FetchError, match=r"known as \[\^north\], without a stored copy"):
        desk.cite(site.url + "/gone")

    assert len(desk.files()) == 3


def test_a_quote_is_not_looked_up_where_the_copy_is_not(desk: Desk, url: str) -> None:
    desk.cite(url)
    for path in desk.kept.glob("*.txt"):
        path.unlink()

    with pytest.raises(ContentError, match="opensignal sources pull"):
        desk.cite(url, quote="names three reasons")

    assert desk.cite(url).copy == ""


def test_words_of_a_source_that_may_not_be_quoted_go_nowhere(desk: Desk, url: str) -> None:
    path = desk.newsroom.root / desk.cite(url).path
    path.write_text(path.read_text().replace("redistribute: quote", "redistribute: hash"))
    before = path.read_text()

    with pytest.raises(ContentError, match="redistribute is hash"):
        desk.cite(url, quote="names three reasons")

    assert path.read_text() == before


def test_a_source_that_cannot_be_read_is_named_for_it_may_be_the_same(desk: Desk, url: str) -> None:
    desk.newsroom.write("content/sources/broken.yml", "id: [\n")

    cited = desk.cite(url)

    assert any(note.startswith("content/sources/broken.yml cannot be read") for note in cited.notes)


@pytest.mark.parametrize(
    ("publisher", "name"),
    [("127.0.0.1", "host-127-0-0-1"), ("[2001:db8::1]", "host-2001-db8-1"), ("Northfield Grid", "northfield-grid"), ("東京", "")],
)  # fmt: skip
def test_a_host_without_a_name_is_known_by_its_number(publisher: str, name: str) -> None:
    assert name_of(publisher, words=2, length=32) == name


def test_tier_and_publisher_are_those_that_the_editor_gives(desk: Desk, url: str) -> None:
    cited = desk.cite(url, tier="aggregator", publisher="Northfield  Grid")

    assert (cited.tier, cited.guessed) == (Tier.AGGREGATOR, False)
    source = desk.source(cited.id)
    assert (source.tier, source.publisher) == (Tier.AGGREGATOR, "Northfield Grid")
    again = desk.cite(url, tier="primary", publisher="Northfield Grid")
    assert again.notes == (f"not written: tier primary; the source is known, so mend {cited.path}",)
    with pytest.raises(UsageError, match="use one of primary, secondary, aggregator"):
        desk.cite(url, tier="first")
