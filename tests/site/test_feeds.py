"""The feeds as a reader's program gets them."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest

from pipeline.config import Settings
from pipeline.ingest.opml import read_opml
from pipeline.library import Library, load_library
from pipeline.model import Article
from pipeline.site import build_site, feeds
from pipeline.site.feeds import (
    WRITERS,
    Author,
    Item,
    Newsstand,
    OwnFeed,
    atom,
    own_feeds,
    rss,
    written,
)
from pipeline.site.publication import ArticleView, Publication
from tests.site.conftest import HOSTILE, NOW, SITE, WORDS, write_article
from tests.site.reading import page, resolves

FEEDS = ("feed.xml", "atom.xml")
ATOM = "{http://www.w3.org/2005/Atom}"


def parsed(site: Path, name: str) -> Any:
    return feedparser.parse((site / name).read_bytes(), sanitize_html=False, resolve_relative_uris=False)


def words(entry: Any, part: str) -> str:
    """The words of a *part* of *entry*, also where they are said to be HTML."""
    told: str = entry[part]
    is_html = entry[f"{part}_detail"].type == "text/html" and (part == "summary" or "&lt;" in told)
    return unescape(told) if is_html else told


def json_feed(site: Path) -> Any:
    return json.loads((site / "feed.json").read_text("utf-8"))


def bodies(site: Path) -> list[str]:
    """The full text of each item in each of the three feeds."""
    html = [entry.content[0].value for name in FEEDS for entry in parsed(site, name).entries]
    return [*html, *(item["content_html"] for item in json_feed(site)["items"])]


def addresses(html: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name in ("href", "src", "cite", "action"))

    Reader().feed(html)
    return found


@pytest.mark.parametrize("name", FEEDS)
def test_feedparser_finds_nothing_wrong(site: Path, name: str) -> None:
    feed = parsed(site, name)

    assert not feed.bozo
    assert feed.feed.title == "Deep Signals"
    assert feed.feed.link == SITE
    assert len(feed.entries) == 6


def test_all_three_feeds_carry_the_same_items(site: Path) -> None:
    items = json_feed(site)["items"]

    assert len(items) == 6
    for name in FEEDS:
        entries = parsed(site, name).entries
        assert [e.id for e in entries] == [item["id"] for item in items]
        assert [words(e, "title") for e in entries] == [item["title"] for item in items]
        assert [e.content[0].value for e in entries] == [item["content_html"] for item in items]
        assert [words(e, "summary") for e in entries] == [item["summary"] for item in items]
        assert [[tag.term for tag in e.tags] for e in entries] == [item["tags"] for item in items]


def test_items_are_named_by_addresses_that_last(site: Path) -> None:
    items = json_feed(site)["items"]

    assert [item["id"] for item in items] == [item["url"] for item in items]
    assert items[0]["id"] == f"{SITE}articles/grid-queue/"
    assert all(resolves(site, item["url"]) for item in items)


def test_every_address_is_whole_and_leads_somewhere(site: Path) -> None:
    everywhere = [link for html in bodies(site) for link in addresses(html)]
    channel = [e.attrib["href"] for e in ET.parse(site / "atom.xml").getroot().iter(f"{ATOM}link")]
    links = {*everywhere, *channel, *(link["href"] for link in parsed(site, "feed.xml").feed.links)}

    assert f"{SITE}articles/grid-queue/#source-1" in links
    assert f"{SITE}articles/transformers/" in links
    assert not [link for link in links if not link.startswith("https://")]
    assert not [link for link in links if link.startswith(SITE) and not resolves(site, link)]
    outside = {link for link in links if not link.startswith(SITE)}
    assert outside == {
        "https://grid.example.org/queue?year=2026&month=11", "https://wire.example.org/grid", "https://sample.example.org/",
    }  # fmt: skip


def test_each_feed_says_where_it_stands(site: Path) -> None:
    for name, kind in (("feed.xml", "application/rss+xml"), ("atom.xml", "application/atom+xml")):
        own = [link for link in parsed(site, name).feed.links if link.rel == "self"]
        assert [(link.href, link.type) for link in own] == [(SITE + name, kind)]
    assert json_feed(site)["feed_url"] == f"{SITE}feed.json"


def test_dates_are_the_articles_own(site: Path) -> None:
    items = {item["url"]: item for item in json_feed(site)["items"]}
    corrected = items[f"{SITE}articles/corrected-one/"]

    assert (corrected["date_published"], corrected["date_modified"]) == ("2026-11-19T06:00:00Z", "2026-11-21T08:00:00Z")
    rss = ET.parse(site / "feed.xml").getroot()
    assert rss.findtext("channel/pubDate") == "Sun, 22 Nov 2026 06:00:00 +0000"
    assert rss.findtext("channel/item/pubDate") == "Sun, 22 Nov 2026 06:00:00 +0000"
    assert ET.parse(site / "atom.xml").getroot().findtext(f"{ATOM}updated") == "2026-11-22T06:00:00Z"


def test_authors_are_names_and_never_bare_words_in_an_address_field(site: Path) -> None:
    rss = ET.parse(site / "feed.xml").getroot()

    assert not list(rss.iter("author"))  # RSS 2.0 wants an e-mail address there
    names = ["Open Signal drafting model", "Ines Halvorsen"]
    creators = rss.findall("channel/item[1]/{http://purl.org/dc/elements/1.1/}creator")
    assert [e.text for e in creators] == names
    entry = ET.parse(site / "atom.xml").getroot().find(f"{ATOM}entry")
    assert entry is not None
    assert [e.text for e in entry.iter(f"{ATOM}name")] == names
    authors = json_feed(site)["items"][0]["authors"]
    assert [author["name"] for author in authors] == names
    assert [author["url"] for author in authors] == [e.text for e in entry.iter(f"{ATOM}uri")]
    assert all(resolves(site, author["url"]) for author in authors)


def test_the_full_text_ends_with_its_sources(site: Path) -> None:
    html = json_feed(site)["items"][0]["content_html"]

    assert "<h2>The count</h2>" in html
    assert "<td>268 GW<sup" in html
    sources = html.partition("<h2>Sources</h2>")[2]
    assert "The queue, &quot;counted&quot; &amp; &lt;listed&gt;</a> (Grid Office; issued October 2026;" in sources
    assert f"<blockquote><p>{WORDS}</p></blockquote>" in sources
    assert "recorded by the editor, no stored copy" in sources
    assert "sample, invented" in sources
    assert "AI-written, reviewed by Ines Halvorsen." in sources


def test_corrections_and_retractions_come_first(site: Path) -> None:
    html = {item["url"].split("/")[-2]: item["content_html"] for item in json_feed(site)["items"]}

    assert html["corrected-one"].startswith(
        "<p><strong>Corrected 21 November 2026.</strong> We first wrote: “It was 5 &lt;b&gt;GW&lt;/b&gt;.” "
        "It should have been: “It was 6 GW.” A slip.</p>"
    )
    assert html["retracted-one"].startswith("<p><strong>Retracted.</strong>")
    for name in FEEDS:  # of which many readers list the titles alone
        titles = [words(entry, "title") for entry in parsed(site, name).entries]
        assert [title for title in titles if title.startswith("Retracted: ")] == [
            "Retracted: What the retracted-one tells us"
        ]


def test_hostile_titles_stay_words(site: Path) -> None:
    assert json_feed(site)["items"][1]["title"] == HOSTILE
    for name in FEEDS:
        text = (site / name).read_text("utf-8")
        assert words(parsed(site, name).entries[1], "title") == HOSTILE
        assert "<script" not in text
        assert "]]>" not in text  # which may not stand in XML text (XML 1.0, 2.4)


def test_characters_that_xml_cannot_hold_are_left_out(own_settings: Settings) -> None:
    publication = Publication(own_settings, Library(), now=NOW)
    words = "A \x0b bell\x07 and\ufdd0\U0001fffe \ufffe more"
    item = Item(SITE, words, words, words, NOW, NOW, (Author(words),), (words,), "en")

    for write in (rss, atom):
        feed = feedparser.parse(write(publication, OwnFeed("", words, words, ()), [written(item)]).encode())
        assert not feed.bozo
        assert feed.entries[0].title == "A  bell and  more"


def test_a_text_from_right_to_left_says_so_in_every_feed(own_settings: Settings) -> None:
    write_article(
        own_settings.root, "arabic", date="2026-11-22", body="\u0645\u0631\u062d\u0628\u0627", more="lang: ar\n"
    )

    html = bodies(build_site(own_settings, now=NOW).site_dir)

    said = '<div lang="ar" dir="rtl">\n<p>\u0645\u0631\u062d\u0628\u0627</p>\n</div>\n'
    assert (
        len([text for text in html if text.startswith(said)]) == len([text for text in html if 'dir="rtl"' in text]) > 0
    )


def test_the_whole_holds_the_newest_thirty_and_a_topic_twenty(own_settings: Settings) -> None:
    for number in range(40):
        write_article(own_settings.root, f"filler-{number:02}", date=f"2026-10-{number % 28 + 1:02}")

    site = build_site(own_settings, now=NOW).site_dir

    dates = [item["date_published"] for item in json_feed(site)["items"]]
    assert len(dates) == 30
    assert dates == sorted(dates, reverse=True)
    assert len(parsed(site, "feed.xml").entries) == len(parsed(site, "atom.xml").entries) == 30
    assert [e.id for e in parsed(site, "topics/power/feed.xml").entries] == [
        item["id"] for item in json_feed(site)["items"] if "Power" in item["tags"]
    ][:20]


def test_feeds_without_articles_are_valid(own_settings: Settings) -> None:
    for path in own_settings.content.glob("articles/*/*.md"):
        path.unlink()

    site = build_site(own_settings, now=NOW).site_dir

    assert [parsed(site, name).bozo for name in FEEDS] == [False, False]
    assert json_feed(site)["items"] == []


# --- topics and authors ------------------------------------------------------------------------------------------------------

FOLDERS = {
    "": "Deep Signals",
    "topics/power/": "Deep Signals: Power",
    "topics/chips/": "Deep Signals: Chips",
    "topics/policy/": "Deep Signals: Policy",
    "authors/ines-halvorsen/": "Deep Signals: Ines Halvorsen",
    "authors/drafting-model/": "Deep Signals: Open Signal drafting model",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_topics_and_authors_have_feeds_of_their_own(site: Path, folder: str) -> None:
    assert resolves(site, SITE + folder)
    feed = json.loads((site / folder / "feed.json").read_text("utf-8"))

    assert feed["title"] == FOLDERS[folder]
    assert feed["home_page_url"] == SITE + folder
    assert feed["feed_url"] == f"{SITE}{folder}feed.json"
    ids = [item["id"] for item in feed["items"]]
    for name in FEEDS:
        other = parsed(site, folder + name)
        assert not other.bozo
        assert other.feed.title == FOLDERS[folder]
        assert other.feed.link == SITE + folder
        assert [link.href for link in other.feed.links if link.rel == "self"] == [f"{SITE}{folder}{name}"]
        assert [entry.id for entry in other.entries] == ids


def test_a_feed_of_a_topic_holds_its_articles_word_for_word_as_the_whole_does(site: Path) -> None:
    whole = {item["id"]: item for item in json_feed(site)["items"]}
    chips = json.loads((site / "topics/chips/feed.json").read_text("utf-8"))["items"]

    assert [item["id"] for item in chips] == [f"{SITE}articles/retracted-one/", f"{SITE}articles/scheduled-past/"]
    assert chips == [whole[item["id"]] for item in chips]
    for name in FEEDS:
        entries = [(e.id, e.content[0].value, e.get("updated")) for e in parsed(site, name).entries]
        assert {(e.id, e.content[0].value, e.get("updated")) for e in parsed(site, f"topics/chips/{name}").entries} <= {
            *entries
        }


def test_who_has_written_nothing_public_has_no_feed(site: Path) -> None:
    assert [path.name for path in (site / "authors/tomas-reyl").iterdir()] == ["index.html"]


def test_an_article_is_made_ready_once_for_all_feeds(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publication = Publication(own_settings, load_library(own_settings.root, now=NOW), now=NOW)
    seen: list[str] = []
    view = Publication.view

    def counted(self: Publication, article: Article) -> ArticleView:
        seen.append(article.slug)
        return view(self, article)

    monkeypatch.setattr(Publication, "view", counted)

    stand = Newsstand(publication)
    files = [stand.file(feed, write) for feed in own_feeds(publication) for write in WRITERS]

    assert len(files) == 3 * 8
    assert sorted(seen) == sorted(article.slug for article in publication.articles)


def test_only_a_changed_article_is_written_down_again(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_site(own_settings, now=NOW)
    write_article(own_settings.root, "fresh", date="2026-11-19")
    seen: list[str] = []
    made = feeds.feed_item

    def counted(publication: Publication, article: Article, *, alone: bool) -> Item:
        seen.append(article.slug)
        return made(publication, article, alone=alone)

    monkeypatch.setattr(feeds, "feed_item", counted)

    site = build_site(own_settings, now=NOW).site_dir

    assert seen == ["fresh"]
    assert "articles/fresh/" in (site / "feed.xml").read_text("utf-8")


def test_articles_of_one_second_are_told_apart_and_the_same_in_every_feed(own_settings: Settings) -> None:
    write_article(own_settings.root, "twin-a", date="2026-11-22", topics="chips")
    write_article(own_settings.root, "twin-b", date="2026-11-22", topics="chips")

    site = build_site(own_settings, now=NOW).site_dir

    def updated(name: str) -> dict[str, str]:
        entries = ET.parse(site / name).getroot().iter(f"{ATOM}entry")
        return {str(entry.findtext(f"{ATOM}id")): str(entry.findtext(f"{ATOM}updated")) for entry in entries}

    moments = updated("atom.xml")
    assert len(set(moments.values())) == len(moments) == 8
    three = [moment for moment in moments.values() if moment.startswith("2026-11-22T06:00:00.")]
    assert len(three) == 3
    assert moments[f"{SITE}articles/corrected-one/"] == "2026-11-21T08:00:00Z"
    assert updated("topics/chips/atom.xml").items() <= moments.items()


# --- lists of feeds, and the hub ---------------------------------------------------------------------------------------------


def test_one_file_and_one_page_name_all_feeds(site: Path) -> None:
    found = {path.relative_to(site).as_posix() for path in site.rglob("feed.xml")}

    root = ET.parse(site / "feeds.opml").getroot()
    outlines = [row for row in root.iter("outline") if "xmlUrl" in row.attrib]
    assert root.attrib == {"version": "2.0"}
    assert {row.attrib["xmlUrl"].removeprefix(SITE) for row in outlines} == found
    assert len(outlines) == len(found) == 8
    for row in outlines:
        assert row.attrib["type"] == "rss"
        assert row.attrib["text"] == row.attrib["title"]
        assert row.attrib["xmlUrl"] == row.attrib["htmlUrl"] + "feed.xml"
    assert [row.attrib["text"] for row in root.findall("body/outline")] == ["Deep Signals", "Topics", "Authors"]
    links = page(site, "feeds/index.html").links
    assert {f"{SITE}{path}" for path in found} <= set(links)
    assert f"{SITE}feeds.opml" in links


def test_the_outline_is_read_by_our_own_reader_of_such_lists(site: Path) -> None:
    outlines = read_opml((site / "feeds.opml").read_bytes(), name="feeds.opml")

    assert len(outlines) == 8


def test_without_a_hub_no_feed_names_one(site: Path) -> None:
    assert 'rel="hub"' not in (site / "feed.xml").read_text("utf-8") + (site / "atom.xml").read_text("utf-8")
    assert "hubs" not in json_feed(site)


def test_every_feed_names_the_hub_that_is_set(repository: Path, tmp_path: Path) -> None:
    settings = Settings.load(repository, websub_hub="https://hub.example.org/?a=1&b=2")

    site = build_site(settings, now=NOW, site_dir=tmp_path / "site").site_dir

    for folder in FOLDERS:
        for name in FEEDS:
            links = parsed(site, folder + name).feed.links
            assert [link.href for link in links if link.rel == "hub"] == ["https://hub.example.org/?a=1&b=2"]
        hubs = json.loads((site / folder / "feed.json").read_text("utf-8"))["hubs"]
        assert hubs == [{"type": "WebSub", "url": "https://hub.example.org/?a=1&b=2"}]


# --- what an item rests on ---------------------------------------------------------------------------------------------------


def test_every_item_names_what_it_rests_on_for_people_and_programs(site: Path) -> None:
    item = json_feed(site)["items"][0]
    signal = item["_signal"]

    assert signal["claims"] == f"{SITE}articles/grid-queue/claims.json"
    assert signal["receipts"] == f"{SITE}articles/grid-queue/receipts/"
    assert all(resolves(site, signal[name]) for name in ("about", "claims", "receipts"))
    assert signal["independence"] == "3 sources, 2 origins"
    assert [(source["tier"], source["stored"]) for source in signal["sources"]] == [
        ("primary", True),
        ("secondary", False),
        ("aggregator", False),
    ]
    assert all(resolves(site, source["about"]) for source in signal["sources"])
    assert f"<p>{signal['tally']}. <a" in item["content_html"]
    for name in FEEDS:
        links = parsed(site, name).entries[0].links
        assert [link.href for link in links if link.rel == "via"] == [source["url"] for source in signal["sources"]]
        assert {signal["claims"], signal["receipts"]} == {link.href for link in links if link.rel == "related"}
