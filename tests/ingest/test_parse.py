"""Every kind of feed, sound or broken, becomes the same entries; what is no feed is told apart."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FetchError
from pipeline.ingest.parse import Parsed, decode, parse
from pipeline.model import Entry
from tests.ingest.site import DATA, rss

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
URL = "https://feeds.example.org/news/feed.xml"


def read(body: bytes | str | Path, *, content_type: str = "", url: str = URL) -> Parsed:
    data = body.read_bytes() if isinstance(body, Path) else body.encode() if isinstance(body, str) else body
    return parse(data, content_type=content_type, url=url, feed="sample", now=NOW)


def only(body: bytes | str | Path, *, content_type: str = "") -> Entry:
    (entry,) = read(body, content_type=content_type).entries
    return entry


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


# --- every format -----------------------------------------------------------------------------------------------------


def test_rss_0_91_with_its_doctype_is_read() -> None:
    first, second = read(DATA / "rss-0.91.xml").entries

    assert first.title == "Two transformers arrive a year late"
    assert first.url == first.id == "https://eastfield.example.org/notes/transformers"
    assert first.summary == "The yard had been ready since spring."
    assert first.published is None
    assert second.title == "Night load passes day load"


def test_rss_1_0_is_read() -> None:
    entry = only(DATA / "rss-1.0.rdf")

    assert entry.title == "What idle accelerators cost"
    assert entry.published == utc("2026-11-20T07:30:00")
    assert entry.authors == ("Ada Sample",)
    assert "<table>" in entry.html
    assert entry.summary == "An estimate from three halls."


def test_rss_2_0_is_read() -> None:
    parsed = read(DATA / "rss-2.0.xml")
    outlook, tariffs, old = parsed.entries

    assert parsed.ttl == dt.timedelta(hours=2)
    assert outlook.id == "nga-2026-0117"
    assert outlook.url == "https://northfield.example.org/outlook-2026?year=2026#summary"
    assert outlook.published == utc("2026-11-23T06:00:00")
    assert outlook.authors == ("Press office",)
    assert outlook.summary == "The authority revises its outlook."
    assert tariffs.title == "Tariffs: AT&T & others ask for relief"
    assert tariffs.summary == "Four firms & two towns."
    assert tariffs.published == utc("2026-11-22T17:30:00")
    assert old.published is None


def test_html_is_cleaned_and_its_links_made_absolute() -> None:
    html = read(DATA / "rss-2.0.xml").entries[0].html

    assert '<a href="https://feeds.example.org/outlook-2026/tables">revises</a>' in html
    assert 'src="https://feeds.example.org/news/chart.png"' in html
    assert "onclick" not in html
    assert "onerror" not in html
    assert "script" not in html


def test_atom_1_0_is_read_with_its_bases_and_kinds_of_text() -> None:
    prices, plain, chips = read(DATA / "atom-1.0.xml").entries

    assert prices.id == "tag:southfield.example.org,2026:prices"
    assert prices.title == "Inference prices fell again & nobody agrees how far"
    assert prices.url == "https://southfield.example.org/blog/prices"
    assert prices.published == utc("2026-11-22T22:15:00")
    assert prices.updated == utc("2026-11-23T07:00:00")
    assert prices.authors == ("Lin Sample",)
    assert '<a href="https://southfield.example.org/blog/2026/indices">indices</a>' in prices.html
    assert plain.title == 'When x < y and "AI" is &c.'
    assert plain.html == "A text with &lt;angle&gt; brackets."
    assert plain.published == utc("2026-11-21T10:00:00")
    assert chips.title == "Chips, slowly"


def test_only_web_links_survive() -> None:
    chips = read(DATA / "atom-1.0.xml").entries[2]

    assert chips.url is None
    assert "javascript" not in chips.html
    assert '<a href="https://southfield.example.org/about">yes</a>' in chips.html


def test_atom_0_3_is_read() -> None:
    entry = only(DATA / "atom-0.3.xml")

    assert entry.title == "A cooling tower is reused"
    assert entry.url == "https://old.example.org/tower"
    assert entry.published == utc("2026-11-19T09:00:00")
    assert entry.html == "<p>Third life.</p>"


def test_json_feed_1_0_is_read() -> None:
    entry = only(DATA / "json-1.0.json", content_type="text/xml")  # the type that its server claims

    assert entry.id == "7"
    assert entry.url == "https://feeds.example.org/notes/7"
    assert entry.title == entry.summary == "Seven megawatts & no <more>."
    assert entry.html == "Seven megawatts &amp; no &lt;more&gt;."
    assert entry.published == utc("2026-11-22T15:00:00")
    assert entry.authors == ("Kim Sample",)


def test_json_feed_1_1_is_read_and_items_that_say_nothing_are_passed_by() -> None:
    first, second = read(DATA / "json-1.1.json").entries

    assert first.title == "Pilots & what follows them"
    assert first.html == '<p>See <a href="https://feeds.example.org/2">the second</a>.</p>'
    assert first.published == utc("2026-11-22T09:00:00")
    assert first.updated == utc("2026-11-22T11:00:00")
    assert first.authors == ("Kim Sample",)
    assert second.url == "https://elsewhere.example.org/x"
    assert second.title == "A link"
    assert second.summary == "A link to somewhere else"


def test_broken_xml_gives_what_can_be_saved() -> None:
    first, second, third = read(DATA / "broken.xml").entries

    assert first.title.startswith("Ampersands & unclosed")
    assert first.url == "https://broken.example.org/1?a=1&b=2"
    assert second.title == "Named entities — été"
    assert (third.title, third.url) == ("Cut off", "https://broken.example.org/3")


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/plain; charset=us-ascii", "application/pdf", "application/json", "", ";;;"]
)
def test_what_the_server_calls_it_does_not_matter(content_type: str) -> None:
    assert len(read(DATA / "rss-2.0.xml", content_type=content_type).entries) == 3


# --- charsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("latin1-undeclared", "Été à Genève"),
        ("utf8-declared-latin1", "Été à Genève – “vu”"),
        ("1252-declared-utf8", "It’s “quoted” – é"),
        ("1252-declared-latin1", "It’s “quoted” – é"),
        ("windows1251", "Новости энергетики"),
        ("shift-jis", "電力の見通し"),
        ("iso-2022-jp", "電力の見通し"),
        ("utf16-bom", "Été à Genève"),
        ("utf16-no-bom", "Été à Genève"),
        ("utf8-bom", "Été à Genève"),
        ("utf8-one-bad-byte", "Été à Genève, l’été \ufffd ici"),
        ("control-characters", "Bells & more"),
    ],
)
def test_the_right_letters_come_out_whatever_is_declared(name: str, title: str) -> None:
    assert only(DATA / f"charset-{name}.xml").title == title


def test_the_servers_charset_counts_where_the_document_has_none() -> None:
    body = rss(("Новости", "https://x.example.org/")).encode("koi8-r")

    assert only(body, content_type="text/xml; charset=KOI8-R").title == "Новости"


def test_t37_utf_7_is_not_decoded() -> None:
    body = '<?xml version="1.0" encoding="utf-7"?>' + rss(("+ADw-script+AD4-", "https://x.example.org/"))

    assert only(body).title == "+ADw-script+AD4-"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_have_a_text_that_xml_can_hold(body: bytes, content_type: str) -> None:
    text = decode(body, content_type=content_type)

    text.encode()
    assert "\0" not in text


@given(st.binary(max_size=400))
def test_any_bytes_are_a_feed_or_refused_in_words(body: bytes) -> None:
    try:
        read(b"<rss><channel><item><title>x" + body)
    except FetchError as error:
        assert URL in str(error)  # noqa: PT017 -- either is right


# --- titles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("<![CDATA[AT&amp;T]]>", "AT&T"),
        ("a &lt; b and c &gt; d", "a < b and c > d"),
        ("&lt;b&gt;bold&lt;/b&gt; move", "bold move"),
        ("  two\n\tlines&#160;and  blanks ", "two lines and blanks"),
        ("so-called &#8220;pilots&#8221;", "so-called “pilots”"),
        ("x&#x202E;y&#x200B;z", "xyz"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;", "<script>alert(1)</script>"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),  # words, as much as a < b is
    ],
)
def test_a_title_is_one_line_of_plain_text(written: str, title: str) -> None:
    assert only(f"<rss version='2.0'><channel><item><title>{written}</title></item></channel></rss>").title == title


def test_t32_long_titles_are_cut_at_a_word() -> None:
    title = only(rss(("word " * 200, "https://x.example.org/"))).title

    assert len(title) <= 300
    assert title.endswith("word…")


def test_an_entry_without_a_title_is_called_by_its_first_words() -> None:
    entry = only(
        "<rss version='2.0'><channel><item><description>&lt;p&gt;Only words.&lt;/p&gt;</description></item></channel></rss>"
    )

    assert entry.title == "Only words."


# --- identity, dates, limits ------------------------------------------------------------------------------------------


def test_an_entry_without_id_is_known_by_its_canonical_address_or_else_by_title_and_date() -> None:
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>{}</title>{}<updated>2026-11-20T00:00:00Z</updated></entry></feed>"
    by_link = only(feed.format("x", "<link href='https://X.example.org/1?utm_source=a#top'/>"))
    by_title = only(feed.format("x", ""))

    assert by_link.id == "https://x.example.org/1"
    assert by_title.id.startswith("sha1:")
    assert by_title.id == only(feed.format("x", "")).id != only(feed.format("y", "")).id


def test_an_id_that_a_feed_gives_to_all_its_entries_is_none() -> None:
    items = "".join(
        f"<item><guid isPermaLink='false'>same</guid><title>{n}</title><link>https://x.example.org/{n}</link></item>"
        for n in "ab"
    )

    parsed = read(f"<rss version='2.0'><channel>{items}</channel></rss>")

    assert [entry.id for entry in parsed.entries] == ["https://x.example.org/a", "https://x.example.org/b"]


@pytest.mark.parametrize(
    ("date", "kept"),
    [
        ("Mon, 23 Nov 2026 08:00:00 GMT", True),
        ("Wed, 25 Nov 2026 08:59:00 GMT", True),
        ("Wed, 25 Nov 2026 09:01:00 GMT", False),
        ("Mon, 01 Jan 1990 00:00:00 GMT", True),
        ("Sun, 31 Dec 1989 23:59:59 GMT", False),
        ("Sun, 31 Feb 2026 00:00:00 GMT", False),
        ("yesterday", False),
        ("Fri, 01 Jan 99999 00:00:00 GMT", False),
    ],
)
def test_t32_dates_that_cannot_be_are_dropped(date: str, kept: bool) -> None:
    assert (only(rss(("x", "https://x.example.org/", date))).published is not None) is kept


def test_t32_five_hundred_items_are_enough() -> None:
    parsed = read(rss(*((f"number {n}", f"https://x.example.org/{n}") for n in range(600))))

    assert len(parsed.entries) == 500


# --- what is no feed --------------------------------------------------------------------------------------------------


def test_a_page_is_no_feed_and_the_feed_it_offers_is_named() -> None:
    with pytest.raises(FetchError) as caught:
        read(DATA / "page.html", content_type="application/rss+xml")

    assert str(caught.value) == (
        f"not a feed: {URL} looks like an HTML page; "
        "the page offers https://feeds.example.org/feeds/news.xml?a=1&b=2; use that address"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF"),
        (b"<!doctype HTML><title>x</title>", "the page offers no feed"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "looks like an HTML page"),
        (b"Service unavailable", "neither XML nor JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither XML nor JSON"),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "XML with the root <urlset>"),
        (b"{}", "JSON but no JSON Feed"),
        (b"[1, 2]", "JSON but no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "JSON but no JSON Feed"),
        (b'{"version": 1, "items": []}', "JSON but no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1",\n "items": [', "begins like JSON but is none at line 2"),
        (b"[" * 100_000, "begins like JSON but is none"),
    ],
)
def test_what_is_no_feed_is_called_what_it_looks_like(body: bytes, words: str) -> None:
    with pytest.raises(FetchError, match=r"^not a feed: ") as caught:
        read(body)

    assert words in str(caught.value)
    assert URL in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        rss(),
        "<feed xmlns='http://www.w3.org/2005/Atom'/>",
        '{"version": "https://jsonfeed.org/version/1", "items": []}',
    ],
)
def test_a_feed_without_entries_is_a_feed(body: str) -> None:
    assert read(body).entries == ()


def test_t31_a_document_that_declares_entities_is_not_read() -> None:
    with pytest.raises(FetchError, match="declares the XML entity 'a'"):
        read(DATA / "entities.xml")


def test_an_article_about_entities_is_read() -> None:
    words = "<![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]>]]>"

    entry = only(f"<rss><channel><item><title>x</title><description>{words}</description></item></channel></rss>")

    assert entry.title == "x"


def test_a_json_feed_with_nonsense_in_every_field_does_no_harm() -> None:
    nonsense = [None, True, 1e999, [], {}, "\ud800", "x" * 10]
    names = ("id", "url", "title", "content_html", "content_text", "summary", "date_published", "authors", "author")
    items = [dict.fromkeys(names, value) for value in nonsense]

    parsed = read(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))

    assert all(isinstance(entry.title, str) for entry in parsed.entries)
    for entry in parsed.entries:
        entry.title.encode()
        entry.id.encode()
