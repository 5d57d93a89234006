"""What the receipts of an article are told, and how they stand on their page."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.library import load_library
from pipeline.model import Basis, Citation, Claim, Passage, PassageKind
from pipeline.site import build_site
from pipeline.site.publication import Publication
from pipeline.site.receipts import ReceiptsView, in_pieces, receipts_view
from pipeline.site.verify import verify
from pipeline.site.verify.places import read_folder
from tests.site.conftest import NOW, WORDS, write_article
from tests.site.reading import page

RECEIPTS = "articles/grid-queue/receipts/index.html"
BODY = (
    "It opens here.\nIt holds 268 gigawatts.[^grid-office]\n\n## The *count*\n\nBoth say so.[^grid-office][^wire]\n\n"
    "So do we. <!-- analysis -->\n"
)


@pytest.fixture
def view(repository: Path) -> ReceiptsView:
    """The receipts of an article whose claims are made by hand."""
    write_article(repository, "by-hand", date="2026-11-23", body=BODY)
    library = load_library(repository, now=dt.datetime.now(dt.UTC))
    publication = Publication(Settings.load(repository), library, now=NOW.replace(hour=12))
    article = library.article("by-hand")
    assert article is not None
    grid, wire = Citation("grid-office", None, 1, 1), Citation("wire", None, 1, 1)
    passage = Passage("grid-office", WORDS, line=1, bears=("268",))
    fact = Passage("wire", "requests: 268 GW", kind=PassageKind.FACT, name="requests", bears=("268",))

    def claim(number: int, text: str, start: str, **more: object) -> Claim:
        at = article.body.index(start)
        return Claim(number, text, at, at + len(text), 1, 1, **more)  # type: ignore[arg-type]

    publication.claims = {  # type: ignore[misc]  # a cached property may be set
        "by-hand": (
            claim(1, "It opens here.", "It opens", basis=Basis.ANALYSIS),
            claim(2, "It holds 268 gigawatts.", "It holds", basis=Basis.TRACED, citations=(grid,), passages=(passage,), origins=1),
            claim(3, "Both say so.", "Both", basis=Basis.RECORDED, citations=(grid, wire), passages=(fact,), origins=1,
                  disagree=True),
            claim(4, "So do we.", "So do", basis=Basis.ANALYSIS),
        )
    }  # fmt: skip
    return receipts_view(publication, article)


def test_sentences_stand_in_their_order_under_the_headings_of_the_article(view: ReceiptsView) -> None:
    assert [(part.heading, [receipt.number for receipt in part.receipts]) for part in view.parts] == [
        ("", [1, 2]),
        ("The count", [3, 4]),
    ]
    assert view.parts[1].address == "articles/by-hand/#the-count"
    assert [r.opens_paragraph for part in view.parts for r in part.receipts] == [True, False, True, True]


def test_each_sentence_is_marked_with_what_it_rests_on(view: ReceiptsView) -> None:
    first, second, third, _ = [receipt for part in view.parts for receipt in part.receipts]

    assert (first.words, first.flags) == ("Our reading", ())
    assert (second.words, second.flags) == ("Number traced", ("Single source",))
    assert (third.words, third.flags) == ("Recorded", ("Single source", "Sources disagree", "2 sources, 1 origin"))
    assert [(count.words, count.number) for count in view.counts] == [
        ("Number traced", 1),
        ("Recorded", 1),
        ("Our reading", 2),
    ]
    assert (view.sentences, view.single, view.disagree) == (4, 2, 1)
    assert view.independence == "2 sources, 1 origin"  # the wire reports what the office counted


def test_a_passage_leads_to_the_words_on_the_page_and_in_the_stored_copy(view: ReceiptsView) -> None:
    [row] = view.parts[0].receipts[1].passages

    assert row.url == (
        "https://grid.example.org/queue?year=2026&month=11#:~:text=The%20queue%20holds%20268%20gigawatts,"
        "which%20will%20never%20be%20built."
    )
    assert row.robust["data-versiondate"] == "2026-11-19"
    assert row.stored is not None
    assert row.stored.startswith("sources/snapshots/")
    assert "#:~:text=" in row.stored
    assert ("268", True) in row.words
    assert "".join(words for words, _ in row.words) == WORDS
    assert row.place == "line 1 of our copy"


def test_a_recorded_figure_is_no_words_of_the_source(view: ReceiptsView) -> None:
    third = view.parts[1].receipts[0]
    [row] = third.passages

    assert row.recorded
    assert row.place == "recorded by the editor, no stored copy yet"
    assert row.url == "https://wire.example.org/grid"
    assert row.stored is None
    assert [(named.number, named.publisher) for named in third.named] == [(1, "Grid Office")]


@pytest.mark.parametrize(
    ("words", "bears", "marked"),
    [
        ("The peak is 9.4 gigawatts.", ("9.4 gigawatts",), ["9.4 gigawatts"]),
        ("about 945 halls, not 9450", ("945",), ["945"]),
        ("It is 1,200 and 200.", ("200",), ["200"]),
        ("9 and 19 and 9.5", ("9",), ["9"]),
        ("in 2030, 3.2 GW", ("3,200 MW", "2030"), ["2030"]),
        ("nothing of it", ("42",), []),
    ],
)
def test_what_a_sentence_takes_from_a_passage_is_marked(words: str, bears: tuple[str, ...], marked: list[str]) -> None:
    pieces = in_pieces(words, bears)

    assert [piece for piece, is_marked in pieces if is_marked] == marked
    assert "".join(piece for piece, _ in pieces) == words


def test_an_article_leads_to_its_receipts_and_they_lead_back(site: Path) -> None:
    article, receipts = page(site, "articles/grid-queue/index.html"), page(site, RECEIPTS)

    assert ("Show receipts", "receipts/") in [(e.text, e.attributes["href"]) for e in article.all("a")]
    assert ("Hide receipts", "../") in [(e.text, e.attributes["href"]) for e in receipts.all("a")]
    for each in (article, receipts):
        assert each.one("link", type="application/json").attributes["href"].endswith("claims.json")


def test_the_receipts_need_no_script_and_hold_every_sentence(site: Path) -> None:
    receipts = page(site, RECEIPTS)

    assert not receipts.all("script")
    sentences = [e.text for e in receipts.all("p", **{"class": "sentence"})]
    assert "The queue is long." in sentences
    assert "It says so itself." in sentences
    assert receipts.all("details")
    assert {f"claim-{number}" for number in range(1, len(sentences) + 1)} <= set(receipts.ids)


def test_links_to_sources_say_where_they_led_and_when(site: Path) -> None:
    links = [
        e.attributes
        for e in page(site, "articles/grid-queue/index.html").all("a")
        if "data-originalurl" in e.attributes
    ]

    assert links
    assert links[0]["href"] == links[0]["data-originalurl"] == "https://grid.example.org/queue?year=2026&month=11"
    assert links[0]["data-versiondate"] == "2026-11-19"


def test_all_corrections_are_registered_newest_first(site: Path) -> None:
    register = page(site, "corrections/index.html")
    text = " ".join(register.one("main").text.split())

    assert "We first wrote: It was 5 <b>GW</b>." in text
    assert "It should have been: It was 6 GW." in text
    assert "What the corrected-one tells us" in text
    assert "What the retracted-one tells us" in text


def test_registers_and_receipts_are_in_the_foot_of_every_page(site: Path) -> None:
    for name in ("index.html", RECEIPTS, "404.html"):
        links = {e.text for e in page(site, name).all("a")}
        assert {"Sources", "Corrections"} <= links, name


def test_a_source_that_changed_says_so_in_the_panel_the_feeds_and_on_its_page(own_settings: Settings) -> None:
    path = own_settings.content / "sources" / "grid-office.yml"
    path.write_text(path.read_text("utf-8") + "status: changed\nstatus_at: 2026-11-22\n", "utf-8")
    said = "changed after publication: words that we rest on are no longer on the page (seen 22 November 2026)"
    kept = f"{said}; our copy of 19 November 2026 is kept"

    site = build_site(own_settings, now=NOW).site_dir

    for name in (
        "articles/grid-queue/index.html",
        "sources/grid-office/index.html",
        "feed.xml",
        "atom.xml",
        "feed.json",
    ):
        assert kept in (site / name).read_text("utf-8"), name


def test_an_article_whose_figures_age_says_of_when_they_are(own_settings: Settings) -> None:
    write_article(own_settings.root, "ageing", more="stale_after: 2027-01-01\nupdated: 2026-11-21T08:00:00Z\n")

    site = build_site(own_settings, now=NOW).site_dir

    assert (
        "figures as of 21 November 2026"
        in page(site, "articles/ageing/index.html").one("header", **{"class": "head"}).text
    )
    assert "figures as of" not in (site / "articles/grid-queue/index.html").read_text("utf-8")


def test_hostile_words_of_a_source_stay_words(own_settings: Settings) -> None:
    text = 'It holds <script>alert(1)</script> " onclick="alert(1) 268 gigawatts & more.\n'
    digest = hashlib.sha256(text.encode()).hexdigest()
    (own_settings.content / "sources" / "snapshots" / f"{digest}.txt").write_text(text, "utf-8")
    source = own_settings.content / "sources" / "grid-office.yml"
    changed = re.sub(r"text_sha256: \w+", f"text_sha256: {digest}", source.read_text("utf-8"))
    source.write_text(re.sub(r"quotes:\n.*\n", "", changed).replace("publisher: Grid", "publisher: <b>Grid"), "utf-8")
    for path in own_settings.content.rglob("*grid-queue.md"):
        path.unlink()
    write_article(own_settings.root, "hostile-words", body="It holds 268 gigawatts.[^grid-office]")

    site = build_site(own_settings, now=NOW).site_dir

    receipts = page(site, "articles/hostile-words/receipts/index.html")
    assert receipts.one("p", **{"class": "bearing"}).text == text.strip()
    assert not receipts.all("script")
    assert not [e for e in receipts.elements if "onclick" in e.attributes]
    for name in ("sources/index.html", "sources/grid-office/index.html"):
        assert not [e for e in page(site, name).all("b") if e.text == "Grid Office"], name
    assert verify(read_folder(site, now=NOW)).failures == ()
