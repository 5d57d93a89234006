"""The register of all sources, and the page of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.library import load_library
from pipeline.site import build_site
from pipeline.site.publication import Publication
from pipeline.site.registers import MANY, source_register
from pipeline.site.source_pages import CITING
from tests.site.conftest import NOW, SITE, WORDS, write_article
from tests.site.reading import page, pages, read_page, resolves

GRID = "sources/grid-office/index.html"
MOST_BYTES = 190  # of a row of the register, with its publisher


def words(text: str) -> str:
    return " ".join(text.split())


def record(site: Path, id_: str) -> dict[str, str]:
    """What the page of a source says of it, by the word before it."""
    source = (site / f"sources/{id_}/index.html").read_text("utf-8")
    rows = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", source)
    return {
        name: words(read_page(told, SITE).source if "<" not in told else re.sub("<[^>]+>", "", told))
        for name, told in rows
    }


def built(settings: Settings) -> Path:
    return build_site(settings, now=NOW).site_dir


# --- the register -------------------------------------------------------------------------------------------------------------


def test_the_register_lists_every_cited_source_below_its_publisher(site: Path) -> None:
    register = page(site, "sources/index.html")
    rows = {e.attributes["id"]: words(e.text) for e in register.all("tr") if "id" in e.attributes}

    assert set(rows) == {"grid-office", "wire", "invented"}
    assert rows["grid-office"] == 'The queue, "counted" & <listed>primaryOct 2026119 Nov 2026'
    assert rows["wire"] == "untitled page at wire.example.org/gridsecondary2"
    assert rows["invented"] == "A made-up page sample, inventedaggregator1"
    heads = [words(e.text) for e in register.all("th", colspan="5")]
    assert heads == ["Grid Office", "Sample Press", "The Wire"]
    assert "3 sources, 1 primary, by 3 publishers; 1 with a stored copy." in words(register.one("main").text)


def test_a_publisher_of_several_sources_says_how_many_how_often_and_when_one_was_read(own_settings: Settings) -> None:
    wire = own_settings.content / "sources/wire.yml"
    text = wire.read_text("utf-8").replace("The Wire", "Grid Office") + "accessed: 2026-11-20\n"
    wire.write_text(text, "utf-8")

    register = page(built(own_settings), "sources/index.html")

    heads = [words(e.text) for e in register.all("th", colspan="5")]
    assert heads[0] == "Grid Office 2 sources, 1 primary, cited 3 times, last read 20 Nov 2026"


def test_the_register_names_no_article_and_its_rows_are_short(own_settings: Settings) -> None:
    ids = _many_sources(own_settings, 60)
    site = built(own_settings)
    register = page(site, "sources/index.html")

    titles = {each.one("h1").text for each in pages(site, below="articles")}
    assert not [title for title in titles if title and title in register.source]
    rows = register.source[register.source.index('<tr id="many-01"') :][: MOST_BYTES * len(ids)]
    assert "</table>" in rows


def test_publishers_of_a_long_register_are_found_by_their_first_letters(own_settings: Settings) -> None:
    _many_sources(own_settings, MANY)
    register = page(built(own_settings), "sources/index.html")

    links = [e.attributes["href"] for e in register.all("a") if re.fullmatch("#.", e.attributes.get("href", ""))]

    assert links == ["#0", "#E", "#G", "#O", "#S", "#T"]
    assert {link[1:] for link in links} <= set(register.ids)


def test_a_short_register_has_no_letters(site: Path) -> None:
    assert not page(site, "sources/index.html").all("nav", **{"class": "letters"})


def test_a_source_that_is_gone_or_retracted_says_so_in_the_register(own_settings: Settings) -> None:
    _more(own_settings, "grid-office", "status: gone\n")

    library = load_library(own_settings.root, now=NOW)
    register = source_register(Publication(own_settings, library, now=NOW))

    assert {source.id: source.mark for each in register.publishers for source in each.sources} == {
        "grid-office": "gone",
        "wire": "",
        "invented": "sample, invented",
    }


def _many_sources(settings: Settings, number: int) -> list[str]:
    """Sources of as many publishers, all cited by one article."""
    ids = [f"many-{place:02}" for place in range(1, number + 1)]
    names = ["Évry Office", "3rd Office", *(f"Office {place:02}" for place in range(3, number + 1))]
    for id_, name in zip(ids, names, strict=True):
        (settings.content / f"sources/{id_}.yml").write_text(
            f"id: {id_}\nurl: https://{id_}.example.org/report\npublisher: {name}\ntitle: The count of a year\ntier: primary\n"
            "issued: 2026-02\nlicence: unknown\nredistribute: quote\n",
            "utf-8",
        )
    write_article(settings.root, "on-many", body=" ".join(f"Somebody waits.[^{id_}]" for id_ in ids))
    return ids


def _more(settings: Settings, id_: str, more: str) -> None:
    path = settings.content / f"sources/{id_}.yml"
    path.write_text(path.read_text("utf-8") + more, "utf-8")


# --- the page of a source -------------------------------------------------------------------------------------------------------


def test_the_page_of_a_source_says_what_it_is_and_what_we_hold_of_it(site: Path) -> None:
    found = page(site, GRID)

    title = found.one("cite").text
    (link,) = [e for e in found.all("a") if e.text == title]
    assert title == 'The queue, "counted" & <listed>'
    assert (
        link.attributes["href"]
        == link.attributes["data-originalurl"]
        == "https://grid.example.org/queue?year=2026&month=11"
    )
    assert link.attributes["data-versiondate"] == "2026-11-19"
    assert words(found.one("p", **{"class": "deck"}).text) == "Grid Office"
    assert found.one("span", **{"class": "tier primary"}).text == "primary"
    assert found.one("link", rel="canonical").attributes["href"] == f"{SITE}sources/grid-office/"
    assert "Grid Office, October 2026" in found.one("meta", name="description").attributes["content"]
    said = record(site, "grid-office")
    sha256 = said.pop("SHA-256 of its text")
    assert said == {
        "Address": "https://grid.example.org/queue?year=2026&amp;month=11",
        "Issued": "October 2026",
        "Read": "19 November 2026",
        "Licence": "unknown",
        "Our copy": "stored copy of 19 November 2026",
    }
    assert (site / f"sources/snapshots/{sha256}.txt").read_text("utf-8").count(WORDS) == 1
    assert f"{SITE}sources/snapshots/{sha256}.txt" in found.links


def test_it_names_every_article_that_cites_it_newest_first_and_leads_to_their_receipts(site: Path) -> None:
    found = page(site, "sources/wire/index.html")

    rows = [words(e.text) for e in found.all("li") if "Receipts" in e.text]
    assert rows == [
        "22 Nov 2026 What the grid-queue tells us Receipts",
        "30 Dec 2025 What the transformers tells us Receipts",
    ]
    assert "Cited by 2 articles" in found.one("h2").text
    assert {f"{SITE}articles/grid-queue/", f"{SITE}articles/grid-queue/receipts/"} <= set(found.links)


def test_an_article_that_was_corrected_or_retracted_is_called_so(own_settings: Settings) -> None:
    write_article(own_settings.root, "taken-back", status="retracted", body="It was so.[^wire]")

    found = page(built(own_settings), "sources/wire/index.html")

    (row,) = [words(e.text) for e in found.all("li") if "taken-back" in e.text]
    assert row == "20 Nov 2026 What the taken-back tells us RetractedReceipts"


def test_of_very_many_articles_the_newest_are_named_and_the_others_counted(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.site.source_pages.CITING", 1)

    found = page(built(own_settings), "sources/wire/index.html")

    assert CITING == 100
    assert [words(e.text) for e in found.all("li") if "Receipts" in e.text] == [
        "22 Nov 2026 What the grid-queue tells us Receipts"
    ]
    assert "Cited by 2 articles" in found.one("h2").text
    assert "and 1 earlier" in words(found.one("main").text)


def test_a_source_leads_to_the_pages_of_those_that_it_names_and_to_the_web_where_nobody_cites_them(
    own_settings: Settings,
) -> None:
    (own_settings.content / "sources/second-wire.yml").write_text(
        "id: second-wire\nurl: https://wire.example.org/second\npublisher: The Wire\ntitle: A second count\ntier: secondary\n",
        "utf-8",
    )
    _more(own_settings, "wire", "superseded_by: second-wire\n")

    site = built(own_settings)

    said = record(site, "wire")
    assert said["Reports"] == "The queue, &#34;counted&#34; &amp; &lt;listed&gt;"
    assert said["Replaced by"] == "A second count"
    links = page(site, "sources/wire/index.html").links
    assert {f"{SITE}sources/grid-office/", "https://wire.example.org/second"} <= set(links)


def test_what_became_of_a_source_stands_below_its_title(own_settings: Settings) -> None:
    _more(own_settings, "grid-office", "status: retracted\nstatus_at: 2026-11-22\n")

    notice = page(built(own_settings), GRID).one("p", **{"class": "notice retracted"})

    said = "retracted by its publisher (seen 22 November 2026); our copy of 19 November 2026 is kept."
    assert words(notice.text) == f"Since we read it: {said}"


def test_a_copy_that_is_not_public_is_told_of_and_not_linked(receipts_site: Path) -> None:
    said = record(receipts_site, "harbour")

    assert said["Our copy"] == "stored copy of 19 November 2026, kept by the editors, not public"
    assert "snapshots" not in (receipts_site / "sources/harbour/index.html").read_text("utf-8")
    assert record(receipts_site, "office")["Our copy"] == "recorded by the editor, no stored copy yet"


def test_every_link_to_a_source_leads_to_its_page(site: Path) -> None:
    for name in ("articles/grid-queue/index.html", "articles/grid-queue/receipts/index.html", "sources/index.html"):
        links = page(site, name).links
        assert f"{SITE}sources/wire/" in links, name
        assert not [link for link in links if re.search("sources/#(?!main$)", link)], name
    assert f'"about": "{SITE}sources/wire/"' in (site / "feed.json").read_text("utf-8")
    assert resolves(site, f"{SITE}sources/wire/")


def test_a_source_that_no_article_cites_any_more_has_no_page(own_settings: Settings) -> None:
    assert (built(own_settings) / "sources/invented/index.html").is_file()
    for path in own_settings.content.rglob("*grid-queue.md"):
        path.write_text(path.read_text("utf-8").replace("[^invented]", ""), "utf-8")

    site = built(own_settings)

    assert not (site / "sources/invented").exists()
    assert 'id="invented"' not in (site / "sources/index.html").read_text("utf-8")


def test_another_title_of_an_article_draws_the_pages_of_its_sources_and_not_the_register(
    own_settings: Settings,
) -> None:
    site = built(own_settings)
    before = {path: path.stat().st_ino for path in (site / "sources").rglob("index.html")}
    for path in own_settings.content.rglob("*-transformers.md"):
        path.write_text(re.sub("(?m)^title: .*", "title: Another title", path.read_text("utf-8")), "utf-8")

    built(own_settings)

    drawn = {path.relative_to(site).as_posix() for path, inode in before.items() if path.stat().st_ino != inode}
    assert drawn == {"sources/wire/index.html"}
